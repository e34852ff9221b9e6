"""pair_scores against every pair by hand and by brute force."""

from dataclasses import FrozenInstanceError, astuple
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko.metrics import pair_scores, pair_threshold
from skko.metrics.pairs import PairScores, count_true_pairs, group_codes
from skko.similarity import PAIR


def pairs_of(*rows):
    return np.array([(i, j, 1 - 0.01 * rank) for rank, (i, j) in enumerate(rows)], dtype=PAIR)


def brute_force(found, groups):
    """Precision, recall, F1 and average precision by their definitions, over every pair of texts."""
    true = {(i, j) for i, j in combinations(range(len(groups)), 2) if groups[i] == groups[j] != -1}
    hits = [pair in true for pair in found]
    precision = sum(hits) / len(found) if found else 0.0
    recall = sum(hits) / len(true) if true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision and recall else 0.0
    at_hits = [sum(hits[: rank + 1]) / (rank + 1) for rank in range(len(hits)) if hits[rank]]
    return precision, recall, f1, sum(at_hits) / len(true) if true else 0.0


@st.composite
def mined(draw):
    groups = draw(st.lists(st.integers(-1, 3), max_size=9))
    possible = list(combinations(range(len(groups)), 2))
    found = draw(st.lists(st.sampled_from(possible), unique=True)) if possible else []
    return groups, found


@given(mined())
@settings(deadline=None, max_examples=300)
def test_scores_are_those_of_every_pair(case):
    groups, found = case
    expected = brute_force(found, groups)
    assert astuple(pair_scores(pairs_of(*found), groups)) == pytest.approx(expected)


@given(mined(), st.sampled_from([float, str, "float32", object]))
@settings(deadline=None)
def test_groups_may_be_numbers_of_any_kind_or_words(case, dtype):
    groups, found = case
    as_other = np.array(groups, dtype=np.int64).astype(dtype)
    assert pair_scores(pairs_of(*found), as_other) == pair_scores(pairs_of(*found), groups)


# Groups {0, 1, 2}, {3, 4} and two texts alone: four true pairs.
GROUPS = [7, 7, 7, 9, 9, -1, -1]
WORKED = {
    "all, best first": ([(0, 1), (0, 2), (1, 2), (3, 4)], (1, 1, 1, 1)),
    "half of them": ([(0, 1), (3, 4)], (1, 0.5, 2 / 3, 0.5)),
    "one in two, the good one first": ([(0, 1), (0, 3)], (0.5, 0.25, 1 / 3, 0.25)),
    "one in two, the good one second": ([(0, 3), (0, 1)], (0.5, 0.25, 1 / 3, 0.125)),
    "good, bad, good": ([(0, 1), (0, 3), (3, 4)], (2 / 3, 0.5, 4 / 7, (1 + 2 / 3) / 4)),
    "texts alone are no pair": ([(5, 6)], (0, 0, 0, 0)),
    "only wrong ones": ([(0, 3), (2, 4)], (0, 0, 0, 0)),
    "none": ([], (0, 0, 0, 0)),
}


@pytest.mark.parametrize(("found", "expected"), WORKED.values(), ids=WORKED)
def test_cases_worked_by_hand(found, expected):
    assert astuple(pair_scores(pairs_of(*found), GROUPS)) == pytest.approx(expected)


def test_a_pair_may_name_its_rows_in_either_order():
    assert pair_scores(pairs_of((1, 0), (4, 3)), GROUPS) == pair_scores(pairs_of((0, 1), (3, 4)), GROUPS)


@pytest.mark.parametrize("groups", [[], [-1], [-1, -1], [1, 2, 3]], ids=str)
def test_without_true_pairs_there_is_nothing_to_find(groups):
    assert astuple(pair_scores(pairs_of(), groups)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "groups",
    [
        ["배송", "배송", "환불", "-1", "-1"],
        pd.Series(["배송", "배송", "환불", "-1", "-1"], index=[9, 8, 7, 6, 5]),
        pd.Series([3, 3, 4, -1, -1]).astype("category"),
        np.array([3.0, 3.0, 4.0, -1.0, -1.0]),
        (3, 3, 4, -1, -1),
    ],
    ids=["words", "series of words", "categories", "floats", "tuple"],
)
def test_minus_one_is_alone_in_every_kind_of_column(groups):
    scores = pair_scores(pairs_of((0, 1), (3, 4)), groups)
    assert (scores.precision, scores.recall) == (0.5, 1.0)


def test_many_texts_are_counted_without_listing_their_pairs():
    # 100,000 texts of one group make 5e9 true pairs, more than 32 bits hold.
    scores = pair_scores(pairs_of((0, 1)), np.zeros(100_000, dtype=np.int32))
    assert scores.precision == 1
    assert scores.recall == pytest.approx(1 / (100_000 * 99_999 / 2))


def test_codes_number_the_groups_and_leave_minus_one():
    assert group_codes(["나", "-1", "가", "나"]).tolist() == [2, -1, 1, 2]
    assert group_codes([5, 5, -1, 9]).tolist() == [1, 1, -1, 2]
    assert group_codes([]).tolist() == []


def test_scores_are_numbers_of_python_that_cannot_be_changed():
    scores = pair_scores(pairs_of((0, 1)), GROUPS)
    assert isinstance(scores, PairScores)
    assert all(type(value) is float for value in astuple(scores))
    with pytest.raises(FrozenInstanceError):
        scores.f1 = 1.0


def test_a_pair_beyond_the_groups_is_an_error():
    with pytest.raises(IndexError):
        pair_scores(pairs_of((0, 7)), GROUPS)


SCORED = st.lists(st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.7, 0.70001, 1.0]), st.booleans()), min_size=1)


def at_cuts(scored, n_true):
    """Threshold, precision, recall and F1 of every set of best pairs, the smallest first."""
    for cut in sorted({score for score, _ in scored}, reverse=True):
        kept = [true for score, true in scored if score >= cut]
        precision, recall = sum(kept) / len(kept), sum(kept) / n_true
        yield cut, precision, recall, 2 * sum(kept) / (len(kept) + n_true)


@given(SCORED, st.integers(0, 3), st.sampled_from([None, 0.3, 0.5, 0.9, 1.0]))
@settings(deadline=None, max_examples=300)
def test_the_chosen_threshold_is_the_best_of_all(scored, n_missed, precision):
    n_true = sum(true for _, true in scored) + n_missed
    scores, true = zip(*scored, strict=True)
    if not any(true):
        with pytest.raises(ValueError, match="No scored pair is true"):
            pair_threshold(scores, true, precision=precision)
        return
    found = pair_threshold(scores, true, n_true=n_true, precision=precision)
    kept = [same for score, same in scored if np.float32(score) >= np.float32(found.threshold)]
    assert found.precision == pytest.approx(sum(kept) / len(kept))
    assert found.recall == pytest.approx(sum(kept) / n_true)
    assert found.f1 == pytest.approx(2 * sum(kept) / (len(kept) + n_true))
    cuts = list(at_cuts(scored, n_true))
    enough = [cut for cut in cuts if precision is not None and cut[1] >= precision]
    if precision is None:
        assert found.f1 == pytest.approx(max(cut[3] for cut in cuts))
    elif enough:
        assert found.precision >= precision
        assert found.recall == pytest.approx(max(cut[2] for cut in enough))
    else:
        assert found.precision == pytest.approx(max(cut[1] for cut in cuts))


def test_the_threshold_is_midway_to_the_next_pair():
    assert pair_threshold([0.25, 1.0, 0.5], [False, True, False]).threshold == 0.75
    assert pair_threshold([0.5], [True]).threshold == 0.5
    # Nothing lies between neighbouring numbers.
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    assert pair_threshold([high, low], [True, False]).threshold == high


def test_true_pairs_are_counted():
    groups = [7, 7, 7, 9, 9, -1, -1]
    true = [(i, j) for i, j in combinations(range(7), 2) if groups[i] == groups[j] != -1]
    assert count_true_pairs(group_codes(groups)) == len(true) == 4
    assert count_true_pairs(group_codes([])) == 0
