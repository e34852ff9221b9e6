"""The fast product on the processor: NumPy's in float32, or torch's in bfloat16 where there are units for it."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.similarity.blocks import blocks, unit_rows
from skko.similarity.cosines import Rows

_ROUNDOFF = {"float32": 2.0**-24, "bfloat16": 2.0**-8}
_CHUNK = 1 << 13  # rows that are rounded at once
_PROBED = (512, 256)


class NumpyProducts:
    """Products in float32.

    Parameters
    ----------
    left, right : Rows
        The two sides.

    Attributes
    ----------
    slack : float
        How far a product may be from the true cosine.
    """

    def __init__(self, left: Rows, right: Rows) -> None:
        self.slack = 1.01 * lost_in_sums(left.unit.shape[1])
        self._left, self._right = left.unit, right.unit
        self._buffer = np.empty(0, dtype=np.float32)
        self._tile = np.empty((0, 0), dtype=np.float32)

    def compute(self, rows: slice, columns: slice) -> None:
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        if self._buffer.size < shape[0] * shape[1]:
            self._buffer = np.empty(shape[0] * shape[1], dtype=np.float32)
        self._tile = self._buffer[: shape[0] * shape[1]].reshape(shape)
        np.matmul(self._left[rows], self._right[columns].T, out=self._tile)

    def reaching(
        self, least: NDArray[np.float32], *, turned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        i, j, flat = _reaching(self._tile, least, turned)
        return i, j, self._tile.ravel()[flat]

    def kth(self, k: int, *, turned: bool = False) -> NDArray[np.float32]:
        return _kth((self._tile.T if turned else self._tile)[:, : enough(k)], k)


class Bfloat16Products:
    """Products in bfloat16, multiplied by torch and compared by NumPy.

    Parameters
    ----------
    left, right : Rows
        The two sides.

    Attributes
    ----------
    slack : float
        How far a product may be from the true cosine: by what rounding took from the rows, which is measured, and by
        what it may take from sums and from the result.
    """

    def __init__(self, left: Rows, right: Rows) -> None:
        import torch

        self._torch = torch
        self._left, lost = _rounded(left.unit)
        self._right, lost_too = (self._left, lost) if right is left else _rounded(right.unit)
        # |xy - x'y'| <= |x - x'| |y| + |x'| |y - y'|. Sums are of float32; twice what they lose, as units may add up
        # pairs first.
        in_sums = 2 * lost_in_sums(left.unit.shape[1])
        self.slack = 1.01 * (lost + lost_too + lost * lost_too + _ROUNDOFF["bfloat16"] + in_sums)
        self._buffer = torch.empty(0, dtype=torch.bfloat16)
        self._tile = np.empty((0, 0), dtype=np.int16)

    def compute(self, rows: slice, columns: slice) -> None:
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        if len(self._buffer) < shape[0] * shape[1]:
            self._buffer = self._torch.empty(shape[0] * shape[1], dtype=self._torch.bfloat16)
        tile = self._buffer[: shape[0] * shape[1]].view(shape)
        self._torch.matmul(self._left[rows], self._right[columns].T, out=tile)
        self._tile = tile.view(self._torch.int16).numpy()

    def reaching(
        self, least: NDArray[np.float32], *, turned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        if (least > 0).all():
            # Positive floats sort as their bits do, and negative ones have bits that are negative numbers: what reaches
            # a bound is found in half of the bytes, without conversion. No product lies between it and the next float.
            bound = (least.view(np.uint32) + np.uint32(0xFFFF) >> 16).astype(np.int16)
            i, j, flat = _reaching(self._tile, bound, turned)
        else:
            i, j, flat = _reaching(_as_floats(self._tile), least, turned)
        return i, j, _as_floats(self._tile.ravel()[flat])

    def kth(self, k: int, *, turned: bool = False) -> NDArray[np.float32]:
        return _kth(_as_floats((self._tile.T if turned else self._tile)[:, : enough(k)]), k)


@cache
def bfloat16_is_faster() -> bool:
    """Try whether this processor multiplies bfloat16 in less than half of the time of float32, and as exactly as hoped.

    Returns
    -------
    bool
        Found once for each process, in some milliseconds. It decides how long a search takes, never what it finds.
    """
    unit = unit_rows(np.random.default_rng(0).standard_normal(_PROBED, dtype=np.float32))
    rows, everything = Rows(unit, np.ones(len(unit))), slice(0, len(unit))
    halves, singles = Bfloat16Products(rows, rows), NumpyProducts(rows, rows)
    fast = _seconds(lambda: halves.compute(everything, everything))
    slow = _seconds(lambda: singles.compute(everything, everything))
    off = np.abs(_as_floats(halves._tile) - singles._tile).max()
    return bool(fast < slow / 2 and off <= halves.slack + singles.slack)


def _seconds(work: Callable[[], Any]) -> float:
    """Least of a few runs."""
    runs = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        runs.append(time.perf_counter() - started)
    return min(runs)


def enough(k: int) -> int:
    """Count the products of a row whose k-th largest is a bound for the others: to order more costs more than it saves.

    Parameters
    ----------
    k : int
        How many are wanted.

    Returns
    -------
    int
        Some times as many.
    """
    return max(512, 8 * k)


def lost_in_sums(dimension: int) -> float:
    """Bound what rounding takes from a product of rows of unit length in float32, whatever the order of its sum.

    Parameters
    ----------
    dimension : int
        Numbers of a row; as many roundings are lost at most, and a few more in the lengths.

    Returns
    -------
    float
        The bound.
    """
    return (dimension + 16) * _ROUNDOFF["float32"]


def _rounded(rows: NDArray[np.float32]) -> tuple[Any, float]:
    """Rows in bfloat16, and the most that rounding took from one of them, as a length."""
    import torch

    halves = torch.empty(rows.shape, dtype=torch.bfloat16)
    lost = 0.0
    for part in blocks(0, len(rows), _CHUNK):
        exact = torch.from_numpy(rows[part])
        halves[part] = exact
        lost = max(lost, float((exact - halves[part].float()).norm(dim=1).max()))
    return halves, lost


def _as_floats(bits: NDArray[np.int16]) -> NDArray[np.float32]:
    """Read whole numbers of two bytes as bfloat16."""
    return (bits.astype(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _reaching(
    tile: NDArray[Any], least: NDArray[Any], turned: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of what is large enough, either way round, and its place in the tile."""
    flat = np.flatnonzero(tile >= (least[None, :] if turned else least[:, None]))
    i = flat // tile.shape[1]
    j = flat - i * tile.shape[1]
    return (j, i, flat) if turned else (i, j, flat)


def _kth(tile: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    at = tile.shape[1] - k
    return np.partition(tile, at, axis=1)[:, at].copy()
