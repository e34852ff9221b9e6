"""The folder of a training: one process at a time in it, and errors that say what to do where it cannot be written."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skko.exceptions import SkkoWarning
from skko.folders import private_folder

_PATIENCE = 5.0  # seconds; whoever waits longer is told what for


def rank() -> int:
    """Number of this process among those that share a training (torchrun), from 0.

    Returns
    -------
    int
        The number.
    """
    return int(os.environ.get("RANK", "0"))


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep other processes from training the same; those that share this training come in together.

    Parameters
    ----------
    folder : pathlib.Path
        Made where it is missing.

    Yields
    ------
    None
        While no other process is in.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    from filelock import FileLock

    with writing_to(folder):
        private_folder(folder)
        lock = FileLock(folder / ".lock")
        if not rank():
            _acquire(lock, folder)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: Any, folder: Path) -> None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        warnings.warn(
            f"Another process is training the same in {folder}. This one waits, and takes what comes of it.",
            SkkoWarning,
            stacklevel=2,
        )
        lock.acquire()


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say what to do where something cannot be written.

    Parameters
    ----------
    folder : pathlib.Path
        What the error names.

    Yields
    ------
    None
        While writing.

    Raises
    ------
    OSError
        If it fails.
    """
    from safetensors import SafetensorError

    try:
        yield
    # torch's own error where a disk is full is a RuntimeError.
    except (OSError, RuntimeError, SafetensorError) as error:
        raise OSError(
            f"The tuned model cannot be written to {folder} ({error}). Make room or give access, or choose another "
            "place with SKKO_CACHE_DIR or set_config(cache_dir=…), and call fit again: what has a checkpoint there "
            "goes on from it."
        ) from error
