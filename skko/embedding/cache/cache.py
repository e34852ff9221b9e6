"""EmbeddingCache: the one cache of a directory or of a process, whatever happens to the disk under it."""

import atexit
import os
import sqlite3
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config
from skko.embedding.cache._disk import FORMAT, DiskStore, FormatError
from skko.embedding.cache._memory import MemoryStore
from skko.embedding.cache.keys import Keys
from skko.exceptions import CacheWarning

T = TypeVar("T")

# What SQLite says of an index whose bytes are not what it wrote.
_DAMAGE = ("malformed", "not a database", "no such table", "no such column", "corrupt")


class EmbeddingCache:
    """Vectors that were computed once, by digest of text and model; bounded, shared by threads and processes.

    It holds digests and float32 vectors, never text. When it is full the least recently used vectors go.

    Parameters
    ----------
    path : str, os.PathLike or None, default=None
        Directory to keep vectors in, made with mode 0700 if it is not there. All processes may use it at once. None
        keeps them in the memory of this process.
    max_bytes : int or None, default=None
        Most bytes of vectors to hold; None is the setting ``disk_cache_bytes``, or ``memory_cache_bytes`` in memory.

    Attributes
    ----------
    n_bytes : int
        Bytes of vectors held.

    Warns
    -----
    CacheWarning
        Once for a directory that cannot be read or written, is damaged, or was written by another version. Vectors
        are then kept in memory, and results are the same.

    Notes
    -----
    A cache is a place and not a value: ``sklearn.base.clone`` keeps the same one, so that all folds of a search share
    it. A pickle carries the path and the bound, and no vectors.

    Examples
    --------
    >>> from skko import EmbeddingCache, KoEmbeddingTransformer
    >>> cache = EmbeddingCache(max_bytes=1_000_000)
    >>> embedder = KoEmbeddingTransformer("skko-mini", cache=cache)
    >>> _ = embedder.fit_transform(["배송이 늦어요", "배송이 늦어요"])
    >>> len(cache), cache.n_bytes
    (1, 1024)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, max_bytes: int | None = None) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, got {max_bytes}.")
        self.path = None if path is None else Path(path).expanduser()
        self.max_bytes = max_bytes
        self._place = _Place(None) if self.path is None else _place_at(self.path.absolute())

    def get_many(self, keys: Keys, out: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Copy the known vectors into their rows.

        Parameters
        ----------
        keys : ndarray of int64, shape (n, 2)
            Digests.
        out : ndarray of float32, shape (n, dimension)
            Where to write; rows of unknown keys hold nothing of use afterwards.

        Returns
        -------
        ndarray of bool, shape (n,)
            Which rows were written.
        """
        memory = self._place.memory
        found = self._place.on_disk(lambda disk: disk.get(keys, out))
        if found is None:
            return memory.get(keys, out)
        if len(memory) and not found.all():
            rows = np.flatnonzero(~found)
            vectors = np.empty((len(rows), out.shape[1]), dtype=np.float32)
            held = memory.get(keys[rows], vectors)
            out[rows[held]] = vectors[held]
            found[rows[held]] = True
        return found

    def put_many(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Remember vectors, and give up the claims on them.

        Parameters
        ----------
        keys : ndarray of int64, shape (n, 2)
            Digests.
        vectors : ndarray of float32, shape (n, dimension)
            One vector a key.
        """
        limit = self._limit("disk_cache_bytes")
        if self._place.on_disk(lambda disk: disk.put(keys, vectors, limit), writes=True) is None:
            self._place.memory.put(keys, vectors, self._limit("memory_cache_bytes"))

    def claim(self, keys: Keys) -> NDArray[np.bool_]:
        """Reserve the vectors that are neither known nor being computed by another thread or process.

        Parameters
        ----------
        keys : ndarray of int64, shape (n, 2)
            Digests.

        Returns
        -------
        ndarray of bool, shape (n,)
            Which rows are the caller's, to compute now and then give to :meth:`put_many` or :meth:`release`.
        """
        mine = self._place.on_disk(lambda disk: disk.claim(keys), writes=True)
        return self._place.memory.claim(keys) if mine is None else mine

    def release(self, keys: Keys) -> None:
        """Give up claims without a vector.

        Parameters
        ----------
        keys : ndarray of int64, shape (n, 2)
            Digests that :meth:`claim` gave.
        """
        self._place.memory.release(keys)
        self._place.on_disk(lambda disk: disk.release(keys), writes=True)

    def clear(self) -> None:
        """Forget every vector."""
        self._place.memory.clear()
        self._place.on_disk(lambda disk: disk.clear(), writes=True)

    def usage(self) -> dict[int, tuple[int, int]]:
        """Count what the directory holds.

        Returns
        -------
        dict of int to (int, int)
            Vectors and bytes by dimension; empty for a cache in memory.
        """
        return self._place.on_disk(lambda disk: disk.usage()) or {}

    @property
    def n_bytes(self) -> int:
        """Count the bytes of vectors held.

        Returns
        -------
        int
            Bytes, without the index.
        """
        return self._place.memory.n_bytes + sum(n_bytes for _, n_bytes in self.usage().values())

    def __len__(self) -> int:
        return len(self._place.memory) + (self._place.on_disk(lambda disk: len(disk)) or 0)

    def _limit(self, setting: str) -> int:
        return int(get_config()[setting]) if self.max_bytes is None else self.max_bytes

    def __repr__(self) -> str:
        path = "" if self.path is None else f"{str(self.path)!r}, "
        return f"EmbeddingCache({path}max_bytes={self.max_bytes})"

    def __sklearn_clone__(self) -> "EmbeddingCache":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "EmbeddingCache":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.path, self.max_bytes)


def open_cache(cache: EmbeddingCache | str | os.PathLike[str] | Literal[False]) -> EmbeddingCache | None:
    """Open the cache that an estimator's parameter ``cache`` means.

    Parameters
    ----------
    cache : EmbeddingCache, "auto", path or False
        ``"auto"`` is the folder ``embeddings`` under the setting ``cache_dir``.

    Returns
    -------
    EmbeddingCache or None
        None for False.
    """
    if isinstance(cache, EmbeddingCache):
        return cache
    if cache is False:
        return None
    return EmbeddingCache(get_config()["cache_dir"] / "embeddings" if cache == "auto" else cache)


class _Place:
    """A directory, and the memory that stands in where the disk does not do its part; shared by every cache of it."""

    def __init__(self, directory: Path | None) -> None:
        self.memory = MemoryStore()
        self.disk = None if directory is None else DiskStore(directory)
        self._readable = self._writable = self.disk is not None
        self._n_reported = 0

    def on_disk(self, action: Callable[[DiskStore], T], *, writes: bool = False) -> T | None:
        """Do something with the disk; None where that is not possible, which is said once."""
        if self.disk is None or not (self._writable if writes else self._readable):
            return None
        try:
            if writes and self.disk.is_read_only():
                raise PermissionError("it is read-only")
            result = action(self.disk)
        except FormatError as error:
            (written_by,) = error.args
            cause = f"it has format {written_by}, and this version of skko writes {FORMAT}"
            if written_by < FORMAT:
                self._start_anew(self.disk, cause)
            else:
                self._give_up(self.disk, cause)
        except sqlite3.Error as error:
            if any(sign in str(error) for sign in _DAMAGE):
                self._start_anew(self.disk, f"its index is damaged: {error}")
            else:
                self._give_up(self.disk, str(error), writes=writes)
        except OSError as error:
            self._give_up(self.disk, error.strerror or str(error), writes=writes)
        else:
            self._report_damage(self.disk)
            return result
        return None

    def _start_anew(self, disk: DiskStore, cause: str) -> None:
        try:
            disk.start_anew()
        except OSError as error:
            self._give_up(disk, f"{cause}, and cannot be removed: {error.strerror}")
        else:
            _warn(f"The cache of vectors in {disk.directory} was emptied ({cause}). Texts are embedded again.")

    def _give_up(self, disk: DiskStore, cause: str, *, writes: bool = False) -> None:
        self._writable = False
        self._readable = self._readable and writes
        done = "takes no more vectors" if writes else "cannot be used"
        _warn(
            f"The cache of vectors in {disk.directory} {done} ({cause}). This process keeps them in memory; name "
            "another directory with SKKO_CACHE_DIR or set_config(cache_dir=…), or turn it off with cache=False."
        )

    def _report_damage(self, disk: DiskStore) -> None:
        if disk.n_damaged and not self._n_reported:
            _warn(f"The cache of vectors in {disk.directory} has damaged files. Those texts are embedded again.")
        self._n_reported = disk.n_damaged


_places: dict[Path, _Place] = {}
_places_lock = threading.Lock()


def _place_at(directory: Path) -> _Place:
    with _places_lock:
        return _places.setdefault(directory, _Place(directory))


def _unpickle(path: Path | None, max_bytes: int | None) -> EmbeddingCache:
    return EmbeddingCache(path, max_bytes=max_bytes)


def _warn(message: str) -> None:
    warnings.warn(message, CacheWarning, stacklevel=2)


def _close_all() -> None:
    for place in _places.values():
        if place.disk is not None:
            place.disk.close()


def _after_fork() -> None:
    global _places_lock
    _places_lock = threading.Lock()
    for place in _places.values():
        if place.disk is not None:
            place.disk.after_fork()


atexit.register(_close_all)  # which writes SQLite's log into its index
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
