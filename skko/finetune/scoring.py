"""What vectors are worth on examples: the figure that early stopping and ``score`` go by."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from skko.finetune.examples import Examples, Kind
from skko.metrics import judged_pair_scores, pair_similarities, sts_scores
from skko.similarity import top_k

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

# The first is what "auto" means.
METRICS: dict[Kind, tuple[str, ...]] = {
    "texts": (),
    "labelled": ("ndcg",),
    "pairs": ("ndcg",),
    "triplets": ("ndcg",),
    "judged": ("f1", "average_precision"),
    "scored": ("spearman",),
}
_DEPTH = 10


def find_metric(name: str, kind: Kind) -> str:
    """Find the metric for some examples.

    Parameters
    ----------
    name : {"auto", "ndcg", "spearman", "f1", "average_precision"}
        The metric, or ``"auto"``.
    kind : str
        Kind of the examples.

    Returns
    -------
    str
        The metric.

    Raises
    ------
    ValueError
        If it cannot be computed from such examples.

    Examples
    --------
    >>> find_metric("auto", "scored")
    'spearman'
    """
    if not METRICS[kind]:
        raise ValueError("Texts alone say nothing of how good their vectors are: pass pairs, judgements or labels.")
    if name != "auto" and name not in METRICS[kind]:
        raise ValueError(
            f'metric="{name}" does not apply to examples of the kind {kind!r}: use one of {METRICS[kind]}.'
        )
    return METRICS[kind][0] if name == "auto" else name


def score_examples(examples: Examples, embed: Embed, metric: str = "auto") -> float:
    """Say how well vectors agree with examples.

    Parameters
    ----------
    examples : Examples
        Any but texts alone.
    embed : callable
        Turns texts into vectors.
    metric : {"auto", "ndcg", "spearman", "f1", "average_precision"}, default="auto"
        ``"auto"`` takes nDCG@10 for pairs, triplets and labelled texts, Spearman's correlation for scored and the best
        F1 for judged pairs.

    Returns
    -------
    float
        The score; more is better.

    Notes
    -----
    For nDCG each different anchor asks among all positives and negatives, or each text among all others, where those
    of its own label are relevant; gains are binary.
    """
    metric = find_metric(metric, examples.kind)
    if metric == "ndcg":
        found = _labelled if examples.kind == "labelled" else _retrieval
        return _ndcg(*found(examples, embed))
    left, right = (_vectors(column, embed) for column in examples.columns)
    if metric == "spearman":
        return sts_scores(left, right, examples.y)["spearman_cosine"] if examples.y is not None else 0.0
    judged = judged_pair_scores(pair_similarities(left, right)["cosine"], np.asarray(examples.y))
    return float(getattr(judged, metric))


def _vectors(texts: Sequence[str], embed: Embed) -> NDArray[np.float32]:
    """Embed each different text once, also where nothing else remembers it."""
    different, places = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
    return np.asarray(embed(different.tolist()))[places]


def _retrieval(examples: Examples, embed: Embed) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the nearest documents of each anchor are its positives, and how many it has."""
    anchors, positives, *negatives = examples.columns
    queries, asking = np.unique(np.asarray(anchors, dtype=object), return_inverse=True)
    texts = np.asarray([*positives, *(text for column in negatives for text in column)], dtype=object)
    documents, places = np.unique(texts, return_inverse=True)
    nearest, _ = top_k(embed(queries.tolist()), embed(documents.tolist()), _DEPTH, show_progress=False)
    # A pair of a query and its document as one number, so that membership is one look-up.
    true = np.unique(asking.astype(np.int64) * len(documents) + places[: len(positives)])
    hits = np.isin(np.arange(len(queries))[:, None] * len(documents) + nearest, true)
    return hits, np.bincount(true // len(documents), minlength=len(queries))


def _labelled(examples: Examples, embed: Embed) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the nearest other texts have the label of each, and how many have it."""
    classes = np.asarray(examples.y)
    vectors = _vectors(examples.columns[0], embed)
    nearest, _ = top_k(vectors, vectors, _DEPTH + 1, show_progress=False)
    own = nearest == np.arange(len(nearest))[:, None]
    own[~own.any(axis=1), -1] = True  # copies of the text took its place, and the last one goes
    others = nearest[~own].reshape(len(nearest), -1)
    n_relevant = np.bincount(classes)[classes] - 1
    asking = n_relevant > 0
    return (classes[others] == classes[:, None])[asking], n_relevant[asking]


def _ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64]) -> float:
    gains = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.cumsum(gains)[np.minimum(n_relevant, len(gains)) - 1]
    return float(((hits * gains).sum(axis=1) / ideal).mean()) if len(hits) else 0.0
