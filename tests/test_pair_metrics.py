"""pair_scores against every pair by hand and by brute force."""

from dataclasses import FrozenInstanceError, astuple
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko.metrics import pair_scores
from skko.metrics.pairs import PairScores, group_codes
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
