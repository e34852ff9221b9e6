"""Fitted classifiers in files that run nothing when they are read."""

import copy
import json
from collections.abc import Collection, Iterator
from os import PathLike
from typing import Any

from sklearn.base import BaseEstimator

from skko.saved import load_safely, save_safely

_WHAT = "a classifier"
# What a file may hold besides what skops itself knows as safe; a class that is not here is not made.
_OURS = frozenset(
    """
    skko.classification._targets.Targets
    skko.classification._weights.LexicalChoice
    skko.classification.features.KoTextFeatures
    skko.classification.few_labels.LabelSpreader
    skko.classification.few_labels.NearestMeanClassifier
    skko.classification.linear.CalibratedLogisticRegression
    skko.classification.zero_shot.KoZeroShotClassifier
    skko.embedding.transformer.KoEmbeddingTransformer
    skko.models.spec.ModelSpec
    skko.text.normalization.KoTextNormalizer
    skko.text.vectorizer.KoMorphemeVectorizer
    skko.text.vectorizer._same
    """.split()
)


def save_classifier(classifier: Any, path: str | PathLike[str]) -> None:
    """Write a fitted classifier to a file.

    Parameters
    ----------
    classifier : estimator
        A fitted pipeline, such as of :func:`~skko.make_text_classifier`, or a :class:`~skko.KoZeroShotClassifier`.
    path : path-like
        The file, by custom with the ending ``.skops``; one that exists is replaced.

    Raises
    ------
    MissingDependencyError
        If skops is not installed.
    OSError
        If the file cannot be written.

    Notes
    -----
    The file has no training texts and no weights of the embedding model, but the vocabulary of its lexical features:
    every word and run of characters of the training texts. Where those are secret, so is the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skko import datasets, make_text_classifier
    >>> from skko.classification import load_classifier, save_classifier
    >>> inquiries = datasets.load_inquiries()
    >>> pipeline = make_text_classifier("skko-mini", lexical=False).fit(inquiries.texts, inquiries.topics)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "문의.skops"
    >>> save_classifier(pipeline, path)
    >>> load_classifier(path).predict(["환불은 언제 되나요?"]).shape
    (1,)
    """
    bare = copy.deepcopy(classifier)
    vocabularies = []
    for vectorizer in _vectorizers(bare):
        terms = vectorizer.vocabulary_
        vocabularies.append(json.dumps(sorted(terms, key=terms.__getitem__), ensure_ascii=False))
        vectorizer.vocabulary_ = {}  # skops makes a node of every term: minutes, and 40 MB, of what is 1 MB
    save_safely({"vocabularies": vocabularies, "classifier": bare}, path, what=_WHAT, level=6)


def load_classifier(path: str | PathLike[str], *, trusted: Collection[str] = ()) -> Any:
    """Read a classifier from a file that :func:`save_classifier` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : collection of str, default=()
        Full names of further classes that the file may hold, such as a classifier of your own.

    Returns
    -------
    estimator
        The fitted classifier. It needs the embedding model that it was fitted with, which is looked up by name and
        compared by the digest of its weights.

    Raises
    ------
    DataFileError
        If the file is not of a classifier, or holds classes that are not trusted.
    FileNotFoundError
        If there is no such file.
    MissingDependencyError
        If skops is not installed.
    """
    with load_safely(path, known=_OURS, trusted=trusted, what=_WHAT) as content:
        classifier, vocabularies = content["classifier"], content["vocabularies"]
        for vectorizer, terms in zip(_vectorizers(classifier), vocabularies, strict=True):
            vectorizer.vocabulary_ = {term: place for place, term in enumerate(json.loads(terms))}
    return classifier


def _vectorizers(root: Any) -> Iterator[Any]:
    """Every estimator with a vocabulary in it, each once, in an order that saving and loading keep."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, BaseEstimator):
            if "vocabulary_" in vars(value):
                yield value
            waiting += [vars(value)[name] for name in sorted(vars(value))]
        elif isinstance(value, (list, tuple)):
            waiting += list(value)
        elif isinstance(value, dict):
            waiting += list(value.values())
