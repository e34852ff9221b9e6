"""Metrics of similarity: how scores of pairs agree with what people judged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.metrics.pairs import pair_threshold

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")


@dataclass(frozen=True)
class JudgedPairScores:
    """How well a score tells pairs that are the same from pairs that are not.

    Attributes
    ----------
    average_precision : float
        Area under precision and recall, pairs of one score counted together.
    f1 : float
        Best F1 over all thresholds.
    threshold : float
        Where it is reached, midway between two scores.
    precision : float
        Precision there.
    recall : float
        Recall there.
    accuracy : float
        Best accuracy over all thresholds.
    """

    average_precision: float
    f1: float
    threshold: float
    precision: float
    recall: float
    accuracy: float


def pair_similarities(A: ArrayLike, B: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Compare two lists of vectors row by row.

    Parameters
    ----------
    A, B : array-like of float, shape (n_pairs, dimension)
        Vectors.

    Returns
    -------
    dict of str to ndarray of float, shape (n_pairs,)
        ``cosine`` (0 where a vector is zero), ``dot``, and ``euclidean`` and ``manhattan`` distance as negative
        numbers, so that more is nearer in all of them.

    Raises
    ------
    ValueError
        If the lists are not matrices of one shape.

    Examples
    --------
    >>> from skko.metrics import pair_similarities
    >>> {name: values.tolist() for name, values in pair_similarities([[3.0, 4.0]], [[3.0, 0.0]]).items()}
    {'cosine': [0.6], 'dot': [9.0], 'euclidean': [-4.0], 'manhattan': [-4.0]}
    """
    left, right = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    if left.ndim != 2 or left.shape != right.shape:
        raise ValueError(f"A {left.shape} and B {right.shape} must be matrices of one shape.")
    dot = np.einsum("ij,ij->i", left, right)
    lengths = np.sqrt(np.einsum("ij,ij->i", left, left) * np.einsum("ij,ij->i", right, right))
    apart = left - right
    return {
        "cosine": np.divide(dot, lengths, out=np.zeros(len(dot)), where=lengths > 0),
        "dot": dot,
        "euclidean": -np.sqrt(np.einsum("ij,ij->i", apart, apart)),
        "manhattan": -np.abs(apart).sum(axis=1),
    }


def sts_scores(A: ArrayLike, B: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """Compare the similarity of vectors with that which people gave their texts.

    Parameters
    ----------
    A, B : array-like of float, shape (n_pairs, dimension)
        Vectors of the first and the second texts.
    y : array-like of float, shape (n_pairs,)
        Judged similarity, more is more alike.

    Returns
    -------
    dict of str to float
        ``pearson_…`` and ``spearman_…`` of cosine, dot, euclidean and manhattan, as the
        ``EmbeddingSimilarityEvaluator`` of sentence-transformers names them.

    Raises
    ------
    ValueError
        If the lengths differ, or there are fewer than two pairs.

    Examples
    --------
    >>> from skko.metrics import sts_scores
    >>> scores = sts_scores([[1.0, 0.0]] * 3, [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [5, 4, 0])
    >>> round(scores["pearson_cosine"], 3), scores["spearman_cosine"]
    (0.995, 1.0)
    """
    judged = np.asarray(y, dtype=np.float64)
    similarities = pair_similarities(A, B)
    if len(judged) != len(similarities["dot"]):
        raise ValueError(f"There are {len(similarities['dot'])} pairs and {len(judged)} judgements.")
    return {
        f"{name}_{similarity}": function(values, judged)
        for similarity, values in similarities.items()
        for name, function in (("pearson", pearson), ("spearman", spearman))
    }


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Compute Pearson's correlation.

    Parameters
    ----------
    x, y : array-like of float, shape (n,)
        Values.

    Returns
    -------
    float
        From -1 to 1; 0 where all values of one side are the same, as nothing varies together then.

    Raises
    ------
    ValueError
        If the lengths differ, or there are fewer than two values.

    Examples
    --------
    >>> pearson([1, 2, 3], [2, 4, 6])
    1.0
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"x {a.shape} and y {b.shape} must be two columns of one length, of 2 values at least.")
    if (a == a[0]).all() or (b == b[0]).all():
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    # Scaled first, so that neither tiny nor huge values lose their squares.
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Compute Spearman's correlation: Pearson's of the ranks, equal values sharing their mean rank.

    Parameters
    ----------
    x, y : array-like of float, shape (n,)
        Values.

    Returns
    -------
    float
        From -1 to 1; 0 where all values of one side are the same.

    Raises
    ------
    ValueError
        If the lengths differ, there are fewer than two values, or one is NaN.

    Examples
    --------
    >>> spearman([1, 2, 3], [10, 100, 1000])
    1.0
    """
    return pearson(_ranks(np.asarray(x, dtype=np.float64)), _ranks(np.asarray(y, dtype=np.float64)))


def judged_pair_scores(scores: ArrayLike, true: ArrayLike) -> JudgedPairScores:
    """Say how well scores tell true pairs from others.

    Parameters
    ----------
    scores : array-like of float, shape (n_pairs,)
        Score of each pair.
    true : array-like of bool, shape (n_pairs,)
        Whether it is a true pair.

    Returns
    -------
    JudgedPairScores
        Average precision, and the best F1 and accuracy with their threshold, as the ``BinaryClassificationEvaluator``
        of sentence-transformers has them.

    Raises
    ------
    ValueError
        If the lengths differ, or no pair is true.

    Examples
    --------
    >>> from skko.metrics import judged_pair_scores
    >>> judged_pair_scores([0.9, 0.8, 0.7, 0.1], [True, True, False, False])
    JudgedPairScores(average_precision=1.0, f1=1.0, threshold=0.75, precision=1.0, recall=1.0, accuracy=1.0)
    """
    values, hits = np.asarray(scores, dtype=np.float32), np.asarray(true).astype(bool)
    if values.shape != hits.shape:
        raise ValueError(f"There are {values.shape} scores and {hits.shape} judgements.")
    best = pair_threshold(values, hits)
    order = np.argsort(-values, kind="stable")
    cuts = np.flatnonzero(np.r_[values[order][1:] != values[order][:-1], True])
    found = np.cumsum(hits[order])[cuts]
    precisions, recalls = found / (cuts + 1), found / found[-1]
    # Below a threshold pairs are taken for different, and right where they are: n - (cut + 1) - (true - found) of them.
    right = 2 * found + len(hits) - found[-1] - (cuts + 1)
    return JudgedPairScores(
        average_precision=float((np.diff(recalls, prepend=0) * precisions).sum()),
        f1=best.f1,
        threshold=best.threshold,
        precision=best.precision,
        recall=best.recall,
        accuracy=float(max(right.max(), len(hits) - found[-1]) / len(hits)),
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.isnan(values).any():
        raise ValueError(f"Value {int(np.flatnonzero(np.isnan(values))[0])} is NaN, which has no rank.")
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return means
