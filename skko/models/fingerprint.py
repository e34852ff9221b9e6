"""Digests of model directories, so that other weights under the same path are another model."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

# What changes a vector. Model cards, pictures and training logs do not.
_SUFFIXES = {".bin", ".safetensors", ".json", ".model", ".txt", ".onnx", ".py", ".pt", ".xml"}

_digests: dict[tuple[str, int, int], bytes] = {}
_lock = Lock()


def directory_fingerprint(directory: Path) -> str:
    """Hash the content of every file of a model directory that can change its vectors.

    Parameters
    ----------
    directory : pathlib.Path
        The model's directory.

    Returns
    -------
    str
        64 hexadecimal digits. The directory's own path is not in it: a copy has the same fingerprint.

    Notes
    -----
    A file is read once for each size and modification time that it is seen with.
    """
    whole = hashlib.sha256()
    for path in _model_files(directory):
        whole.update(str(path.relative_to(directory).as_posix()).encode() + b"\0" + _file_digest(path))
    return whole.hexdigest()


def _model_files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(directory).parts)
        if path.suffix in _SUFFIXES and not hidden and path.is_file():
            yield path


def _file_digest(path: Path) -> bytes:
    status = path.stat()
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    with _lock:
        known = _digests.get(key)
    if known is None:
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").digest()
        with _lock:
            _digests[key] = known
    return known
