"""ParaphraseMiner against brute force, and against scikit-learn's checks."""

import pickle
import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from skko import ParaphraseMiner
from skko.exceptions import SkkoWarning
from skko.metrics import pair_scores
from skko.similarity import PAIR
from tests.mining import (
    THRESHOLD,
    WHOLE,
    among_nearest,
    as_set,
    brute_force,
    cosine,
    different,
    groups_of_four,
    with_copies,
)

CHECKED = [
    ParaphraseMiner(),
    ParaphraseMiner(threshold=0.5, top_k=2),
    ParaphraseMiner(threshold=None, top_k=12, grouping="communities"),
    ParaphraseMiner(threshold="auto", precision=0.5, scoring="average_precision"),
]


def expected_to_fail(miner):
    """The suite fits a clusterer without y, which a learned threshold is learned from."""
    return {"check_clustering": "threshold='auto' needs y"} if miner.threshold == "auto" else {}


@pytest.mark.filterwarnings("ignore:No threshold has a precision")  # the checks' labels are no groups of the rows
@pytest.mark.filterwarnings("ignore:Every group of y was fitted with other rows")
@parametrize_with_checks(CHECKED, expected_failed_checks=expected_to_fail, xfail_strict=True)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@given(WHOLE, THRESHOLD)
@settings(deadline=None)
def test_pairs_are_those_of_brute_force(X, threshold):
    miner = ParaphraseMiner(threshold=threshold).fit(X)
    assert miner.pairs_.dtype == PAIR
    assert as_set(miner.pairs_) == brute_force(X, threshold)
    assert len(as_set(miner.pairs_)) == len(miner.pairs_)
    expected = [cosine(X[pair["i"]], X[pair["j"]]) for pair in miner.pairs_]
    np.testing.assert_allclose(miner.pairs_["score"], expected, atol=1e-6)


@given(WHOLE, THRESHOLD, st.integers(1, 3) | st.none())
@settings(deadline=None)
def test_pairs_are_ordered_and_best_first(X, threshold, top_k):
    pairs = ParaphraseMiner(threshold=threshold, top_k=top_k).fit(X).pairs_
    assert (pairs["i"] < pairs["j"]).all()
    assert pairs.tolist() == sorted(pairs.tolist(), key=lambda pair: (-pair[2], pair[0], pair[1]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([-1.0, -0.2, 0.6]))
@settings(deadline=None)
def test_top_k_is_that_of_brute_force_where_copies_are_one_neighbour(seed, top_k, threshold):
    X = with_copies(seed, n_rows=12)
    pairs = ParaphraseMiner(threshold=threshold, top_k=top_k).fit(X).pairs_
    assert as_set(pairs) == brute_force(X, threshold, top_k)


def test_copies_do_not_hide_the_rest():
    near = np.array([[1.0, 0.1], [1.0, 0.2]])
    X = np.concatenate([np.tile([1.0, 0.0], (150, 1)), near])
    pairs = ParaphraseMiner(threshold=0.9, top_k=2).fit(X).pairs_
    assert len(pairs) == 150 * 149 // 2 + 2 * 150 + 1


def test_minus_zero_is_zero():
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [0.1, 1.0], [0.2, 1.0]])
    # Were the first two different rows, each would be the other's one neighbour, and the third only the fourth's.
    expected = {(0, 1), (0, 2), (1, 2), (2, 3)}
    assert as_set(ParaphraseMiner(threshold=0.5, top_k=1).fit(X).pairs_) == expected


@given(WHOLE, THRESHOLD, st.integers(1, 2) | st.none())
@settings(deadline=None)
def test_labels_are_the_connected_rows_numbered_by_their_first(X, threshold, top_k):
    miner = ParaphraseMiner(threshold=threshold, top_k=top_k).fit(X)
    parent = list(range(len(X)))

    def root(row):
        while parent[row] != row:
            row = parent[row]
        return row

    for i, j in as_set(miner.pairs_):
        parent[root(j)] = root(i)
    number, expected = {}, []
    for row in range(len(X)):
        alone = not any(row in pair for pair in as_set(miner.pairs_))
        expected.append(-1 if alone else number.setdefault(root(row), len(number)))
    assert miner.labels_.tolist() == expected
    assert ParaphraseMiner(threshold=threshold, top_k=top_k).fit_predict(X).tolist() == expected


def test_hand_worked_groups():
    X = np.array([[1, 0], [0, 1], [1, 0.1], [-1, -1], [0.1, 1], [0, 1]])
    miner = ParaphraseMiner(threshold=0.9).fit(X)
    assert as_set(miner.pairs_) == {(0, 2), (1, 4), (1, 5), (4, 5)}
    assert miner.pairs_[0].tolist() == (1, 5, 1.0)
    assert miner.labels_.tolist() == [0, 1, 0, -1, 1, 1]


def brute_force_between(X, Y, threshold, top_k=None):
    rows, columns = X[different(X)], Y[different(Y)]
    return {
        (i, j)
        for i, j in product(range(len(X)), range(len(Y)))
        if cosine(X[i], Y[j]) >= threshold
        and (top_k is None or among_nearest(X[i], Y[j], columns, top_k) or among_nearest(Y[j], X[i], rows, top_k))
    }


@given(st.integers(0, 2**32 - 1), st.integers(1, 3) | st.none(), st.sampled_from([-0.99, 0.1, 0.7]))
@settings(deadline=None)
def test_pairs_between_two_lists_are_those_of_brute_force(seed, top_k, threshold):
    X, Y = with_copies(seed, 9), with_copies(seed + 1, 7)
    pairs = ParaphraseMiner(threshold=threshold, top_k=top_k).mine(X, Y)
    assert as_set(pairs) == brute_force_between(X, Y, threshold, top_k)
    assert len(as_set(pairs)) == len(pairs)
    np.testing.assert_allclose(pairs["score"], [cosine(X[p["i"]], Y[p["j"]]) for p in pairs], atol=1e-6)
    assert pairs.tolist() == sorted(pairs.tolist(), key=lambda pair: (-pair[2], pair[0], pair[1]))


def test_the_two_lists_are_never_compared_with_themselves():
    X = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert len(ParaphraseMiner().mine(X, -X)) == 0
    assert as_set(ParaphraseMiner().mine(X, X[:1])) == {(0, 0), (1, 0)}


def test_two_lists_of_other_widths_are_refused():
    with pytest.raises(ValueError, match="X has 3 columns and Y has 2"):
        ParaphraseMiner().mine(np.eye(3), np.eye(2))


def test_max_pairs_keeps_the_best_and_says_how_many_went():
    X = np.random.default_rng(0).normal(size=(60, 3))
    everything = ParaphraseMiner(threshold=0.0).fit(X).pairs_
    worst = everything["score"][4]
    message = rf"{len(everything) - 5} of {len(everything)} pairs were left out by max_pairs=5; .* cosine {worst:.3f}"
    with pytest.warns(SkkoWarning, match=message):
        miner = ParaphraseMiner(threshold=0.0, max_pairs=5).fit(X)
    np.testing.assert_array_equal(miner.pairs_, everything[:5])
    assert set(np.flatnonzero(miner.labels_ >= 0)) == {row for pair in as_set(everything[:5]) for row in pair}
    between = ParaphraseMiner(threshold=0.0).mine(X[:30], X[30:])
    with pytest.warns(SkkoWarning, match=f"{len(between) - 3} of {len(between)} pairs"):
        kept = ParaphraseMiner(threshold=0.0, max_pairs=3).mine(X[:30], X[30:])
    np.testing.assert_array_equal(kept, between[:3])


def test_max_pairs_that_are_enough_say_nothing():
    X = np.random.default_rng(0).normal(size=(20, 3))
    n_pairs = len(ParaphraseMiner(threshold=0.5).fit(X).pairs_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(ParaphraseMiner(threshold=0.5, max_pairs=n_pairs).fit(X).pairs_) == n_pairs


FEW = {
    "one row": ([[1.0, 2.0]], 0.5, [], [-1]),
    "two equal rows": ([[1.0, 2.0], [1.0, 2.0]], 1.0, [(0, 1, 1.0)], [0, 0]),
    "two other rows": ([[1.0, 0.0], [0.0, 1.0]], 0.5, [], [-1, -1]),
    "opposites": ([[1.0, 0.0], [-1.0, 0.0]], -1.0, [(0, 1, -1.0)], [0, 0]),
    "zero rows": ([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]], 0.1, [], [-1, -1, -1]),
    "zero rows at threshold 0": ([[0.0, 0.0], [0.0, 0.0]], 0.0, [(0, 1, 0.0)], [0, 0]),
    "whole numbers": ([[3, 4], [6, 8]], 0.99, [(0, 1, 1.0)], [0, 0]),
}


@pytest.mark.parametrize(("X", "threshold", "pairs", "labels"), FEW.values(), ids=FEW)
def test_few_rows(X, threshold, pairs, labels):
    miner = ParaphraseMiner(threshold=threshold).fit(X)
    assert [tuple(pair)[:2] for pair in miner.pairs_.tolist()] == [pair[:2] for pair in pairs]
    np.testing.assert_allclose(miner.pairs_["score"], [pair[2] for pair in pairs], atol=1e-6)
    assert miner.labels_.tolist() == labels


def test_equal_rows_are_a_pair_at_a_threshold_of_one():
    # Their cosine as computed may be rounded to less than 1.
    X = np.repeat(np.random.default_rng(0).normal(size=(50, 33)), 2, axis=0)
    assert as_set(ParaphraseMiner(threshold=1).fit(X).pairs_) >= {(2 * i, 2 * i + 1) for i in range(50)}


def test_single_precision_finds_the_same():
    X = with_copies(3, 40, n_different=25)
    double, single = (ParaphraseMiner(threshold=0.5).fit(X.astype(dtype)) for dtype in (np.float64, np.float32))
    assert as_set(double.pairs_) == as_set(single.pairs_)
    np.testing.assert_array_equal(double.labels_, single.labels_)


def test_score_is_the_f1_of_the_given_rows_alone():
    X, y = groups_of_four(10, spread=0.4)
    miner = ParaphraseMiner(threshold=0.8).fit(X[:8])
    fresh = ParaphraseMiner(threshold=0.8).fit(X).pairs_
    assert 0 < miner.score(X, y) < 1
    assert miner.score(X, y) == pair_scores(fresh, y).f1
    assert miner.score(X, [f"group {group}" for group in y]) == miner.score(X, y)


def test_score_of_clear_groups_is_one_and_of_none_zero():
    X, y = groups_of_four(5, spread=0.001)
    miner = ParaphraseMiner(threshold=0.99).fit(X)
    assert miner.score(X, y) == 1
    assert miner.score(X, np.full(20, -1)) == 0
    assert miner.score(X, np.full(20, -1.0)) == 0


def test_score_counts_pairs_that_max_pairs_would_leave_out():
    X, y = groups_of_four(5, spread=0.001)
    with pytest.warns(SkkoWarning, match="left out"):
        miner = ParaphraseMiner(threshold=0.99, max_pairs=2).fit(X)
    assert miner.score(X, y) == 1


def test_score_wants_a_group_for_each_row():
    miner = ParaphraseMiner().fit(np.eye(3))
    with pytest.raises(ValueError, match="X has 3 rows and y has 2 groups"):
        miner.score(np.eye(3), [0, 1])


def test_the_threshold_is_chosen_by_whole_groups():
    X, y = groups_of_four(40, spread=0.25)
    search = GridSearchCV(ParaphraseMiner(), {"threshold": [0.0, 0.85, 0.999]}, cv=GroupKFold(4)).fit(X, y, groups=y)
    assert search.best_params_ == {"threshold": 0.85}
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("params", [{"threshold": 1.1}, {"threshold": "high"}, {"top_k": 0}, {"max_pairs": 0}], ids=str)
def test_wrong_parameters_are_named(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        ParaphraseMiner(**params).fit(np.eye(3))


def test_a_clone_has_the_parameters_and_a_pickle_the_pairs():
    X = with_copies(0, 20)
    miner = ParaphraseMiner(threshold=0.5, top_k=3, max_pairs=1000).fit(X)
    fresh = clone(miner)
    assert fresh.get_params() == miner.get_params()
    assert not hasattr(fresh, "pairs_")
    copied = pickle.loads(pickle.dumps(miner))
    np.testing.assert_array_equal(copied.pairs_, miner.pairs_)
    np.testing.assert_array_equal(copied.labels_, miner.labels_)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
@settings(deadline=None)
def test_top_k_without_a_threshold(seed, top_k):
    X = with_copies(seed, n_rows=12)
    miner = ParaphraseMiner(threshold=None, top_k=top_k).fit(X)
    assert miner.threshold_ == -1
    assert as_set(miner.pairs_) == brute_force(X, -1.0, top_k)


def test_neither_threshold_nor_top_k_is_refused():
    for call in (lambda miner: miner.fit(np.eye(3)), lambda miner: miner.mine(np.eye(3), np.eye(3))):
        with pytest.raises(ValueError, match="threshold=None keeps every pair there is"):
            call(ParaphraseMiner(threshold=None))


def test_a_thousand_copies_are_all_paired():
    X = np.tile([[0.6, 0.8]], (1000, 1))
    miner = ParaphraseMiner(top_k=1).fit(X)
    assert len(as_set(miner.pairs_)) == len(miner.pairs_) == 1000 * 999 // 2
    assert (miner.labels_ == 0).all()
    assert len(miner.mine(X, X[:10])) == 10_000
