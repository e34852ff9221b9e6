"""The model card's AutoRAG table: its rank-aware columns are those of rankings with the worst passage first."""

import math
from itertools import product

import numpy as np
import pytest

from skko.evaluation import autorag_markdown, autorag_table, corrected_autorag, published_autorag, rank_histograms
from skko.evaluation.published import histogram_scores

TABLE = published_autorag()
SEPARATE_RUNS = {"openai_embed_3_small", "openai_embed_3_large"}
PAIRS = {
    "Cohere embed-multilingual-v3.0",
    "openai ada 002",
    "Upstage Embedding",
    "paraphrase-multilingual-MiniLM-L12-v2",
    "bge-m3-korean",
}
# No histogram gives it: 0.21155 rounded, and rounded again.
NOT_GIVEN = {("bge-m3-korean", "map@5"), ("bge-m3-korean", "mrr@5")}


def is_printed_as(value: float, published: float) -> bool:
    """Four decimals: rounded, or cut, as some rows of the table are."""
    return published in (round(value, 4), round(math.floor(value * 1e4 + 1e-9) / 1e4, 4))


def test_the_table_is_whole():
    assert TABLE.shape == (18, 24)
    assert not TABLE.isna().any(axis=None)
    assert TABLE.loc["BGE-m3-ko", ["f1@3", "recall@10", "map@10", "ndcg@10"]].tolist() == [
        0.4517,
        0.9736,
        0.1097,
        0.2932,
    ]


def test_no_ranking_with_the_best_first_can_have_the_published_figures():
    # The first of ten is never worse than at rank 1 of one.
    assert (TABLE["mrr@10"] < TABLE["mrr@1"] - 0.1).all()
    assert (TABLE["mrr@3"] < TABLE["recall@3"] / 2).all()


def test_whole_number_histograms_explain_16_systems():
    numbers = {model: len(rank_histograms(model)) for model in TABLE.index}
    assert {model for model, n in numbers.items() if n == 0} == SEPARATE_RUNS
    assert {model for model, n in numbers.items() if n == 2} == PAIRS
    assert sum(n == 1 for n in numbers.values()) == 11
    assert rank_histograms("BGE-m3-ko") == ((85, 13, 5, 2, 1, 2, 1, 1, 1, 0),)


@pytest.mark.parametrize("model", [model for model in TABLE.index if model not in SEPARATE_RUNS])
def test_all_24_values_of_a_row_are_reproduced(model):
    scores = histogram_scores(rank_histograms(model)[0], "worst_first").mean
    assert len(scores) == 24
    wrong = {(model, name) for name, value in scores.items() if not is_printed_as(value, TABLE.loc[model, name])}
    assert wrong == {one for one in NOT_GIVEN if one[0] == model}
    for one, name in wrong:
        assert round(round(scores[name], 5) + 1e-9, 4) == TABLE.loc[one, name]


@pytest.mark.parametrize("model", ["KoE5", "gte-multilingual-base", "Upstage Embedding"])
def test_the_histograms_are_all_that_fit(model):
    """Every way to put the found passages at ranks, by brute force and with nothing of the package."""
    row = TABLE.loc[model]
    counts = {k: round(row[f"recall@{k}"] * 114) for k in (1, 3, 5, 10)}

    def ways(total, places):
        return (way for way in product(range(total + 1), repeat=places) if sum(way) == total)

    def fits(way, k):
        mrr = sum(n / (k - place) for place, n in enumerate(way)) / 114
        ndcg = sum(n / math.log2(k + 1 - place) for place, n in enumerate(way)) / 114
        return abs(mrr - row[f"mrr@{k}"]) < 1e-4 and abs(ndcg - row[f"ndcg@{k}"]) < 1e-4

    found = {
        (counts[1], *second, *third, *last)
        for second in ways(counts[3] - counts[1], 2)
        if fits((counts[1], *second), 3)
        for third in ways(counts[5] - counts[3], 2)
        if fits((counts[1], *second, *third), 5)
        for last in ways(counts[10] - counts[5], 5)
        if fits((counts[1], *second, *third, *last), 10)
    }
    assert found == set(rank_histograms(model))


# Of AutoRAG's own file of results, embedding_benchmark_result_ko.csv, which has all digits.
EXACT_NDCG_10 = {
    "Cohere embed-multilingual-v3.0": 0.2473049035942123,
    "Upstage Embedding": 0.2847896127929151,
    "paraphrase-multilingual-MiniLM-L12-v2": 0.2006166967060832,
}


@pytest.mark.parametrize("model", EXACT_NDCG_10)
def test_of_two_histograms_the_nearest_is_the_true_one(model):
    nearest, other = (histogram_scores(one, "worst_first").mean["ndcg@10"] for one in rank_histograms(model))
    assert nearest == pytest.approx(EXACT_NDCG_10[model], abs=1e-12)
    assert other != pytest.approx(EXACT_NDCG_10[model], abs=1e-5)


def test_all_digits_tell_that_a_third_system_moved_too():
    # openai ada 002 fits to four decimals; these are mRR@10 and NDCG@10 in AutoRAG's own file.
    before = rank_histograms("openai ada 002")[0][:5]
    assert before == (54, 17, 10, 4, 4)
    found = [
        histogram_scores((*before, *last), "worst_first").mean
        for last in product(range(10), repeat=5)
        if sum(last) == 98 - 89
    ]
    assert len(found) == 715
    assert not any(
        scores["mrr@10"] == pytest.approx(0.10514480646059594, abs=1e-9)
        and scores["ndcg@10"] == pytest.approx(0.2673220395281674, abs=1e-9)
        for scores in found
    )


@pytest.mark.parametrize("model", sorted(SEPARATE_RUNS))
def test_two_systems_moved_between_the_tables(model):
    """Top-k 3 alone has one histogram, and it has another number of passages at rank 1 than top-k 1."""
    row = TABLE.loc[model]
    first, total = round(row["recall@1"] * 114), round(row["recall@3"] * 114)
    alone = [
        (a, b, total - a - b)
        for a in range(total + 1)
        for b in range(total - a + 1)
        if is_printed_as((a / 3 + b / 2 + total - a - b) / 114, row["mrr@3"])
        and is_printed_as((a / 2 + b / math.log2(3) + total - a - b) / 114, row["ndcg@3"])
    ]
    assert len(alone) == 1
    assert abs(alone[0][0] - first) == 1


def test_the_corrected_table():
    corrected = corrected_autorag()
    assert corrected.loc["BGE-m3-ko", "mrr@10"] == pytest.approx(0.8296, abs=5e-5)
    for k in (3, 5, 10):
        known = corrected.drop(index=SEPARATE_RUNS)
        assert (known[f"mrr@{k}"] >= known["mrr@1"]).all()
        assert np.allclose(known[f"recall@{k}"], TABLE.loc[known.index, f"recall@{k}"], atol=1e-4)
    assert corrected.loc[sorted(SEPARATE_RUNS), ["mrr@3", "ndcg@10"]].isna().all(axis=None)
    assert corrected.loc[sorted(SEPARATE_RUNS), "recall@10"].tolist() == [0.9035, 0.8509]


def test_the_table_as_the_card_lays_it_out():
    text = autorag_markdown(autorag_table(published=True, order="worst_first"))
    assert text.count("- Top-k") == 4
    line = next(line for line in text.split("- Top-k 10")[1].splitlines() if "BGE-m3-ko" in line)
    assert [cell.strip() for cell in line.strip("|").split("|")][1:] == [
        "0.1770",
        "0.9736",
        "0.0974",
        "0.1097",
        "0.1097",
        "0.2932",
    ]
    assert "–" in autorag_markdown(autorag_table(published=True))
