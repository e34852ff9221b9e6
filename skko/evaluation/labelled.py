"""evaluate_classification and evaluate_clustering: what labels say of vectors, classifiers and clusterers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, v_measure_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_consistent_length

from skko.embedding import KoEmbeddingTransformer
from skko.evaluation._meter import Meter
from skko.evaluation._statistics import macro_f1
from skko.evaluation.pairs import symmetric_embedder
from skko.evaluation.report import EvaluationReport, describe_run, digest
from skko.evaluation.retrieval import describe_embedders
from skko.models import ModelSpec
from skko.validation import check_texts


def evaluate_classification(
    system: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    prompt: str | None = None,
    name: str | None = None,
    data: str = "classes",
) -> EvaluationReport:
    """Evaluate a classifier, or logistic regression on a model's vectors, by cross-validation.

    Parameters
    ----------
    system : str, ModelSpec, KoEmbeddingTransformer or classifier
        A classifier of texts, such as :func:`~skko.make_text_classifier` makes; or a model or embedder, to which
        logistic regression is added.
    X : array-like of str, shape (n_texts,)
        Texts.
    y : array-like of shape (n_texts,)
        Class of each.
    cv : int or splitter, default=5
        Folds, as scikit-learn takes them.
    groups : array-like of shape (n_texts,) or None, default=None
        Texts of one group stay in one fold, with ``cv=GroupKFold()`` and its like.
    prompt : str or None, default=None
        Prompt of a model; None is the preset's for symmetric tasks.
    name : str or None, default=None
        What to call the system.
    data : str, default="classes"
        What to call the data.

    Returns
    -------
    EvaluationReport
        ``accuracy`` and ``macro_f1``, of predictions for texts that were left out of the training.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, or the lengths differ.

    Examples
    --------
    >>> from skko import datasets
    >>> from skko.evaluation import evaluate_classification
    >>> inquiries = datasets.load_inquiries()
    >>> report = evaluate_classification("skko-mini", inquiries.texts, inquiries.topics, cv=3)
    >>> report.scores["accuracy"] > 0.6
    True
    """
    meter = Meter()
    texts, labels = check_texts(X), np.asarray(y)
    check_consistent_length(texts, labels)
    embedder = _embedder(system, prompt)
    classifier = system
    if embedder is not None:
        classifier = make_pipeline(embedder, LogisticRegression(C=10.0, solver="newton-cg", max_iter=200))
    predicted = cross_val_predict(clone(classifier), np.array(texts, dtype=object), labels, cv=cv, groups=groups)
    right = (predicted == labels).astype(float)
    scores = {"accuracy": float(right.mean()), "macro_f1": macro_f1(predicted, labels)}
    items = {"accuracy": right, "predicted": predicted.astype(str), "label": labels.astype(str)}
    known = _known(embedder, system, {"cv": repr(cv)})
    return _report("classification", scores, "accuracy", items, known, (texts, labels), meter, name, data)


def evaluate_clustering(
    system: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    prompt: str | None = None,
    random_state: int = 0,
    name: str | None = None,
    data: str = "clusters",
) -> EvaluationReport:
    """Evaluate a clusterer, or k-means on a model's vectors, against known groups.

    Parameters
    ----------
    system : str, ModelSpec, KoEmbeddingTransformer or clusterer
        A clusterer of texts with ``fit_predict``, such as :func:`~skko.make_topic_clusterer` makes; or a model or
        embedder, to which k-means with the true number of groups is added.
    X : array-like of str, shape (n_texts,)
        Texts.
    y : array-like of shape (n_texts,)
        Group of each.
    prompt : str or None, default=None
        Prompt of a model; None is the preset's for symmetric tasks.
    random_state : int, default=0
        Seed of k-means.
    name : str or None, default=None
        What to call the system.
    data : str, default="clusters"
        What to call the data.

    Returns
    -------
    EvaluationReport
        ``v_measure``, the main score, ``nmi``, ``ari``, the number of ``clusters``, and the share of texts in none
        (``noise``), which count as one more cluster.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, or the lengths differ.

    Examples
    --------
    >>> from skko import datasets
    >>> from skko.evaluation import evaluate_clustering
    >>> inquiries = datasets.load_inquiries()
    >>> evaluate_clustering("skko-mini", inquiries.texts, inquiries.topics).scores["clusters"]
    8.0
    """
    meter = Meter()
    texts, groups = check_texts(X), np.asarray(y)
    check_consistent_length(texts, groups)
    embedder = _embedder(system, prompt)
    clusterer = system
    if embedder is not None:
        means = KMeans(len(np.unique(groups)), n_init=10, random_state=random_state)
        clusterer = make_pipeline(embedder, means)
    labels = np.asarray(clone(clusterer).fit_predict(texts))
    scores = {
        "v_measure": v_measure_score(groups, labels),
        "nmi": normalized_mutual_info_score(groups, labels),
        "ari": adjusted_rand_score(groups, labels),
        "clusters": len(np.unique(labels[labels >= 0])),
        "noise": (labels < 0).mean(),
    }
    scores = {one: float(value) for one, value in scores.items()}
    items = {"predicted": labels, "label": groups.astype(str)}
    known = _known(embedder, system, {"random_state": random_state})
    return _report("clustering", scores, "v_measure", items, known, (texts, groups), meter, name, data)


def _embedder(system: Any, prompt: str | None) -> KoEmbeddingTransformer | None:
    """An embedder to put something behind; None if the system does the task itself."""
    if isinstance(system, (str, ModelSpec)):
        return symmetric_embedder(system, prompt)
    if isinstance(system, KoEmbeddingTransformer):
        embedder: KoEmbeddingTransformer = clone(system)
        return embedder if prompt is None else embedder.set_params(prompt=prompt)
    return None


def _known(embedder: KoEmbeddingTransformer | None, system: Any, settings: dict[str, Any]) -> dict[str, Any]:
    if embedder is None:
        return {"name": type(system).__name__, "settings": {"system": repr(system), **settings}}
    fitted = clone(embedder).fit([])
    known = describe_embedders(fitted, fitted)
    return {**known, "settings": {**known["settings"], **settings}}


def _report(
    task: str,
    scores: dict[str, float],
    main_score: str,
    items: dict[str, Any],
    known: dict[str, Any],
    judged: tuple[list[str], Any],
    meter: Meter,
    name: str | None,
    data: str,
) -> EvaluationReport:
    system, settings = known.pop("name"), known.pop("settings")
    texts, labels = judged
    about = describe_run(
        **known,
        data_digest=digest(zip(texts, labels.tolist(), strict=True)),
        n_texts=len(texts),
        **meter.read(),
    )
    return EvaluationReport(task, name or system, data, scores, main_score, items, settings, about)
