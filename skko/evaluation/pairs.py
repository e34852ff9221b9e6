"""evaluate_sts and evaluate_pairs: how similarity follows meaning."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from skko.embedding import KoEmbeddingTransformer
from skko.evaluation._meter import Meter
from skko.evaluation.report import EvaluationReport, describe_run, digest
from skko.evaluation.retrieval import describe_embedders
from skko.metrics import judged_pair_scores, pair_similarities, sts_scores
from skko.models import ModelSpec
from skko.models.presets import find_preset
from skko.validation import check_texts


def evaluate_sts(
    system: Any,
    a: ArrayLike,
    b: ArrayLike,
    y: ArrayLike,
    *,
    prompt: str | None = None,
    name: str | None = None,
    data: str = "STS",
) -> EvaluationReport:
    """Evaluate how the similarity of vectors agrees with judged similarity.

    Parameters
    ----------
    system : str, ModelSpec or transformer
        The name of a model, whose preset says its prompt; a :class:`~skko.KoEmbeddingTransformer`; or any transformer
        of texts to dense rows, such as a fitted pipeline.
    a, b : array-like of str, shape (n_pairs,)
        First and second texts.
    y : array-like of float, shape (n_pairs,)
        Judged similarity, more is more alike.
    prompt : str or None, default=None
        Prompt of an embedder for both sides; None takes the preset's for symmetric tasks, or the embedder's own.
    name : str or None, default=None
        What to call the system.
    data : str, default="STS"
        What to call the data.

    Returns
    -------
    EvaluationReport
        Pearson's and Spearman's correlation for cosine, dot, euclidean and manhattan; ``spearman_cosine`` is the main
        one.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, or the lengths differ.

    Examples
    --------
    >>> from skko.evaluation import evaluate_sts
    >>> a, b = ["배송이 늦어요"] * 3, ["배송이 느려요", "배송 문의", "오늘 날씨가 좋다"]
    >>> evaluate_sts("skko-mini", a, b, [5.0, 2.5, 0.0]).scores["spearman_cosine"]
    1.0
    """
    judged = np.asarray(y, dtype=np.float64)
    left, right, known = _vectors(system, a, b, judged, prompt)
    similarities = pair_similarities(left, right)
    items = {f"similarity_{one}": values for one, values in similarities.items()}
    return _report(
        "sts", sts_scores(left, right, judged), "spearman_cosine", {**items, "judged": judged}, known, name, data
    )


def evaluate_pairs(
    system: Any,
    a: ArrayLike,
    b: ArrayLike,
    y: ArrayLike,
    *,
    prompt: str | None = None,
    name: str | None = None,
    data: str = "pairs",
) -> EvaluationReport:
    """Evaluate how the cosine of vectors tells pairs that mean the same from pairs that do not.

    Parameters
    ----------
    system : str, ModelSpec or transformer
        As in :func:`evaluate_sts`.
    a, b : array-like of str, shape (n_pairs,)
        First and second texts.
    y : array-like of bool, shape (n_pairs,)
        Whether they mean the same.
    prompt : str or None, default=None
        As in :func:`evaluate_sts`.
    name : str or None, default=None
        What to call the system.
    data : str, default="pairs"
        What to call the data.

    Returns
    -------
    EvaluationReport
        ``average_precision``, the main score, and the best ``f1`` and ``accuracy`` with the ``threshold`` of F1, found
        on these very pairs.

    Raises
    ------
    TypeError, ValueError
        If a row is not a text, the lengths differ, or ``y`` is not of 0 and 1.

    Examples
    --------
    >>> from skko.evaluation import evaluate_pairs
    >>> a, b = ["배송이 늦어요"] * 2, ["배송이 너무 늦어요", "오늘 날씨가 좋다"]
    >>> evaluate_pairs("skko-mini", a, b, [True, False]).scores["average_precision"]
    1.0
    """
    true = np.asarray(y)
    if not np.isin(true, [0, 1]).all():
        raise ValueError("y must hold 0 and 1, or False and True: for judged similarity use evaluate_sts.")
    left, right, known = _vectors(system, a, b, true, prompt)
    cosines = pair_similarities(left, right)["cosine"]
    scores = asdict(judged_pair_scores(cosines, true))
    return _report(
        "pairs", scores, "average_precision", {"score": cosines, "true": true.astype(bool)}, known, name, data
    )


def symmetric_embedder(system: str | ModelSpec, prompt: str | None) -> KoEmbeddingTransformer:
    """Make an embedder for tasks where all texts are alike.

    Parameters
    ----------
    system : str or ModelSpec
        The name of a model.
    prompt : str or None
        Its prompt; None is the preset's.

    Returns
    -------
    KoEmbeddingTransformer
        Unfitted.
    """
    preset = find_preset(system if isinstance(system, str) else system.name)
    if preset is not None:
        prompt = preset.symmetric_prompt if prompt is None else prompt
    return KoEmbeddingTransformer(preset.name if preset and isinstance(system, str) else system, prompt=prompt)


def _vectors(
    system: Any, a: ArrayLike, b: ArrayLike, y: NDArray[Any], prompt: str | None
) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Vectors of both sides, and what is known of the run."""
    meter = Meter()
    left, right = check_texts(a, name="a"), check_texts(b, name="b")
    if not len(left) == len(right) == len(y):
        raise ValueError(f"a has {len(left)} texts, b has {len(right)} and y has {len(y)} values.")
    if isinstance(system, (str, ModelSpec)):
        system = symmetric_embedder(system, prompt)
    known = {"name": type(system).__name__, "settings": {"system": repr(system)}}
    if isinstance(system, KoEmbeddingTransformer):
        chosen = {} if prompt is None else {"prompt": prompt}
        system = clone(system).set_params(normalize=False, **chosen).fit([])
        known = describe_embedders(system, system)
    vectors = np.asarray(system.transform([*left, *right]))
    run = {
        "data_digest": digest(zip(left, right, y.tolist(), strict=True)),
        "n_pairs": len(left),
        **meter.read(),
    }
    return vectors[: len(left)], vectors[len(left) :], {**known, **run}


def _report(
    task: str,
    scores: dict[str, float],
    main_score: str,
    items: dict[str, NDArray[Any]],
    known: dict[str, Any],
    name: str | None,
    data: str,
) -> EvaluationReport:
    system, settings = known.pop("name"), known.pop("settings")
    return EvaluationReport(task, name or system, data, scores, main_score, items, settings, describe_run(**known))
