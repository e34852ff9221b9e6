"""Equal rows, collapsed into one before a comparison and expanded after it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.similarity.blocks import blocks

# Numbers of a chunk of rows: small enough to stay in the processor's cache.
_NUMBERS = 1 << 18


@dataclass(frozen=True)
class Copies:
    """Sets of equal rows, numbered in order of their first.

    Attributes
    ----------
    first : ndarray of int, shape (n_sets,)
        First row of each set, ascending.
    sets : ndarray of int, shape (n_rows,)
        Set of each row.
    members : ndarray of int, shape (n_rows,)
        Rows set by set, ascending within each.
    starts : ndarray of int, shape (n_sets,)
        Where each set begins in ``members``.
    sizes : ndarray of int, shape (n_sets,)
        Rows of each set.
    """

    first: NDArray[np.int64]
    sets: NDArray[np.int64]
    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def collapse(X: NDArray[Any]) -> Copies:
    """Find the sets of equal rows.

    Parameters
    ----------
    X : ndarray of number, shape (n_rows, n_columns)
        Rows without NaN; -0.0 equals 0.0.

    Returns
    -------
    Copies
        The sets.

    Examples
    --------
    >>> import numpy as np
    >>> copies = collapse(np.array([[1, 2], [3, 4], [1, 2]]))
    >>> copies.first.tolist(), copies.sets.tolist(), copies.sizes.tolist()
    ([0, 1], [0, 1, 0], [2, 1])
    """
    rows = np.ascontiguousarray(X)
    digests = row_digests(rows)
    order = np.argsort(digests, kind="stable")
    fresh = np.r_[True, np.diff(digests[order]) != 0] if len(rows) else np.empty(0, dtype=bool)
    first = np.empty(len(rows), dtype=np.int64)
    first[order] = order[fresh][np.cumsum(fresh) - 1]
    copied = np.flatnonzero(first != np.arange(len(rows)))
    if not all(np.array_equal(rows[copied[part]], rows[first[copied[part]]]) for part in blocks(0, len(copied), 4096)):
        # Different rows with one digest: possible, and never seen.
        _, at, inverse = np.unique(rows + 0, axis=0, return_index=True, return_inverse=True)
        first = at[inverse.ravel()]
    distinct, sets = np.unique(first, return_inverse=True)
    sizes = np.bincount(sets, minlength=len(distinct)).astype(np.int64)
    return Copies(distinct, sets, np.argsort(sets, kind="stable"), np.cumsum(sizes) - sizes, sizes)


def row_digests(X: NDArray[Any]) -> NDArray[np.uint64]:
    """Sum the words of each row, each times an odd random number: rows of one digest are equal, as good as surely.

    Parameters
    ----------
    X : ndarray of number, shape (n_rows, n_columns)
        Rows; -0.0 equals 0.0.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
        Digests, the same in every process.
    """
    rows = np.ascontiguousarray(X)
    words = rows.dtype.itemsize // 4 or 1
    numbers = np.random.default_rng(0).integers(1 << 63, size=rows.shape[1] * words, dtype=np.uint64) * 2 + 1
    digests = np.empty(len(rows), dtype=np.uint64)
    for part in blocks(0, len(rows), max(1, _NUMBERS // max(1, len(numbers)))):
        block = rows[part] + np.zeros((), rows.dtype)  # adding 0 turns -0.0 into 0.0
        bits = block.view(np.uint32 if block.dtype.itemsize >= 4 else f"u{block.dtype.itemsize}").astype(np.uint64)
        # Without the shift the lowest bits of the sum would depend on the lowest bits of the words alone.
        digests[part] = np.add.reduce((bits ^ (bits << np.uint64(29))) * numbers, axis=1)
    return digests
