"""The cache on disk: vectors written and read a second, beside a plain memory-mapped array and LMDB.

``python -m benchmarks.cache`` prints a table. The array is the floor: it knows where each vector is and checks nothing.
LMDB is measured if it is installed (``pip install lmdb``); it is told only to store and to find.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skko import EmbeddingCache

BATCH = 512  # vectors a write, as a model would hand them over
BLOCK = 4_096  # vectors a read


class PlainArray:
    """A memory-mapped file of known size, rows by number."""

    def __init__(self, folder: Path, n: int, dimension: int) -> None:
        self.array = np.memmap(folder / "plain.f32", np.float32, "w+", shape=(n, dimension))

    def write(self, rows: Any, keys: Any, vectors: Any) -> None:
        """Copy vectors into their rows."""
        self.array[rows] = vectors

    def read(self, rows: Any, keys: Any, out: Any) -> None:
        """Copy rows into vectors."""
        np.take(self.array, rows, axis=0, out=out, mode="clip")


class Skko:
    """EmbeddingCache in a directory."""

    def __init__(self, folder: Path, n: int, dimension: int) -> None:
        self.cache = EmbeddingCache(folder / "skko")

    def write(self, rows: Any, keys: Any, vectors: Any) -> None:
        """Put vectors."""
        self.cache.put_many(keys, vectors)

    def read(self, rows: Any, keys: Any, out: Any) -> None:
        """Get vectors."""
        if not self.cache.get_many(keys, out).all():
            raise RuntimeError("The cache lost a vector.")


class Lmdb:
    """LMDB with a vector a value, without waiting for the disk."""

    def __init__(self, folder: Path, n: int, dimension: int) -> None:
        import lmdb

        self.environment = lmdb.open(str(folder / "lmdb"), map_size=1 << 36, sync=False)

    def write(self, rows: Any, keys: Any, vectors: Any) -> None:
        """Put vectors."""
        pairs = [(key.tobytes(), vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self.environment.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs)

    def read(self, rows: Any, keys: Any, out: Any) -> None:
        """Get vectors."""
        with self.environment.begin(buffers=True) as transaction:
            for row, key in enumerate(keys):
                out[row] = np.frombuffer(transaction.get(key.tobytes()), np.float32)


def vectors_a_second(work: Callable[[Any], None], order: Any, block: int) -> float:
    """Rows that went through ``work`` block by block, a second."""
    started = time.perf_counter()
    for start in range(0, len(order), block):
        work(order[start : start + block])
    return len(order) / (time.perf_counter() - started)


def measure(peer: type, n: int, dimension: int, turns: int) -> tuple[float, float, float]:
    """Median vectors a second: written, read in the order of writing, read in random order."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((n, dimension), dtype=np.float32)
    keys = rng.integers(-(2**63), 2**63 - 1, size=(n, 2), dtype=np.int64)
    rows, shuffled = np.arange(n), rng.permutation(n)
    out = np.zeros((BLOCK, dimension), dtype=np.float32)
    rates = []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            store = peer(Path(folder), n, dimension)

            def write(block: Any, store: Any = store) -> None:
                store.write(block, keys[block], vectors[block])

            def read(block: Any, store: Any = store) -> None:
                store.read(block, keys[block], out[: len(block)])

            written = vectors_a_second(write, rows, BATCH)
            vectors_a_second(read, rows, BLOCK)  # from now on the file is warm
            rates.append((written, vectors_a_second(read, rows, BLOCK), vectors_a_second(read, shuffled, BLOCK)))
    return tuple(np.median(rates, axis=0))  # type: ignore[return-value]


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, nargs="+", default=[20_000, 200_000], help="how many")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 1024], help="how long")
    parser.add_argument("--turns", type=int, default=3, help="runs, of which the median counts")
    options = parser.parse_args()
    peers = {"plain array": PlainArray, "skko": Skko}
    if importlib.util.find_spec("lmdb"):
        peers["LMDB"] = Lmdb
    print("| dimension | vectors | store | written a second | read in order | read at random | reads, share of plain |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for dimension in options.dimensions:
        for n in options.vectors:
            plain = 0.0
            for name, peer in peers.items():
                written, in_order, at_random = measure(peer, n, dimension, options.turns)
                plain = plain or in_order
                print(
                    f"| {dimension} | {n:,} | {name} | {written:,.0f} | {in_order:,.0f} | {at_random:,.0f} "
                    f"| {in_order / plain:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
