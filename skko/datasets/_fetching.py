"""Files of the public data sets: found below a folder or downloaded into it, and always compared with their SHA-256."""

import hashlib
from collections.abc import Sequence
from http.client import HTTPException
from os import PathLike, fsync
from pathlib import Path

import pandas as pd

from skko._version import __version__
from skko.config import get_config
from skko.datasets._catalogue import DATA_SETS, DataFile, DataSet
from skko.datasets._tables import separated_options
from skko.exceptions import DataFileError, DataNotAvailableError
from skko.folders import private_folder
from skko.progress import progress_bar

DataHome = str | PathLike[str] | None

_TIMEOUT = 30.0  # seconds without a byte
_BLOCK_BYTES = 1 << 16


def find_file(name: str, subset: str, data_home: DataHome, download_if_missing: bool) -> Path:
    """Find a file of a data set, or download it.

    Parameters
    ----------
    name : str
        The data set, as :data:`DATA_SETS` names it.
    subset : str
        Which of its files.
    data_home : path-like or None
        Folder of the data sets; None is ``data`` under the setting ``cache_dir``.
    download_if_missing : bool
        Whether a file that is not there may be downloaded.

    Returns
    -------
    pathlib.Path
        A file with the SHA-256 of the published one.

    Raises
    ------
    DataNotAvailableError
        If it is not there and cannot be downloaded, or may not.
    DataFileError
        If it is there and differs from the published one.
    ValueError
        If the data set has no such subset.
    """
    data_set = DATA_SETS[name]
    if subset not in data_set.files:
        raise ValueError(f"There is no {subset!r} of {name}: use one of {sorted(data_set.files)}.")
    file = data_set.files[subset]
    home = get_config()["cache_dir"] / "data" if data_home is None else Path(data_home).expanduser()
    path: Path = home / file.path
    if not path.is_file():
        if cause := _obstacle(data_set, file, download_if_missing):
            raise DataNotAvailableError(f"{path}, a file of the data set {name}, is missing, and {cause}.")
        try:
            _download(file, path)
        except (OSError, HTTPException) as error:
            raise DataNotAvailableError(
                f"{path}, a file of the data set {name}, is missing, and {file.url} could not be downloaded "
                f"({error}). Try again, or put the file there yourself."
            ) from error
    _verify(path, file)
    return path


def fetch_tsv(
    name: str, subset: str, data_home: DataHome, download_if_missing: bool, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a tab-separated file of a data set, quotation marks being characters like any other.

    Parameters
    ----------
    name, subset, data_home, download_if_missing
        As in :func:`find_file`.
    columns : sequence of str or None, default=None
        Names of the columns, for a file whose first line does not name them.

    Returns
    -------
    DataFrame
        Every column as str.
    """
    path = find_file(name, subset, data_home, download_if_missing)
    options = separated_options("tsv", header=columns is None) | ({} if columns is None else {"names": list(columns)})
    frame: pd.DataFrame = pd.read_csv(path, encoding="utf-8-sig", **options)
    return frame


def _obstacle(data_set: DataSet, file: DataFile, download_if_missing: bool) -> str:
    """What forbids a download, and what to do instead; empty where nothing does."""
    yourself = f"name with data_home the folder that has {file.path}"
    if file.url is None:
        return f"it cannot be downloaded: {data_set.origin}. Put it there (SHA-256 {file.sha256}), or {yourself}"
    yourself = f"put {file.url} there, or {yourself}"
    if not download_if_missing:
        return f"download_if_missing is False. Pass True, or {yourself}"
    if get_config()["offline"]:
        return f"skko is offline (SKKO_OFFLINE, or set_config(offline=True)). Go online, or {yourself}"
    return ""


def _verify(path: Path, file: DataFile) -> None:
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        remedy = "Put the published file there" if file.url is None else "Remove it, and it is downloaded anew"
        raise DataFileError(f"{path} is not the published file: its SHA-256 is {found}, not {file.sha256}. {remedy}.")


def _download(file: DataFile, path: Path) -> None:
    """Put a file in place, whole or not at all, whoever else does."""
    from filelock import FileLock

    private_folder(path.parent)
    part = path.with_name(f".{path.name}.part")
    with FileLock(path.parent / ".lock", mode=0o600):
        if path.is_file():  # another process was first
            return
        try:
            _receive(file, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _receive(file: DataFile, part: Path) -> None:
    """Write what the server sends, and compare it with what was published."""
    from urllib.request import Request, urlopen

    part.unlink(missing_ok=True)  # of a process that was killed
    part.touch(mode=0o600, exist_ok=False)
    digest, n_received = hashlib.sha256(), 0
    request = Request(str(file.url), headers={"User-Agent": f"skko/{__version__}"})
    with (
        urlopen(request, timeout=_TIMEOUT) as answer,
        part.open("r+b") as content,
        progress_bar(file.n_bytes >> 10, file.path, unit="KiB") as bar,
    ):
        # No more than that of a file that is another, whatever its size.
        while n_received <= file.n_bytes and (block := answer.read(_BLOCK_BYTES)):
            n_received += len(block)
            content.write(block)
            digest.update(block)
            bar.update(len(block) >> 10)
        content.flush()
        fsync(content.fileno())
    if n_received < file.n_bytes:
        raise OSError(f"it ended after {n_received:,} of {file.n_bytes:,} bytes")
    if (found := digest.hexdigest()) != file.sha256:
        raise OSError(f"what came is not the published file: its SHA-256 is {found}, not {file.sha256}")
