"""CalibratedLogisticRegression: logistic regression whose probabilities are as sure as they are right."""

import warnings
from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, check_sample_weight, fit_context
from skko.classification._calibration import best_temperature, held_out_folds
from skko.classification._newton import Columns, Fit, Link, fit_logistic, probabilities
from skko.classification._targets import Targets, read_targets
from skko.threads import one_blas_thread

# One number needs no exact coefficients.
_ROUGHLY = 10
# Multiplications of a product. Below it a second thread gains less than it costs where the machine has other work: the
# fit of 1,000 headlines takes 1.4 s in one thread and 2.3 s in two (1.5 and 4.4 s of processor time).
_SMALL = 2**27


class CalibratedLogisticRegression(ClassifierMixin, SkkoEstimator):
    """Logistic regression for embeddings and TF-IDF side by side, with calibrated probabilities.

    Many classes are one distribution (softmax); an indicator matrix, or a list of labels for each row, is as many
    yes-or-no questions. The optimum is that of scikit-learn's ``LogisticRegression``; it is found faster where some
    columns are full and most are sparse. Afterwards one number, the temperature, is learned on rows that were held out,
    and divides all scores: it changes no prediction.

    Parameters
    ----------
    C : float, default=1.0
        Inverse of the penalty on the coefficients.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, as in scikit-learn; not for several labels a row.
    calibrate : bool, default=True
        Whether to learn the temperature; without, it is 1.
    max_iter : int, default=100
        Most Newton steps.
    tol : float, default=1e-4
        Largest gradient that counts as converged.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of float, shape (n_classes, n_features) or (1, n_features)
        Coefficients; one row for two classes. They are not divided by the temperature.
    intercept_ : ndarray of float, shape (n_classes,) or (1,)
        Intercepts.
    temperature_ : float
        What scores are divided by before they become probabilities: above 1 where the coefficients were too sure.
    n_iter_ : int
        Newton steps taken.
    n_features_in_ : int
        Columns seen in fit.

    See Also
    --------
    make_text_classifier : A pipeline that ends in it.

    Notes
    -----
    One number is learned for all classes [1]_: with more, the few rows that are held out would be learned by heart.
    Equal rows are held out together, so that copies of a text do not make it look too sure.

    References
    ----------
    .. [1] Guo et al., "On Calibration of Modern Neural Networks", 2017, https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> from skko import KoEmbeddingTransformer, datasets
    >>> from skko.classification import CalibratedLogisticRegression
    >>> inquiries = datasets.load_inquiries()
    >>> vectors = KoEmbeddingTransformer("skko-mini").fit_transform(inquiries.texts)
    >>> classifier = CalibratedLogisticRegression().fit(vectors, inquiries.topics)
    >>> classifier.predict_proba(vectors).shape
    (566, 8)
    """

    _parameter_constraints = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "calibrate": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        C: float = 1.0,
        *,
        class_weight: Any = None,
        calibrate: bool = True,
        max_iter: int = 100,
        tol: float = 1e-4,
    ) -> None:
        self.C = C
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.max_iter = max_iter
        self.tol = tol

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> "CalibratedLogisticRegression":
        """Find the coefficients and the temperature.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
            Features.
        y : array-like of shape (n,) or (n, n_classes), or list of lists
            The label of each row; an indicator matrix of zeros and ones, or the labels of each row, for several.
        sample_weight : array-like of shape (n,) or None, default=None
            Weight of each row.

        Returns
        -------
        CalibratedLogisticRegression
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is only one class, or the shapes do not fit.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` steps were not enough.
        """
        targets = read_targets(y)
        rows: Any
        if targets is None:
            rows, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float32, np.float64])
            check_classification_targets(y)
            targets = Targets.of_one_label(y)
        else:
            rows = validate_data(self, X, accept_sparse="csr", dtype=[np.float32, np.float64])
            if rows.shape[0] != len(targets.indicator):
                raise ValueError(f"X has {rows.shape[0]} rows and y {len(targets.indicator)}.")
        if len(targets.classes) < 2 and not targets.multilabel:
            raise ValueError(f"A classifier needs 2 classes, and y has one class: {targets.classes[0]!r}.")
        weights = check_sample_weight(sample_weight, rows, dtype=rows.dtype, ensure_non_negative=True)
        weights = weights * self._class_weights(targets)
        self.classes_, self._targets = targets.classes, targets.empty()
        kept = weights > 0
        self._fit_rows(rows[kept], targets.columns()[kept], weights[kept])
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Score each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
            Features.

        Returns
        -------
        ndarray of float, shape (n, n_classes), or (n,) for two classes
            Scores, divided by the temperature.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float32, np.float64])
        scores = np.asarray(rows @ self.coef_.T + self.intercept_)
        scores /= scores.dtype.type(self.temperature_)
        return scores.ravel() if self._binary else scores

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Estimate the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
            Features.

        Returns
        -------
        ndarray of float, shape (n, n_classes)
            Rows that sum to 1; for several labels a row, the probability of each by itself.
        """
        scores = self.decision_function(X).astype(np.float64)
        found = probabilities(scores, self._link)
        return np.column_stack([1 - found, found]) if self._binary else found

    def predict(self, X: ArrayLike) -> Any:
        """Choose the most probable class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n,) or (n, n_classes), or list of tuples
            Labels, in the form of ``y`` in fit: with several labels a row, those whose probability is above one half.
        """
        scores = self.decision_function(X)
        return self._targets.labels_of(scores)

    @property
    def _binary(self) -> bool:
        return not self._targets.multilabel and len(self.classes_) == 2

    @property
    def _link(self) -> Link:
        return "sigmoid" if self._targets.multilabel or self._binary else "softmax"

    def _class_weights(self, targets: Targets) -> NDArray[Any]:
        if self.class_weight is None:
            return np.ones(len(targets.indicator))
        if targets.multilabel:
            raise ValueError("class_weight is for one label a row; weigh rows by sample_weight instead.")
        codes = targets.indicator.argmax(axis=1)
        each = compute_class_weight(self.class_weight, classes=targets.classes, y=targets.classes[codes])
        return np.asarray(each[codes])

    def _fit_rows(self, X: Any, Y: NDArray[Any], weights: NDArray[Any]) -> None:
        self.temperature_, start = self._hold_out(X, Y, weights) if self.calibrate else (1.0, None)
        found = self._solve(X, Y, weights, self.tol, start)
        if not found.converged:
            warnings.warn(
                f"Logistic regression did not converge in max_iter={self.max_iter} steps. Raise it, or lower C.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self.coef_, self.intercept_, self.n_iter_ = found.coef, found.intercept, found.n_iter

    def _solve(self, X: Any, Y: NDArray[Any], weights: NDArray[Any], tol: float, start: Fit | None = None) -> Fit:
        options: dict[str, Any] = {"C": self.C, "link": self._link, "max_iter": self.max_iter, "tol": tol}
        columns = Columns(X)
        with one_blas_thread() if columns.dense.size * Y.shape[1] < _SMALL else nullcontext():
            return fit_logistic(columns, Y, weights=weights, start=start, **options)

    def _hold_out(self, X: Any, Y: NDArray[Any], weights: NDArray[Any]) -> tuple[float, Fit | None]:
        """Learn the temperature on rows that were held out; the coefficients without them are where to go on from."""
        scores, truth, weight, found = [], [], [], None
        for held in held_out_folds(X, Y, stratify=not self._targets.multilabel):
            found = self._solve(X[~held], Y[~held], weights[~held], _ROUGHLY * self.tol)
            scores.append(np.asarray(X[held] @ found.coef.T + found.intercept, dtype=np.float64))
            truth.append(Y[held])
            weight.append(weights[held])
        if found is None:
            return 1.0, None
        return best_temperature(np.vstack(scores), np.vstack(truth), np.concatenate(weight), self._link), found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = False
        return tags
