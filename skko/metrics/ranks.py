"""Where the relevant documents stand in a ranking: all that the metrics of retrieval need of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["best_first", "worst_first"]

_GROUPS = (list, set, frozenset, np.ndarray)
# Comparisons of retrieved with relevant documents made at a time.
_COMPARISONS = 1 << 22


@dataclass(frozen=True)
class JudgedRanks:
    """The rank of each relevant document of each query.

    Attributes
    ----------
    query : ndarray of int, shape (n_judgements,)
        Row of the query of each judgement, in ascending order.
    rank : ndarray of int, shape (n_judgements,)
        Rank of the relevant document, from 1; 0 where it was not retrieved.
    grade : ndarray of float, shape (n_judgements,)
        How relevant it is, above 0.
    group : ndarray of int, shape (n_judgements,)
        Number of its group. Documents of a group stand for each other; without groups each is its own.
    distinct : ndarray of bool, shape (n_judgements,)
        False where the document stands in an earlier group of the same query too.
    n_retrieved : ndarray of int, shape (n_queries,)
        Documents that were retrieved for each query.
    """

    query: NDArray[np.intp]
    rank: NDArray[np.int64]
    grade: NDArray[np.float64]
    group: NDArray[np.intp]
    distinct: NDArray[np.bool_]
    n_retrieved: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.n_retrieved)

    def within(self, k: int, order: Order = "best_first") -> NDArray[np.int64]:
        """Cut the rankings.

        Parameters
        ----------
        k : int
            Length of the rankings.
        order : {"best_first", "worst_first"}, default="best_first"
            Whether the best of the ``k`` documents stands first, or, by mistake, last.

        Returns
        -------
        ndarray of int, shape (n_judgements,)
            Ranks from 1 to ``k``; 0 for what is not among them.

        Raises
        ------
        ValueError
            If ``k`` is less than 1 or ``order`` is neither.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}.")
        if order not in ("best_first", "worst_first"):
            raise ValueError(f"order must be 'best_first' or 'worst_first', got {order!r}.")
        ranks = np.where(self.rank <= k, self.rank, 0)
        if order == "best_first":
            return ranks
        lengths = np.minimum(self.n_retrieved, k)[self.query]
        return np.where(ranks > 0, lengths + 1 - ranks, 0)


def judged_ranks(retrieved: Any, relevant: Sequence[Any]) -> JudgedRanks:
    """Find the relevant documents in rankings.

    Parameters
    ----------
    retrieved : ndarray of int, shape (n_queries, n_results), or sequence of sequences
        Documents retrieved for each query, best first: numbers, where a negative one ends a ranking early, or ids of
        any hashable kind.
    relevant : sequence of length n_queries
        Relevant documents of each query: a collection of ids; a mapping of ids to grades, where 0 and less is not
        relevant; or a list of lists, of which each is a group of documents that stand for each other.

    Returns
    -------
    JudgedRanks
        Ranks of the relevant documents.

    Raises
    ------
    ValueError
        If the lengths differ, a query has no relevant document, or a relevant document is retrieved twice.

    Examples
    --------
    >>> judged_ranks([["가", "나", "다"], ["라", "마", "바"]], [{"나", "하"}, {"라": 2}]).rank.tolist()
    [2, 0, 1]
    """
    if len(retrieved) != len(relevant):
        raise ValueError(f"There are {len(retrieved)} rankings and relevant documents of {len(relevant)} queries.")
    document: list[Any] = []
    grade: list[float] = []
    sizes: list[int] = []
    n_documents: list[int] = []
    repeated: list[int] = []
    for row, judgements in enumerate(relevant):
        members, grades, of_groups = _members(judgements)
        if not members:
            raise ValueError(f"Query {row} has no relevant document, so there is nothing to find: leave it out.")
        if len(set(members)) < len(members):
            repeated += [len(document) + at for at, one in enumerate(members) if one in members[:at]]
        document += members
        grade += grades
        sizes += of_groups
        n_documents.append(len(members))
    query = np.repeat(np.arange(len(relevant)), n_documents)
    group = np.repeat(np.arange(len(sizes)), sizes)
    distinct = np.ones(len(query), dtype=bool)
    distinct[repeated] = False
    if isinstance(retrieved, np.ndarray):
        ranks, n_retrieved = _ranks_of_numbers(retrieved, query, np.array(document, dtype=np.int64))
    else:
        n_retrieved = np.array([len(ranking) for ranking in retrieved], dtype=np.int64)
        ranks = _ranks_of_ids(retrieved, query.tolist(), document)
    return JudgedRanks(query, ranks, np.array(grade), group, distinct, n_retrieved)


def _members(judgements: Any) -> tuple[list[Any], list[float], list[int]]:
    """Relevant documents of a query, group by group, their grades, and the sizes of the groups."""
    if isinstance(judgements, Mapping):
        graded = {one: float(value) for one, value in judgements.items() if value > 0}
        return [*graded], [*graded.values()], [1] * len(graded)
    if isinstance(judgements, (set, frozenset)):  # whose order changes from run to run
        judgements = sorted(judgements, key=str)
    if not any(issubclass(kind, _GROUPS) for kind in {*map(type, judgements)}):
        return [*judgements], [1.0] * len(judgements), [1] * len(judgements)
    groups = ([*dict.fromkeys(one)] if isinstance(one, _GROUPS) else [one] for one in judgements)
    kept = [group for group in groups if group]
    members = [one for group in kept for one in group]
    return members, [1.0] * len(members), [len(group) for group in kept]


def _ranks_of_numbers(
    retrieved: NDArray[Any], query: NDArray[np.intp], document: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compare each relevant document with the ranking of its query."""
    if retrieved.ndim != 2 or retrieved.dtype.kind not in "iu":
        raise ValueError(
            f"retrieved must be of whole numbers, shape (n_queries, n_results), and is {retrieved.dtype} "
            f"{retrieved.shape}."
        )
    ranks = np.zeros(len(query), dtype=np.int64)
    step = max(1, _COMPARISONS // max(1, retrieved.shape[1]))
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        found, place = (retrieved[query[part]] == document[part, None]).nonzero()
        if len(found) > 1 and (found[1:] == found[:-1]).any():
            at = start + int(found[1:][found[1:] == found[:-1]][0])
            raise ValueError(f"Query {query[at]} has document {document[at]} twice in its ranking.")
        ranks[start + found] = place + 1
    return ranks, (retrieved >= 0).sum(axis=1)


def _ranks_of_ids(retrieved: Sequence[Sequence[Any]], query: list[int], document: list[Any]) -> NDArray[np.int64]:
    ranks = np.zeros(len(query), dtype=np.int64)
    for at, (row, one) in enumerate(zip(query, document, strict=True)):
        ranking = list(retrieved[row])
        if one in ranking:
            ranks[at] = ranking.index(one) + 1
            if one in ranking[ranks[at] :]:
                raise ValueError(f"Query {row} has document {one!r} twice in its ranking.")
    return ranks
