"""Rows cut into blocks whose products fit a stated amount of memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

MEMORY = 512 << 20
"""Bytes that the products of one call may take, whatever the number of rows."""


def unit_rows(X: ArrayLike) -> NDArray[np.float32]:
    """Scale rows to unit length; zero rows stay zero, so that their cosine with anything is 0.

    Parameters
    ----------
    X : array-like of float, shape (n, dimension)
        Vectors.

    Returns
    -------
    ndarray of float32, shape (n, dimension)
        A new C-contiguous array.
    """
    rows = np.asarray(X)
    # Lengths in double: squares of large float32 values overflow.
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    lengths[lengths == 0] = 1
    dtype = np.float32 if rows.dtype == np.float32 else np.float64
    return np.ascontiguousarray(rows / lengths.astype(dtype), dtype=np.float32)


def row_blocks(n_rows: int, n_columns: int, memory: int = MEMORY) -> Iterator[slice]:
    """Cut rows so that a block of float32 products, and one copy of it, fit the memory.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape of the whole product.
    memory : int, default=MEMORY
        Bytes.

    Yields
    ------
    slice
        Rows of each block; at least one.

    Examples
    --------
    >>> list(row_blocks(5, 10, memory=160))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, memory // (8 * max(1, n_columns)))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
