"""Few labels: the nearest class mean, labels spread over unlabelled texts, and the next texts to label."""

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context
from skko.classification._calibration import best_temperature
from skko.classification._newton import probabilities
from skko.classification._targets import Targets
from skko.similarity import top_k, unit_rows


class NearestMeanClassifier(ClassifierMixin, SkkoEstimator):
    """The class whose mean vector is nearest, each mean drawn to the mean of all by how few rows it has.

    Parameters
    ----------
    shrinkage : float, default=1.0
        How many rows the mean of all counts for in the mean of each class; 0 takes the means as they are.
    temperature : float or "auto", default="auto"
        What cosines are divided by before they become probabilities. ``"auto"`` learns it by leaving each row out in
        turn, which needs two rows of a class; with fewer it is 0.1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    means_ : ndarray of float, shape (n_classes, n_features)
        Unit vectors.
    temperature_ : float
        The temperature in use.
    n_features_in_ : int
        Columns seen in fit.

    See Also
    --------
    LabelSpreader : Learn from unlabelled rows, too.

    Examples
    --------
    >>> from skko import make_text_classifier
    >>> from skko.classification import NearestMeanClassifier
    >>> pipeline = make_text_classifier("skko-mini", classifier=NearestMeanClassifier(), lexical=False)
    >>> texts = ["환불해 주세요", "돈을 돌려받고 싶어요", "배송이 늦어요", "택배가 안 왔어요"]
    >>> pipeline.fit(texts, ["환불", "환불", "배송", "배송"]).predict(["언제 배송되나요"]).tolist()
    ['배송']
    """

    _parameter_constraints = {
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    }

    def __init__(self, *, shrinkage: float = 1.0, temperature: float | Literal["auto"] = "auto") -> None:
        self.shrinkage = shrinkage
        self.temperature = temperature

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> "NearestMeanClassifier":
        """Average the rows of each class.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.
        y : array-like of shape (n,)
            Their labels.

        Returns
        -------
        NearestMeanClassifier
            The fitted classifier.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        targets = Targets.of_one_label(y)
        if len(targets.classes) < 2:
            raise ValueError(f"A classifier needs 2 classes, and y has one class: {targets.classes[0]!r}.")
        self.classes_ = targets.classes
        rows, indicator = unit_rows(X), targets.indicator.astype(np.float64)
        sums, counts = indicator.T @ rows, indicator.sum(axis=0)
        centre = rows.mean(axis=0)
        self.means_ = unit_rows((sums + self.shrinkage * centre) / (counts + self.shrinkage)[:, None])
        self.temperature_ = self._learn(rows, indicator, sums, counts, centre)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score each class.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of float, shape (n, n_classes), or (n,) for two classes
            Cosines with the means, or the second less the first.
        """
        cosines = self._cosines(X)
        return cosines[:, 1] - cosines[:, 0] if len(self.classes_) == 2 else cosines

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Choose the nearest class.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        nearest = self._cosines(X).argmax(axis=1)
        return np.asarray(self.classes_[nearest])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Estimate the probability of each class.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of float, shape (n, n_classes)
            Rows that sum to 1.
        """
        return probabilities(self._cosines(X) / self.temperature_, "softmax")

    def _cosines(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        return np.asarray(unit_rows(validate_data(self, X, reset=False, dtype=np.float64)) @ self.means_.T)

    def _learn(self, rows: Any, indicator: Any, sums: Any, counts: Any, centre: Any) -> float:
        """Leave each row out of its own mean; one of a class by itself would have none left."""
        if self.temperature != "auto":
            return float(self.temperature)
        own = indicator.argmax(axis=1)
        asked = np.flatnonzero(counts[own] > 1)
        if not len(asked):
            return 0.1
        scores = rows[asked] @ self.means_.T
        without = sums[own[asked]] - rows[asked] + self.shrinkage * centre
        scores[np.arange(len(asked)), own[asked]] = (unit_rows(without) * rows[asked]).sum(axis=1)
        return best_temperature(scores, indicator[asked], np.ones(len(asked)), "softmax")


class LabelSpreader(ClassifierMixin, SkkoEstimator):
    """Labels that spread from few labelled rows over many unlabelled ones, along the nearest neighbours.

    Parameters
    ----------
    n_neighbors : int, default=10
        Nearest rows that each row is joined to.
    alpha : float, default=0.8
        Share of its label that a row takes from its neighbours at each step; a labelled row keeps the rest of its own.
    unlabelled : int, str or None, default=None
        What stands in ``y`` for no label, such as scikit-learn's -1; None and NaN stand for it always.
    max_iter : int, default=100
        Most steps.
    tol : float, default=1e-4
        Largest change of a step that ends it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    label_distributions_ : ndarray of float, shape (n, n_classes)
        What each row of fit came to; rows sum to 1, or to 0 where no label arrived.
    transduction_ : ndarray of shape (n,)
        The label of each row of fit.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Columns seen in fit.

    See Also
    --------
    suggest : Which texts to label next.

    Notes
    -----
    The method is label spreading [1]_, as in scikit-learn, on a graph of cosines; similarities are the cosines cut at 0
    and cubed, so that the nearest count most. A new row takes the mean of its neighbours.

    References
    ----------
    .. [1] Zhou et al., "Learning with local and global consistency", NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from skko.classification import LabelSpreader
    >>> X = np.array([[1.0, 0.0], [0.9, 0.1], [0.1, 0.9], [0.0, 1.0]])
    >>> LabelSpreader(n_neighbors=1).fit(X, ["환불", None, None, "배송"]).transduction_.tolist()
    ['환불', '환불', '배송', '배송']
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "unlabelled": "no_validation",
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 10,
        alpha: float = 0.8,
        unlabelled: Any = None,
        max_iter: int = 100,
        tol: float = 1e-4,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.unlabelled = unlabelled
        self.max_iter = max_iter
        self.tol = tol

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any) -> "LabelSpreader":
        """Spread the labels.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors of labelled and unlabelled rows.
        y : array-like of shape (n,)
            Labels, and ``unlabelled`` or None where there is none.

        Returns
        -------
        LabelSpreader
            The fitted classifier.

        Raises
        ------
        ValueError
            If fewer than two different labels are given, or the lengths differ.
        """
        data: Any = validate_data(self, X, dtype=np.float64)
        values = _labels(y)
        if len(values) != len(data):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {len(data)} and {len(values)}."
            )
        known = np.array([not self._is_missing(value) for value in values], dtype=bool)
        labels = np.asarray([value for value, is_known in zip(values, known, strict=True) if is_known])
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        targets = Targets.of_one_label(labels)
        if len(targets.classes) < 2:
            raise ValueError("A classifier needs 2 classes, and y has one class, or only unlabelled rows.")
        self.classes_ = targets.classes
        start = np.zeros((len(data), len(targets.classes)))
        # Each class begins with the same mass: else the largest floods the rest.
        start[known] = targets.indicator / targets.indicator.sum(axis=0)
        self._rows = unit_rows(data)
        found = self._spread(_graph(self._rows, self.n_neighbors), start)
        total = found.sum(axis=1, keepdims=True)
        self.label_distributions_ = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
        self.transduction_ = self.classes_[self.label_distributions_.argmax(axis=1)]
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Average what the nearest rows of fit came to.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of float, shape (n, n_classes)
            Rows that sum to 1; all equal where no label arrived near.
        """
        check_is_fitted(self)
        rows = unit_rows(validate_data(self, X, reset=False, dtype=np.float64))
        indices, cosines = top_k(rows, self._rows, self.n_neighbors, show_progress=False)
        weights = np.maximum(cosines, 1e-9).astype(np.float64) ** 3
        found = np.einsum("nk,nkc->nc", weights, self.label_distributions_[indices])
        total = found.sum(axis=1, keepdims=True)
        share = np.full_like(found, 1 / len(self.classes_))
        return np.asarray(np.divide(found, total, out=share, where=total > 0))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Choose the most probable class.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[most_probable])

    def _is_missing(self, value: Any) -> bool:
        return bool(value is None or value != value or value == self.unlabelled)

    def _spread(self, graph: sparse.csr_array, start: NDArray[np.float64]) -> NDArray[np.float64]:
        found = start
        for step in range(1, self.max_iter + 1):
            last, found = found, self.alpha * (graph @ found) + (1 - self.alpha) * start
            self.n_iter_ = step
            if np.abs(found - last).max() <= self.tol * start.max():
                break
        return found


def _labels(y: Any) -> list[Any]:
    if y is None:
        raise ValueError("LabelSpreader requires y to be passed, but the target y is None.")
    # As objects: in an array of str a -1 would become a label "-1".
    column = y if hasattr(y, "dtype") or hasattr(y, "__array__") else np.array(y, dtype=object)
    return list(column_or_1d(column, warn=True).tolist())


def _graph(rows: NDArray[Any], n_neighbors: int) -> sparse.csr_array:
    """Neighbours either way, by cosine, scaled so that spreading neither makes nor loses mass on the whole."""
    n = len(rows)
    indices, cosines = top_k(rows, rows, min(n_neighbors + 1, n), show_progress=False)
    weights = np.where(indices == np.arange(n)[:, None], 0, np.maximum(cosines, 0).astype(np.float64) ** 3)
    starts = np.arange(0, indices.size + 1, indices.shape[1])
    graph = sparse.csr_array((weights.ravel(), indices.ravel(), starts), shape=(n, n))
    graph = graph.maximum(graph.T)
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = np.divide(1, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    return sparse.csr_array(sparse.diags_array(scale) @ graph @ sparse.diags_array(scale))
