"""CalibratedLogisticRegression: scikit-learn's optimum, calibrated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.utils import estimator_checks

from skko.classification import CalibratedLogisticRegression, _newton
from skko.classification._calibration import best_temperature, held_out_folds
from skko.classification._newton import Columns


def problem(n=300, n_dense=6, n_sparse=40, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.standard_normal((n, n_dense))
    words = sparse.random_array((n, n_sparse), density=0.1, rng=rng)
    X = sparse.csr_array(sparse.hstack([dense, words]))
    y = (X.toarray() @ rng.standard_normal((X.shape[1], n_classes)) + rng.gumbel(size=(n, n_classes))).argmax(axis=1)
    return X, y


def test_the_whole_suite_of_checks_passes():
    results = estimator_checks.check_estimator(CalibratedLogisticRegression(), on_fail=None, on_skip=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    assert len(results) >= 60


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("C", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("stiff", [0, np.inf])
def test_the_optimum_is_that_of_scikit_learn(n_classes, C, stiff, monkeypatch):
    monkeypatch.setattr(_newton, "_STIFF", stiff)
    X, y = problem(n_classes=n_classes)
    weights = np.random.default_rng(1).uniform(0.1, 2, len(y))
    ours = CalibratedLogisticRegression(C, calibrate=False, tol=1e-8).fit(X, y, weights)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4 * max(1, np.abs(theirs.coef_).max()))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    balanced = {"class_weight": "balanced"}
    ours = CalibratedLogisticRegression(C, calibrate=False, tol=1e-8, **balanced).fit(X, y)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000, **balanced).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)


def test_a_weak_penalty_takes_fewer_products_with_the_diagonal(monkeypatch):
    X, y = problem(n=600, n_sparse=400)
    X = X @ sparse.diags_array(np.geomspace(0.01, 10, X.shape[1]))  # features of very different sizes
    counted = []
    dot = Columns.dot
    monkeypatch.setattr(Columns, "dot", lambda self, W: counted.append(self) or dot(self, W))
    products = {}
    for stiff in (0, np.inf):
        monkeypatch.setattr(_newton, "_STIFF", stiff)
        CalibratedLogisticRegression(1_000.0, calibrate=False).fit(X, y)
        products[stiff] = len(counted)
        counted.clear()
    assert products[0] < products[np.inf] / 2


def test_several_labels_are_as_many_questions():
    X, _ = problem()
    Y = (X[:, :4].toarray() + np.random.default_rng(2).standard_normal((X.shape[0], 4)) > 0.5).astype(int)
    ours = CalibratedLogisticRegression(calibrate=False, tol=1e-8).fit(X, Y)
    for label in range(4):
        theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X, Y[:, label])
        np.testing.assert_allclose(ours.predict_proba(X)[:, label], theirs.predict_proba(X)[:, 1], atol=1e-3)


def test_dense_and_sparse_features_give_one_answer():
    X, y = problem()
    of_sparse, of_dense = (CalibratedLogisticRegression(tol=1e-8).fit(rows, y) for rows in (X, X.toarray()))
    np.testing.assert_allclose(of_sparse.coef_, of_dense.coef_, atol=1e-3)
    in_half = CalibratedLogisticRegression(tol=1e-6).fit(X.astype(np.float32), y)
    assert in_half.coef_.dtype == np.float32
    np.testing.assert_allclose(in_half.coef_, of_dense.coef_, atol=2e-3)


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("tol", [1e-6, 1e-7, 1e-12])
def test_a_tolerance_finer_than_single_precision_ends_where_rounding_begins(C, tol):
    for seed in range(10):
        X, y = problem(seed=seed)
        exact = CalibratedLogisticRegression(C, calibrate=False, tol=1e-10).fit(X, y)
        single = CalibratedLogisticRegression(C, calibrate=False, tol=tol).fit(X.astype(np.float32), y)
        assert single.n_iter_ < 30
        np.testing.assert_allclose(single.predict_proba(X), exact.predict_proba(X), atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 8), st.integers(0, 2**20))
def test_products_are_those_of_the_whole_matrix(n, n_dense, n_sparse, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal((n, n_dense)), sparse.random_array((n, n_sparse), density=0.2, rng=rng).toarray()]
    X = np.hstack(parts)[:, rng.permutation(n_dense + n_sparse)]
    columns = Columns(sparse.csr_array(X))
    W, G = rng.standard_normal((X.shape[1] + 1, 3)), rng.standard_normal((n, 3))
    ordered = np.vstack([W[:-1][columns.order], W[-1:]])
    np.testing.assert_allclose(columns.dot(ordered), X @ W[:-1] + W[-1], atol=1e-12)
    np.testing.assert_allclose(columns.back(G)[:-1], (X.T @ G)[columns.order], atol=1e-12)
    np.testing.assert_allclose(columns.back(G)[-1], G.sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("C", [0.001, 1000.0])
def test_the_temperature_makes_probabilities_better_whether_they_were_too_sure_or_too_shy(C):
    X, y = problem(n=1200)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    plain = CalibratedLogisticRegression(C, calibrate=False, tol=1e-8).fit(train, y_train)
    calibrated = CalibratedLogisticRegression(C, tol=1e-8).fit(train, y_train)
    assert (plain.predict(test) == calibrated.predict(test)).all()
    assert log_loss(y_test, calibrated.predict_proba(test)) < log_loss(y_test, plain.predict_proba(test)) - 0.01
    assert (calibrated.temperature_ > 1) == (C > 1)


def test_the_temperature_is_the_best_of_a_fine_grid():
    rng = np.random.default_rng(0)
    scores, truth = rng.standard_normal((200, 4)), rng.integers(4, size=200)
    scores[np.arange(200), truth] += 1
    scores *= 7
    found = best_temperature(scores, np.eye(4)[truth], np.ones(200), "softmax")

    def loss(temperature):
        shares = np.exp(scores / temperature)
        shares /= shares.sum(axis=1, keepdims=True)
        return -np.log(shares[np.arange(200), truth]).mean()

    assert loss(found) <= min(loss(t) for t in np.geomspace(0.1, 100, 2000)) + 1e-5


def test_equal_rows_are_held_out_together_and_every_label_stays():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 3))
    X = np.vstack([rows, rows[:20]])
    labels = np.r_[np.arange(60) % 3, np.arange(20) % 3]
    Y = np.eye(3, dtype=np.float32)[labels]
    for make in (np.asarray, sparse.csr_array):
        folds = held_out_folds(make(X), Y, stratify=True)
        assert len(folds) == 5
        assert (np.sum(folds, axis=0) == 1).all()
        for held in folds:
            assert (held[:20] == held[60:]).all()
            assert set(labels[~held]) == set(labels[held]) == {0, 1, 2}
    assert held_out_folds(rows[:4], Y[:4], stratify=True) == []  # a label with a single row


def test_too_few_steps_are_told():
    X, y = problem()
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        CalibratedLogisticRegression(max_iter=1, calibrate=False).fit(X, y)


def test_targets_that_cannot_be_are_errors():
    X, y = problem()
    with pytest.raises(ValueError, match="one class"):
        CalibratedLogisticRegression().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="0 and 1"):
        CalibratedLogisticRegression().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="300 rows and y 10"):
        CalibratedLogisticRegression().fit(X, np.eye(10, dtype=int))
    with pytest.raises(ValueError, match="sample_weight"):
        CalibratedLogisticRegression(class_weight="balanced").fit(X, np.eye(300, 4, dtype=int))
