"""Folders that skko makes for itself, readable by their user alone."""

from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder and what is missing above it, with mode 0700; one that exists is left as it is.

    Parameters
    ----------
    path : pathlib.Path
        The folder.

    Returns
    -------
    pathlib.Path
        The same path.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    if not path.is_dir():
        if path.parent != path:
            private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path
