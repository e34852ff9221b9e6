"""Exact joins: every pair of rows whose cosine reaches a threshold."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.progress import ShowProgress, progress_bar
from skko.similarity.blocks import MEMORY, row_blocks, unit_rows

PAIR = np.dtype([("i", np.int64), ("j", np.int64), ("score", np.float32)])
"""A pair of rows and their cosine."""


def self_join(
    A: ArrayLike, threshold: float, *, memory: int = MEMORY, show_progress: ShowProgress = "auto"
) -> NDArray[np.void]:
    """Find every pair of different rows of ``A`` with a cosine of at least ``threshold``.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Vectors.
    threshold : float
        Least cosine.
    memory : int, default=MEMORY
        Bytes that products may take; the pairs themselves come on top.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_pairs,) with fields i, j and score
        Each pair once, ``i < j``; best first, ties by ``i`` and then ``j``.

    Notes
    -----
    Only the upper triangle of the product is computed, block row by block row.

    Examples
    --------
    >>> self_join([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], threshold=0.5).tolist()
    [(0, 2, 1.0)]
    """
    rows = unit_rows(A)
    found = []
    with progress_bar(len(rows), "comparing", unit="row", show=show_progress) as bar:
        for block in row_blocks(len(rows), len(rows), memory):
            products = rows[block] @ rows[block.start :].T
            # Within the block's own square, j <= i was met already or is the row itself.
            height = block.stop - block.start
            products[:, :height][np.tri(height, dtype=bool)] = -np.inf
            found.append(_pairs(products, threshold, block.start, block.start))
            bar.update(block.stop - block.start)
    return best_first(found)


def join(
    A: ArrayLike, B: ArrayLike, threshold: float, *, memory: int = MEMORY, show_progress: ShowProgress = "auto"
) -> NDArray[np.void]:
    """Find every row of ``A`` and row of ``B`` with a cosine of at least ``threshold``.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Vectors.
    B : array-like of float, shape (m, dimension)
        Vectors.
    threshold : float
        Least cosine.
    memory : int, default=MEMORY
        Bytes that products may take; the pairs themselves come on top.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_pairs,) with fields i, j and score
        ``i`` a row of ``A``, ``j`` a row of ``B``; best first, ties by ``i`` and then ``j``.

    Examples
    --------
    >>> join([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]], threshold=0.5).tolist()
    [(0, 1, 1.0)]
    """
    left, right = unit_rows(A), unit_rows(B)
    found = []
    with progress_bar(len(left), "comparing", unit="row", show=show_progress) as bar:
        for block in row_blocks(len(left), len(right), memory):
            found.append(_pairs(left[block] @ right.T, threshold, block.start, 0))
            bar.update(block.stop - block.start)
    return best_first(found)


def _pairs(products: NDArray[np.float32], threshold: float, first_i: int, first_j: int) -> NDArray[np.void]:
    # Rounding may take the cosine of exact opposites below -1, and a threshold of -1 means every pair.
    i, j = np.nonzero(products >= np.float32(threshold if threshold > -1 else -2))
    pairs = np.empty(len(i), dtype=PAIR)
    pairs["i"], pairs["j"], pairs["score"] = i + first_i, j + first_j, products[i, j]
    return pairs


def best_first(found: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Join lists of pairs into one, best first, ties by ``i`` and then ``j``.

    Parameters
    ----------
    found : list of ndarray with fields i, j and score
        Pairs.

    Returns
    -------
    ndarray with fields i, j and score
        All of them, sorted.
    """
    pairs = np.concatenate(found) if found else np.empty(0, dtype=PAIR)
    return pairs[np.lexsort((pairs["j"], pairs["i"], -pairs["score"]))]
