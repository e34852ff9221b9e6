"""Folders that hold one version of something: another takes its place at once or not at all."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skko.exceptions import DataFileError
from skko.folders import private_folder

_POINTER = "index.json"
_VERSION = re.compile(r"v-[0-9a-f]{32}")
_FORMAT = 1
_ATTEMPTS = 5


def save_version(folder: Path, facts: dict[str, Any], write: Callable[[Path], None]) -> None:
    """Write a version beside the one that is there, and only when it is whole put it in its place.

    Parameters
    ----------
    folder : pathlib.Path
        Where; made if it is not there.
    facts : dict
        What to keep beside the files, as JSON.
    write : callable
        Writes the files into the folder that it is given.

    Raises
    ------
    FileExistsError
        If the folder holds anything else.

    Notes
    -----
    A version is a folder of its own, and ``index.json`` names the one in force. It is replaced in one step after all
    else is on the disk, so that a crash at any time leaves the old version as it was.
    """
    if folder.exists() and not (folder.is_dir() and all(_is_ours(path) for path in folder.iterdir())):
        raise FileExistsError(f"{folder} holds something else than an index of skko: choose another folder.")
    private_folder(folder)
    version = folder / f"v-{uuid.uuid4().hex}"
    private_folder(version)
    pointer = version.with_name(f"{version.name}.json")
    try:
        write(version)
        for path in [*version.rglob("*"), version]:
            _sync(path)
        pointer.write_text(
            json.dumps({"format": _FORMAT, "version": version.name, **facts}, ensure_ascii=False, indent=1),
            encoding="utf-8",
        )
        _sync(pointer)
        pointer.replace(folder / _POINTER)
        _sync(folder)
    except BaseException:
        shutil.rmtree(version, ignore_errors=True)
        pointer.unlink(missing_ok=True)
        raise
    # Whoever has the old files mapped keeps them. On Windows they cannot be removed before that; the next save will.
    for path in folder.iterdir():
        if path not in (version, folder / _POINTER):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def open_version(folder: Path, read: Callable[[Path, dict[str, Any]], Any]) -> Any:
    """Read the version in force.

    Parameters
    ----------
    folder : pathlib.Path
        What :func:`save_version` wrote.
    read : callable
        Reads the files in the folder that it is given, with the facts beside them.

    Returns
    -------
    object
        What ``read`` returns.

    Raises
    ------
    FileNotFoundError
        If there is no index.
    DataFileError
        If it is of another format, or damaged.
    """
    for attempt in range(_ATTEMPTS):
        if not (folder / _POINTER).is_file():
            raise FileNotFoundError(f"There is no index in {folder}: save one there, or name its folder.")
        try:
            facts = json.loads((folder / _POINTER).read_text(encoding="utf-8"))
            if facts.get("format") != _FORMAT:
                raise DataFileError(
                    f"The index in {folder} has format {facts.get('format')!r}, and this version of skko reads "
                    f"{_FORMAT}: fit and save it again."
                )
            if not _VERSION.fullmatch(str(facts.get("version"))):
                raise ValueError(f"index.json names no version ({facts.get('version')!r})")
            return read(folder / facts["version"], facts)
        except FileNotFoundError as error:
            # Another process may have saved, and removed this version, since its name was read.
            if attempt == _ATTEMPTS - 1:
                raise DataFileError(f"The index in {folder} lacks {error.filename}: fit and save it again.") from error
        except (EOFError, KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(f"The index in {folder} is damaged ({error}): fit and save it again.") from error
    raise AssertionError("unreachable")


def _is_ours(path: Path) -> bool:
    return path.name == _POINTER or bool(_VERSION.fullmatch(path.name.removesuffix(".json")))


def _sync(path: Path) -> None:
    """Wait until a file, or the list of a folder's files, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
