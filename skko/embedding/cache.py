"""Vectors that were computed once, by digest."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config


def embedding_keys(texts: Iterable[str], *, fingerprint: str, prompt: str, max_length: int | None) -> list[bytes]:
    """Digest each text together with all that decides its vector.

    Parameters
    ----------
    texts : iterable of str, length n_texts
        Texts, exactly as the model reads them.
    fingerprint : str
        The model's fingerprint.
    prompt : str
        What stands before every text.
    max_length : int or None
        Where texts are cut, in tokens.

    Returns
    -------
    list of bytes, length n_texts
        Digests of 16 bytes. Batch size and device are not in them: they do not decide the vector.
    """
    scope = hashlib.blake2b(repr((fingerprint, prompt, max_length)).encode(), digest_size=32).digest()
    return [hashlib.blake2b(text.encode(), key=scope, digest_size=16).digest() for text in texts]


class EmbeddingCache:
    """Vectors in memory, by digest of text and model; bounded, shared by threads.

    It holds digests and float32 vectors, never text. When it is full the least recently used vectors go.

    Parameters
    ----------
    max_bytes : int or None, default=None
        Most bytes of vectors to hold; None is the setting ``memory_cache_bytes``.

    Attributes
    ----------
    n_bytes : int
        Bytes of vectors held.

    Notes
    -----
    A cache is a place and not a value: ``sklearn.base.clone`` keeps the same one, so that all folds of a search share
    it. A pickle carries its bound and none of its vectors.

    Examples
    --------
    >>> from skko import EmbeddingCache, KoEmbeddingTransformer
    >>> cache = EmbeddingCache(max_bytes=1_000_000)
    >>> embedder = KoEmbeddingTransformer("skko-mini", cache=cache)
    >>> _ = embedder.fit_transform(["배송이 늦어요", "배송이 늦어요"])
    >>> len(cache), cache.n_bytes
    (1, 1024)
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, got {max_bytes}.")
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self._vectors: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[bytes], out: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Copy the known vectors into their rows.

        Parameters
        ----------
        keys : sequence of bytes, length n
            Digests.
        out : ndarray of float32, shape (n, dimension)
            Where to write; rows of unknown keys are left as they are.

        Returns
        -------
        ndarray of bool, shape (n,)
            Which rows were written.
        """
        found = np.zeros(len(keys), dtype=bool)
        with self._lock:
            for row, key in enumerate(keys):
                vector = self._vectors.get(key)
                if vector is not None:
                    self._vectors.move_to_end(key)
                    out[row] = np.frombuffer(vector, dtype=np.float32)
                    found[row] = True
        return found

    def put_many(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Remember vectors.

        Parameters
        ----------
        keys : sequence of bytes, length n
            Digests.
        vectors : ndarray of float32, shape (n, dimension)
            One vector a key.
        """
        limit = get_config()["memory_cache_bytes"] if self.max_bytes is None else self.max_bytes
        with self._lock:
            for key, vector in zip(keys, vectors, strict=True):
                # Bytes own their memory: a row of the array would keep its whole batch alive.
                value = vector.astype(np.float32, copy=False).tobytes()
                self.n_bytes += len(value) - len(self._vectors.pop(key, b""))
                self._vectors[key] = value
            while self.n_bytes > limit:
                self.n_bytes -= len(self._vectors.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget every vector."""
        with self._lock:
            self._vectors.clear()
            self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._vectors)

    def __repr__(self) -> str:
        return f"EmbeddingCache(max_bytes={self.max_bytes})"

    def __sklearn_clone__(self) -> "EmbeddingCache":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "EmbeddingCache":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return EmbeddingCache, (self.max_bytes,)


shared_cache = EmbeddingCache()
