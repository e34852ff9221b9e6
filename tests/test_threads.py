"""The share of the machine that a process is given."""

import os

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - it brings a library of its own
from threadpoolctl import threadpool_info, threadpool_limits

from skko.classification import linear
from skko.classification._newton import fit_logistic
from skko.threads import asked_threads, n_threads, one_blas_thread


@pytest.mark.parametrize(
    ("value", "asked"),
    [("", None), ("1", 1), ("2,1", 2), (" 3 ", 3), ("0", None), ("-1", None), ("many", None)],
)
def test_the_outermost_number_counts(value, asked, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert asked_threads() == asked


def test_no_more_than_there_are_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = n_threads()
    assert 1 <= cores <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1,1")
    assert n_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "100000")
    assert n_threads() == cores


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_matrix_products_run_in_one_thread():
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {2}


@pytest.mark.parametrize(("small", "threads"), [(2**27, 1), (0, 2)])
def test_a_fit_uses_more_where_products_are_large(small, threads, monkeypatch):
    used = set()

    def record(*args, **kwargs):
        used.update(blas_threads())
        return fit_logistic(*args, **kwargs)

    monkeypatch.setattr(linear, "fit_logistic", record)
    monkeypatch.setattr(linear, "_SMALL", small)
    with threadpool_limits(2, user_api="blas"):
        linear.CalibratedLogisticRegression().fit(np.eye(8), [0, 1] * 4)
    assert used == {threads}
