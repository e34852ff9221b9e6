"""compare_models: which of several classifiers is better, and whether that is more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv, cross_validate

from skko.classification.leakage import Leaks, count_leaks, warn_of_leaks
from skko.classification.pipeline import make_text_classifier
from skko.embedding import encode_counts


@dataclass(frozen=True)
class Comparison:
    """Scores of several models on the same folds.

    Attributes
    ----------
    names : tuple of str
        The models, as given.
    scores : ndarray of float, shape (n_models, n_folds)
        Score of each model on each fold.
    differences, low, high : ndarray of float, shape (n_models,)
        Mean difference to the best model fold by fold, and the ends of its confidence interval.
    confidence : float
        Confidence of the intervals.
    fit_seconds, score_seconds : ndarray of float, shape (n_models,)
        Mean time of a fold.
    dimensions : tuple of (int or None)
        Features that reach the classifier; None where it does not say.
    texts_encoded : tuple of int
        Texts that an embedding model had to read in this process for each model.
    leaks : Leaks
        Test texts that stand in the training texts, too.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    differences: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: float
    fit_seconds: NDArray[np.float64]
    score_seconds: NDArray[np.float64]
    dimensions: tuple[int | None, ...]
    texts_encoded: tuple[int, ...]
    leaks: Leaks

    @property
    def best(self) -> str:
        """The model with the best mean score.

        Returns
        -------
        str
            Its name.
        """
        return self.names[int(self.scores.mean(axis=1).argmax())]

    def to_frame(self) -> pd.DataFrame:
        """Return a table, best first.

        Returns
        -------
        pandas.DataFrame
            One row a model: ``score`` and ``std`` over folds, ``difference`` to the best with ``low`` and ``high``,
            ``fit_seconds``, ``score_seconds``, ``dimension`` and ``texts_encoded``.
        """
        columns = {
            "score": self.scores.mean(axis=1),
            "std": self.scores.std(axis=1, ddof=1),
            "difference": self.differences,
            "low": self.low,
            "high": self.high,
            "fit_seconds": self.fit_seconds,
            "score_seconds": self.score_seconds,
            "dimension": pd.array(list(self.dimensions), dtype="Int64"),
            "texts_encoded": self.texts_encoded,
        }
        frame = pd.DataFrame(columns, index=pd.Index(self.names, name="model"))
        return frame.sort_values("score", ascending=False, kind="stable")


def compare_models(
    models: Mapping[str, Any] | Sequence[str],
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    groups: Any = None,
    scoring: Any = None,
    confidence: float = 0.95,
    n_jobs: int | None = None,
) -> Comparison:
    """Compare classifiers on the same folds.

    Parameters
    ----------
    models : mapping of str to estimator, or sequence of str
        Classifiers by name; or names of embedding models, each in :func:`~skko.make_text_classifier`.
    X : array-like of str, shape (n_texts,)
        Texts.
    y : array-like of shape (n_texts,)
        Their labels.
    cv : int, splitter or iterable, default=5
        Folds, as in scikit-learn; the same for every model.
    groups : array-like of shape (n_texts,) or None, default=None
        Texts of one group stay on one side.
    scoring : str, callable or None, default=None
        What is better, as in scikit-learn; None is the models' own ``score``.
    confidence : float, default=0.95
        Of the intervals.
    n_jobs : int or None, default=None
        Folds computed at once.

    Returns
    -------
    Comparison
        Scores, differences and costs; ``to_frame()`` is the table.

    Raises
    ------
    ValueError
        If there are no models or fewer than 2 folds.

    Warns
    -----
    SkkoWarning
        If test texts stand in the training texts of their fold, with their number.

    Notes
    -----
    Folds share training rows, so that their scores are not independent and the usual t interval is too narrow. The
    variance is corrected by the ratio of test to training rows [1]_.

    References
    ----------
    .. [1] Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skko import datasets, make_text_classifier
    >>> from skko.classification import compare_models
    >>> inquiries = datasets.load_inquiries()
    >>> models = {
    ...     "logistic": make_text_classifier("skko-mini", lexical=False),
    ...     "bayes": make_text_classifier("skko-mini", lexical=False, classifier=GaussianNB()),
    ... }
    >>> compare_models(models, inquiries.texts, inquiries.topics, cv=3).best
    'logistic'
    """
    if not isinstance(models, Mapping):
        models = {name: make_text_classifier(name) for name in models}
    if not models:
        raise ValueError("models is empty: name at least one.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}.")
    chooser = check_cv(cv, y, classifier=all(is_classifier(model) for model in models.values()))
    splits = list(chooser.split(X, y, groups))
    if len(splits) < 2:
        raise ValueError(f"An interval needs 2 folds, and cv gives {len(splits)}.")
    leaks = count_leaks(X, splits)
    warn_of_leaks(leaks)
    rows = []
    for model in models.values():
        before = encode_counts()
        options: dict[str, Any] = {"cv": splits, "scoring": scoring, "n_jobs": n_jobs, "error_score": "raise"}
        found = cross_validate(clone(model), X, y, return_estimator=True, **options)
        found["encoded"] = (encode_counts() - before).texts_encoded
        rows.append(found)
    scores = np.array([found["test_score"] for found in rows])
    differences = scores - scores[scores.mean(axis=1).argmax()]
    half = _half_widths(differences, splits, confidence)
    return Comparison(
        tuple(models),
        scores,
        differences.mean(axis=1),
        differences.mean(axis=1) - half,
        differences.mean(axis=1) + half,
        confidence,
        np.array([found["fit_time"].mean() for found in rows]),
        np.array([found["score_time"].mean() for found in rows]),
        tuple(_dimension(found["estimator"][0]) for found in rows),
        tuple(found["encoded"] for found in rows),
        leaks,
    )


def _half_widths(differences: NDArray[np.float64], splits: list[Any], confidence: float) -> NDArray[np.float64]:
    """Half of the width of each interval, by the corrected resampled t statistic."""
    n_folds = len(splits)
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    variance = differences.var(axis=1, ddof=1) * (1 / n_folds + ratio)
    return np.asarray(student.ppf((1 + confidence) / 2, n_folds - 1) * np.sqrt(variance))


def _dimension(estimator: Any) -> int | None:
    final = estimator[-1] if hasattr(estimator, "steps") else estimator
    n_features = getattr(final, "n_features_in_", None)
    return None if n_features is None else int(n_features)
