"""Fitted classifiers in files that run nothing when they are read."""

import copy
import json
import zipfile
from collections.abc import Collection, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from skko._version import __version__
from skko.exceptions import DataFileError
from skko.optional import import_optional

_FORMAT = 1
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
    skops = import_optional("skops.io", extra="save", purpose="save a classifier")
    path = Path(path)
    bare = copy.deepcopy(classifier)
    vocabularies = []
    for vectorizer in _vectorizers(bare):
        terms = vectorizer.vocabulary_
        vocabularies.append(json.dumps(sorted(terms, key=terms.__getitem__), ensure_ascii=False))
        vectorizer.vocabulary_ = {}  # skops makes a node of every term: minutes, and 40 MB, of what is 1 MB
    content = {"format": _FORMAT, "skko": __version__, "vocabularies": vocabularies, "classifier": bare}
    partial = path.with_name(path.name + ".part")
    try:
        skops.dump(content, partial, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


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
    skops = import_optional("skops.io", extra="save", purpose="load a classifier")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        unknown = skops.get_untrusted_types(file=path)
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataFileError(f"{path} is not a classifier that skko saved ({error}).") from error
    strange = sorted(set(unknown) - _OURS - set(trusted))
    if strange:
        raise DataFileError(
            f"{path} holds {', '.join(strange)}, which skko does not know. If you know where the file is from, pass "
            f"trusted={strange}."
        )
    try:
        content = skops.load(path, trusted=sorted(unknown))
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataFileError(f"{path} is not a classifier that skko saved ({error}).") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise DataFileError(f"{path} is not a classifier that skko saved.")
    classifier = content["classifier"]
    found = list(_vectorizers(classifier))
    if len(found) != len(content["vocabularies"]):
        raise DataFileError(f"{path} has {len(content['vocabularies'])} vocabularies for {len(found)} vectorisers.")
    for vectorizer, terms in zip(found, content["vocabularies"], strict=True):
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
