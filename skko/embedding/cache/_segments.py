"""The flat files of a cache on disk: rows of float32, only ever appended to or removed."""

import os
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# A full cache has about so many files, so that the least used part to be removed is small.
_FILES = 64
_ROWS = 128  # whose check sums are made at a time, within the processor's cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends


class Segments:
    """Files of vectors by number.

    Parameters
    ----------
    directory : pathlib.Path
        Where the files lie.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._maps: dict[int, NDArray[np.float32]] = {}

    def capacity(self, dimension: int, max_bytes: int) -> int:
        """How many vectors a file takes."""
        return max(1, max_bytes // _FILES // (4 * dimension))

    def append(
        self, segment: int, n_rows: int, seeds: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Write vectors behind the rows a file has, over what a killed process may have left; return check sums."""
        data = vectors.data.cast("B")
        descriptor = os.open(self._path(segment), os.O_WRONLY | os.O_CREAT | _BINARY, 0o600)
        try:
            os.lseek(descriptor, n_rows * vectors.shape[1] * 4, os.SEEK_SET)
            written = 0
            while written < len(data):  # a disk that is nearly full takes a part
                written += os.write(descriptor, data[written:])
        finally:
            os.close(descriptor)
        return check_sums(vectors, seeds)

    def read(
        self,
        segment: int,
        places: NDArray[np.int64],
        expected: NDArray[np.int64],
        seeds: NDArray[np.int64],
        out: NDArray[np.float32],
        rows: NDArray[np.intp],
    ) -> NDArray[np.bool_]:
        """Copy vectors of a file into ``out[rows]``, and say which are what was written."""
        file = self._map(segment, out.shape[1])
        there = places < len(file)
        if len(rows) == len(out) and there.all():
            np.take(file, places, axis=0, out=out, mode="clip")  # rows is all of them, in order
            return np.equal(check_sums(out, seeds), expected)
        vectors = file[places[there]]
        intact = there.copy()
        intact[there] = check_sums(vectors, seeds[there]) == expected[there]
        out[rows[intact]] = vectors[intact[there]]
        return intact

    def remove(self, segments: Iterable[int]) -> None:
        """Remove files; who has them open reads on."""
        for segment in segments:
            self._maps.pop(segment, None)
            self._path(segment).unlink(missing_ok=True)

    def keep_only(self, segments: Container[int]) -> None:
        """Remove all other files."""
        self.remove([int(path.stem) for path in self._directory.glob("*.f32") if int(path.stem) not in segments])

    def exists(self, segment: int) -> bool:
        """Whether a file is there."""
        return self._path(segment).exists()

    def close(self) -> None:
        """Let go of the files."""
        self._maps.clear()

    def _map(self, segment: int, dimension: int) -> NDArray[np.float32]:
        """The file's whole rows, as they are now; none if it is gone."""
        path = self._path(segment)
        try:
            shape = (path.stat().st_size // (4 * dimension), dimension)
            known = self._maps.get(segment)
            if known is None or known.shape != shape:
                # Mapped anew also where it became shorter: to read past the end of a file kills the process.
                known = np.memmap(path, np.float32, "r", shape=shape) if shape[0] else np.empty(shape, dtype=np.float32)
        except FileNotFoundError:  # at either look, where another process has made room
            known = np.empty((0, dimension), dtype=np.float32)
        self._maps[segment] = known
        return known

    def _path(self, segment: int) -> Path:
        return self._directory / f"{segment:08d}.f32"


def check_sums(vectors: NDArray[np.float32], seeds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum the words of each row, every place with another odd weight, starting from its key.

    A flipped bit, or two, changes it; a good vector of another text does not pass. zlib.crc32 of a row at a time was
    two and a half times as slow (docs/decisions.md).
    """
    if vectors.shape[1] % 2:
        vectors = np.pad(vectors, ((0, 0), (0, 1)))
    weights = (2 * np.arange(vectors.shape[1] // 2, dtype=np.uint64) + 1) * _GOLDEN
    sums = np.empty(len(vectors), dtype=np.uint64)
    for start in range(0, len(vectors), _ROWS):
        words = vectors[start : start + _ROWS].view(np.uint64)
        # The multiplication carries low bits up and loses the highest: these count a second time, lower.
        mixed = words >> np.uint64(32)
        mixed ^= words
        mixed *= weights
        mixed.sum(axis=1, out=sums[start : start + _ROWS])
    return sums.view(np.int64) + seeds
