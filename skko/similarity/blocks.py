"""Rows of unit length, and their product cut into tiles that fit a stated amount of memory."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

MEMORY = 512 << 20
"""Bytes that the work of one call may take, whatever the number of rows."""

# What one product may cost when it turns out a candidate: itself, its place, its exact score, its pair.
_BYTES = 64
# Larger tiles were not faster, and a scan finds the products of smaller ones still in the processor's cache.
_HEIGHT, _WIDTH = 2048, 4096
_CHUNK = 4 << 20


def unit_rows(X: ArrayLike) -> NDArray[np.float32]:
    """Scale rows to unit length; zero rows stay zero, so that their cosine with anything is 0.

    Parameters
    ----------
    X : array-like of float, shape (n, dimension)
        Vectors.

    Returns
    -------
    ndarray of float32, shape (n, dimension)
        A new C-contiguous array. Equal rows stay equal wherever they stand.

    Examples
    --------
    >>> unit_rows([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    rows = np.asarray(X)
    dtype = np.float32 if rows.dtype == np.float32 else np.float64
    scaled = np.empty(rows.shape, dtype=np.float32)
    for part in blocks(0, len(rows), max(1, _CHUNK // (8 * max(1, rows.shape[1])))):
        # Lengths in double: squares of large float32 values overflow. Each row is summed by itself, so that its
        # length does not depend on the rows around it.
        lengths = np.sqrt(np.add.reduce(np.square(rows[part], dtype=np.float64), axis=1))[:, None]
        lengths[lengths == 0] = 1
        np.divide(rows[part], lengths.astype(dtype), out=scaled[part], casting="same_kind")
    return scaled


def blocks(start: int, stop: int, step: int) -> Iterator[slice]:
    """Cut a range into slices.

    Parameters
    ----------
    start, stop : int
        The range.
    step : int
        Length of a slice; the last may be shorter.

    Yields
    ------
    slice
        Slices in order.

    Examples
    --------
    >>> list(blocks(1, 6, 2))
    [slice(1, 3, None), slice(3, 5, None), slice(5, 6, None)]
    """
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))


def tile_shape(memory: int = MEMORY) -> tuple[int, int]:
    """Choose tiles of which even one full of candidates fits the memory.

    Parameters
    ----------
    memory : int, default=MEMORY
        Bytes.

    Returns
    -------
    height, width : int
        Rows of either side; at least one.

    Examples
    --------
    >>> tile_shape()
    (2048, 4096)
    >>> tile_shape(64 * 1000)
    (22, 45)
    """
    cells = max(1, memory // _BYTES)
    height = min(_HEIGHT, max(1, math.isqrt(cells // 2)))
    return height, min(_WIDTH, max(1, cells // height))


def capacity(memory: int = MEMORY) -> int:
    """Count the candidates that fit the memory.

    Parameters
    ----------
    memory : int, default=MEMORY
        Bytes.

    Returns
    -------
    int
        At least one.

    Examples
    --------
    >>> capacity(6400)
    100
    """
    return max(1, memory // _BYTES)
