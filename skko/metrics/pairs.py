"""Metrics of mined pairs against known groups, and the threshold that serves them best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class PairScores:
    """How mined pairs compare with the true ones.

    Attributes
    ----------
    precision : float
        Share of the mined pairs that are true; 0 if none was mined.
    recall : float
        Share of the true pairs that were mined; 0 if there are none.
    f1 : float
        Their harmonic mean.
    average_precision : float
        Mean over all true pairs of the precision at their rank, those not mined counting 0.
    """

    precision: float
    recall: float
    f1: float
    average_precision: float


@dataclass(frozen=True)
class PairThreshold:
    """A threshold, and what the pairs that reach it are worth.

    Attributes
    ----------
    threshold : float
        Least score of a pair: midway between the worst pair kept and the best one left out.
    precision : float
        Share of the kept pairs that are true.
    recall : float
        Share of the true pairs that are kept.
    f1 : float
        Their harmonic mean.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


def pair_scores(pairs: NDArray[np.void], groups: ArrayLike) -> PairScores:
    """Compare pairs, best first, with the pairs that known groups make.

    Parameters
    ----------
    pairs : ndarray with fields i and j, shape (n_pairs,)
        Mined pairs, each once, best first.
    groups : array-like of shape (n_texts,)
        Group of each text; two texts are a true pair if their groups are equal. A text of group -1 is alone.

    Returns
    -------
    PairScores
        Precision, recall, F1 and average precision, as in sentence-transformers' ``ParaphraseMiningEvaluator``, whose
        recall counts every true pair, mined or not.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = np.array([(0, 1), (1, 2)], dtype=[("i", int), ("j", int)])
    >>> pair_scores(pairs, [5, 5, -1, -1])
    PairScores(precision=0.5, recall=1.0, f1=0.666..., average_precision=1.0)
    """
    codes = group_codes(groups)
    true, n_true = true_pairs(pairs, codes), count_true_pairs(codes)
    hits = int(true.sum())
    precision = hits / len(true) if len(true) else 0.0
    recall = hits / n_true if n_true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    at_hits = np.cumsum(true)[true] / (np.flatnonzero(true) + 1)
    return PairScores(precision, recall, f1, float(at_hits.sum() / n_true) if n_true else 0.0)


def pair_threshold(
    scores: ArrayLike, true: ArrayLike, *, n_true: int | None = None, precision: float | None = None
) -> PairThreshold:
    """Choose the threshold that serves scored pairs best.

    Parameters
    ----------
    scores : array-like of float, shape (n_pairs,)
        Score of each pair.
    true : array-like of bool, shape (n_pairs,)
        Whether it is a true pair.
    n_true : int or None, default=None
        True pairs there are, scored or not, for recall; None counts the scored ones.
    precision : float or None, default=None
        None chooses the best F1. A number chooses the best recall among thresholds of at least this precision, and
        where there is none the best precision.

    Returns
    -------
    PairThreshold
        The threshold; of two that are equally good the higher one.

    Raises
    ------
    ValueError
        If no pair is true.

    Examples
    --------
    >>> pair_threshold([1.0, 0.75, 0.5, 0.25], [True, True, False, True])
    PairThreshold(threshold=0.25, precision=0.75, recall=1.0, f1=0.857...)
    >>> pair_threshold([1.0, 0.75, 0.5, 0.25], [True, True, False, True], precision=0.9)
    PairThreshold(threshold=0.625, precision=1.0, recall=0.666..., f1=0.8)
    """
    values, hits = np.asarray(scores, dtype=np.float32), np.asarray(true, dtype=bool)
    if not hits.any():
        raise ValueError("No scored pair is true, so there is nothing to choose a threshold by.")
    order = np.argsort(-values, kind="stable")
    values, found = values[order], np.cumsum(hits[order])
    # Pairs of one score are kept or left out together.
    cuts = np.flatnonzero(np.r_[values[1:] != values[:-1], True])
    precisions = found[cuts] / (cuts + 1)
    recalls = found[cuts] / (int(found[-1]) if n_true is None else n_true)
    f1s = 2 * found[cuts] / (cuts + 1 + (int(found[-1]) if n_true is None else n_true))
    goal = f1s
    if precision is not None:
        enough = precisions >= precision
        goal = np.where(enough, recalls, -1.0) if enough.any() else precisions
    best = int(np.argmax(goal))
    return PairThreshold(
        _midway(values, int(cuts[best])), float(precisions[best]), float(recalls[best]), float(f1s[best])
    )


def _midway(values: NDArray[np.float32], cut: int) -> float:
    """Between a score and the next one; the score itself if it is the last, or nothing lies between."""
    if cut + 1 == len(values):
        return float(values[cut])
    middle = np.float32((float(values[cut]) + float(values[cut + 1])) / 2)
    return float(middle if middle > values[cut + 1] else values[cut])


def true_pairs(pairs: NDArray[np.void], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which pairs are of one group.

    Parameters
    ----------
    pairs : ndarray with fields i and j, shape (n_pairs,)
        Pairs.
    codes : ndarray of int, shape (n_texts,)
        Groups as :func:`group_codes` numbers them.

    Returns
    -------
    ndarray of bool, shape (n_pairs,)
        Whether each is a true pair.
    """
    i, j = codes[pairs["i"]], codes[pairs["j"]]
    true: NDArray[np.bool_] = (i == j) & (i >= 0)
    return true


def count_true_pairs(codes: NDArray[np.int64]) -> int:
    """Count the pairs that groups make, without listing them.

    Parameters
    ----------
    codes : ndarray of int, shape (n_texts,)
        Groups as :func:`group_codes` numbers them.

    Returns
    -------
    int
        Number of pairs of one group.

    Examples
    --------
    >>> count_true_pairs(group_codes([7, 7, 7, 9, 9, -1, -1]))
    4
    """
    sizes = np.bincount(codes[codes >= 0]).astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def group_codes(groups: ArrayLike) -> NDArray[np.int64]:
    """Number groups from 0; -1 (as number or str) stays -1, which means alone.

    Parameters
    ----------
    groups : array-like of shape (n_texts,)
        Names or numbers of groups.

    Returns
    -------
    ndarray of int, shape (n_texts,)
        Codes.
    """
    values = np.asarray(groups)
    _, codes = np.unique(values, return_inverse=True)
    alone = (values == -1) | (values.astype(str) == "-1")
    return np.where(alone, -1, codes.reshape(values.shape)).astype(np.int64)
