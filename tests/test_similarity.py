"""The similarity engine against brute force in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skko.similarity import (
    PAIR,
    best_first,
    join,
    neighbors,
    products,
    self_join,
    top_k,
    unit_rows,
)
from skko.similarity.blocks import blocks, capacity, tile_shape
from tests.comparing import AXES, MEMORY, NEAR, WHOLE, all_cosines, as_tuples

THRESHOLD = st.sampled_from([-1.0, -0.3, 0.1, 0.6, 0.9, 1.0])


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
    k, exact = min(k, len(B)), all_cosines(A, B)
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
    exact = all_cosines(A, B)
    expected = np.array([sorted(range(len(B)), key=lambda j, row=row: (-row[j], j))[:k] for row in exact], dtype=int)
    np.testing.assert_array_equal(indices, expected.reshape(len(A), min(k, len(B))))
    np.testing.assert_array_equal(scores, np.take_along_axis(exact, indices, axis=1))


def test_many_copies_tie_too():
    B = np.repeat(np.eye(3, dtype=np.float32), 50, axis=0)
    indices, scores = top_k(np.eye(3, dtype=np.float32), B, 7)
    assert indices.tolist() == [list(range(start, start + 7)) for start in (0, 50, 100)]
    assert (scores == 1).all()


@pytest.mark.parametrize("axes", [3, 40])  # cosines of whole numbers tie, others do not
def test_rows_among_themselves_are_compared_once(axes, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 2, size=(300, axes)).astype(np.float32) if axes == 3 else rng.normal(size=(300, axes))
    X = np.unique(unit_rows(X), axis=0)
    cells = []
    compute = products.NumpyProducts.compute

    def counted(self, rows, columns):
        cells.append((rows.stop - rows.start) * (columns.stop - columns.start))
        compute(self, rows, columns)

    monkeypatch.setattr(products.NumpyProducts, "compute", counted)
    for height in (7, 64, 512):
        monkeypatch.setattr(neighbors, "tile_shape", lambda memory, height=height: (height, 2 * height))
        cells.clear()
        found = top_k(X, X, 5)
        once = sum(cells)
        expected = top_k(X, X.copy(), 5)  # two sides
        for one, two in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, two)
        assert once <= len(X) * (len(X) + height) / 2
        assert sum(cells) - once == len(X) ** 2
    np.testing.assert_allclose(found[1], np.sort(all_cosines(X, X))[:, ::-1][:, :5], atol=NEAR)


@given(WHOLE, THRESHOLD, MEMORY)
@settings(deadline=None)
def test_self_join_is_every_pair_once(A, threshold, memory):
    possible = [(i, j) for i in range(len(A)) for j in range(i + 1, len(A))]
    assert_pairs(self_join(A, threshold, memory=memory), all_cosines(A, A), threshold, possible)


@given(WHOLE, WHOLE, THRESHOLD, MEMORY)
@settings(deadline=None)
def test_join_is_every_pair_of_two_lists(A, B, threshold, memory):
    possible = [(i, j) for i in range(len(A)) for j in range(len(B))]
    assert_pairs(join(A, B, threshold, memory=memory), all_cosines(A, B), threshold, possible)


@given(AXES, AXES, st.sampled_from([-1.0, 0.0, 1.0]), MEMORY)
@settings(deadline=None)
def test_a_cosine_equal_to_the_threshold_is_a_pair(A, B, threshold, memory):
    exact = all_cosines(A, B)
    assert set(as_tuples(join(A, B, threshold, memory=memory))) == set(map(tuple, np.argwhere(exact >= threshold)))
    expected = {(i, j) for i, j in np.argwhere(all_cosines(A, A) >= threshold).tolist() if i < j}
    assert set(as_tuples(self_join(A, threshold, memory=memory))) == expected


@given(hnp.arrays(np.float32, (9, 5), elements=st.floats(-1, 1, width=16)))
@settings(deadline=None)
def test_a_threshold_of_minus_one_is_every_pair(A):
    # Opposites too, whose cosine may be rounded to less than -1.
    A = np.concatenate([A, -A])
    assert len(self_join(A, -1)) == 18 * 17 // 2
    assert len(join(A, -A, -1)) == 18 * 18


@pytest.mark.parametrize("memory", [1 << 9, 1 << 12, 1 << 16, 1 << 29])
def test_the_size_of_a_block_does_not_change_what_is_found(memory):
    A = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    exact = all_cosines(A, A)
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


@given(st.integers(0, 50), st.integers(0, 1000), st.integers(1, 300))
def test_blocks_cover_the_range(start, stop, step):
    parts = list(blocks(start, stop, step))
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(start, stop))
    assert all(part.stop - part.start <= step for part in parts)


@given(st.integers(1, 1 << 34))
def test_a_tile_full_of_candidates_fits_the_memory(memory):
    height, width = tile_shape(memory)
    assert height >= 1 <= width
    assert height * width <= capacity(memory)
    assert capacity(memory) == 1 or 64 * capacity(memory) <= memory
