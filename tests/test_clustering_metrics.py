"""Metrics of clusters and topics, against hdbscan, gensim and figures worked by hand."""

from math import log

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from skko.metrics import clustering, density_validity, topic_coherence, topic_diversity


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("seed", range(4))
def test_validity_is_that_of_hdbscan(metric, seed):
    from hdbscan.validity import validity_index

    X, y = make_blobs([30, 17, 8, 40], n_features=3, cluster_std=[0.5, 1, 2, 1.5], random_state=seed)
    y[::7] = -1
    theirs = validity_index(X, y, metric={"manhattan": "cityblock"}.get(metric, metric))
    assert density_validity(X, y, metric=metric) == pytest.approx(theirs)


def test_validity_of_touching_clusters_on_a_grid_is_that_of_hdbscan():
    from hdbscan.validity import validity_index

    X = np.array([[i, j] for i in range(6) for j in range(6)], dtype=float)  # every distance is a tie
    y = (X[:, 0] > 2).astype(np.intp)
    assert density_validity(X, y) == pytest.approx(validity_index(X, y))


def test_validity_does_not_depend_on_the_memory_it_may_take(monkeypatch):
    X, y = make_blobs([30, 20, 25], n_features=4, cluster_std=2, random_state=0)
    whole = density_validity(X, y)
    monkeypatch.setattr(clustering, "_CELLS", 64)
    assert density_validity(X, y) == pytest.approx(whole, abs=1e-12)


def test_validity_of_copies_and_of_too_few_clusters():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 10, axis=0)
    assert np.isfinite(density_validity(X, np.repeat([0, 1], 10)))
    assert density_validity(X, np.zeros(20, dtype=int)) == -1
    assert density_validity(X, np.r_[np.zeros(18, dtype=int), 1, 1]) == -1
    with pytest.raises(ValueError, match="n_samples"):
        density_validity(X, [0, 1])
    with pytest.raises(ValueError, match="metric"):
        density_validity(X, np.repeat([0, 1], 10), metric="cosine")


def test_noise_counts_against_validity():
    X, y = make_blobs([30, 30], centers=[[0, 0], [9, 9]], random_state=0)
    noisy = np.concatenate([X, np.random.default_rng(0).uniform(-20, 20, (30, 2))])
    with_noise = density_validity(noisy, np.r_[y, np.full(30, -1)])
    assert with_noise == pytest.approx(density_validity(X, y) * 60 / 90)


DOCUMENTS = [["가", "나"], ["가", "나", "다"], ["다", "라"], ["가", "라"]]


def test_coherence_worked_by_hand():
    # 가 is in 3 of 4 texts, 나 in 2, both in 2; 나 and 라 never meet.
    together = log((2 / 4) / (3 / 4 * 2 / 4)) / -log(2 / 4)
    never = log(1e-12 / (2 / 4 * 2 / 4)) / -log(1e-12)
    assert topic_coherence([["가", "나"], ["나", "라"]], DOCUMENTS).tolist() == pytest.approx([together, never])


def test_a_window_parts_words_that_are_far_apart():
    documents = [["가", "x", "x", "나"], ["가", "x", "x", "x"]]
    near, far = (topic_coherence([["가", "나"]], documents, window=window)[0] for window in (2, 4))
    assert near < -0.8 < 0 <= far
    # Windows of 2: 3 a text. 가 in the first of each, 나 in the last of one.
    assert near == pytest.approx(log(1e-12 / (2 / 6 * 1 / 6)) / -log(1e-12))
    assert topic_coherence([["가", "나"]], documents, window=None)[0] == pytest.approx(far)


def test_edge_cases_of_coherence(monkeypatch):
    assert np.isnan(topic_coherence([["가"], []], DOCUMENTS)).all()
    assert topic_coherence([["가", "가", "나"]], DOCUMENTS) == topic_coherence([["가", "나"]], DOCUMENTS)
    assert topic_coherence([["없", "는"]], DOCUMENTS).tolist() == [-1]
    assert topic_coherence([["가", "나"]], [["가", "나"]]).tolist() == [1]
    assert topic_coherence([], DOCUMENTS).shape == (0,)
    for documents, window in ((DOCUMENTS, 0), ([], 10)):
        with pytest.raises(ValueError, match=r"window|documents"):
            topic_coherence([["가"]], documents, window=window)
    whole = topic_coherence([["가", "나", "라"]], DOCUMENTS)
    monkeypatch.setattr(clustering, "_CELLS", 1)
    np.testing.assert_allclose(topic_coherence([["가", "나", "라"]], DOCUMENTS), whole)


@pytest.mark.parametrize("window", [1, 2, 3, 7, None])
def test_coherence_is_that_of_counting_every_window(window):
    rng = np.random.default_rng(0)
    documents = [list(rng.choice(list("가나다라마"), size=size)) for size in rng.integers(0, 9, size=40)]
    windows = [
        set(document[start : start + (window or len(document))])
        for document in documents
        for start in range(max(1, len(document) - (window or len(document)) + 1))
    ]
    p = {a + b: np.mean([a in w and b in w for w in windows]) for a in "가나다" for b in "가나다"}
    pairs = ["가나", "가다", "나다"]
    npmi = [log((p[ab] + 1e-12) / (p[2 * ab[0]] * p[2 * ab[1]])) / -log(p[ab] + 1e-12) for ab in pairs]
    assert topic_coherence([["가", "나", "다"]], documents, window=window)[0] == pytest.approx(np.mean(npmi))


@pytest.mark.parametrize("window", [2, 10, 1000])
def test_coherence_is_that_of_gensim(window):
    corpora = pytest.importorskip("gensim.corpora")
    models = pytest.importorskip("gensim.models")
    from skko import datasets
    from skko.text import tokenise

    # Each word once: gensim drops a word that leaves the window even while it stands in it a second time.
    documents = [list(dict.fromkeys(text)) for text in tokenise(datasets.load_inquiries().texts[:300]) if text]
    counts = sorted({w for d in documents for w in d}, key=lambda w: (-sum(w in d for d in documents), w))[:40]
    topics = [counts[start : start + 8] for start in range(0, 40, 8)]
    model = models.CoherenceModel(
        topics=topics,
        texts=documents,
        dictionary=corpora.Dictionary(documents),
        coherence="c_npmi",
        window_size=window,
        topn=8,
        processes=1,
    )
    np.testing.assert_allclose(topic_coherence(topics, documents, window=window), model.get_coherence_per_topic())


def test_diversity():
    assert topic_diversity([["가", "나"], ["다", "라"]]) == 1
    assert topic_diversity([["가", "나"], ["가", "나"]]) == 0.5
    assert topic_diversity([]) == 0
