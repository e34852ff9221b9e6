"""Metrics of mined pairs against known groups."""

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
    i, j = codes[pairs["i"]], codes[pairs["j"]]
    true = (i == j) & (i >= 0)
    sizes = np.bincount(codes[codes >= 0]).astype(np.int64)
    n_true = int((sizes * (sizes - 1) // 2).sum())
    hits = int(true.sum())
    precision = hits / len(true) if len(true) else 0.0
    recall = hits / n_true if n_true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    at_hits = np.cumsum(true)[true] / (np.flatnonzero(true) + 1)
    return PairScores(precision, recall, f1, float(at_hits.sum() / n_true) if n_true else 0.0)


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
