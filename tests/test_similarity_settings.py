"""The similarity engine: no setting, size or copy changes a bit of what it finds, and errors are named."""

import os
import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skko import config_context
from skko.exceptions import DeviceNotAvailableError
from skko.similarity import (
    PAIR,
    best_first,
    collapse,
    cosines,
    join,
    near_pairs,
    prepare,
    row_digests,
    self_join,
    top_k,
    unit_rows,
)
from tests.comparing import AXES, MEMORY, NEAR, WHOLE, A, all_cosines, as_tuples

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
    assert peak <= memory + inputs + 3 * results


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


def test_a_row_is_scaled_alike_wherever_it_stands():
    X = np.random.default_rng(0).normal(size=(3000, 1000)).astype(np.float32)
    together = unit_rows(X)
    for row in (0, 1, 777, 2999):
        np.testing.assert_array_equal(unit_rows(X[row : row + 1])[0], together[row])


# Settings that must not change a bit: tiles of one product and of all, float32 and half precision.
SETTINGS = [
    {"memory": memory, "precision": precision}
    for memory in (1, 3000, 100_000, 1 << 29)
    for precision in ("float32", "float16", "bfloat16")
]


def answers(A, B, threshold, k, **settings):
    options = {"device": "cpu", "show_progress": False, **settings}
    near = near_pairs(A, B, k, threshold, **options)
    return [self_join(A, threshold, **options), join(A, B, threshold, **options), *top_k(A, B, k, **options), near]


@st.composite
def nearly_equal(draw):
    """Rows around a few centres, some copied and many so near each other that a fast product cannot tell them apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centres = rng.normal(size=(draw(st.integers(1, 3)), 7))
    spread = draw(st.sampled_from([0, 1e-7, 1e-5, 1e-3, 0.3]))
    rows = centres[rng.integers(len(centres), size=12)] + rng.normal(scale=spread, size=(12, 7))
    rows[draw(st.integers(0, 11))] = 0
    return rows.astype(np.float32)


@given(nearly_equal(), nearly_equal(), st.integers(1, 14), st.sampled_from(SETTINGS), st.data())
@settings(deadline=None)
def test_no_setting_changes_a_bit(A, B, k, other, data):
    exact = all_cosines(A, B)
    # A threshold that is the cosine of a pair is the hardest one.
    threshold = float(np.float32(exact[data.draw(st.integers(0, 11)), data.draw(st.integers(0, 11))]).clip(-1, 1))
    expected = answers(A, B, threshold, k)
    for one, two in zip(expected, answers(A, B, threshold, k, **other), strict=True):
        np.testing.assert_array_equal(one, two)
    # Each pair scored by itself is the definition.
    left, right = prepare(A), prepare(B)
    rows = np.indices(exact.shape).reshape(2, -1)
    by_itself = np.array([cosines(left, right, rows[0, [at]], rows[1, [at]])[0] for at in range(exact.size)])
    np.testing.assert_allclose(by_itself, exact.ravel(), atol=2e-7)
    table = by_itself.reshape(exact.shape)
    assert as_tuples(expected[1]) == sorted(
        map(tuple, np.argwhere(table >= np.float32(threshold)).tolist()), key=lambda pair: (-table[pair], *pair)
    )
    in_order = np.lexsort((np.broadcast_to(np.arange(12), table.shape), -table), axis=1)[:, :k]
    np.testing.assert_array_equal(expected[2], in_order)
    np.testing.assert_array_equal(expected[3], np.take_along_axis(table, in_order, axis=1))
    near = [(i, j) for i, row in enumerate(in_order.tolist()) for j in row if table[i, j] >= np.float32(threshold)]
    assert as_tuples(expected[4]) == near
    assert expected[4]["score"].tolist() == [table[pair] for pair in near]


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_larger_matrices_do_not_change_a_bit_either(precision):
    rng = np.random.default_rng(1)
    X = (rng.normal(size=(60, 96))[rng.integers(60, size=700)] + rng.normal(scale=0.3, size=(700, 96))).astype(
        np.float32
    )
    expected = answers(X, X[:300], 0.9, 9)
    assert 1000 < len(expected[0]) < 700 * 699 / 2
    for memory in (300_000, 1 << 29):
        for one, two in zip(expected, answers(X, X[:300], 0.9, 9, memory=memory, precision=precision), strict=True):
            np.testing.assert_array_equal(one, two)


def test_equal_rows_have_a_cosine_of_one_and_opposite_ones_of_minus_one():
    X = np.random.default_rng(0).normal(size=(200, 33))
    ready = prepare(np.concatenate([X, 3.7 * X, -X]))
    rows = np.arange(200)
    assert (cosines(ready, ready, rows, rows) == 1).all()
    assert (cosines(ready, ready, rows, rows + 200) == 1).all()
    assert (cosines(ready, ready, rows, rows + 400) == -1).all()
    assert {(i, i + 200) for i in range(200)} <= set(as_tuples(self_join(np.concatenate([X, 3.7 * X]), 1)))


def test_more_near_copies_than_fit_the_memory():
    # Every row is a candidate for every other: only exact scores tell them apart.
    rng = np.random.default_rng(0)
    X = (np.ones(16) + rng.normal(scale=1e-6, size=(400, 16))).astype(np.float32)
    expected = top_k(X, X, 3)
    for memory in (1 << 12, 1 << 16):
        for one, two in zip(expected, top_k(X, X, 3, memory=memory), strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_corpus_of_copies_is_compared_once():
    X = np.tile(np.array([[1.0, 2.0]], dtype=np.float32), (60_000, 1))
    indices, scores = top_k(X, X, 4)  # 3.6e9 equal cosines, if each copy were a candidate
    assert (indices == np.arange(4)).all()
    assert (scores == 1).all()


@given(nearly_equal(), st.integers(0, 11), st.integers(1, 30), MEMORY)
@settings(deadline=None)
def test_copies_stand_in_the_order_of_their_rows(A, n_copied, k, memory):
    B = np.concatenate([A, A[:n_copied], A[:n_copied]])
    exact = all_cosines(A, B)
    indices, scores = top_k(A, B, k, memory=memory)
    for row in range(len(A)):
        assert len(set(indices[row].tolist())) == min(k, len(B))
        np.testing.assert_allclose(scores[row], np.sort(exact[row])[::-1][:k], atol=NEAR)
        assert list(zip(-scores[row], indices[row], strict=True)) == sorted(
            zip(-scores[row], indices[row], strict=True)
        )


@given(WHOLE | AXES)
def test_collapse_is_the_first_equal_row(X):
    X = X * np.random.default_rng(0).choice([-0.0, 1.0], size=X.shape)
    copies = collapse(X)
    first = [next(h for h in range(i + 1) if np.array_equal(X[h], X[i])) for i in range(len(X))]
    assert copies.first.tolist() == sorted(set(first))
    assert copies.first[copies.sets].tolist() == first
    for number, (start, size) in enumerate(zip(copies.starts, copies.sizes, strict=True)):
        assert copies.members[start : start + size].tolist() == np.flatnonzero(copies.sets == number).tolist()


def test_different_rows_of_one_digest_stay_different():
    # Found by reducing a lattice: the sum of these numbers times the digest's own is 0.
    X = np.array([[0] * 6, [226, 928, 927, 428, 921, 612], [0] * 6], dtype=np.int32)
    assert len(set(row_digests(X).tolist())) == 1
    assert collapse(X).sets.tolist() == [0, 1, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_has_no_cosine_is_named(value):
    X = np.eye(4)
    X[2, 1] = value
    for call in (lambda: self_join(X, 0.5), lambda: join(X, np.eye(4), 0.5), lambda: top_k(X, np.eye(4), 1)):
        with pytest.raises(ValueError, match="A has NaN or infinity at row 2"):
            call()
    with pytest.raises(ValueError, match="B has NaN or infinity at row 2"):
        top_k(np.eye(4), X, 1)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="A has 3 columns and B has 2"):
        join(np.eye(3), np.eye(2), 0.5)
    with pytest.raises(ValueError, match=r"B has shape \(3,\)"):
        top_k(np.eye(3), np.ones(3), 1)
    with pytest.raises(ValueError, match="k must be at least 0"):
        top_k(np.eye(3), np.eye(3), -1)
    with pytest.raises(ValueError, match="threshold is NaN"):
        self_join(np.eye(3), float("nan"))
    with pytest.raises(ValueError, match="threshold is NaN"):
        near_pairs(np.eye(3), np.eye(3), 2, float("nan"))
    with pytest.raises(ValueError, match="precision must be"):
        self_join(np.eye(3), 0.5, precision="float8")


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(DeviceNotAvailableError, match='"cpu"'):
        self_join(np.eye(3), 0.5, device="cuda:99")
    with pytest.raises(DeviceNotAvailableError, match='"cpu"'):
        self_join(np.eye(3), 0.5, device="abacus")


def test_little_work_asks_no_device():
    with config_context(device="abacus"):
        assert len(self_join(np.eye(3), -1)) == 3


@pytest.mark.parametrize("engine", ["self_join", "top_k"])
def test_an_interrupt_ends_it_and_leaves_it_usable(engine):
    X = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
    call = {"self_join": lambda rows: self_join(rows, 0.9), "top_k": lambda rows: top_k(rows, rows, 3)}[engine]
    expected = call(X[:500])
    threads = threading.active_count()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):  # the first may be over before the interrupt
        [call(X) for _ in range(100)]
    timer.join()
    assert threading.active_count() <= threads
    started = time.perf_counter()
    for one, two in zip(np.atleast_1d(expected), np.atleast_1d(call(X[:500])), strict=True):
        np.testing.assert_array_equal(one, two)
    assert time.perf_counter() - started < 60


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([-1, -0.5, -0.0, 0.0, 0.25, 1]))))
def test_best_first_is_a_sort_by_score_and_rows(listed):
    pairs = np.array(listed, dtype=PAIR)
    assert best_first([pairs]).tolist() == sorted(pairs.tolist(), key=lambda pair: (-pair[2], pair[0], pair[1]))
