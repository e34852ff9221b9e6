"""Groups that pairs make: connected rows, or communities that do not chain."""

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components


def pair_graph(pairs: NDArray[np.void], n_rows: int) -> csr_array:
    """Make the graph of pairs, each in both directions.

    Parameters
    ----------
    pairs : ndarray with fields i, j and score, shape (n_pairs,)
        Pairs, each once.
    n_rows : int
        Rows there are.

    Returns
    -------
    csr_array of bool, shape (n_rows, n_rows)
        True where two rows are a pair.
    """
    i, j = np.concatenate([pairs["i"], pairs["j"]]), np.concatenate([pairs["j"], pairs["i"]])
    return coo_array((np.ones(len(i), dtype=bool), (i, j)), shape=(n_rows, n_rows)).tocsr()


def components(pairs: NDArray[np.void], n_rows: int) -> NDArray[np.int64]:
    """Group rows that are joined by a chain of pairs.

    Parameters
    ----------
    pairs : ndarray with fields i, j and score, shape (n_pairs,)
        Pairs, each once.
    n_rows : int
        Rows there are.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Groups, numbered in order of their first row; -1 for a row without a pair.
    """
    _, labels = connected_components(pair_graph(pairs, n_rows), directed=False)
    alone = np.ones(n_rows, dtype=bool)
    alone[pairs["i"]] = alone[pairs["j"]] = False
    return _numbered(np.where(alone, -1, labels))


def communities(pairs: NDArray[np.void], n_rows: int) -> NDArray[np.int64]:
    """Group rows around centres, so that every row of a group is a pair with its centre.

    Parameters
    ----------
    pairs : ndarray with fields i, j and score, shape (n_pairs,)
        Pairs, each once.
    n_rows : int
        Rows there are.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Groups, numbered in order of their first row; -1 for a row that no group took.

    Notes
    -----
    The row with the most partners that are still free is the next centre, of equal ones the first, and takes them.
    """
    graph = pair_graph(pairs, n_rows)
    labels = np.full(n_rows, -1, dtype=np.int64)
    free = np.ones(n_rows, dtype=bool)
    sizes = np.diff(graph.indptr)
    # A number in the heap may be too high, never too low: others may have taken partners since.
    heap = [(-int(sizes[row]), int(row)) for row in np.flatnonzero(sizes)]
    heapq.heapify(heap)
    while heap:
        size, row = heapq.heappop(heap)
        if not free[row]:
            continue
        partners = graph.indices[graph.indptr[row] : graph.indptr[row + 1]]
        partners = partners[free[partners]]
        if len(partners) < -size:
            if len(partners):
                heapq.heappush(heap, (-len(partners), row))
            continue
        labels[partners] = labels[row] = row
        free[partners] = free[row] = False
    return _numbered(labels)


def _numbered(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Number groups in order of their first row."""
    out = np.full(len(labels), -1, dtype=np.int64)
    grouped = np.flatnonzero(labels >= 0)
    _, first, code = np.unique(labels[grouped], return_index=True, return_inverse=True)
    out[grouped] = np.argsort(np.argsort(first))[code]
    return out
