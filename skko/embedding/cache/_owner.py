"""Which process a claim belongs to, and whether it still lives."""

import uuid
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from skko.folders import private_folder


class Owner:
    """This process, as others can see it: a locked file, which the system unlocks when the process ends, however.

    Parameters
    ----------
    directory : pathlib.Path
        Where the files of all owners lie.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: FileLock | None = None

    @cached_property
    def name(self) -> str:
        """What this process calls itself; from the first use on it can be seen to live."""
        private_folder(self._directory)
        for path in self._directory.glob("*.lock"):
            _remove_if_dead(path)
        name = uuid.uuid4().hex
        self._lock = FileLock(self._path(name), mode=0o600, thread_local=False)
        self._lock.acquire()
        return name

    def lives(self, name: str) -> bool:
        """Whether a process of that name still runs."""
        if name == self.name:
            return True
        path = self._path(name)
        return path.exists() and not _remove_if_dead(path)

    def leave(self) -> None:
        """Stop living; the name is not used again."""
        if self._lock is not None:
            self._path(self.name).unlink(missing_ok=True)
            self._lock.release()

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.lock"


def _remove_if_dead(path: Path) -> bool:
    """Remove the file of a process that has ended without doing so, and say whether it had."""
    try:
        with FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    except Timeout:
        return False
    return True
