"""The AutoRAG table of the model card, and the ranks that its figures prove.

The figures come from the card of https://huggingface.co/dragonkue/BGE-m3-ko, fourteen of the rows before that from
https://github.com/Marker-Inc-Korea/AutoRAG-example-korean-embedding-benchmark, and are kept here as they stand.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd

from skko.metrics import RetrievalScores, judged_ranks, retrieval_scores
from skko.metrics.ranks import Order

N_QUERIES = 114
"""Queries of the benchmark, each with one relevant passage."""
CUTS = (1, 3, 5, 10)
METRICS = ("f1", "recall", "precision", "map", "mrr", "ndcg")
_UNIT = 1e-4  # the tables have four decimals, some rounded, some cut
# Of AutoRAG's own file of results (embedding_benchmark_result_ko.csv), which has all digits and ten of the systems.
_NDCG_10 = {
    "Cohere embed-multilingual-v3.0": 0.2473049035942123,
    "Upstage Embedding": 0.2847896127929151,
    "paraphrase-multilingual-MiniLM-L12-v2": 0.2006166967060832,
}


def published_autorag() -> pd.DataFrame:
    """Return the published table of 18 systems.

    Returns
    -------
    pandas.DataFrame
        A row a system, columns such as ``"mrr@10"``, as published: mAP, mRR and NDCG of k ≥ 3 are of rankings with
        the worst document first.

    Examples
    --------
    >>> from skko.evaluation import published_autorag
    >>> published_autorag().loc["BGE-m3-ko", ["recall@1", "mrr@3"]].tolist()
    [0.7456, 0.3494]
    """
    path = Path(__file__).with_name("autorag_published.csv")
    rows = pd.read_csv(path).set_index(["model", "k"])
    columns = {f"{name}@{k}": rows[name].xs(k, level="k") for name in METRICS for k in CUTS}
    return pd.DataFrame(columns, index=pd.Index(rows.index.unique("model"), name="model"))


@cache
def rank_histograms(model: str) -> tuple[tuple[int, ...], ...]:
    """Find how many queries can have had their passage at each rank, given the published figures of a system.

    Parameters
    ----------
    model : str
        A system of :func:`published_autorag`.

    Returns
    -------
    tuple of tuple of int, each of length 10
        Queries with their passage at rank 1 to 10, best first. All whole numbers are listed whose metrics, with the
        worst document first, are less than 0.0001 from every published one; of two the nearer first, by the more exact
        figures in AutoRAG's own results where they have the system. None for the two ``openai_embed_3`` systems, whose
        four tables are not of one run.

    Notes
    -----
    With one relevant passage a query, recall at k gives the number of passages in the first k, and with the worst
    document first a passage at rank r of k counts 1 / (k + 1 - r) in mRR and 1 / log2(k + 2 - r) in NDCG. Few whole
    numbers fit both at k = 3, at k = 5 and at k = 10: one set for 11 systems, two sets for 5. To all the digits of
    AutoRAG's own results, none fits the top 10 of ``openai ada 002``: it moved between the tables like the other two.

    Examples
    --------
    >>> from skko.evaluation import rank_histograms
    >>> rank_histograms("BGE-m3-ko")
    ((85, 13, 5, 2, 1, 2, 1, 1, 1, 0),)
    """
    row: dict[str, float] = published_autorag().T[model].to_dict()  # type: ignore[assignment]
    found = {k: round(row[f"recall@{k}"] * N_QUERIES) for k in CUTS}
    fitting: list[tuple[int, ...]] = [(found[1],)]
    for before, k in pairwise(CUTS):
        fitting = [
            counts + more
            for counts in fitting
            for more in _ways(found[k] - found[before], k - before)
            if all(abs(value - row[name]) < _UNIT for name, value in _worst_first(counts + more).items())
        ]
    return tuple(sorted(fitting, key=lambda counts: _distance(counts, row, _NDCG_10.get(model))))


def corrected_autorag(order: Order = "best_first") -> pd.DataFrame:
    """Compute the table of the systems whose ranks the published figures prove.

    Parameters
    ----------
    order : {"best_first", "worst_first"}, default="best_first"
        The right order, or that of the published table.

    Returns
    -------
    pandas.DataFrame
        A row a system, columns such as ``"mrr@10"``; of systems with two possible histograms the nearest. NaN in the
        rank-aware columns of systems without one.

    Examples
    --------
    >>> from skko.evaluation import corrected_autorag
    >>> corrected_autorag().loc["BGE-m3-ko", ["mrr@10", "ndcg@10"]].round(4).tolist()
    [0.8296, 0.865]
    """
    table = published_autorag()
    ordered = [f"{name}@{k}" for name in ("map", "mrr", "ndcg") for k in CUTS[1:]]
    for model in table.index:
        histograms = rank_histograms(str(model))
        if histograms:
            table.loc[model] = pd.Series(histogram_scores(histograms[0], order).mean)
        elif order == "best_first":
            table.loc[model, ordered] = np.nan
    return table


def histogram_scores(counts: tuple[int, ...], order: Order = "best_first") -> RetrievalScores:
    """Compute AutoRAG's metrics of rankings that have their passages at given ranks.

    Parameters
    ----------
    counts : tuple of int
        Queries with their passage at rank 1, 2 and so on; the other queries of the 114 have found nothing.
    order : {"best_first", "worst_first"}, default="best_first"
        Which document stands first.

    Returns
    -------
    RetrievalScores
        The six metrics at 1, 3, 5 and 10.
    """
    ranks = np.repeat(np.arange(len(counts) + 1), [*counts, N_QUERIES - sum(counts)])
    # Passage 0 is the relevant one; in a ranking without it there are ten others.
    retrieved = np.where(np.arange(max(CUTS)) == ranks[:, None], 0, np.arange(1, max(CUTS) + 1))
    judged = judged_ranks(retrieved, [{0: 1}] * N_QUERIES)
    return retrieval_scores(judged, CUTS, metrics=METRICS, convention="autorag", order=order)


def _ways(total: int, places: int) -> Iterator[tuple[int, ...]]:
    """Every way to put so many queries at so many ranks."""
    for some in product(range(total + 1), repeat=places - 1):
        if sum(some) <= total:
            yield (*some, total - sum(some))


def _worst_first(counts: tuple[int, ...]) -> dict[str, float]:
    """Rank-aware metrics at the last rank of a histogram."""
    k = len(counts)
    rank = np.arange(k, 0, -1)
    values = np.array(counts) / N_QUERIES
    return {f"mrr@{k}": float((values / rank).sum()), f"ndcg@{k}": float((values / np.log2(rank + 1)).sum())}


def _distance(counts: tuple[int, ...], row: dict[str, float], exact: float | None) -> float:
    """From the exact figure, or how many figures differ once rounded."""
    scores = histogram_scores(counts, "worst_first").mean
    if exact is not None:
        return abs(scores["ndcg@10"] - exact)
    return sum(abs(round(scores[name], 4) - value) > _UNIT / 2 for name, value in row.items())
