"""Metrics of retrieval: worked by hand, by brute force, and beside sentence-transformers, trec_eval and ranx."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko.metrics import judged_ranks, retrieval_scores
from skko.metrics.retrieval import ndcg

CONVENTIONS = ["sentence_transformers", "trec", "autorag"]
CUTS = [1, 2, 3, 5, 10]


def score(ranking, relevant, k, **options):
    return {
        name.partition("@")[0]: value
        for name, value in retrieval_scores(judged_ranks([ranking], [relevant]), [k], **options).mean.items()
    }


# Five documents retrieved: a, b, c, d, e; relevant: b and d, and z, which is not retrieved.
WORKED = {
    ("sentence_transformers", 1): (0, 0, 0, 0, 0, 0),
    ("sentence_transformers", 2): (
        1 / 2,
        1 / 3,
        2 / 5,
        1 / 2,
        (1 / 2) / 2,
        (1 / math.log2(3)) / (1 + 1 / math.log2(3)),
    ),
    ("sentence_transformers", 10): (
        2 / 10,
        2 / 3,
        2 * 0.2 * (2 / 3) / (0.2 + 2 / 3),
        1 / 2,
        (1 / 2 + 2 / 4) / 3,
        (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2),
    ),
    ("trec", 2): (1 / 2, 1 / 3, 2 / 5, 1 / 2, (1 / 2) / 3, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
    # Three groups of one document each; five were retrieved, so precision is of five.
    ("autorag", 10): (
        2 / 5,
        2 / 3,
        2 * 0.4 * (2 / 3) / (0.4 + 2 / 3),
        (1 / 2 + 1 / 4) / 3,
        (1 / 2 + 1 / 4) / 3,
        (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2),
    ),
}


@pytest.mark.parametrize(("case", "expected"), WORKED.items(), ids=str)
def test_cases_worked_by_hand(case, expected):
    convention, k = case
    found = score("abcde", ["b", "d", "z"], k, convention=convention)
    assert [found[name] for name in ("precision", "recall", "f1", "mrr", "map", "ndcg")] == pytest.approx(expected)
    assert found["accuracy"] == float(k > 1)


def test_worst_first_turns_each_cut_around_and_leaves_sets_alone():
    best = score("abcde", ["b"], 3, convention="autorag")
    worst = score("abcde", ["b"], 3, convention="autorag", order="worst_first")
    assert worst["mrr"] == best["mrr"] == 1 / 2  # the middle of three
    at_5 = score("abcde", ["b"], 5, convention="autorag", order="worst_first")
    assert at_5["mrr"] == at_5["map"] == 1 / 4
    assert at_5["ndcg"] == pytest.approx(1 / math.log2(5))
    assert {name: worst[name] for name in ("f1", "recall", "precision", "accuracy")} == {
        name: best[name] for name in ("f1", "recall", "precision", "accuracy")
    }
    # Fewer retrieved than asked for: the last of two stands first.
    assert score("ab", ["b"], 10, convention="autorag", order="worst_first")["mrr"] == 1


def test_groups_are_alternatives():
    found = score(["x", "b", "c"], [["a", "b"], ["c", "b"]], 3, convention="autorag")
    assert found["recall"] == 1
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["mrr"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert found["map"] == pytest.approx((1 / 2 + (1 / 2 + 2 / 3) / 2) / 2)


def autorag(gt, pred):
    """The definitions of autorag.evaluation.metric.retrieval, one query at a time."""
    groups = [set(group) for group in gt]
    relevant = set().union(*groups)
    hits = [one in relevant for one in pred]
    recall = sum(bool(group & set(pred)) for group in groups) / len(groups)
    precision = sum(hits) / len(pred) if pred else 0.0
    f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    first = [next((1 / (i + 1) for i, one in enumerate(pred) if one in group), 0.0) for group in groups]
    average = []
    for group in groups:
        here = [one in group for one in pred]
        at = [sum(here[: i + 1]) / (i + 1) for i, hit in enumerate(here) if hit]
        average.append(sum(at) / len(at) if at else 0.0)
    dcg = sum(hit / math.log2(i + 2) for i, hit in enumerate(hits))
    ideal = sum(1 / math.log2(i + 2) for i in range(min(sum(map(len, gt)), len(pred))))
    return {
        "recall": recall,
        "precision": precision,
        "f1": f1,
        "mrr": sum(first) / len(groups),
        "map": sum(average) / len(groups),
        "ndcg": dcg / ideal if ideal else 0.0,
    }


DOCUMENTS = st.integers(0, 11)
RANKINGS = st.lists(DOCUMENTS, unique=True, max_size=10)
GROUPS = st.lists(st.lists(DOCUMENTS, min_size=1, max_size=3, unique=True), min_size=1, max_size=3)


@given(st.lists(st.tuples(RANKINGS, GROUPS), min_size=1, max_size=4), st.sampled_from(CUTS), st.booleans())
@settings(deadline=None, max_examples=300)
def test_autorag_against_its_own_definitions(cases, k, worst):
    scores = retrieval_scores(
        judged_ranks([ranking for ranking, _ in cases], [groups for _, groups in cases]),
        [k],
        convention="autorag",
        order="worst_first" if worst else "best_first",
    ).per_query
    for row, (ranking, groups) in enumerate(cases):
        for name, value in autorag(groups, ranking[:k][:: -1 if worst else 1]).items():
            assert scores[f"{name}@{k}"][row] == pytest.approx(value), name


def sentence_transformers(rankings, relevant):
    """What InformationRetrievalEvaluator makes of given rankings."""
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    evaluator = InformationRetrievalEvaluator(
        queries={str(row): "" for row in range(len(rankings))},
        corpus={str(one): "" for one in range(12)},
        relevant_docs={str(row): {str(one) for one in documents} for row, documents in enumerate(relevant)},
        accuracy_at_k=CUTS,
        precision_recall_at_k=CUTS,
        mrr_at_k=CUTS,
        ndcg_at_k=CUTS,
        map_at_k=CUTS,
    )
    assert evaluator.queries_ids == [str(row) for row in range(len(rankings))]
    return evaluator.compute_metrics(
        [[{"corpus_id": str(one), "score": -place} for place, one in enumerate(ranking)] for ranking in rankings]
    )


@given(st.lists(st.tuples(RANKINGS, st.sets(DOCUMENTS, min_size=1)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_the_same_as_sentence_transformers(cases):
    rankings, relevant = zip(*cases, strict=True)
    expected = sentence_transformers(rankings, relevant)
    found = retrieval_scores(judged_ranks(rankings, relevant), CUTS).mean
    for name in ("accuracy", "precision", "recall", "mrr", "map", "ndcg"):
        for k in CUTS:
            assert found[f"{name}@{k}"] == pytest.approx(expected[f"{name}@k"][k]), (name, k)


GRADES = st.dictionaries(DOCUMENTS, st.integers(0, 3), min_size=1).filter(lambda grades: any(grades.values()))


def runs(cases):
    run = {f"q{row}": {f"d{one}": 100.0 - i for i, one in enumerate(found)} for row, (found, _) in enumerate(cases)}
    qrels = {f"q{row}": {f"d{one}": grade for one, grade in grades.items()} for row, (_, grades) in enumerate(cases)}
    return run, qrels


@given(st.lists(st.tuples(st.lists(DOCUMENTS, unique=True, min_size=1), GRADES), min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_the_same_as_trec_eval(cases):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    run, qrels = runs(cases)
    cuts = ",".join(map(str, CUTS))
    measures = {f"{name}.{cuts}" for name in ("P", "recall", "ndcg_cut", "map_cut", "success")} | {"recip_rank"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    ranks = judged_ranks([found for found, _ in cases], [grades for _, grades in cases])
    found = retrieval_scores(ranks, [*CUTS, 100], convention="trec").per_query
    theirs = {"precision": "P", "recall": "recall", "ndcg": "ndcg_cut", "map": "map_cut", "accuracy": "success"}
    for row in range(len(cases)):
        for name, other in theirs.items():
            for k in CUTS:
                assert found[f"{name}@{k}"][row] == pytest.approx(expected[f"q{row}"][f"{other}_{k}"]), (name, k)
        assert found["mrr@100"][row] == pytest.approx(expected[f"q{row}"]["recip_rank"])


@pytest.mark.filterwarnings("ignore")  # of its compiler
def test_the_same_as_ranx():
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(0)
    cases = [
        (rng.permutation(12)[:10].tolist(), {int(one): int(rng.integers(1, 4)) for one in rng.permutation(12)[:4]})
        for _ in range(30)
    ]
    run, qrels = runs(cases)
    names = ["precision@5", "recall@5", "f1@5", "mrr@5", "map@5", "ndcg@5", "ndcg_burges@5"]
    expected = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), names)
    ranks = judged_ranks([found for found, _ in cases], [grades for _, grades in cases])
    found = retrieval_scores(ranks, [5], convention="trec").mean
    found["ndcg_burges@5"] = float(ndcg(ranks, ranks.within(5), 5, gain="exponential").mean())
    assert {name: found[name] for name in names} == pytest.approx({name: float(expected[name]) for name in names})


@given(st.lists(st.tuples(RANKINGS, GRADES), min_size=1, max_size=5), st.sampled_from(CONVENTIONS))
@settings(deadline=None, max_examples=100)
def test_numbers_in_an_array_are_as_ids_in_lists(cases, convention):
    rankings, relevant = [found for found, _ in cases], [grades for _, grades in cases]
    table = np.full((len(cases), 12), -1)
    for row, ranking in enumerate(rankings):
        table[row, : len(ranking)] = ranking
    of_array = retrieval_scores(judged_ranks(table, relevant), CUTS, convention=convention).per_query
    of_lists = retrieval_scores(judged_ranks(rankings, relevant), CUTS, convention=convention).per_query
    for name, values in of_lists.items():
        assert of_array[name].tolist() == values.tolist(), name


def test_many_queries_are_compared_in_parts(monkeypatch):
    rng = np.random.default_rng(1)
    table = np.argsort(rng.random((50, 40)), axis=1)[:, :20]
    relevant = [rng.permutation(40)[: rng.integers(1, 9)].tolist() for _ in range(50)]
    whole = judged_ranks(table, relevant)
    monkeypatch.setattr("skko.metrics.ranks._COMPARISONS", 60)
    assert judged_ranks(table, relevant).rank.tolist() == whole.rank.tolist()
    assert whole.rank.max() > 10


@pytest.mark.parametrize(
    ("retrieved", "relevant", "message"),
    [
        ([["a"]], [{"a"}, {"b"}], "1 rankings and relevant documents of 2 queries"),
        ([["a"], ["b"]], [{"a"}, set()], "Query 1 has no relevant document"),
        ([["a"]], [{"a": 0, "b": -1}], "Query 0 has no relevant document"),
        ([["a", "b", "a"]], [{"a"}], "document 'a' twice"),
        (np.array([[3, 4], [5, 5]]), [{3}, {5}], "Query 1 has document 5 twice"),
        (np.array([[0.5]]), [{1}], "whole numbers"),
    ],
)
def test_what_cannot_be_judged_is_named(retrieved, relevant, message):
    with pytest.raises(ValueError, match=message):
        judged_ranks(retrieved, relevant)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": [0]}, "at least 1"),
        ({"metrics": ["hits"]}, "Unknown metrics"),
        ({"convention": "mine"}, "convention"),
        ({"order": "random"}, "order"),
    ],
)
def test_unknown_options_are_named(options, message):
    ranks = judged_ranks([["a"]], [{"a"}])
    with pytest.raises(ValueError, match=message):
        retrieval_scores(ranks, **options)


def test_the_table_has_a_row_a_query():
    frame = retrieval_scores(judged_ranks([["a"], ["b"]], [{"a"}, {"z"}]), [1], metrics=["recall"]).to_frame()
    assert frame.to_dict("list") == {"recall@1": [1.0, 0.0]}
