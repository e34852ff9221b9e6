"""The fast product on the processor: NumPy's in float32, or torch's in bfloat16 where there are units for it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.similarity.blocks import blocks, unit_rows
from skko.similarity.cosines import Rows

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
_CHUNK = 1 << 13  # rows that are rounded at once
_PROBED = (512, 256)


class _Tiles(ABC):
    """Products of which one tile is held, in the same memory as the one before, and read by NumPy."""

    def __init__(self, slack: float, dtype: type[np.generic]) -> None:
        self.slack = slack
        self._buffer = np.empty(0, dtype=dtype)
        self._tile: NDArray[Any] = np.empty((0, 0), dtype=dtype)

    def compute(self, rows: slice, columns: slice) -> None:
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        if self._buffer.size < shape[0] * shape[1]:
            self._buffer = np.empty(shape[0] * shape[1], dtype=self._buffer.dtype)
        self._tile = self._buffer[: shape[0] * shape[1]].reshape(shape)
        self._multiply(rows, columns)

    def reaching(
        self, least: NDArray[np.float32], *, turned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        tile, bound = self._comparable(least)
        flat = np.flatnonzero(tile >= (bound[None, :] if turned else bound[:, None]))
        i = flat // tile.shape[1]
        j = flat - i * tile.shape[1]
        values = self._floats(self._tile.ravel()[flat])
        return (j, i, values) if turned else (i, j, values)

    def kth(self, k: int, *, turned: bool = False) -> NDArray[np.float32]:
        first = self._floats((self._tile.T if turned else self._tile)[:, : enough(k)])
        at = first.shape[1] - k
        return np.partition(first, at, axis=1)[:, at].copy()

    @abstractmethod
    def _multiply(self, rows: slice, columns: slice) -> None:
        """Fill the tile."""

    @abstractmethod
    def _floats(self, products: NDArray[Any]) -> NDArray[np.float32]:
        """Products of the tile, in float32."""

    @abstractmethod
    def _comparable(self, least: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The tile and bounds, so that what is not below its bound reaches it."""


class NumpyProducts(_Tiles):
    """Products in float32."""

    def __init__(self, left: Rows, right: Rows) -> None:
        super().__init__(1.01 * lost_in_sums(left.unit.shape[1]), np.float32)
        self._left, self._right = left.unit, right.unit

    def _multiply(self, rows: slice, columns: slice) -> None:
        np.matmul(self._left[rows], self._right[columns].T, out=self._tile)

    def _floats(self, products: NDArray[Any]) -> NDArray[np.float32]:
        return products

    def _comparable(self, least: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        return self._tile, least


class Bfloat16Products(_Tiles):
    """Products in bfloat16, multiplied by torch; the slack is what rounding took from the rows, measured, and may take.

    NumPy has no bfloat16, and reads its bits as whole numbers.
    """

    def __init__(self, left: Rows, right: Rows) -> None:
        import torch

        self._torch = torch
        self._left, lost = _rounded(left.unit)
        self._right, lost_too = (self._left, lost) if right is left else _rounded(right.unit)
        # |xy - x'y'| <= |x - x'| |y| + |x'| |y - y'|. Sums are of float32; twice what they lose, as units may add up
        # pairs first.
        in_sums = 2 * lost_in_sums(left.unit.shape[1])
        slack = 1.01 * (lost + lost_too + lost * lost_too + UNIT_ROUNDOFF["bfloat16"] + in_sums)
        super().__init__(slack, np.int16)

    def _multiply(self, rows: slice, columns: slice) -> None:
        out = self._torch.from_numpy(self._tile).view(self._torch.bfloat16)
        self._torch.matmul(self._left[rows], self._right[columns].T, out=out)

    def _floats(self, products: NDArray[Any]) -> NDArray[np.float32]:
        return (products.astype(np.uint16).astype(np.uint32) << 16).view(np.float32)

    def _comparable(self, least: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        if not (least > 0).all():
            return self._floats(self._tile), least
        # Positive floats sort as their bits do, and negative ones have bits that are negative numbers: what reaches a
        # bound is found in half of the bytes, without conversion. No product lies between it and the next float.
        return self._tile, (least.view(np.uint32) + np.uint32(0xFFFF) >> 16).astype(np.int16)


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
    off = np.abs(halves._floats(halves._tile) - singles._tile).max()
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
    return (dimension + 16) * UNIT_ROUNDOFF["float32"]


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
