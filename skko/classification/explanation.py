"""explain: which words, morphemes and training texts a decision rests on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.classification.features import KoTextFeatures
from skko.similarity import top_k
from skko.validation import check_texts


@dataclass(frozen=True)
class Explanation:
    """What a decision rests on.

    Attributes
    ----------
    text : str
        The text.
    label : object
        What was predicted, or asked about.
    probability : float
        Its probability.
    words : tuple of (str, float)
        Words between spaces, and how much the probability falls without each; most important first.
    morphemes : tuple of (str, float)
        Morphemes, and what each adds to the score of the label beyond the mean of all labels; largest first. Empty
        where the classifier has no coefficients, or the features no morphemes.
    neighbours : tuple of (str, object, float)
        The nearest known texts in meaning, their labels (None where not given) and cosines; nearest first.
    """

    text: str
    label: Any
    probability: float
    words: tuple[tuple[str, float], ...]
    morphemes: tuple[tuple[str, float], ...]
    neighbours: tuple[tuple[str, Any, float], ...]

    def __str__(self) -> str:
        parts = [f"{self.label} ({self.probability:.2f})"]
        if self.words:
            parts.append("words: " + ", ".join(f"{word} {effect:+.2f}" for word, effect in self.words))
        if self.morphemes:
            parts.append("morphemes: " + ", ".join(f"{form} {score:+.2f}" for form, score in self.morphemes))
        for text, label, cosine in self.neighbours:
            parts.append(f"{cosine:.2f}  {'' if label is None else f'{label}  '}{text}")
        return "\n".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return a table.

        Returns
        -------
        pandas.DataFrame
            Columns ``kind`` (word, morpheme or text), ``what`` and ``value``.
        """
        rows = [("word", *pair) for pair in self.words] + [("morpheme", *pair) for pair in self.morphemes]
        rows += [("text", text, cosine) for text, _, cosine in self.neighbours]
        return pd.DataFrame(rows, columns=["kind", "what", "value"])


def explain(
    classifier: Any,
    text: str,
    *,
    label: Any = None,
    texts: Any = None,
    labels: Any = None,
    n: int = 5,
) -> Explanation:
    """Show what a decision of a fitted pipeline rests on.

    Parameters
    ----------
    classifier : sklearn.pipeline.Pipeline
        A fitted pipeline with ``predict_proba``, such as of :func:`~skko.make_text_classifier`.
    text : str
        The text.
    label : object or None, default=None
        Which label to explain; None is the predicted one.
    texts : array-like of str or None, default=None
        Known texts to look for neighbours in, such as those of training; a classifier keeps none.
    labels : array-like or None, default=None
        Their labels.
    n : int, default=5
        How many of each to show.

    Returns
    -------
    Explanation
        What it rests on. As str it is a few lines.

    Raises
    ------
    ValueError
        If the label is not known to the classifier, or ``texts`` and ``labels`` differ in length.

    Examples
    --------
    >>> from skko import datasets, make_text_classifier
    >>> from skko.classification import explain
    >>> inquiries = datasets.load_inquiries()
    >>> pipeline = make_text_classifier("skko-mini").fit(inquiries.texts, inquiries.topics)
    >>> found = explain(pipeline, "택배가 아직도 안 왔어요", texts=inquiries.texts, labels=inquiries.topics)
    >>> found.label, found.words[0][0]
    ('배송', '택배가')
    """
    (text,) = check_texts([text], name="text")
    words = text.split()
    variants = [text] + [" ".join(words[:at] + words[at + 1 :]) for at in range(len(words) if len(words) > 1 else 0)]
    shares = np.asarray(classifier.predict_proba(variants))
    classes = np.asarray(classifier.classes_)
    column = int(shares[0].argmax()) if label is None else _column(classes, label)
    falls = shares[0, column] - shares[1:, column]
    effects = sorted(zip(words, falls.tolist(), strict=False), key=lambda pair: -abs(pair[1]))[:n]
    return Explanation(
        text,
        _plain(classes[column]),
        float(shares[0, column]),
        tuple(effects),
        tuple(_morphemes(classifier, text, column)[:n]),
        tuple(_neighbours(classifier, text, texts, labels, n)),
    )


def _column(classes: NDArray[Any], label: Any) -> int:
    found = np.flatnonzero(classes == label)
    if not len(found):
        raise ValueError(f"The classifier does not know the label {label!r}; it knows {classes.tolist()[:10]}.")
    return int(found[0])


def _morphemes(classifier: Any, text: str, column: int) -> list[tuple[str, float]]:
    """What each morpheme adds to the score: its feature times the coefficient."""
    features, coefficients = _step(classifier, KoTextFeatures), getattr(classifier[-1], "coef_", None)
    if features is None or coefficients is None or "morphemes" not in features.blocks():
        return []
    place = features.blocks()["morphemes"]
    values = classifier[:-1].transform([text])[:, place].toarray().ravel()
    if len(coefficients) == 1:  # two classes: the score is of the second
        weights = coefficients[0, place] * (1 if column else -1) / 2
    else:
        weights = coefficients[column, place] - coefficients[:, place].mean(axis=0)
    names = features["morphemes"].get_feature_names_out()
    added = values * weights
    used = np.flatnonzero(values)
    return [(str(names[i]), float(added[i])) for i in used[np.argsort(-np.abs(added[used]))]]


def _neighbours(classifier: Any, text: str, texts: Any, labels: Any, n: int) -> list[tuple[str, Any, float]]:
    if texts is None:
        return []
    known = check_texts(texts, name="texts")
    names = [None] * len(known) if labels is None else list(labels)
    if len(names) != len(known):
        raise ValueError(f"texts has {len(known)} rows and labels {len(names)}.")
    features = _step(classifier, KoTextFeatures)

    def embed(rows: list[str]) -> NDArray[Any]:
        if features is None:
            return np.asarray(classifier[:-1].transform(rows))
        ahead = np.asarray(classifier[:-2].transform(rows)).ravel() if len(classifier) > 2 else rows
        return np.asarray(features["embed"].transform(ahead))

    indices, cosines = top_k(embed([text]), embed(known), n, show_progress=False)
    found = zip(indices[0].tolist(), cosines[0].tolist(), strict=True)
    return [(known[row], _plain(names[row]), float(cosine)) for row, cosine in found]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _step(classifier: Any, kind: type) -> Any:
    return next((step for _, step in classifier.steps if isinstance(step, kind)), None)
