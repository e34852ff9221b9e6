"""The similarity engine against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skko.similarity import join, self_join, top_k, unit_rows
from skko.similarity.blocks import row_blocks

# Whole numbers of few values: many ties, duplicates and zero rows.
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(3)), elements=st.integers(-2, 2).map(float))
MEMORY = st.sampled_from([1, 64, 200, 1 << 20])


def cosines(A, B):
    """Cosines in float32 by the plain definition, rounded as the engine rounds them."""
    return unit_rows(A) @ unit_rows(B).T


@given(MATRICES, MATRICES, st.integers(1, 15), MEMORY)
def test_top_k_is_a_full_sort(A, B, k, memory):
    indices, scores = top_k(A, B, k, memory=memory)
    k = min(k, len(B))
    assert indices.shape == scores.shape == (len(A), k)
    products = cosines(A, B)
    for row in range(len(A)):
        np.testing.assert_allclose(scores[row], np.sort(products[row])[::-1][:k], atol=1e-6)
        np.testing.assert_allclose(products[row][indices[row]], scores[row], atol=1e-6)
        assert len(set(indices[row].tolist())) == k


def test_ties_go_to_the_first_row():
    B = np.repeat(np.eye(3, dtype=np.float32), 50, axis=0)
    indices, scores = top_k(np.eye(3, dtype=np.float32), B, 7)
    assert indices.tolist() == [list(range(start, start + 7)) for start in (0, 50, 100)]
    assert (scores == 1).all()


def exactly(pairs, products, threshold, possible):
    """Whether the pairs are those that reach the threshold; the last bit of a cosine at it depends on the block."""
    found = {(int(p["i"]), int(p["j"])) for p in pairs}
    sure = {pair for pair in possible if products[pair] >= threshold + 1e-6 or threshold == -1}
    perhaps = {pair for pair in possible if products[pair] >= threshold - 1e-6}
    return sure <= found <= perhaps and len(found) == len(pairs)


@given(MATRICES, st.sampled_from([-1.0, -0.3, 0.1, 0.6, 0.9]), MEMORY)
def test_self_join_is_every_pair_once(A, threshold, memory):
    pairs = self_join(A, threshold, memory=memory)
    products = cosines(A, A)
    assert exactly(pairs, products, threshold, [(i, j) for i in range(len(A)) for j in range(i + 1, len(A))])
    np.testing.assert_allclose(pairs["score"], products[pairs["i"], pairs["j"]], atol=1e-6)
    assert (np.diff(pairs["score"]) <= 0).all()


@given(MATRICES, MATRICES, st.sampled_from([-1.0, 0.1, 0.6]), MEMORY)
def test_join_is_every_pair_of_two_lists(A, B, threshold, memory):
    pairs = join(A, B, threshold, memory=memory)
    assert exactly(pairs, cosines(A, B), threshold, [(i, j) for i in range(len(A)) for j in range(len(B))])


@pytest.mark.parametrize("memory", [1 << 12, 1 << 16, 1 << 29])
def test_block_size_does_not_change_the_pairs(memory):
    A = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    expected = self_join(A, 0.5)
    pairs = self_join(A, 0.5, memory=memory)
    assert set(zip(pairs["i"], pairs["j"], strict=True)) == set(zip(expected["i"], expected["j"], strict=True))
    indices, _ = top_k(A, A, 5, memory=memory)
    np.testing.assert_array_equal(indices, top_k(A, A, 5)[0])


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 1 << 16))
def test_blocks_cover_the_rows_within_the_memory(n_rows, n_columns, memory):
    blocks = list(row_blocks(n_rows, n_columns, memory))
    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(n_rows))
    for block in blocks:
        height = block.stop - block.start
        assert height == 1 or 8 * height * n_columns <= memory


def test_unit_rows_of_zero_huge_and_whole_numbers():
    rows = unit_rows(np.array([[0, 0], [3, 4]]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8]], atol=1e-7)
    huge = np.array([[1e30, 1e30]], dtype=np.float32)
    np.testing.assert_allclose(np.linalg.norm(unit_rows(huge)), 1, atol=1e-6)
