"""The nearest mean, labels that spread, and the next texts to label."""

import numpy as np
import pytest
from sklearn.utils import estimator_checks

from skko import datasets, make_text_classifier
from skko.classification import LabelSpreader, NearestMeanClassifier, suggest

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts, INQUIRIES.topics


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def clouds(n=40, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    centres = 3 * np.eye(8)[:n_classes]
    y = np.arange(n * n_classes) % n_classes
    return centres[y] + rng.standard_normal((len(y), 8)), y


@pytest.mark.parametrize("estimator", [NearestMeanClassifier(), LabelSpreader()], ids=repr)
def test_the_whole_suite_of_checks_passes(estimator):
    results = estimator_checks.check_estimator(estimator, on_fail=None, on_skip=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    assert len(results) >= 50


@pytest.mark.parametrize("shrinkage", [0.0, 1.0, 5.0])
def test_means_are_drawn_to_the_mean_of_all(shrinkage):
    X, y = clouds()
    rows = unit(X)
    expected = [
        (rows[y == c].sum(axis=0) + shrinkage * rows.mean(axis=0)) / ((y == c).sum() + shrinkage) for c in range(3)
    ]
    fitted = NearestMeanClassifier(shrinkage=shrinkage).fit(X, y)
    np.testing.assert_allclose(fitted.means_, unit(np.array(expected)), atol=1e-6)
    np.testing.assert_allclose(fitted.decision_function(X), rows @ unit(np.array(expected)).T, atol=1e-6)


def test_the_temperature_is_that_of_leaving_rows_out_one_by_one():
    X, y = clouds(n=10)
    rows = unit(X)
    scores = []
    for out in range(len(y)):
        kept = np.arange(len(y)) != out
        means = [rows[kept & (y == c)].sum(axis=0) + rows.mean(axis=0) for c in range(3)]
        scores.append(unit(np.array(means)) @ rows[out])
    scores = np.array(scores)

    def loss(temperature):
        shares = np.exp(scores / temperature)
        return -np.log(shares[np.arange(len(y)), y] / shares.sum(axis=1)).mean()

    found = NearestMeanClassifier().fit(X, y).temperature_
    assert loss(found) <= min(loss(t) for t in np.geomspace(0.011, 99, 3000)) + 1e-5


def test_one_row_a_class_will_do():
    fitted = NearestMeanClassifier().fit([[1.0, 0.0], [0.0, 1.0]], ["가", "나"])
    assert fitted.temperature_ == 0.1
    assert fitted.predict([[0.9, 0.2], [0.1, 2.0]]).tolist() == ["가", "나"]


def test_spreading_is_the_solution_of_its_equation():
    X, y = clouds(n=15)
    partly = [int(label) if row < 6 else None for row, label in enumerate(y)]
    fitted = LabelSpreader(n_neighbors=4, tol=1e-12, max_iter=10_000).fit(X, partly)
    cosines = unit(X) @ unit(X).T
    graph = np.zeros_like(cosines)
    for row in range(len(X)):
        near = [other for other in np.argsort(-cosines[row], kind="stable") if other != row][:4]
        graph[row, near] = np.maximum(cosines[row, near], 0) ** 3
    graph = np.maximum(graph, graph.T)
    degrees = np.sqrt(graph.sum(axis=1))
    graph /= degrees[:, None] * degrees
    start = np.eye(3)[y] * (np.arange(len(y)) < 6)[:, None]
    start /= start.sum(axis=0)
    expected = np.linalg.solve(np.eye(len(y)) - 0.8 * graph, 0.2 * start)
    np.testing.assert_allclose(fitted.label_distributions_, expected / expected.sum(axis=1, keepdims=True), atol=1e-4)


def test_unlabelled_rows_help():
    """Two long arcs with one label each: only the path along unlabelled rows says which is which."""
    angles = np.linspace(0, np.pi * 0.7, 60)
    arcs = [np.column_stack([np.cos(angles), np.sin(angles), np.full(60, height)]) for height in (1.5, -1.5)]
    X, y = unit(np.vstack(arcs)), np.repeat(["위", "아래"], 60)
    given = np.full(120, None, dtype=object)
    given[[0, 119]] = y[[0, 119]]
    fitted = LabelSpreader(n_neighbors=3, alpha=0.95, max_iter=2000).fit(X, given)
    assert (fitted.transduction_ == y).all()
    assert (fitted.predict(X) == y).all()


@pytest.mark.parametrize(("missing", "unlabelled"), [(-1, -1), (None, None), (np.nan, -1), ("", "")])
def test_none_nan_and_what_is_named_are_no_label(missing, unlabelled):
    X, y = clouds(n=10)
    given = [f"주제{label}" if row < 9 else missing for row, label in enumerate(y)]
    fitted = LabelSpreader(unlabelled=unlabelled).fit(X, given)
    assert fitted.classes_.tolist() == ["주제0", "주제1", "주제2"]
    assert (fitted.transduction_ == [f"주제{label}" for label in y]).mean() > 0.9


def test_without_labels_there_is_an_error():
    with pytest.raises(ValueError, match="one class"):
        LabelSpreader().fit(np.eye(3), [None, None, None])
    with pytest.raises(ValueError, match="one class"):
        NearestMeanClassifier().fit(np.eye(3), ["가", "가", "가"])


def covered(similar, weights, rows):
    return float(weights @ similar[:, rows].max(axis=1)) if rows else 0.0


def test_each_suggestion_covers_most_of_what_is_doubtful():
    pipeline = make_text_classifier("skko-mini", lexical=False).fit(TEXTS[:60], TOPICS[:60])
    pool = list(dict.fromkeys(TEXTS[60:110]))
    shares = np.sort(pipeline.predict_proba(pool), axis=1)
    vectors = unit(pipeline[:-1].transform(pool).astype(float))
    similar = np.maximum(vectors @ vectors.T, 0)
    doubts = {
        "margin": 1 - (shares[:, -1] - shares[:, -2]),
        "least_sure": 1 - shares[:, -1],
        "entropy": -(shares * np.log(shares)).sum(axis=1) / np.log(shares.shape[1]),
    }
    for strategy, doubt in doubts.items():
        chosen = suggest(pipeline, pool, 6, strategy=strategy).tolist()
        for count, row in enumerate(chosen):
            others = [other for other in range(len(pool)) if other not in chosen[:count]]
            best = max(covered(similar, doubt**2, [*chosen[:count], other]) for other in others)
            assert covered(similar, doubt**2, [*chosen[:count], row]) == pytest.approx(best, rel=1e-5)


def test_of_equal_texts_one_is_suggested_and_rows_are_those_of_the_input():
    pipeline = make_text_classifier("skko-mini").fit(TEXTS[:100], TOPICS[:100])
    copies = [TEXTS[100], TEXTS[100], *TEXTS[101:160], TEXTS[101]]
    chosen = suggest(pipeline, copies, 100)
    assert len(chosen) == len(set(chosen)) == len(set(copies))
    assert len({copies[row] for row in chosen}) == len(chosen)
    assert suggest(pipeline, []).shape == (0,)


def test_labelling_what_is_suggested_teaches_more_than_chance():
    rng = np.random.default_rng(0)
    start = rng.permutation(len(TEXTS))[:40]
    pool = np.setdiff1d(np.arange(len(TEXTS)), start)

    def score(rows):
        fitted = make_text_classifier("skko-mini", lexical=False).fit([TEXTS[row] for row in rows], TOPICS[rows])
        return fitted.score(TEXTS, TOPICS)

    first = make_text_classifier("skko-mini", lexical=False).fit([TEXTS[row] for row in start], TOPICS[start])
    wise = pool[suggest(first, [TEXTS[row] for row in pool], 40)]
    by_chance = [score(np.r_[start, rng.choice(pool, 40, replace=False)]) for _ in range(5)]
    assert score(np.r_[start, wise]) > np.mean(by_chance)


def test_suggestions_are_checked():
    pipeline = make_text_classifier("skko-mini", lexical=False).fit(TEXTS[:60], TOPICS[:60])
    with pytest.raises(ValueError, match="n must be"):
        suggest(pipeline, TEXTS, 0)
    with pytest.raises(ValueError, match="strategy"):
        suggest(pipeline, TEXTS[:3], 1, strategy="random")
