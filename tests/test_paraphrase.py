"""ParaphraseMiner against brute force, and against scikit-learn's checks."""

import pickle
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from skko import ParaphraseMiner
from skko.exceptions import SkkoWarning
from skko.metrics import pair_scores
from skko.similarity import unit_rows

MATRICES = hnp.arrays(np.float64, st.tuples(st.integers(1, 10), st.just(2)), elements=st.integers(-2, 2).map(float))


@parametrize_with_checks([ParaphraseMiner()], xfail_strict=True)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def pair_set(pairs):
    return {(int(p["i"]), int(p["j"])) for p in pairs}


def brute_force(X, threshold, top_k=None):
    """Pairs by definition; copies of a row count as one neighbour."""
    cosine = unit_rows(X) @ unit_rows(X).T
    same = [[np.array_equal(a, b) for b in X] for a in X]

    def close(i, j):
        if same[i][j]:
            return (1.0 if X[i].any() else 0.0) >= threshold
        if cosine[i, j] < threshold:
            return False
        return top_k is None or rank(i, j) < top_k or rank(j, i) < top_k

    def rank(i, j):
        """How many different rows, not copies of i, are nearer to i than j; ties by first row."""
        firsts = [r for r in range(len(X)) if not any(same[r][q] for q in range(r)) and not same[r][i]]
        first_i = min(q for q in range(len(X)) if same[q][i])
        order = sorted(firsts, key=lambda r: (-cosine[first_i, r], min(first_i, r), max(first_i, r)))
        return order.index(min(q for q in range(len(X)) if same[q][j]))

    return {(i, j) for i, j in combinations(range(len(X)), 2) if close(i, j)}


@given(MATRICES, st.sampled_from([-1.0, 0.05, 0.5, 0.9]))
def test_pairs_are_those_of_brute_force(X, threshold):
    miner = ParaphraseMiner(threshold=threshold).fit(X)
    assert pair_set(miner.pairs_) == brute_force(X, threshold)
    assert (miner.pairs_["i"] < miner.pairs_["j"]).all()
    assert (np.diff(miner.pairs_["score"]) <= 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_top_k_is_that_of_brute_force_where_copies_are_one_neighbour(seed, top_k):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(8, 3))[rng.integers(0, 8, size=12)]
    miner = ParaphraseMiner(threshold=-0.2, top_k=top_k).fit(X)
    assert pair_set(miner.pairs_) == brute_force(X, -0.2, top_k)


def test_copies_do_not_hide_the_rest():
    near = np.array([[1.0, 0.1], [1.0, 0.2]])
    X = np.concatenate([np.tile([1.0, 0.0], (150, 1)), near])
    pairs = ParaphraseMiner(threshold=0.9, top_k=2).fit(X).pairs_
    assert len(pairs) == 150 * 149 // 2 + 2 * 150 + 1


@given(MATRICES, st.sampled_from([0.05, 0.5, 0.9]))
def test_labels_are_the_connected_rows(X, threshold):
    miner = ParaphraseMiner(threshold=threshold).fit(X)
    group = list(range(len(X)))
    for i, j in pair_set(miner.pairs_):
        old, new = group[j], group[i]
        group = [new if g == old else g for g in group]
    for i, j in combinations(range(len(X)), 2):
        together = miner.labels_[i] == miner.labels_[j] != -1
        assert together == (group[i] == group[j])
    known = miner.labels_[miner.labels_ >= 0]
    assert list(dict.fromkeys(known.tolist())) == list(range(len(set(known.tolist()))))


def test_two_lists():
    X, Y = np.random.default_rng(0).normal(size=(2, 20, 4))
    Y[3] = Y[4] = X[7]
    pairs = ParaphraseMiner(threshold=0.7).mine(X, Y)
    cosine = unit_rows(X) @ unit_rows(Y).T
    assert pair_set(pairs) == set(map(tuple, np.argwhere(cosine >= 0.7).tolist()))
    nearest = ParaphraseMiner(threshold=-1, top_k=1).mine(X, Y)
    assert {(i, int(cosine[i].argmax())) for i in range(20) if i != 7} <= pair_set(nearest)
    with pytest.raises(ValueError, match="columns"):
        ParaphraseMiner().mine(X, Y[:, :3])


def test_max_pairs_keeps_the_best_and_says_how_many_went():
    X = np.random.default_rng(0).normal(size=(30, 3))
    everything = ParaphraseMiner(threshold=0.5).fit(X).pairs_
    with pytest.warns(SkkoWarning, match=f"{len(everything) - 5:,} of {len(everything):,} pairs were left out"):
        kept = ParaphraseMiner(threshold=0.5, max_pairs=5).fit(X).pairs_
    np.testing.assert_array_equal(kept, everything[:5])


def test_score_mines_the_given_rows_alone():
    X, y = np.repeat(np.eye(5), 3, axis=0), np.repeat(range(5), 3)
    X = X + np.random.default_rng(0).normal(scale=0.01, size=X.shape)
    miner = ParaphraseMiner(threshold=0.9).fit(X)
    assert miner.score(X, y) == 1
    assert miner.score(X, np.full(15, -1)) == 0
    assert miner.score(X[:6], y[:6]) == 1


def test_the_threshold_is_chosen_by_whole_groups():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 8))
    y = np.repeat(range(40), 4)
    X = centres[y] + rng.normal(scale=0.25, size=(160, 8))
    search = GridSearchCV(ParaphraseMiner(), {"threshold": [0.0, 0.85, 0.999]}, cv=GroupKFold(4)).fit(X, y, groups=y)
    assert search.best_params_ == {"threshold": 0.85}


def test_metrics_agree_with_brute_force():
    rng = np.random.default_rng(0)
    groups = rng.integers(-1, 6, size=20)
    X = rng.normal(size=(20, 2))
    pairs = ParaphraseMiner(threshold=0.3).fit(X).pairs_
    true = {(i, j) for i, j in combinations(range(20), 2) if groups[i] == groups[j] != -1}
    found = [(int(p["i"]), int(p["j"])) for p in pairs]
    hits = [pair in true for pair in found]
    precision_at = [sum(hits[: r + 1]) / (r + 1) for r in range(len(hits)) if hits[r]]
    scores = pair_scores(pairs, groups)
    assert scores.precision == pytest.approx(sum(hits) / len(hits))
    assert scores.recall == pytest.approx(sum(hits) / len(true))
    assert scores.average_precision == pytest.approx(sum(precision_at) / len(true))
    assert scores.f1 == pytest.approx(2 * sum(hits) / (len(hits) + len(true)))
    as_words = pair_scores(pairs, [str(g) if g == -1 else f"group {g}" for g in groups])
    assert as_words == scores


def test_nothing_to_find_and_nothing_to_score():
    pairs = ParaphraseMiner(threshold=1).fit(np.eye(3)).pairs_
    assert len(pairs) == 0
    assert pair_scores(pairs, [-1, -1, -1]).f1 == 0


def test_clone_and_pickle():
    miner = ParaphraseMiner(threshold=0.5, top_k=3).fit(np.random.default_rng(0).normal(size=(20, 3)))
    assert clone(miner).get_params() == miner.get_params()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(miner)).pairs_, miner.pairs_)
