"""Pairs of texts as scikit-learn's X, so that GridSearchCV can choose a model, a prompt or a size."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from skko.base import SkkoEstimator, fit_context
from skko.embedding import KoEmbeddingTransformer
from skko.metrics import judged_pair_scores, pair_similarities, sts_scores
from skko.metrics.sts import SIMILARITIES
from skko.validation import check_texts

_PAIR_METRICS = ("average_precision", "f1", "accuracy")


class KoPairSimilarity(SkkoEstimator):
    """How alike the two texts of each pair are, by the cosine of their vectors.

    It learns nothing: it makes an embedder something that :class:`~sklearn.model_selection.GridSearchCV` can choose by
    :func:`pairs_scorer`, :func:`sts_scorer`, or any scorer of scikit-learn that asks for ``decision_function``.

    Parameters
    ----------
    embedder : transformer or None, default=None
        Turns texts into dense rows; its parameters are searched as ``embedder__model`` and so on. None is
        ``KoEmbeddingTransformer()``.

    Attributes
    ----------
    embedder_ : transformer
        The fitted embedder.

    See Also
    --------
    skko.KoEmbeddingTransformer : What is chosen.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skko import KoEmbeddingTransformer
    >>> from skko.evaluation import KoPairSimilarity, pairs_scorer
    >>> X = [["배송이 늦어요", "배송이 너무 늦어요"], ["배송이 늦어요", "오늘 날씨가 좋다"]] * 2
    >>> sizes = {"embedder__truncate_dim": [64, 256]}
    >>> search = GridSearchCV(
    ...     KoPairSimilarity(KoEmbeddingTransformer("skko-mini")), sizes, scoring=pairs_scorer(), cv=2
    ... )
    >>> search.fit(X, [1, 0, 1, 0]).best_score_
    np.float64(1.0)
    """

    _parameter_constraints = {"embedder": [BaseEstimator, None]}

    def __init__(self, embedder: Any = None) -> None:
        self.embedder = embedder

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> "KoPairSimilarity":
        """Fit the embedder to all texts.

        Parameters
        ----------
        X : array-like of str, shape (n_pairs, 2)
            Pairs of texts.
        y : None
            Ignored.

        Returns
        -------
        KoPairSimilarity
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If ``X`` has not two columns of texts.
        """
        left, right = _columns(X)
        embedder = KoEmbeddingTransformer() if self.embedder is None else clone(self.embedder)
        self.embedder_ = embedder.fit([*left, *right])
        return self

    def vectors(self, X: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Embed both sides.

        Parameters
        ----------
        X : array-like of str, shape (n_pairs, 2)
            Pairs of texts.

        Returns
        -------
        tuple of two ndarray, shape (n_pairs, n_features)
            Vectors of the first texts and of the second.
        """
        check_is_fitted(self)
        left, right = _columns(X)
        both = np.asarray(self.embedder_.transform([*left, *right]))
        return both[: len(left)], both[len(left) :]

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Compute the cosine of each pair.

        Parameters
        ----------
        X : array-like of str, shape (n_pairs, 2)
            Pairs of texts.

        Returns
        -------
        ndarray of float, shape (n_pairs,)
            Cosines.
        """
        similarities: NDArray[np.floating] = pair_similarities(*self.vectors(X))["cosine"]
        return similarities

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """Compute the cosine of each pair, as a regressor of judged similarity.

        Parameters
        ----------
        X : array-like of str, shape (n_pairs, 2)
            Pairs of texts.

        Returns
        -------
        ndarray of float, shape (n_pairs,)
            Cosines.
        """
        return self.decision_function(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


class _PairsScorer:
    """A scorer by name, which can be pickled and prints as it was made."""

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def __call__(self, estimator: KoPairSimilarity, X: ArrayLike, y: ArrayLike) -> float:
        return float(getattr(judged_pair_scores(estimator.decision_function(X), np.asarray(y)), self.metric))

    def __repr__(self) -> str:
        return f"pairs_scorer({self.metric!r})"


class _STSScorer:
    """As above, for judged similarity."""

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def __call__(self, estimator: KoPairSimilarity, X: ArrayLike, y: ArrayLike) -> float:
        return float(sts_scores(*estimator.vectors(X), np.asarray(y, dtype=np.float64))[self.metric])

    def __repr__(self) -> str:
        return f"sts_scorer({self.metric!r})"


def pairs_scorer(metric: str = "average_precision") -> Any:
    """Make a scorer of pairs that mean the same (1) or not (0).

    Parameters
    ----------
    metric : {"average_precision", "f1", "accuracy"}, default="average_precision"
        What to score; the last two at the threshold that is best on the very pairs.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)`` for :class:`KoPairSimilarity`, as ``scoring`` takes it.

    Raises
    ------
    ValueError
        If the metric is unknown.
    """
    if metric not in _PAIR_METRICS:
        raise ValueError(f"metric must be one of {_PAIR_METRICS}, got {metric!r}.")
    return _PairsScorer(metric)


def sts_scorer(metric: str = "spearman_cosine") -> Any:
    """Make a scorer of judged similarity.

    Parameters
    ----------
    metric : str, default="spearman_cosine"
        ``spearman_`` or ``pearson_`` with ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)`` for :class:`KoPairSimilarity`, as ``scoring`` takes it.

    Raises
    ------
    ValueError
        If the metric is unknown.
    """
    known = [f"{kind}_{similarity}" for kind in ("spearman", "pearson") for similarity in SIMILARITIES]
    if metric not in known:
        raise ValueError(f"metric must be one of {known}, got {metric!r}.")
    return _STSScorer(metric)


def _columns(X: Any) -> tuple[list[str], list[str]]:
    """Both columns of pairs, whatever holds them."""
    if isinstance(X, str):
        raise TypeError("X is a single str: pass pairs of texts, e.g. [[a, b]].")
    if not len(X):
        return [], []
    rows = X.to_numpy() if hasattr(X, "to_numpy") else np.array([*X], dtype=object).reshape(len(X), -1)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f"X has shape {rows.shape} where pairs of texts, (n_pairs, 2), are expected.")
    return check_texts(rows[:, 0].tolist(), name="X[:, 0]"), check_texts(rows[:, 1].tolist(), name="X[:, 1]")
