"""Parameters of a search chosen by queries with known answers: each text embedded once, whatever is tried."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.metrics import judged_ranks, retrieval_scores
from skko.search.ranking import FUSIONS, Candidates, Fusion, rank

_EMBEDDING = ("embedder", "document_prompt", "query_prompt")
_RANKING = ("alpha", "fusion")
_ALPHAS = tuple(round(0.1 * step, 1) for step in range(11))
METRICS = ("ndcg", "recall")


def full_grid(grid: Mapping[str, Sequence[Any]] | None) -> dict[str, list[Any]]:
    """Check what to try.

    Parameters
    ----------
    grid : mapping of str to sequence or None
        Values by parameter; None is ``alpha`` from 0 to 1 by steps of 0.1 with every fusion.

    Returns
    -------
    dict of str to list
        The values.

    Raises
    ------
    ValueError
        If another parameter is named, or one has no value.
    """
    if grid is None:
        return {"alpha": list(_ALPHAS), "fusion": list(FUSIONS)}
    unknown = sorted(set(grid) - {*_EMBEDDING, *_RANKING})
    if unknown:
        raise ValueError(f"grid has {unknown}: what can be tuned is {[*_RANKING, *_EMBEDDING]}.")
    if empty := [name for name, values in grid.items() if not len(values)]:
        raise ValueError(f"grid has no value of {empty}.")
    return {name: list(values) for name, values in grid.items()}


def check_relevant(relevant: Sequence[Collection[Any]], n_queries: int) -> list[list[Any]]:
    """Check the known answers.

    Parameters
    ----------
    relevant : sequence of collections
        Ids of the documents that answer each query.
    n_queries : int
        Queries there are.

    Returns
    -------
    list of list
        The ids.

    Raises
    ------
    TypeError, ValueError
        If there is not one collection for each query, or one is empty.
    """
    if len(relevant) != n_queries or not n_queries:
        raise ValueError(f"There are {n_queries} queries and {len(relevant)} answers: each query needs its own.")
    for row, ids in enumerate(relevant):
        if isinstance(ids, str) or not isinstance(ids, Collection | np.ndarray):
            raise TypeError(f"relevant has {ids!r:.40} at row {row}: pass a list of ids for each query.")
        if not len(ids):
            raise ValueError(f"relevant is empty at row {row}: leave queries without an answer out.")
    return [list(ids) for ids in relevant]


def tune_search(
    trials: Callable[[dict[str, Any]], tuple[Any, list[Candidates]]],
    current: Mapping[str, Any],
    relevant: Sequence[NDArray[np.intp]],
    grid: dict[str, list[Any]],
    metric: str,
    k: int,
) -> tuple[Any, dict[str, Any], pd.DataFrame]:
    """Try every combination.

    Parameters
    ----------
    trials : callable
        Gives for a model and prompts the search that has them, and its candidates for each query.
    current : mapping of str to object
        Values of what the grid does not name.
    relevant : sequence of ndarray of int
        Rows of the documents that answer each query.
    grid : dict of str to list
        Values to try.
    metric : {"ndcg", "recall"}
        What to look at.
    k : int
        In how many hits.

    Returns
    -------
    best : object
        The search with the best model and prompts.
    params : dict
        The best parameters.
    table : pandas.DataFrame
        All that was tried, best first.
    """
    tried: list[dict[str, Any]] = []
    best: tuple[float, Any, dict[str, Any]] | None = None
    embedding = {name: grid[name] for name in _EMBEDDING if name in grid}
    ranking = {name: grid.get(name, [current[name]]) for name in _RANKING}
    for values in product(*embedding.values()):
        params = dict(zip(embedding, values, strict=True))
        search, found = trials(params)
        for alpha, fusion in product(*ranking.values()):
            score = _score(found, search._weights(alpha), fusion, relevant, metric, k)
            tried.append({**params, "alpha": alpha, "fusion": fusion, f"{metric}@{k}": score})
            if best is None or score > best[0]:
                best = score, search, {**params, "alpha": alpha, "fusion": fusion}
    assert best is not None
    table = pd.DataFrame(tried).sort_values(f"{metric}@{k}", ascending=False, kind="stable", ignore_index=True)
    return best[1], best[2], table


def _score(
    found: list[Candidates],
    weights: dict[str, float],
    fusion: Fusion,
    relevant: Sequence[NDArray[np.intp]],
    metric: str,
    k: int,
) -> float:
    ranked = [rank(one, weights, fusion, k).documents.tolist() for one in found]
    ranks = judged_ranks(ranked, [set(rows.tolist()) for rows in relevant])
    return float(retrieval_scores(ranks, [k], metrics=[metric]).mean[f"{metric}@{k}"])
