"""Metrics of retrieval: skko against ``InformationRetrievalEvaluator`` of sentence-transformers, on the same rankings.

``python -m benchmarks.metrics`` prints a table of seconds and ratios. Both compute accuracy, precision, recall, MRR and
nDCG at 1, 3, 5 and 10 and MAP at 100; the means must agree to nine digits, or there is no table. Rankings are random;
each query has one to four relevant documents.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

from skko.metrics import judged_ranks, retrieval_scores

CUTS = [1, 3, 5, 10]
N_RESULTS = 100


def draw(n_queries: int) -> tuple[Any, list[list[int]]]:
    """Rankings of 100 of 1,000 documents, and relevant ones, most of which are among them."""
    rng = np.random.default_rng(0)
    retrieved = np.stack([rng.permutation(1_000)[:N_RESULTS] for _ in range(n_queries)])
    places = rng.integers(0, N_RESULTS, size=(n_queries, 4))
    sizes = rng.integers(1, 5, size=n_queries)
    relevant = [sorted({int(retrieved[row, place]) for place in places[row, : sizes[row]]}) for row in range(n_queries)]
    return retrieved, relevant


def ours(retrieved: Any, relevant: list[list[int]]) -> dict[str, float]:
    """All metrics by skko, the look-up of the relevant documents included."""
    ranks = judged_ranks(retrieved, relevant)
    names = ("accuracy", "precision", "recall", "mrr", "ndcg")
    return retrieval_scores(ranks, CUTS, metrics=names).mean | retrieval_scores(ranks, [100], metrics=["map"]).mean


def theirs(evaluator: InformationRetrievalEvaluator, hits: list[list[dict[str, Any]]]) -> dict[str, float]:
    """The same by the peer, from the lists that its own search makes."""
    scores = evaluator.compute_metrics(hits)
    return {name.replace("@k", f"@{k}"): float(v) for name, values in scores.items() for k, v in values.items()}


def timed(work: Callable[..., dict[str, float]], repeats: int, *given: Any) -> tuple[float, dict[str, float]]:
    """Least time of some runs, and what came out."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = work(*given)
        times.append(time.perf_counter() - started)
    return min(times), result


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    options = parser.parse_args()
    print("| queries x results | sentence-transformers, s | skko, s | times as fast |")
    print("| --- | --- | --- | --- |")
    for n_queries in options.queries:
        retrieved, relevant = draw(n_queries)
        evaluator = InformationRetrievalEvaluator(
            {str(row): "" for row in range(n_queries)},
            {str(one): "" for one in range(1_000)},
            {str(row): {str(one) for one in documents} for row, documents in enumerate(relevant)},
            ndcg_at_k=CUTS,
            mrr_at_k=CUTS,
        )
        hits = [
            [{"corpus_id": str(one), "score": -float(place)} for place, one in enumerate(row)]
            for row in retrieved.tolist()
        ]
        their_time, expected = timed(theirs, 1, evaluator, hits)
        our_time, found = timed(ours, 3, retrieved, relevant)
        if any(abs(found[name] - value) > 1e-9 for name, value in expected.items()):
            raise AssertionError(f"The metrics differ: {found} and {expected}.")
        ratio = their_time / our_time
        print(
            f"| {n_queries:,} x {N_RESULTS} | {their_time:.2f} | {our_time:.3f} | **{ratio:.0f}** |",
            flush=True,
        )


if __name__ == "__main__":
    main()
