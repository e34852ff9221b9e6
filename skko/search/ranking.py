"""One ranking out of several: how scores of different kinds become comparable, and documents ordered by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Fusion = Literal["adaptive", "weighted", "rrf"]
FUSIONS = ("adaptive", "weighted", "rrf")
# Parts that give 0 to what they do not match, and so have nothing to say of it.
MATCHING = ("lexical", "sparse")

_RRF = 60
# Shares of BGE-M3's three functions, as its authors weight them in FlagEmbedding.
_MODEL_SHARES = {"dense": 0.4, "sparse": 0.2, "colbert": 0.4}


@dataclass(frozen=True)
class Candidates:
    """Documents that may answer a query, with what each part says of each of their passages.

    Attributes
    ----------
    documents : ndarray of int64, shape (n,)
        Documents, ascending.
    passages : ndarray of int64, shape (n_passages,)
        Their passages, document by document.
    places : ndarray of int64, shape (n,)
        Where those of each document begin.
    scores : dict of str to ndarray of float64, shape (n_passages,)
        Scores by part.
    """

    documents: NDArray[np.int64]
    passages: NDArray[np.int64]
    places: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Ranking:
    """The best documents for a query.

    Attributes
    ----------
    documents : ndarray of int64, shape (k,)
        Documents, best first, ties in the order of the corpus.
    scores : ndarray of float64, shape (k,)
        Their scores.
    places : ndarray of int64, shape (k,)
        Where the best passage of each is among the passages of the candidates.
    """

    documents: NDArray[np.int64]
    scores: NDArray[np.float64]
    places: NDArray[np.int64]


def part_weights(alpha: float | Mapping[str, float], parts: tuple[str, ...]) -> dict[str, float]:
    """Say what share each part has.

    Parameters
    ----------
    alpha : float or mapping of str to float
        Share of the model against the words, from 0 to 1; or the weight of each part.
    parts : tuple of str
        The parts there are: ``"dense"``, ``"lexical"``, ``"sparse"``, ``"colbert"``.

    Returns
    -------
    dict of str to float
        Weights that add up to 1, of the parts whose weight is not 0.

    Raises
    ------
    ValueError
        If a weight is negative or of an unknown part, or none is left.

    Examples
    --------
    >>> part_weights(0.5, ("dense", "lexical"))
    {'dense': 0.5, 'lexical': 0.5}
    >>> part_weights(0.5, ("dense",))
    {'dense': 1.0}
    """
    if isinstance(alpha, Mapping):
        unknown = sorted(set(alpha) - set(parts))
        if unknown:
            raise ValueError(f"alpha weights the parts {unknown}, which are not there: the parts are {list(parts)}.")
        weights = {part: float(alpha.get(part, 0)) for part in parts}
    else:
        model = {part: _MODEL_SHARES[part] for part in parts if part != "lexical"}
        weights = {part: alpha * share / sum(model.values()) for part, share in model.items()}
        weights |= {"lexical": 1 - alpha} if "lexical" in parts else {}
    total = sum(weights.values())
    if total <= 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError(f"alpha={alpha!r} leaves no part with a positive weight among {list(parts)}.")
    return {part: weight / total for part, weight in weights.items() if weight > 0}


def rank(found: Candidates, weights: dict[str, float], method: Fusion, k: int, *, unmatched: bool = False) -> Ranking:
    """Order candidates; a document is as good as its best passage.

    Parameters
    ----------
    found : Candidates
        Candidates.
    weights : dict of str to float
        Weight of each part.
    method : {"adaptive", "weighted", "rrf"}
        How scores are fused.
    k : int
        How many documents to keep.
    unmatched : bool, default=False
        Whether to keep documents without a match where parts that match words stand alone.

    Returns
    -------
    Ranking
        The best; fewer where parts that match words stand alone and match fewer.
    """
    if not len(found.documents):
        return Ranking(found.documents, np.empty(0), found.places)
    fused = fuse({part: found.scores[part] for part in weights}, weights, method)
    scores = np.maximum.reduceat(fused, found.places)
    sizes = np.diff(np.append(found.places, len(fused)))
    best = np.flatnonzero(fused == np.repeat(scores, sizes))
    # The first passage of each document that has its score.
    best = best[np.searchsorted(best, found.places)]
    order = np.argsort(-scores, kind="stable")[:k]
    if set(weights) <= set(MATCHING) and not unmatched:
        order = order[scores[order] > 0]
    return Ranking(found.documents[order], scores[order], best[order])


def fuse(
    scores: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float], method: Fusion
) -> NDArray[np.float64]:
    """Make one score of several.

    Parameters
    ----------
    scores : mapping of str to ndarray of float, each of shape (n_candidates,)
        Scores of each part for the candidates of one query.
    weights : mapping of str to float
        Weight of each part, adding up to 1.
    method : {"adaptive", "weighted", "rrf"}
        How: see Notes.

    Returns
    -------
    ndarray of float64, shape (n_candidates,)
        Scores. Those of a part that stands alone are its own.

    Notes
    -----
    ``"weighted"`` scales the scores of each part to 0 to 1 over the candidates and adds them up by weight. ``"rrf"`` is
    reciprocal rank fusion [1]_: it adds up the weight over 60 plus the rank, and a candidate that a lexical part does
    not match at all gets nothing from it. ``"adaptive"`` standardises the scores of each part over the candidates and
    makes probabilities of them (softmax) before they are added up by weight: a part that is sure of a few candidates
    decides, and one to which many look alike has little to say.

    References
    ----------
    .. [1] Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
       Methods", SIGIR 2009.

    Examples
    --------
    >>> scores = {"dense": np.array([0.9, 0.5, 0.4]), "lexical": np.array([0.0, 2.0, 1.0])}
    >>> fuse(scores, {"dense": 0.5, "lexical": 0.5}, "weighted").round(2).tolist()
    [0.5, 0.6, 0.25]
    """
    if len(weights) == 1:
        (part,) = weights
        return scores[part]
    scale = _SCALES[method]
    first = next(iter(scores.values()))
    total = np.zeros(len(first))
    for part, weight in weights.items():
        total += weight * scale(scores[part], part)
    return total


def _to_unit(scores: NDArray[np.float64], part: str) -> NDArray[np.float64]:
    low, high = (0.0 if part in MATCHING else scores.min(initial=np.inf)), scores.max(initial=-np.inf)
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def _to_probability(scores: NDArray[np.float64], part: str) -> NDArray[np.float64]:
    spread = scores.std() if len(scores) else 0.0
    standard = (scores - scores.max(initial=-np.inf)) / spread if spread > 0 else np.zeros_like(scores)
    likelihood = np.exp(standard)
    probabilities: NDArray[np.float64] = likelihood / likelihood.sum()
    return probabilities


def _to_reciprocal_rank(scores: NDArray[np.float64], part: str) -> NDArray[np.float64]:
    # Equal scores share the best of their ranks.
    rank = 1 + len(scores) - np.searchsorted(np.sort(scores), scores, side="right")
    reciprocal: NDArray[np.float64] = 1 / (_RRF + rank)
    return np.where(scores > 0, reciprocal, 0.0) if part in MATCHING else reciprocal


_SCALES = {"adaptive": _to_probability, "weighted": _to_unit, "rrf": _to_reciprocal_rank}
