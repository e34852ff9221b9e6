"""Vectors in the memory of this process."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from skko.embedding.cache.keys import Keys


class MemoryStore:
    """Vectors by digest, shared by threads; the least recently used go when it is full."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._vectors: OrderedDict[bytes, bytes] = OrderedDict()
        self._claims: set[bytes] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, keys: Keys, out: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Copy the known vectors into their rows of ``out``, and say which they are."""
        found = np.zeros(len(keys), dtype=bool)
        with self._lock:
            for row, key in enumerate(_digests(keys)) if self._vectors else ():
                vector = self._vectors.get(key)
                if vector is not None:
                    self._vectors.move_to_end(key)
                    out[row] = np.frombuffer(vector, dtype=np.float32)
                    found[row] = True
        return found

    def put(self, keys: Keys, vectors: NDArray[np.float32], max_bytes: int) -> None:
        """Remember vectors, and give up the claims on them."""
        with self._lock:
            for key, vector in zip(_digests(keys), vectors, strict=True):
                # Bytes own their memory: a row of the array would keep its whole batch alive.
                value = vector.astype(np.float32, copy=False).tobytes()
                self.n_bytes += len(value) - len(self._vectors.pop(key, b""))
                self._vectors[key] = value
                self._claims.discard(key)
            while self.n_bytes > max_bytes:
                self.n_bytes -= len(self._vectors.popitem(last=False)[1])

    def claim(self, keys: Keys) -> NDArray[np.bool_]:
        """Reserve what is neither known nor reserved, and say which rows those are."""
        mine = np.zeros(len(keys), dtype=bool)
        with self._lock:
            for row, key in enumerate(_digests(keys)):
                if key not in self._vectors and key not in self._claims:
                    self._claims.add(key)
                    mine[row] = True
        return mine

    def release(self, keys: Keys) -> None:
        """Give up claims."""
        with self._lock:
            self._claims.difference_update(_digests(keys))

    def clear(self) -> None:
        """Forget every vector."""
        with self._lock:
            self._vectors.clear()
            self.n_bytes = 0


def _digests(keys: Keys) -> list[bytes]:
    packed = np.ascontiguousarray(keys).tobytes()
    return [packed[start : start + 16] for start in range(0, len(packed), 16)]
