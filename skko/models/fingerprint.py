"""Digests of model directories, so that other weights under the same path are another model."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

from skko.config import get_config
from skko.folders import private_folder

# What never changes a vector: texts and pictures about the model, and weights that only other frameworks read. All
# else may, whatever it is called: a vocabulary has no fixed suffix, and what is hashed in vain costs only time.
_OTHER_SUFFIXES = {
    *(".md", ".rst", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ipynb", ".csv", ".log"),
    *(".msgpack", ".h5", ".ot", ".tflite", ".pyc", ".lock"),
}
_OTHER_NAMES = {"README", "LICENSE", "LICENCE", "NOTICE"}

# Smaller files are read faster than looked up.
_LARGE_BYTES = 1 << 20
# A clock ticks in steps, so that a file rewritten within one looks unchanged. Nothing so young is kept on disk, where
# it would stay wrong for good.
_SETTLED_NS = 2_000_000_000

_digests: dict[str, tuple[list[int], bytes]] = {}
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
    A file is read once for each size, inode, and time of modification and of change that it is seen with; large ones
    once on this machine, as their digests are kept in the cache directory. Only what lies in the directory counts: the
    base model that an adapter names is not looked at.
    """
    whole = hashlib.sha256()
    for path in sorted(_model_files(directory)):
        whole.update(path.relative_to(directory).as_posix().encode() + b"\0" + _file_digest(path))
    return whole.hexdigest()


def _model_files(directory: Path) -> Iterator[Path]:
    """Files that can change a vector, in linked folders too."""
    seen = set()
    for folder, subfolders, names in os.walk(directory, followlinks=True):
        real = os.path.realpath(folder)
        # Sorted, so that of two ways to a linked folder it is always the same that is gone.
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and real not in seen)
        seen.add(real)
        for name in names:
            path = Path(folder, name)
            about = path.suffix.lower() in _OTHER_SUFFIXES or path.stem.upper() in _OTHER_NAMES
            if not about and not name.startswith(".") and path.is_file():
                yield path


def _file_digest(path: Path) -> bytes:
    state = _state(path)
    with _lock:
        known = _digests.get(str(path))
    if known is not None and known[0] == state:
        return known[1]
    # One record a file, whatever ways lead to it; not before, as to follow links takes longer than all of the above.
    real = path.resolve()
    digest = _recall(real, state)
    if digest is None:
        now = time.time_ns()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        if _state(path) != state:  # written while it was read
            return digest
        if max(state[2:]) < now - _SETTLED_NS:
            _remember(real, state, digest)
    with _lock:
        _digests[str(path)] = (state, digest)
    return digest


def _state(path: Path) -> list[int]:
    """What tells one content of a file from another without reading it; the last, time of change, cannot be set."""
    status = path.stat()
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _record(path: Path) -> Path:
    """Where the digest of a file is kept. It is found by its path, so that a file has one record however it changes."""
    name = hashlib.sha256(os.fsencode(path)).hexdigest()
    return Path(get_config()["cache_dir"]) / "fingerprints" / f"{name}.json"


def _recall(path: Path, state: list[int]) -> bytes | None:
    if state[0] < _LARGE_BYTES:
        return None
    # Not there, not readable, or not what was written: the file is hashed again.
    with suppress(OSError, ValueError, TypeError, KeyError):
        record = json.loads(_record(path).read_text(encoding="utf-8"))
        digest = bytes.fromhex(record["sha256"])
        if record["state"] == state and len(digest) == hashlib.sha256().digest_size:
            return digest
    return None


def _remember(path: Path, state: list[int], digest: bytes) -> None:
    if state[0] < _LARGE_BYTES:
        return
    with suppress(OSError):  # a cache that cannot be written costs only time
        record = _record(path)
        private_folder(record.parent)
        descriptor, written = tempfile.mkstemp(dir=record.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"state": state, "sha256": digest.hex()}, file)
            Path(written).replace(record)  # whole or not at all, whoever else writes it
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
