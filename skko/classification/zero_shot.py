"""KoZeroShotClassifier: labels by description, where there are no labelled texts, or few."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from skko.base import Interval, StrOptions, TextEstimator, fit_context
from skko.classification._calibration import best_temperature
from skko.classification._newton import probabilities
from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.similarity import unit_rows
from skko.text.normalization import normalise

# Cosines of related texts lie about so far apart; fewer labelled rows than it takes to err would want certainty.
_TEMPERATURE = 0.05
_COLDEST = 0.01


class KoZeroShotClassifier(ClassifierMixin, TextEstimator):
    """Classify texts by descriptions of the labels, or by a few examples of each.

    A text gets the label whose descriptions are nearest to it in meaning. With a threshold it gets none where even the
    nearest is far; a few labelled rows set the threshold, and how sure the probabilities are.

    Parameters
    ----------
    labels : mapping of str to str or sequence of str, or sequence of str
        Descriptions or examples of each label, such as ``{"환불": ["환불해 주세요", "돈을 돌려받고 싶어요"]}``; a
        sequence names labels that describe themselves.
    embedder : str, ModelSpec, KoEmbeddingTransformer or None, default=None
        What embeds texts and descriptions; None is ``dragonkue/bge-m3-ko``.
    template : str, default="{}"
        Sentence that every description is put into, at ``{}``, such as ``"{}에 대한 문의"``.
    threshold : float, "auto" or None, default="auto"
        Least cosine of a text that has a label. ``"auto"`` learns it in ``fit`` from rows whose ``y`` is
        ``none_label``, and without such rows every text has a label, as with None.
    none_label : str, default="없음"
        Label of the texts that have none of the labels.
    temperature : float or "auto", default="auto"
        What cosines are divided by before they become probabilities. ``"auto"`` learns it from labelled rows; without
        them it is 0.05.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
        The labels, sorted, and after them ``none_label`` where there is a threshold.
    prototypes_ : ndarray of float32, shape (n_labels, embedding_dim)
        Mean direction of the descriptions of each label.
    threshold_ : float or None
        The threshold in use.
    temperature_ : float
        The temperature in use.

    See Also
    --------
    make_text_classifier : Learn from labelled texts; from about eight a label on it is better.

    Notes
    -----
    None of the labels is a class whose cosine is the threshold, whatever the text, so that ``predict`` is always the
    most probable class of ``predict_proba``.

    Examples
    --------
    >>> from skko.classification import KoZeroShotClassifier
    >>> labels = {"환불": ["환불해 주세요", "돈을 돌려받고 싶어요"], "배송": ["배송이 늦어요", "택배가 안 왔어요"]}
    >>> classifier = KoZeroShotClassifier(labels, embedder="skko-mini").fit()
    >>> classifier.predict(["언제 배송되나요", "환불은 며칠 걸리나요"]).tolist()
    ['배송', '환불']
    """

    _parameter_constraints = {
        "labels": [Mapping, list, tuple],
        "embedder": [str, ModelSpec, KoEmbeddingTransformer, None],
        "template": [str],
        "threshold": [Interval(Real, -1, 1, closed="both"), StrOptions({"auto"}), None],
        "none_label": [str],
        "temperature": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    }

    def __init__(
        self,
        labels: Mapping[str, str | Sequence[str]] | Sequence[str],
        *,
        embedder: str | ModelSpec | KoEmbeddingTransformer | None = None,
        template: str = "{}",
        threshold: float | Literal["auto"] | None = "auto",
        none_label: str = "없음",
        temperature: float | Literal["auto"] = "auto",
    ) -> None:
        self.labels = labels
        self.embedder = embedder
        self.template = template
        self.threshold = threshold
        self.none_label = none_label
        self.temperature = temperature

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike | None = None, y: Any = None) -> "KoZeroShotClassifier":
        """Embed the descriptions, and learn threshold and temperature from labelled rows if there are any.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1), or None, default=None
            Labelled texts; a few will do.
        y : array-like of str, shape (n_texts,), or None, default=None
            Their labels; ``none_label`` for a text that has none of them.

        Returns
        -------
        KoZeroShotClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a label has no description, ``template`` has no place for it, or ``y`` has a label that is not known.
        """
        texts = self._validate_texts([] if X is None else X, reset=True)
        described = self._descriptions()
        self._embedder = self._make_embedder().fit([])
        self.prototypes_ = np.stack([self._mean_direction(examples) for examples in described.values()])
        names = np.array(list(described))
        cosines, truth = np.empty((0, len(names))), np.empty(0, dtype=np.intp)
        if y is not None and len(texts):
            truth = self._truth(y, names, len(texts))
            cosines = self._embed(texts) @ self.prototypes_.T.astype(np.float64)
        self.threshold_ = self._learn_threshold(cosines, truth)
        self.classes_ = names if self.threshold_ is None else np.append(names, self.none_label)
        self.temperature_ = self._learn_temperature(self._with_none(cosines), truth)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Score each class.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.

        Returns
        -------
        ndarray of float, shape (n_texts, n_classes), or (n_texts,) for two classes
            Cosines with the descriptions, and the threshold for none of them; or the second less the first.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[np.str_]:
        """Choose the label that is nearest, or none.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.

        Returns
        -------
        ndarray of str, shape (n_texts,)
            Labels.
        """
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Estimate the probability of each class.

        Parameters
        ----------
        X : array-like of str, shape (n_texts,) or (n_texts, 1)
            Texts.

        Returns
        -------
        ndarray of float, shape (n_texts, n_classes)
            Rows that sum to 1.
        """
        scores = self._scores(X)
        return probabilities(scores / self.temperature_, "softmax") if len(scores) else scores

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        cosines = self._embed(self._validate_texts(X)) @ self.prototypes_.T.astype(np.float64)
        return self._with_none(cosines)

    def _with_none(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.threshold_ is None:
            return cosines
        return np.column_stack([cosines, np.full(len(cosines), self.threshold_)])

    def _descriptions(self) -> dict[str, list[str]]:
        """The descriptions of each label, labels sorted, each in its sentence."""
        if "{}" not in self.template:
            raise ValueError(f"template must have a place {{}} for the description, got {self.template!r}.")
        given: dict[str, Any] = (
            dict(self.labels) if isinstance(self.labels, Mapping) else {label: label for label in self.labels}
        )
        if len(given) < 1:
            raise ValueError("labels names no label.")
        if self.none_label in given:
            raise ValueError(f"none_label={self.none_label!r} is one of the labels; name it otherwise.")
        found = {}
        for label in sorted(given):
            examples = [given[label]] if isinstance(given[label], str) else list(given[label])
            if not examples or not all(isinstance(example, str) and example.strip() for example in examples):
                raise ValueError(f"labels[{label!r}] must be a description or several, got {given[label]!r}.")
            found[label] = [self.template.replace("{}", example) for example in examples]
        return found

    def _make_embedder(self) -> KoEmbeddingTransformer:
        if isinstance(self.embedder, KoEmbeddingTransformer):
            copied: KoEmbeddingTransformer = clone(self.embedder)
            return copied
        return KoEmbeddingTransformer() if self.embedder is None else KoEmbeddingTransformer(self.embedder)

    def _embed(self, texts: list[str]) -> NDArray[np.float64]:
        return unit_rows(np.asarray(self._embedder.transform(normalise(texts)))).astype(np.float64)

    def _mean_direction(self, examples: list[str]) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = unit_rows(self._embed(examples).mean(axis=0, keepdims=True))[0].astype(np.float32)
        return mean

    def _truth(self, y: Any, names: NDArray[np.str_], n_texts: int) -> NDArray[np.intp]:
        """Number of the label of each row; ``len(names)`` is none."""
        given = [str(value) for value in np.asarray(y).ravel().tolist()]
        if len(given) != n_texts:
            raise ValueError(f"X has {n_texts} texts and y {len(given)} labels.")
        numbers = {name: number for number, name in enumerate([*names.tolist(), self.none_label])}
        for row, value in enumerate(given):
            if value not in numbers:
                raise ValueError(
                    f"y has the label {value!r} at row {row}, which labels does not name. Describe it, or call it "
                    f"{self.none_label!r}."
                )
        return np.array([numbers[value] for value in given], dtype=np.intp)

    def _learn_threshold(self, cosines: NDArray[np.float64], truth: NDArray[np.intp]) -> float | None:
        """The threshold with the most rows right; of equally good ones the middle of the widest gap."""
        if self.threshold != "auto":
            return None if self.threshold is None else float(self.threshold)
        n_labels = cosines.shape[1]
        if not (truth == n_labels).any():
            return None
        best = cosines.max(axis=1)
        order = np.argsort(best)
        right = (cosines.argmax(axis=1) == truth)[order]
        # Below the threshold the rows that have no label are right, above it those with the right one.
        below = np.concatenate([[0], np.cumsum((truth == n_labels)[order])])
        above = right.sum() - np.concatenate([[0], np.cumsum(right)])
        edges = np.concatenate([[best.min() - 0.1], np.sort(best), [best.max() + 0.1]])
        score, gap = below + above, np.diff(edges)
        candidates = np.flatnonzero(score == score.max())
        place = candidates[gap[candidates].argmax()]
        return float(np.clip(edges[place : place + 2].mean(), -1, 1))

    def _learn_temperature(self, scores: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
        if self.temperature != "auto":
            return float(self.temperature)
        known = truth < scores.shape[1]
        if not known.any() or scores.shape[1] < 2:
            return _TEMPERATURE
        indicator = np.eye(scores.shape[1])[truth[known]]
        return max(best_temperature(scores[known], indicator, np.ones(int(known.sum())), "softmax"), _COLDEST)
