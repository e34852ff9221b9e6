"""The vectors that a call is to return, each different text once."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from skko.embedding.cache import EmbeddingCache, Keys

# Rows looked up at a time: a few megabytes of vectors.
_BLOCK = 4_096


class VectorTable:
    """Vectors of texts, written in place: the first of equal texts is looked up or computed, the others are copied.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    dimension : int
        Length of a vector.
    cache : EmbeddingCache or None
        Where vectors are looked up and kept.
    key : callable
        Digests of a list of texts.

    Attributes
    ----------
    rows : ndarray of int
        Rows of the texts that are different from all before them.
    n_computed : int
        Rows that were filled by the model.
    on_filled : callable
        Called with the number of rows filled, after each batch.
    """

    def __init__(
        self, texts: Sequence[str], dimension: int, cache: EmbeddingCache | None, key: Callable[[Sequence[str]], Keys]
    ) -> None:
        self.n_computed = 0
        self.on_filled: Callable[[int], None] = lambda n_rows: None
        self._texts, self._cache, self._key = texts, cache, key
        self._vectors = np.empty((len(texts), dimension), dtype=np.float32)
        self._lock = threading.Lock()
        first: dict[str, int] = {}
        self._original = np.fromiter(
            (first.setdefault(text, row) for row, text in enumerate(texts)), np.intp, len(texts)
        )
        self.rows = np.flatnonzero(self._original == np.arange(len(texts)))

    def texts(self, rows: NDArray[np.intp]) -> list[str]:
        """Return the texts of rows."""
        return [self._texts[row] for row in rows.tolist()]

    def look_up(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Fill rows from the cache and return those it does not know."""
        if self._cache is None:
            return rows
        missing = [rows[:0]]
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            # Where no text comes twice, rows follow each other: no copy is needed. Those waited for come in any order.
            together = bool((np.diff(block) == 1).all())
            places = slice(block[0], block[-1] + 1)
            vectors = self._vectors[places] if together else np.empty((len(block), self._vectors.shape[1]), np.float32)
            found = self._cache.get_many(self._key(self.texts(block)), vectors)
            if not together:
                self._vectors[block[found]] = vectors[found]
            missing.append(block[~found])
        return np.concatenate(missing)

    def claim(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which rows are for the caller to compute, and keep others from it."""
        if self._cache is None:
            return np.ones(len(rows), dtype=bool)
        return self._cache.claim(self._key(self.texts(rows)))

    def release(self, rows: NDArray[np.intp]) -> None:
        """Let others compute what was claimed."""
        if self._cache is not None:
            self._cache.release(self._key(self.texts(rows)))

    def are_free(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which rows nobody computes any more, although somebody did."""
        free = self.claim(rows)
        self.release(rows[free])
        return free

    def keep(self, rows: NDArray[np.intp], vectors: NDArray[np.float32]) -> None:
        """Fill rows with what the model gave, and remember them."""
        self._vectors[rows] = vectors
        if self._cache is not None:
            self._cache.put_many(self._key(self.texts(rows)), vectors)
        with self._lock:
            self.n_computed += len(rows)
            self.on_filled(len(rows))

    def all_vectors(self) -> NDArray[np.float32]:
        """Copy to equal texts what their first has, and return everything."""
        copies = np.flatnonzero(self._original != np.arange(len(self._original)))
        for start in range(0, len(copies), _BLOCK):
            block = copies[start : start + _BLOCK]
            self._vectors[block] = self._vectors[self._original[block]]
        return self._vectors
