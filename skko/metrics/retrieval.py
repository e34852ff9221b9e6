"""Metrics of retrieval in the conventions of sentence-transformers, TREC and AutoRAG."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.metrics.ranks import JudgedRanks, Order

Convention = Literal["sentence_transformers", "trec", "autorag"]
Gain = Literal["binary", "linear", "exponential"]

_CONVENTIONS = ("sentence_transformers", "trec", "autorag")
_PerQuery = NDArray[np.float64]


@dataclass(frozen=True)
class RetrievalScores:
    """Metrics of some rankings.

    Attributes
    ----------
    per_query : dict of str to ndarray of float, shape (n_queries,)
        Each metric of each query, such as ``"recall@10"``.
    """

    per_query: dict[str, _PerQuery]

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each metric over the queries.

        Returns
        -------
        dict of str to float
            Names and means.
        """
        return {name: float(values.mean()) for name, values in self.per_query.items()}

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        pandas.DataFrame
            A row a query, a column a metric.
        """
        return pd.DataFrame(self.per_query)


def retrieval_scores(
    ranks: JudgedRanks,
    k: Sequence[int] = (1, 3, 5, 10),
    *,
    metrics: Sequence[str] = ("accuracy", "precision", "recall", "f1", "mrr", "map", "ndcg"),
    convention: Convention = "sentence_transformers",
    order: Order = "best_first",
) -> RetrievalScores:
    """Compute metrics of retrieval at some cuts.

    Parameters
    ----------
    ranks : JudgedRanks
        Where the relevant documents stand, from :func:`judged_ranks`.
    k : sequence of int, default=(1, 3, 5, 10)
        Lengths of the rankings.
    metrics : sequence of str
        Which: all seven unless told.
    convention : {"sentence_transformers", "trec", "autorag"}, default="sentence_transformers"
        Whose definitions. They differ in this:

        ========= ================================ ======================= ======================================
        metric    sentence_transformers            trec                    autorag
        ========= ================================ ======================= ======================================
        accuracy  1 if a relevant one is found     the same                the same
        precision found / k                        the same                found / retrieved
        recall    found / relevant                 the same                groups found / groups
        f1        of the two above, of each query  the same                the same
        mrr       1 / rank of the first found      the same                mean over the groups
        map       sum / smaller of k and relevant  sum / relevant          mean over the groups of sum / found
        ndcg      binary, ideal cut at k           grades, ideal cut at k  binary, ideal cut at what was retrieved
        ========= ================================ ======================= ======================================

        The sum in map is that of the precisions at the ranks of the relevant documents.
    order : {"best_first", "worst_first"}, default="best_first"
        What stands first in the first ``k``. The second is a mistake that published tables contain.

    Returns
    -------
    RetrievalScores
        Metrics of each query, and their means.

    Raises
    ------
    ValueError
        If a metric, convention or order is unknown, or a ``k`` is less than 1.

    Notes
    -----
    They agree with ``InformationRetrievalEvaluator`` of sentence-transformers 6.2, with trec_eval, and with
    ``autorag.evaluation.metric.retrieval``; the tests hold them against each.

    Examples
    --------
    >>> from skko.metrics import judged_ranks, retrieval_scores
    >>> ranks = judged_ranks([["나", "가"], ["라", "마"]], [{"가"}, {"라", "하"}])
    >>> retrieval_scores(ranks, k=[2], metrics=["recall", "mrr"]).mean
    {'recall@2': 0.75, 'mrr@2': 0.75}
    """
    unknown = sorted(set(metrics) - set(_METRICS))
    if unknown:
        raise ValueError(f"Unknown metrics {unknown}: the metrics are {sorted(_METRICS)}.")
    if convention not in _CONVENTIONS:
        raise ValueError(f"convention must be one of {_CONVENTIONS}, got {convention!r}.")
    cuts = {cut: ranks.within(cut, order) for cut in k}
    return RetrievalScores(
        {
            f"{name}@{cut}": _METRICS[name](_Cut(ranks, rank, cut, convention))
            for name in metrics
            for cut, rank in cuts.items()
        }
    )


@dataclass(frozen=True)
class _Cut:
    """Rankings cut at ``k``: what each metric is computed from."""

    ranks: JudgedRanks
    rank: NDArray[np.int64]
    k: int
    convention: str

    def sum(self, values: NDArray[np.float64]) -> _PerQuery:
        """Sum over the judgements of each query, each document once."""
        kept = self.ranks.distinct
        return _sums(self.ranks.query[kept], values[kept], len(self.ranks))

    @property
    def found(self) -> NDArray[np.float64]:
        return (self.rank > 0).astype(np.float64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Documents retrieved."""
        return np.minimum(self.ranks.n_retrieved, self.k)

    def by_group(self, of_groups: NDArray[np.float64]) -> _PerQuery:
        """Mean over the groups of each query."""
        query = np.empty(len(of_groups), dtype=np.intp)
        query[self.ranks.group] = self.ranks.query
        return _ratio(_sums(query, of_groups, len(self.ranks)), np.bincount(query, minlength=len(self.ranks)))

    @property
    def n_groups(self) -> int:
        return int(self.ranks.group.max(initial=-1)) + 1


def _sums(owner: NDArray[np.intp], values: NDArray[np.float64], n_owners: int) -> _PerQuery:
    """Sum for each owner."""
    sums: _PerQuery = np.bincount(owner, values, n_owners).astype(np.float64, copy=False)
    return sums


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64] | NDArray[np.int64] | int) -> _PerQuery:
    """A quotient that is 0 where there is nothing to divide by."""
    return np.divide(a, b, out=np.zeros(len(a)), where=np.asarray(b) > 0)


def _accuracy(cut: _Cut) -> _PerQuery:
    return (cut.sum(cut.found) > 0).astype(np.float64)


def _precision(cut: _Cut) -> _PerQuery:
    return _ratio(cut.sum(cut.found), cut.lengths if cut.convention == "autorag" else cut.k)


def _recall(cut: _Cut) -> _PerQuery:
    if cut.convention == "autorag":
        return cut.by_group((np.bincount(cut.ranks.group, cut.found, cut.n_groups) > 0).astype(np.float64))
    return _ratio(cut.sum(cut.found), cut.sum(np.ones(len(cut.rank))))


def _f1(cut: _Cut) -> _PerQuery:
    precision, recall = _precision(cut), _recall(cut)
    return _ratio(2 * precision * recall, precision + recall)


def _mrr(cut: _Cut) -> _PerQuery:
    inverse = _ratio(cut.found, cut.rank)
    if cut.convention == "autorag":
        best = np.zeros(cut.n_groups)
        np.maximum.at(best, cut.ranks.group, inverse)
        return cut.by_group(best)
    best = np.zeros(len(cut.ranks))
    np.maximum.at(best, cut.ranks.query, inverse)
    return best


def _map(cut: _Cut) -> _PerQuery:
    if cut.convention == "autorag":
        sums, found = _precision_sums(cut.ranks.group, cut.rank, cut.n_groups)
        return cut.by_group(_ratio(sums, found))
    kept = cut.ranks.distinct
    sums, _ = _precision_sums(cut.ranks.query[kept], cut.rank[kept], len(cut.ranks))
    n_relevant = cut.sum(np.ones(len(cut.rank)))
    return _ratio(sums, n_relevant if cut.convention == "trec" else np.minimum(n_relevant, cut.k))


def _precision_sums(
    owner: NDArray[np.intp], rank: NDArray[np.int64], n_owners: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of the precisions at the ranks of what was found, and the number found, for each query or group."""
    owner, rank = owner[rank > 0], rank[rank > 0]
    order = np.lexsort((rank, owner))
    owner, rank = owner[order], rank[order]
    return _sums(owner, (_places(owner, n_owners) + 1) / rank, n_owners), np.bincount(owner, minlength=n_owners)


def _places(owner: NDArray[np.intp], n_owners: int) -> NDArray[np.intp]:
    """Count from 0 within each run of equal owners."""
    sizes = np.bincount(owner, minlength=n_owners)
    places: NDArray[np.intp] = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return places


def _ndcg(cut: _Cut) -> _PerQuery:
    return ndcg(cut.ranks, cut.rank, cut.k, convention=cut.convention)


def ndcg(
    ranks: JudgedRanks,
    rank: NDArray[np.int64],
    k: int,
    *,
    convention: str = "trec",
    gain: Gain | None = None,
) -> _PerQuery:
    """Compute the normalised discounted cumulative gain with gains of one's choice.

    Parameters
    ----------
    ranks : JudgedRanks
        Where the relevant documents stand.
    rank : ndarray of int
        Their ranks within the first ``k``, from :meth:`JudgedRanks.within`.
    k : int
        Length of the rankings.
    convention : {"sentence_transformers", "trec", "autorag"}, default="trec"
        Decides the gain, and where the ideal ranking is cut.
    gain : {"binary", "linear", "exponential"} or None, default=None
        What a grade is worth: 1, the grade, or 2 to its power less 1. None is the convention's.

    Returns
    -------
    ndarray of float, shape (n_queries,)
        From 0 to 1.

    Examples
    --------
    >>> from skko.metrics import judged_ranks
    >>> ranks = judged_ranks([["가", "나"]], [{"가": 1, "나": 3}])
    >>> ndcg(ranks, ranks.within(2), 2, gain="linear").round(3).tolist()
    [0.797]
    """
    gain = gain or ("linear" if convention == "trec" else "binary")
    gains = {"binary": np.ones(len(rank)), "linear": ranks.grade, "exponential": np.exp2(ranks.grade) - 1}
    if gain not in gains:
        raise ValueError(f"gain must be one of {sorted(gains)}, got {gain!r}.")
    worth = gains[gain]
    cut = _Cut(ranks, rank, k, convention)
    # AutoRAG lists a document in the ideal ranking as often as groups name it.
    listed = np.ones(len(rank), dtype=bool) if convention == "autorag" else ranks.distinct
    query, ideal = ranks.query[listed], worth[listed]
    order = np.lexsort((-ideal, query))
    query, ideal = query[order], ideal[order]
    place = _places(query, len(ranks))
    limit = cut.lengths[query] if convention == "autorag" else np.full(len(query), k)
    best = _sums(query, np.where(place < limit, ideal / np.log2(place + 2), 0), len(ranks))
    return _ratio(cut.sum(np.where(rank > 0, worth / np.log2(np.maximum(rank, 1) + 1), 0)), best)


_METRICS = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "mrr": _mrr,
    "map": _map,
    "ndcg": _ndcg,
}
