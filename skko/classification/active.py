"""suggest: the texts whose labels would teach a classifier most."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import safe_sparse_dot

from skko.validation import check_texts

_MOST = 3_000


def suggest(
    classifier: Any, texts: Any, n: int = 10, *, strategy: Literal["margin", "entropy", "least_sure"] = "margin"
) -> NDArray[np.intp]:
    """Choose the texts to label next: those that stand for many of which a classifier is unsure.

    Parameters
    ----------
    classifier : sklearn.pipeline.Pipeline
        A fitted pipeline with ``predict_proba``, such as of :func:`~skko.make_text_classifier`.
    texts : array-like of str, shape (n_texts,)
        Texts without labels.
    n : int, default=10
        How many to choose; all where there are fewer.
    strategy : {"margin", "entropy", "least_sure"}, default="margin"
        What unsure means: the two best classes are close, the probabilities are spread, or the best is low.

    Returns
    -------
    ndarray of int, shape (min(n, n_different),)
        Rows of ``texts``, the first to label first; of equal texts one.

    Raises
    ------
    ValueError
        If ``n`` is below 1 or the strategy is none of its values.

    Notes
    -----
    The most doubtful texts are outliers, or one question in ten forms. So each next text is the one that raises most
    the similarity of every text to the nearest chosen one, weighted by the square of its doubt: facility location among
    the doubtful [1]_, of which at most 3,000 are looked at.

    References
    ----------
    .. [1] Wei, Iyer and Bilmes, "Submodularity in Data Subset Selection and Active Learning", ICML 2015.

    Examples
    --------
    >>> from skko import datasets, make_text_classifier
    >>> from skko.classification import suggest
    >>> inquiries = datasets.load_inquiries()
    >>> pipeline = make_text_classifier("skko-mini").fit(inquiries.texts[:100], inquiries.topics[:100])
    >>> suggest(pipeline, inquiries.texts[100:], 5).shape
    (5,)
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}.")
    rows = check_texts(texts, name="texts")
    first = np.array(list({text: row for row, text in reversed(list(enumerate(rows)))}.values()), dtype=np.intp)
    first.sort()
    if not len(first):
        return first
    different = [rows[row] for row in first]
    doubt = _doubt(np.asarray(classifier.predict_proba(different)), strategy)
    if len(first) > max(_MOST, n):
        kept = np.sort(np.argsort(-doubt, kind="stable")[: max(_MOST, n)])
        first, doubt, different = first[kept], doubt[kept], [different[row] for row in kept]
    features = classifier[:-1].transform(different)
    unit = normalize(sparse.csr_array(features) if sparse.issparse(features) else np.asarray(features))
    similar = np.maximum(safe_sparse_dot(unit, unit.T, dense_output=True), 0)
    return first[_cover(similar, (doubt + 1e-9) ** 2, min(n, len(first)))]


def _cover(similar: NDArray[Any], weights: NDArray[np.float64], n: int) -> list[int]:
    """Choose rows greedily so that every row is like a chosen one, the heavy ones above all."""
    covered = np.zeros(len(similar), dtype=similar.dtype)
    chosen: list[int] = []
    for _ in range(n):
        gain = weights @ np.maximum(similar - covered[:, None], 0)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        covered = np.maximum(covered, similar[:, chosen[-1]])
    return chosen


def _doubt(shares: NDArray[Any], strategy: str) -> NDArray[np.float64]:
    """From 0, sure, to 1."""
    ordered = np.sort(shares, axis=1)
    if strategy == "margin":
        return np.asarray(1 - (ordered[:, -1] - ordered[:, -2]), dtype=np.float64)
    if strategy == "least_sure":
        return np.asarray(1 - ordered[:, -1], dtype=np.float64)
    if strategy == "entropy":
        logs = np.log(np.maximum(shares, 1e-12))
        return np.asarray(-(shares * logs).sum(axis=1) / np.log(shares.shape[1]), dtype=np.float64)
    raise ValueError(f'strategy must be "margin", "entropy" or "least_sure", got {strategy!r}.')
