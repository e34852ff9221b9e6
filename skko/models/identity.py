"""What tells one model from another: its content, and what else decides its vectors."""

import hashlib

from skko.models.fingerprint import directory_fingerprint
from skko.models.hub import find_downloaded
from skko.models.service import find_service
from skko.models.spec import ModelSpec


def local_content(spec: ModelSpec) -> str | None:
    """Identify the weights that a spec means, without loading them.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    str or None
        Digest of a directory, commit of a hub model, or address of a service; None if that would have to be downloaded
        first.
    """
    if (service := find_service(spec.name)) is not None:
        return service.identity
    if spec.directory is not None:
        return directory_fingerprint(spec.directory)
    found = find_downloaded(spec)
    return None if found is None else f"{found.name}@{found.commit}"


def model_fingerprint(spec: ModelSpec, content: str) -> str:
    """Digest the weights and everything in the spec that changes a vector.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    content : str
        Digest or commit of its files: weights, tokeniser, pooling, normalisation.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(repr((content, spec.backend, spec.dtype, spec.trust_remote_code)).encode()).hexdigest()
