"""Exact nearest neighbours by cosine."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.progress import ShowProgress, progress_bar
from skko.similarity.blocks import MEMORY, row_blocks, unit_rows


def top_k(
    A: ArrayLike,
    B: ArrayLike,
    k: int,
    *,
    memory: int = MEMORY,
    show_progress: ShowProgress = "auto",
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find, for each row of ``A``, the ``k`` rows of ``B`` with the largest cosine.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Queries.
    B : array-like of float, shape (m, dimension)
        What is searched.
    k : int
        How many; all ``m`` where ``k`` is more.
    memory : int, default=MEMORY
        Bytes that products may take.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    indices : ndarray of int, shape (n, min(k, m))
        Rows of ``B``, best first; equal cosines in the order of ``B``.
    scores : ndarray of float32, shape (n, min(k, m))
        Their cosines.

    Examples
    --------
    >>> indices, scores = top_k([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]], k=2)
    >>> indices.tolist(), scores.round(3).tolist()
    ([[1, 2]], [[1.0, 0.707...]])
    """
    queries, corpus = unit_rows(A), unit_rows(B)
    k = min(k, len(corpus))
    indices = np.empty((len(queries), k), dtype=np.intp)
    scores = np.empty((len(queries), k), dtype=np.float32)
    with progress_bar(len(queries), "searching", unit="query", show=show_progress) as bar:
        for rows in row_blocks(len(queries), len(corpus), memory):
            products = queries[rows] @ corpus.T
            indices[rows], scores[rows] = _best(products, k)
            bar.update(rows.stop - rows.start)
    return indices, scores


def _best(products: NDArray[np.float32], k: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The k largest of each row, best first, ties by column."""
    n_columns = products.shape[1]
    if k == 0:
        return np.empty((len(products), 0), np.intp), np.empty((len(products), 0), np.float32)
    if k < n_columns:
        columns = np.argpartition(products, n_columns - k, axis=1)[:, n_columns - k :]
        worst = np.take_along_axis(products, columns, axis=1).min(axis=1, keepdims=True)
        # A partition keeps any of those that tie with the worst kept; the contract keeps the first.
        for row in np.flatnonzero((products >= worst).sum(axis=1) > k):
            columns[row] = np.argsort(-products[row], kind="stable")[:k]
        columns.sort(axis=1)
    else:
        columns = np.broadcast_to(np.arange(n_columns), products.shape)
    values = np.take_along_axis(products, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)
