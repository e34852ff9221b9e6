"""Pairs of rows that reach a threshold, or are near neighbours; equal rows count as one neighbour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.progress import ShowProgress
from skko.similarity import PAIR, Copies, best_first, check_number, collapse, join, near_pairs, self_join


def pairs_within(
    rows: NDArray[Any], threshold: float, k: int | None, *, device: str = "auto", show_progress: ShowProgress = "auto"
) -> NDArray[np.void]:
    """Mine the pairs among rows.

    Parameters
    ----------
    rows : ndarray of float, shape (n, dimension)
        Vectors.
    threshold : float
        Least cosine.
    k : int or None
        Keep a pair only if one row is among the ``k`` nearest of the other; None keeps all.
    device : str, default="auto"
        Where to multiply.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray with fields i, j and score
        Each pair once, ``i < j``, best first.
    """
    copies = collapse(rows)
    distinct = rows[copies.first]
    if k is None:
        pairs = self_join(distinct, threshold, device=device, show_progress=show_progress)
    else:
        pairs = near_pairs(distinct, distinct, k + 1, threshold, device=device, show_progress=show_progress)
        pairs = pairs[pairs["i"] != pairs["j"]]
        # A row that is not among its own k + 1 nearest has k + 1 others, one too many.
        starts = np.searchsorted(pairs["i"], pairs["i"])
        pairs = _once(_ordered(pairs[np.arange(len(pairs)) - starts < k]))
    expanded = _ordered(_expand(pairs, copies, copies))
    return best_first([expanded, _copy_pairs(rows, copies, threshold)])


def pairs_between(
    left: NDArray[Any],
    right: NDArray[Any],
    threshold: float,
    k: int | None,
    *,
    device: str = "auto",
    show_progress: ShowProgress = "auto",
) -> NDArray[np.void]:
    """Mine the pairs between two lists of rows.

    Parameters
    ----------
    left : ndarray of float, shape (n, dimension)
        Vectors.
    right : ndarray of float, shape (m, dimension)
        Vectors.
    threshold : float
        Least cosine.
    k : int or None
        Keep a pair only if one row is among the ``k`` nearest of the other in the other list; None keeps all.
    device : str, default="auto"
        Where to multiply.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray with fields i, j and score
        ``i`` a row of ``left`` and ``j`` a row of ``right``, best first.
    """
    copies_left, copies_right = collapse(left), collapse(right)
    left, right = left[copies_left.first], right[copies_right.first]
    if k is None:
        pairs = join(left, right, threshold, device=device, show_progress=show_progress)
    else:
        forth = near_pairs(left, right, k, threshold, device=device, show_progress=show_progress)
        back = near_pairs(right, left, k, threshold, device=device, show_progress=show_progress)
        back["i"], back["j"] = back["j"].copy(), back["i"].copy()
        pairs = _once(np.concatenate([forth, back]))
    return best_first([_expand(pairs, copies_left, copies_right)])


def _ordered(pairs: NDArray[np.void]) -> NDArray[np.void]:
    """Put the lower row of each pair first."""
    pairs["i"], pairs["j"] = np.minimum(pairs["i"], pairs["j"]), np.maximum(pairs["i"], pairs["j"])
    return pairs


def _once(pairs: NDArray[np.void]) -> NDArray[np.void]:
    if not len(pairs):
        return pairs
    # A cosine is the same from both sides, so any of two equal pairs will do.
    _, first = np.unique(pairs["i"] * (pairs["j"].max() + 1) + pairs["j"], return_index=True)
    return pairs[first]


def _expand(pairs: NDArray[np.void], copies_i: Copies, copies_j: Copies) -> NDArray[np.void]:
    """Give every copy the pairs of its first."""
    sizes_i, sizes_j = copies_i.sizes[pairs["i"]], copies_j.sizes[pairs["j"]]
    n_made = sizes_i * sizes_j
    check_number(int(n_made.sum()))
    within = np.arange(n_made.sum()) - np.repeat(np.cumsum(n_made) - n_made, n_made)
    at_i, at_j = np.divmod(within, np.repeat(sizes_j, n_made))
    out = np.empty(len(within), dtype=PAIR)
    out["i"] = copies_i.members[np.repeat(copies_i.starts[pairs["i"]], n_made) + at_i]
    out["j"] = copies_j.members[np.repeat(copies_j.starts[pairs["j"]], n_made) + at_j]
    out["score"] = np.repeat(pairs["score"], n_made)
    return out


def _copy_pairs(rows: NDArray[Any], copies: Copies, threshold: float) -> NDArray[np.void]:
    """The pairs among equal rows: cosine 1, or 0 where the rows are zero."""
    made, n_made = [np.empty(0, dtype=PAIR)], 0
    for one in np.flatnonzero(copies.sizes > 1):
        same = copies.members[copies.starts[one] : copies.starts[one] + copies.sizes[one]]
        score = 1.0 if rows[same[0]].any() else 0.0
        if score >= threshold:
            n_made += len(same) * (len(same) - 1) // 2
            check_number(n_made)
            i, j = np.triu_indices(len(same), k=1)
            pairs = np.empty(len(i), dtype=PAIR)
            pairs["i"], pairs["j"], pairs["score"] = same[i], same[j], score
            made.append(pairs)
    return np.concatenate(made)
