"""The share of the machine that a process is given."""

import os

import pytest

from skko.threads import asked_threads, n_threads


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
