"""The similarity engine against brute force in double precision."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skko.similarity import PAIR, best_first, join, self_join, top_k, unit_rows
from skko.similarity.blocks import row_blocks


def matrices(elements, width):
    return hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(width)), elements=elements)


# Whole numbers of few values: many ties, duplicates and zero rows.
WHOLE = matrices(st.integers(-2, 2).map(float), 3)
# Multiples of the axes: every cosine is exactly -1, 0 or 1 whatever the order of the sum, so ties are exact.
AXES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-2.0, 0.0, 1.0, 4.0])), max_size=12).map(
    lambda rows: np.array([length * np.eye(4, dtype=np.float32)[axis] for axis, length in rows]).reshape(-1, 4)
)
MEMORY = st.sampled_from([1, 64, 200, 1 << 20])
THRESHOLD = st.sampled_from([-1.0, -0.3, 0.1, 0.6, 0.9, 1.0])
NEAR = 1e-6


def cosines(A, B):
    """Cosines by their definition, in double precision; 0 with a zero row."""
    A, B = np.asarray(A, np.float64), np.asarray(B, np.float64)
    out = np.zeros((len(A), len(B)))
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            lengths = np.sqrt(a @ a) * np.sqrt(b @ b)
            out[i, j] = a @ b / lengths if lengths else 0.0
    return out


def as_tuples(pairs):
    return list(zip(pairs["i"].tolist(), pairs["j"].tolist(), strict=True))


def assert_pairs(pairs, exact, threshold, possible):
    """The pairs that reach the threshold, each once, best first; the last bit of a cosine at it may fall either way."""
    assert pairs.dtype == PAIR
    found = as_tuples(pairs)
    assert len(set(found)) == len(found)
    sure = {pair for pair in possible if exact[pair] >= threshold + NEAR or threshold == -1}
    perhaps = {pair for pair in possible if exact[pair] >= threshold - NEAR}
    assert sure <= set(found) <= perhaps
    np.testing.assert_allclose(pairs["score"], exact[pairs["i"], pairs["j"]], atol=NEAR)
    assert pairs.tolist() == sorted(pairs.tolist(), key=lambda pair: (-pair[2], pair[0], pair[1]))


@given(WHOLE, WHOLE, st.integers(0, 15), MEMORY)
@settings(deadline=None)
def test_top_k_is_the_head_of_a_full_sort(A, B, k, memory):
    indices, scores = top_k(A, B, k, memory=memory)
    k, exact = min(k, len(B)), cosines(A, B)
    assert indices.shape == scores.shape == (len(A), k)
    for row in range(len(A)):
        assert len(set(indices[row].tolist())) == k
        np.testing.assert_allclose(scores[row], np.sort(exact[row])[::-1][:k], atol=NEAR)
        np.testing.assert_allclose(scores[row], exact[row][indices[row]], atol=NEAR)
    ties = scores[:, 1:] == scores[:, :-1]
    assert (np.diff(scores) <= 0).all()
    assert (np.diff(indices)[ties] > 0).all()


@given(AXES, AXES, st.integers(1, 12), MEMORY)
@settings(deadline=None)
def test_ties_go_to_the_first_rows(A, B, k, memory):
    indices, scores = top_k(A, B, k, memory=memory)
    exact = cosines(A, B)
    expected = np.array([sorted(range(len(B)), key=lambda j, row=row: (-row[j], j))[:k] for row in exact], dtype=int)
    np.testing.assert_array_equal(indices, expected.reshape(len(A), min(k, len(B))))
    np.testing.assert_array_equal(scores, np.take_along_axis(exact, indices, axis=1))


def test_many_copies_tie_too():
    B = np.repeat(np.eye(3, dtype=np.float32), 50, axis=0)
    indices, scores = top_k(np.eye(3, dtype=np.float32), B, 7)
    assert indices.tolist() == [list(range(start, start + 7)) for start in (0, 50, 100)]
    assert (scores == 1).all()


@given(WHOLE, THRESHOLD, MEMORY)
@settings(deadline=None)
def test_self_join_is_every_pair_once(A, threshold, memory):
    possible = [(i, j) for i in range(len(A)) for j in range(i + 1, len(A))]
    assert_pairs(self_join(A, threshold, memory=memory), cosines(A, A), threshold, possible)


@given(WHOLE, WHOLE, THRESHOLD, MEMORY)
@settings(deadline=None)
def test_join_is_every_pair_of_two_lists(A, B, threshold, memory):
    possible = [(i, j) for i in range(len(A)) for j in range(len(B))]
    assert_pairs(join(A, B, threshold, memory=memory), cosines(A, B), threshold, possible)


@given(AXES, AXES, st.sampled_from([-1.0, 0.0, 1.0]), MEMORY)
@settings(deadline=None)
def test_a_cosine_equal_to_the_threshold_is_a_pair(A, B, threshold, memory):
    exact = cosines(A, B)
    assert set(as_tuples(join(A, B, threshold, memory=memory))) == set(map(tuple, np.argwhere(exact >= threshold)))
    expected = {(i, j) for i, j in np.argwhere(cosines(A, A) >= threshold).tolist() if i < j}
    assert set(as_tuples(self_join(A, threshold, memory=memory))) == expected


@given(hnp.arrays(np.float32, (9, 5), elements=st.floats(-1, 1, width=16)))
@settings(deadline=None)
def test_a_threshold_of_minus_one_is_every_pair(A):
    # Opposites too, whose cosine may be rounded to less than -1.
    A = np.concatenate([A, -A])
    assert len(self_join(A, -1)) == 18 * 17 // 2
    assert len(join(A, -A, -1)) == 18 * 18


@pytest.mark.parametrize("memory", [1, 1 << 12, 1 << 16, 1 << 29])
def test_the_size_of_a_block_does_not_change_what_is_found(memory):
    A = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    exact = cosines(A, A)
    # No cosine is so near the threshold, nor two of one row so near each other, that the last bit could decide.
    assert np.abs(exact - 0.5).min() > NEAR
    expected = np.argsort(-exact, axis=1)[:, :5]
    assert np.diff(np.sort(exact)[:, -6:], axis=1).min() > NEAR
    upper = {(i, j) for i, j in np.argwhere(exact >= 0.5).tolist() if i < j}
    assert set(as_tuples(self_join(A, 0.5, memory=memory))) == upper
    assert set(as_tuples(join(A, A[:200], 0.5, memory=memory))) == set(map(tuple, np.argwhere(exact[:, :200] >= 0.5)))
    np.testing.assert_array_equal(top_k(A, A, 5, memory=memory)[0], expected)


@pytest.mark.parametrize("shape", [(0, 3), (4, 3)])
def test_empty_sides(shape):
    none, some = np.empty((0, 3), np.float32), np.ones(shape, np.float32)
    assert join(none, some, 0.5).shape == join(some, none, 0.5).shape == self_join(none, 0.5).shape == (0,)
    assert [found.shape for found in top_k(none, some, 2)] == [(0, min(2, len(some)))] * 2
    assert [found.shape for found in top_k(some, none, 2)] == [(len(some), 0)] * 2
    assert [found.shape for found in top_k(some, some, 0)] == [(len(some), 0)] * 2


def test_one_row_has_no_pair_and_itself_as_its_neighbour():
    one = np.array([[3.0, 4.0]])
    assert len(self_join(one, -1)) == 0
    assert top_k(one, one, 5)[0].tolist() == [[0]]


def test_best_first_joins_and_sorts():
    a = np.array([(5, 6, 0.5), (0, 3, 0.5)], dtype=PAIR)
    b = np.array([(0, 2, 0.5), (1, 2, 0.9)], dtype=PAIR)
    assert [pair[:2] for pair in best_first([a, b]).tolist()] == [(1, 2), (0, 2), (0, 3), (5, 6)]
    assert best_first([]).shape == (0,)


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 1 << 16))
@settings(deadline=None)
def test_blocks_cover_the_rows_within_the_memory(n_rows, n_columns, memory):
    blocks = list(row_blocks(n_rows, n_columns, memory))
    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(n_rows))
    for block in blocks:
        height = block.stop - block.start
        assert height == 1 or 8 * height * n_columns <= memory


A = np.random.default_rng(0).normal(size=(2000, 8)).astype(np.float32)
ENGINES = {
    "self_join": lambda memory: self_join(A, 0.99, memory=memory, show_progress=False),
    "join": lambda memory: join(A, A, 0.99, memory=memory, show_progress=False),
    "top_k": lambda memory: top_k(A, A, 5, memory=memory, show_progress=False),
}


@pytest.mark.parametrize("memory", [2 << 20, 8 << 20, 32 << 20])
@pytest.mark.parametrize("engine", ENGINES)
def test_products_stay_within_the_memory(engine, memory):
    ENGINES[engine](1 << 20)  # imports are not the engine's memory
    tracemalloc.start()
    found = ENGINES[engine](memory)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    results = sum(part.nbytes for part in (found if isinstance(found, tuple) else (found,)))
    inputs = 4 * A.nbytes  # both sides scaled to unit length, and the scaling's own copies
    # A partition holds the places of all products beside them, as 8-byte numbers.
    allowed = 2 * memory if engine == "top_k" else memory
    assert peak <= allowed + inputs + 3 * results


def test_unit_rows_of_zero_huge_tiny_and_whole_numbers():
    rows = unit_rows(np.array([[0, 0], [3, 4]]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8]], atol=1e-7)
    for size in (1e30, 1e-30):  # their squares leave the range of float32
        np.testing.assert_allclose(unit_rows(np.array([[size, -size]], dtype=np.float32)), [[0.5**0.5, -(0.5**0.5)]])


@given(hnp.arrays(np.float64, (5, 4), elements=st.floats(-100, 100)))
@settings(deadline=None)
def test_unit_rows_have_length_one_in_a_new_array(X):
    before = X.copy()
    rows = unit_rows(X)
    np.testing.assert_array_equal(X, before)
    assert rows.flags.c_contiguous
    long = np.linalg.norm(X, axis=1) > 1e-100
    np.testing.assert_allclose(np.linalg.norm(rows[long], axis=1), 1, atol=NEAR)
    assert not rows[~X.any(axis=1)].any()
