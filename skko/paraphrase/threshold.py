"""The threshold learned from known groups, or from pairs that someone has judged."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.metrics.pairs import PairThreshold, count_true_pairs, group_codes, pair_threshold, true_pairs
from skko.similarity import cosines, prepare

_SAMPLE = 200_000
# So many pairs are mined at once, without a guess.
_FEW = 1_000_000


def threshold_from_groups(
    rows: NDArray[Any],
    groups: NDArray[Any],
    mine: Callable[[float], NDArray[np.void]],
    *,
    precision: float | None = None,
) -> PairThreshold:
    """Choose a threshold by all pairs among rows of known groups.

    Parameters
    ----------
    rows : ndarray of float, shape (n, dimension)
        Vectors.
    groups : ndarray of shape (n,)
        Group of each row; -1 is a row without a paraphrase.
    mine : callable
        Finds the pairs that reach a threshold.
    precision : float or None, default=None
        None chooses the best F1, a number the best recall at this precision.

    Returns
    -------
    PairThreshold
        The threshold and what it is worth.

    Raises
    ------
    ValueError
        If no two rows are of one group.

    Notes
    -----
    Not every pair has to be mined: with ``T`` true pairs, ``P`` mined ones have an F1 of at most ``2 T / (P + T)`` and
    a precision of at most ``T / P``, so that from some number on no lower threshold can be better. The search goes
    down, from a guess by a sample, until it is there.
    """
    codes = group_codes(groups)
    n_true = count_true_pairs(codes)
    if not n_true:
        raise ValueError(f'threshold="auto" learns from groups, and in y no two of n_samples={len(rows)} are of one.')
    n_pairs, wanted = len(rows) * (len(rows) - 1) // 2, 4 * n_true
    sample = _sampled_cosines(rows) if n_pairs > _FEW else None
    while True:
        share = wanted / n_pairs
        least = -1.0 if sample is None or share > 0.5 else float(np.quantile(sample, 1 - share))
        pairs = mine(least)
        true = true_pairs(pairs, codes)
        if true.any():
            found = pair_threshold(pairs["score"], true, n_true=n_true, precision=precision)
            needed = n_true * (2 / found.f1 - 1) if precision is None else n_true / precision
            if least == -1 or len(pairs) >= needed:
                return found
        elif least == -1:
            raise ValueError('threshold="auto" found no pair of one group. Raise top_k, or leave it out.')
        wanted *= 4


def threshold_from_pairs(rows: NDArray[Any], judged: NDArray[Any], *, precision: float | None = None) -> PairThreshold:
    """Choose a threshold by judged pairs.

    Parameters
    ----------
    rows : ndarray of float, shape (n, dimension)
        Vectors.
    judged : ndarray of shape (n_pairs, 3)
        Two rows each, and whether they are paraphrases (1) or not (0).
    precision : float or None, default=None
        None chooses the best F1, a number the best recall at this precision.

    Returns
    -------
    PairThreshold
        The threshold and what it is worth on these pairs.

    Raises
    ------
    ValueError
        If a pair names a row that is not there, a judgement is neither 0 nor 1, or none is 1.
    """
    i, j, same = np.asarray(judged, dtype=np.float64).T.astype(np.int64)
    both = np.concatenate([i, j])
    if ((both < 0) | (both >= len(rows))).any():
        raise ValueError(f"y has pairs of rows from {both.min()} to {both.max()}, and X has {len(rows)} rows.")
    if not np.isin(same, (0, 1)).all():
        raise ValueError("The third column of y says whether a pair is a paraphrase: 1 or 0.")
    if not same.any():
        raise ValueError('threshold="auto" learns from judged pairs, and none in y is a paraphrase.')
    ready = prepare(rows, "X")
    return pair_threshold(cosines(ready, ready, i, j), same == 1, precision=precision)


def _sampled_cosines(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Cosines of pairs of different rows, drawn at random and always the same."""
    ready, rng = prepare(rows, "X"), np.random.default_rng(0)
    i = rng.integers(len(rows), size=_SAMPLE)
    j = (i + rng.integers(1, len(rows), size=_SAMPLE)) % len(rows)
    return cosines(ready, ready, i, j)
