"""Models of the hub: which commit is meant, and whether it is already on this machine."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from skko.config import get_config
from skko.exceptions import ModelNotAvailableError
from skko.models.spec import MINI, ModelSpec

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class HubModel:
    """One commit of a hub model.

    Attributes
    ----------
    name : str
        Its id, owner included.
    commit : str
        The commit.
    downloaded : bool
        Whether its files are on this machine.
    digests : tuple of (str, str)
        Large files with the SHA-256 that the hub states for them; known only of what is not yet downloaded.
    """

    name: str
    commit: str
    downloaded: bool
    digests: tuple[tuple[str, str], ...] = ()


def find_downloaded(spec: ModelSpec) -> HubModel | None:
    """Find the commit that a spec means among what is on this machine.

    Parameters
    ----------
    spec : ModelSpec
        A model that is not a directory.

    Returns
    -------
    HubModel or None
        None if it would have to be downloaded.

    Raises
    ------
    ModelNotAvailableError
        If the name is neither a directory's nor one that a model of a hub can have.
    """
    name = _full_name(spec)
    commit = _downloaded_commit(name, spec.revision)
    return None if commit is None else HubModel(name, commit, downloaded=True)


def find_on_hub(spec: ModelSpec) -> HubModel:
    """Find the commit that a spec means: what is downloaded first, and only then what the hub says.

    A downloaded model is used as it is, so that it loads at once, without a network, and gives the same vectors
    tomorrow. ``hf download`` fetches a newer commit.

    Parameters
    ----------
    spec : ModelSpec
        A model that is not a directory.

    Returns
    -------
    HubModel
        The commit, and whether it is here.

    Raises
    ------
    ModelNotAvailableError
        If it is not downloaded, and skko is offline or the hub does not answer or does not have it.
    """
    if (downloaded := find_downloaded(spec)) is not None:
        return downloaded
    name = _full_name(spec)
    if get_config()["offline"]:
        raise ModelNotAvailableError(
            _message(spec, "skko is offline (SKKO_OFFLINE, or set_config(offline=True)), so the hub was not asked")
        )
    from huggingface_hub import HfApi, hf_hub_download, resolve_revision

    try:
        # Fails at once where there is no hub; a download would try again for minutes.
        info = HfApi().model_info(name, revision=spec.revision, timeout=_TIMEOUT, files_metadata=True)
        commit = str(resolve_revision(name, revision=spec.revision).resolved)  # and notes it for the next time
        files = info.siblings or []
        if any(file.rfilename == "modules.json" for file in files):
            # Where this one file fails to come, sentence-transformers goes on without it and guesses.
            hf_hub_download(name, "modules.json", revision=commit)
    except Exception as error:  # whatever the hub's client raises, the model did not come
        raise ModelNotAvailableError(_message(spec, f"the hub did not give it ({describe(error)})")) from error
    digests = tuple((file.rfilename, file.lfs.sha256) for file in files if file.lfs is not None)
    return HubModel(name, commit, downloaded=False, digests=digests)


def verify_download(model: HubModel) -> None:
    """Compare the large files that came with what the hub states, and remove those that differ.

    Parameters
    ----------
    model : HubModel
        A model whose files have just been fetched.

    Raises
    ------
    ModelNotAvailableError
        If a file differs.
    """
    from huggingface_hub import try_to_load_from_cache

    for filename, expected in model.digests:
        path = try_to_load_from_cache(model.name, filename, revision=model.commit)
        if not isinstance(path, str):
            continue  # of several formats of the weights one is fetched
        with Path(path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            Path(path).resolve().unlink()
            Path(path).unlink(missing_ok=True)
            raise ModelNotAvailableError(
                f"{filename} of {model.name} came damaged: its SHA-256 is {found[:12]}… and the hub states "
                f"{expected[:12]}…. It was removed; try again."
            )


def describe(error: BaseException) -> str:
    """Name an error in one line.

    Parameters
    ----------
    error : BaseException
        The error.

    Returns
    -------
    str
        Its class and the first line of its message.

    Examples
    --------
    >>> describe(OSError("no route\\nto host"))
    'OSError: no route'
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _full_name(spec: ModelSpec) -> str:
    """The id with its owner, by sentence-transformers' own rule for names without one."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    name = spec.name if "/" in spec.name else f"sentence-transformers/{spec.name}"
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ModelNotAvailableError(
            f"There is no directory {spec.name}, and no model of a hub can have such a name. Check the path, or use "
            f'the model that comes with skko: model="{MINI}".'
        ) from error
    return name


def _message(spec: ModelSpec, cause: str) -> str:
    revision = f" at revision {spec.revision!r}" if spec.revision else ""
    return (
        f"The model {spec.name!r}{revision} is neither a directory nor downloaded on this machine, and {cause}. "
        f"Download it beforehand where there is a network, with `hf download {spec.name}`, or use the model that comes "
        f'with skko: model="{MINI}".'
    )


def _downloaded_commit(name: str, revision: str | None) -> str | None:
    """The commit in the hub's cache, if every module of the model is there.

    Another program may have fetched the weights alone. sentence-transformers would then build a model with mean
    pooling around them, and give other vectors without a word.
    """
    from huggingface_hub import resolve_revision, try_to_load_from_cache
    from huggingface_hub.errors import RevisionResolutionError

    try:
        commit = str(resolve_revision(name, revision=revision, local_files_only=True).resolved)
    except RevisionResolutionError:
        return None
    listed = try_to_load_from_cache(name, "modules.json", revision=commit)
    if listed is None:
        return None
    # Not a path: the cache's note that the repository has no such file, so it is one plain transformer.
    modules = json.loads(Path(listed).read_text(encoding="utf-8")) if isinstance(listed, str) else [{"path": ""}]
    for module in modules:
        folder = f"{module['path']}/" if module["path"] else ""
        if all(try_to_load_from_cache(name, folder + file, revision=commit) is None for file in _module_files(folder)):
            return None
    return commit


def _module_files(folder: str) -> tuple[str, ...]:
    return ("config.json",) if folder else ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
