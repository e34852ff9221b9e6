"""The approximate index beside the exact search."""

import importlib.util

import numpy as np
import pytest

from skko.exceptions import DataFileError, MissingDependencyError
from skko.similarity import ApproximateIndex, top_k

HAS_FAISS = importlib.util.find_spec("faiss") is not None
needs_faiss = pytest.mark.skipif(not HAS_FAISS, reason="needs the extra skko[ann]")


def rows(n_rows, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, 16)).astype(np.float32)


@pytest.mark.skipif(HAS_FAISS, reason="faiss is installed")
def test_without_faiss_the_extra_is_named():
    with pytest.raises(MissingDependencyError, match=r"skko\[ann\]"):
        ApproximateIndex(rows(3))


@needs_faiss
def test_most_neighbours_are_found_and_scored_exactly():
    A, B = rows(200, seed=1), rows(3000)
    exact, scores = top_k(A, B, 10)
    found, cosines = top_k(A, ApproximateIndex(B), 10)
    recall = np.mean([len(set(one) & set(two)) / 10 for one, two in zip(exact.tolist(), found.tolist(), strict=True)])
    assert recall > 0.95
    same = exact == found
    assert same.mean() > 0.9
    np.testing.assert_array_equal(scores[same], cosines[same])
    assert (np.diff(cosines) <= 0).all()
    assert ApproximateIndex(B).recall(A) == pytest.approx(recall)


@needs_faiss
def test_less_work_finds_less_and_recall_says_so():
    A, B = rows(200, seed=1), rows(5000)
    assert ApproximateIndex(B, links=4, expansion=4).recall(A) < ApproximateIndex(B).recall(A) - 0.1


@needs_faiss
@pytest.mark.parametrize("k", [0, 1, 5, 50])
def test_few_rows_are_all_found(k):
    B = np.concatenate([rows(12), np.zeros((2, 16), np.float32), rows(12)])
    for one, two in zip(top_k(rows(7, seed=1), B, k), top_k(rows(7, seed=1), ApproximateIndex(B), k), strict=True):
        np.testing.assert_array_equal(one, two)


@needs_faiss
def test_queries_that_the_graph_leaves_short_are_searched_exactly():
    # Rows of two far groups with few links: the graph of one does not lead to the other.
    B = np.concatenate([np.eye(16, dtype=np.float32)[:8] * 1.0, *[np.eye(16, dtype=np.float32)[8:]] * 40])
    found, cosines = top_k(B, ApproximateIndex(B, links=2, expansion=2), 300)
    assert (found >= 0).all()
    assert np.isfinite(cosines).all()
    assert all(len(set(row)) == 300 for row in found.tolist())


@needs_faiss
def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="A has 3 columns and B has 16"):
        top_k(np.eye(3), ApproximateIndex(rows(5)), 1)
    with pytest.raises(ValueError, match="B has NaN or infinity at row 1"):
        ApproximateIndex([[0.0, 1.0], [np.nan, 1.0]])
    index = ApproximateIndex(np.empty((0, 3)))
    assert [found.shape for found in top_k(np.eye(3), index, 2)] == [(3, 0)] * 2
    assert index.recall(np.eye(3)) == 1


@needs_faiss
def test_saved_links_find_the_same(tmp_path):
    A, B = rows(200, seed=1), rows(3000)
    B[7] = B[2999]
    index = ApproximateIndex(B)
    index.save(tmp_path / "links")
    assert (tmp_path / "links").stat().st_size < 3000 * (2 * 32 + 8) * 4 * 1.1  # the links, not the rows
    loaded = ApproximateIndex.load(tmp_path / "links", B)
    for found, expected in zip(top_k(A, loaded, 10), top_k(A, index, 10), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(DataFileError, match="links other rows"):
        ApproximateIndex.load(tmp_path / "links", B[1:])
    with pytest.raises(FileNotFoundError, match="no file"):
        ApproximateIndex.load(tmp_path / "none", B)
    (tmp_path / "links").write_bytes(b"nonsense")
    with pytest.raises(DataFileError, match="no graph"):
        ApproximateIndex.load(tmp_path / "links", B)
