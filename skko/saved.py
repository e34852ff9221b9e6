"""Fitted estimators in files that run nothing when they are read: skops, and a list of what a file may hold."""

import sys
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from skko._version import __version__
from skko.exceptions import DataFileError
from skko.optional import import_optional

_FORMAT = 1
# skops asks scikit-learn for all of its estimators, for which it imports every package that it has. No estimator is in
# these, and they import what takes seconds: skops is there after 0.6 instead of 2.8 s where torch is installed.
_COSTLY = tuple(f"sklearn.externals.array_api_compat.{library}" for library in ("cupy", "dask", "torch"))


def import_skops(purpose: str) -> ModuleType:
    """Import skops without the libraries that it does not need.

    Parameters
    ----------
    purpose : str
        What it is needed for, as in :func:`skko.optional.import_optional`.

    Returns
    -------
    module
        ``skops.io``.

    Raises
    ------
    MissingDependencyError
        If skops is not installed.
    """
    # What is imported already hides nothing: another thread may be importing one of them.
    costly = () if "skops.io" in sys.modules else _COSTLY
    hidden = [name for name in costly if name.rpartition(".")[2] not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # of what is None, an import fails at once
    try:
        return import_optional("skops.io", extra="save", purpose=purpose)
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def save_safely(content: dict[str, Any], path: str | PathLike[str], *, what: str, level: int) -> None:
    """Write a file, whole or not at all; one that exists is replaced.

    Parameters
    ----------
    content : dict
        Estimators, and whatever else skops can write.
    path : path-like
        The file.
    what : str
        What it holds, for errors: "a classifier".
    level : int
        How hard to compress, from 1 to 9.

    Raises
    ------
    MissingDependencyError
        If skops is not installed.
    OSError
        If the file cannot be written.
    """
    skops = import_skops(f"save {what}")
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    try:
        whole = {"format": _FORMAT, "skko": __version__, **content}
        skops.dump(whole, partial, compression=zipfile.ZIP_DEFLATED, compresslevel=level)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def load_safely(
    path: str | PathLike[str], *, known: Collection[str], trusted: Collection[str], what: str
) -> Iterator[dict[str, Any]]:
    """Read what :func:`save_safely` wrote; what is found wrong inside the block is an error of the file, too.

    Parameters
    ----------
    path : path-like
        The file.
    known : collection of str
        Full names of the classes that such a file may hold besides what skops itself knows as safe; of others nothing
        is made.
    trusted : collection of str
        Further ones, by the word of the user.
    what : str
        What it holds, for errors: "a classifier".

    Yields
    ------
    dict
        The content.

    Raises
    ------
    DataFileError
        If the file is of something else, or holds classes that are not trusted.
    FileNotFoundError
        If there is no such file.
    MissingDependencyError
        If skops is not installed.
    """
    skops = import_skops(f"load {what}")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        unknown = skops.get_untrusted_types(file=path)
        if strange := sorted(set(unknown) - set(known) - set(trusted)):
            raise DataFileError(
                f"{path} holds {', '.join(strange)}, which skko does not know. If you know where the file is from, "
                f"pass trusted={strange}."
            )
        content = skops.load(path, trusted=sorted(unknown))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        yield content
    except DataFileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataFileError(f"{path} is not {what} that skko saved ({error}).") from error
