"""HDBSCANClusterer, UMAPReducer and keywords, on vectors and hand-worked texts."""

import pickle
import random
from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skko import HDBSCANClusterer
from skko.clustering import UMAPReducer, _layout, reduction, topic_keywords
from skko.clustering.keywords import _together
from skko.text import KOREAN_STOP_WORDS, tokenise
from skko.text.morphology import NOUN_TAGS


@parametrize_with_checks([HDBSCANClusterer(), UMAPReducer()], xfail_strict=True)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    sizes = [20, 60, 40]
    X, y = make_blobs(sizes, centers=[[0, 0], [9, 0], [0, 9]], cluster_std=0.4, random_state=0)
    noise = np.array([[50.0, 50.0], [-40.0, 30.0]])
    return np.concatenate([X, noise]), np.concatenate([y, [-1, -1]])


def test_clusters_are_found_and_numbered_by_size(blobs):
    X, y = blobs
    clusterer = HDBSCANClusterer(min_cluster_size=8).fit(X)
    assert clusterer.n_clusters_ == 3
    assert adjusted_rand_score(y[clusterer.labels_ >= 0], clusterer.labels_[clusterer.labels_ >= 0]) == 1
    assert (clusterer.labels_[-2:] == -1).all()
    sizes = np.bincount(clusterer.labels_[clusterer.labels_ >= 0])
    assert (np.diff(sizes) <= 0).all()
    assert ((clusterer.probabilities_ >= 0) & (clusterer.probabilities_ <= 1)).all()


def test_equal_sizes_are_numbered_by_their_first_row():
    X = np.concatenate([np.random.default_rng(0).normal(c, 0.1, (20, 2)) for c in (5, 0, 9)])
    labels = HDBSCANClusterer().fit_predict(X)
    assert [labels[0], labels[20], labels[40]] == [0, 1, 2]


def test_predict_is_fit_on_training_rows_and_near_on_new_ones(blobs):
    X, _ = blobs
    clusterer = HDBSCANClusterer(min_cluster_size=8).fit(X)
    np.testing.assert_array_equal(clusterer.predict(X), clusterer.labels_)
    centres = clusterer.predict([[9.0, 0.0], [0.0, 9.0], [0.0, 0.0], [200.0, 0.0]])
    assert centres.tolist() == [0, 1, 2, -1]
    copied = pickle.loads(pickle.dumps(clusterer))
    np.testing.assert_array_equal(copied.predict(X), clusterer.labels_)


def test_score_is_validity_and_prefers_what_is_separate(blobs):
    from hdbscan.validity import validity_index

    X, _ = blobs
    clusterer = HDBSCANClusterer(min_cluster_size=8).fit(X)
    assert clusterer.score(X) == pytest.approx(validity_index(X, clusterer.labels_.astype(np.intp)))
    blurred = np.random.default_rng(0).normal(size=(120, 2))
    assert clusterer.score(X) > 0.5 > HDBSCANClusterer(min_cluster_size=8).fit(blurred).score(blurred)


def test_nothing_found_is_the_worst_score():
    X = np.random.default_rng(0).uniform(size=(12, 2))
    clusterer = HDBSCANClusterer(min_cluster_size=10).fit(X)
    assert clusterer.n_clusters_ == 0
    assert clusterer.score(X) == -1
    assert set(clusterer.predict(X + 1)) == {-1}


@pytest.mark.parametrize("n_rows", [2, 3, 7])
def test_fewer_rows_than_a_cluster_are_noise(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    assert set(HDBSCANClusterer(min_cluster_size=10).fit_predict(X)) == {-1}


def test_all_rows_equal():
    clusterer = HDBSCANClusterer(allow_single_cluster=True).fit(np.ones((30, 3)))
    assert len(set(clusterer.labels_.tolist())) == 1
    assert np.isfinite(clusterer.score(np.ones((30, 3))))


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 32))
    y = np.repeat(range(6), 50)
    return (centres[y] + rng.normal(scale=0.35, size=(300, 32))).astype(np.float32), y


def test_a_seed_repeats_bit_for_bit_and_another_seed_differs(groups):
    X, _ = groups
    first, again, other = (UMAPReducer(random_state=seed).fit_transform(X) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_neighbours_stay_neighbours(groups):
    X, y = groups
    reducer = UMAPReducer(random_state=0).fit(X)
    assert reducer.embedding_.shape == (300, 5)
    assert adjusted_rand_score(y, HDBSCANClusterer(min_cluster_size=10).fit_predict(reducer.embedding_)) > 0.95


def test_training_rows_keep_their_place_and_new_rows_land_with_their_group(groups):
    X, y = groups
    reducer = UMAPReducer(random_state=0).fit(X)
    np.testing.assert_array_equal(reducer.transform(X), reducer.embedding_)
    new = X + np.random.default_rng(1).normal(scale=0.1, size=X.shape).astype(np.float32)
    placed = reducer.transform(new)
    centres = np.array([reducer.embedding_[y == group].mean(axis=0) for group in range(6)])
    nearest = np.linalg.norm(placed[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == y).mean() > 0.97


def test_a_place_does_not_depend_on_the_other_rows(groups):
    X, _ = groups
    reducer = UMAPReducer(random_state=0).fit(X)
    new = X[:20] + 0.01
    np.testing.assert_allclose(reducer.transform(new)[7:8], reducer.transform(new[7:8]), atol=1e-5)
    assert reducer.transform(X[:0]).shape == (0, 5)


def test_copies_share_a_place(groups):
    X, _ = groups
    places = UMAPReducer(random_state=0).fit_transform(np.concatenate([X, X[:30]]))
    np.testing.assert_array_equal(places[:30], places[300:])


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5])
def test_few_rows(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 8))
    places = UMAPReducer(2, random_state=0).fit_transform(X)
    assert places.shape == (n_rows, 2)
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == n_rows


def test_more_components_than_columns():
    X = np.random.default_rng(0).normal(size=(40, 3))
    assert UMAPReducer(8, random_state=0).fit_transform(X).shape == (40, 8)


def test_the_global_generators_are_left_alone(groups):
    import torch

    def state():
        return random.random(), np.random.random(), torch.rand(1).item()

    def seeded():
        random.seed(7), np.random.seed(7), torch.manual_seed(7)

    seeded()
    expected = state()
    seeded()
    UMAPReducer(random_state=0).fit(groups[0])
    assert state() == expected


def test_clone_keeps_parameters():
    assert clone(UMAPReducer(3, n_neighbors=7)).get_params()["n_neighbors"] == 7


TEXTS = [
    "배송이 너무 늦어요",
    "배송은 언제 오나요 택배 기사님",
    "택배가 안 와요",
    "카드 결제가 안 돼요",
    "결제를 취소하고 카드를 바꿀래요",
    "美 대통령 회담",
]


def test_keywords_are_those_of_the_formula():
    labels = np.array([0, 0, 0, 1, 1, -1])
    tokens = [[t for t in text if t not in KOREAN_STOP_WORDS] for text in tokenise(TEXTS, tags=NOUN_TAGS)]
    counts = [Counter(t for row in np.flatnonzero(labels == c) for t in tokens[row]) for c in (0, 1)]
    spread = [Counter(t for row in np.flatnonzero(labels == c) for t in set(tokens[row])) for c in (0, 1)]
    total = counts[0] + counts[1]
    mean = sum(total.values()) / 2
    for topic, count, n_texts in zip(topic_keywords(TEXTS, labels), counts, spread, strict=True):
        weight = {w: n / sum(count.values()) * log(1 + mean / total[w]) for w, n in count.items()}
        assert set(topic.keywords) == {w for w in weight if n_texts[w] > 1}
        values = [weight[word] for word in topic.keywords]
        assert values == sorted(values, reverse=True)


def test_josa_are_never_keywords_and_hanja_are():
    topics = topic_keywords(TEXTS, [0, 0, 0, 1, 1, 2])
    words = {word for topic in topics for word in topic.keywords}
    assert {"배송", "택배", "결제", "카드", "美"} <= words
    assert not {"배송이", "배송은", "이", "은", "를", "가"} & words
    assert [topic.size for topic in topics] == [3, 2, 1]


def test_keywords_of_nothing():
    assert topic_keywords(TEXTS, [-1] * 6) == []
    (topic,) = topic_keywords(["ㅋㅋㅋ", "!!!"], [0, 0])
    assert topic.keywords == ()
    with pytest.raises(ValueError, match="6 texts and 2 labels"):
        topic_keywords(TEXTS, [0, 1])


def hdbscan_of(X, **params):
    import hdbscan

    return hdbscan.HDBSCAN(min_cluster_size=8, core_dist_n_jobs=1, prediction_data=True, **params).fit(X)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"cluster_selection_method": "leaf"},
        {"min_samples": 3, "alpha": 1.3},
        {"metric": "manhattan"},
        {"cluster_selection_epsilon": 0.5},
        {"max_cluster_size": 50},
        {"cluster_selection_persistence": 0.1},
    ],
    ids=str,
)
def test_the_clusters_are_those_of_the_library_under_every_parameter(params):
    X, _ = make_blobs([60, 40, 30, 90], cluster_std=[1, 2, 0.5, 1.5], n_features=3, random_state=2)
    ours = HDBSCANClusterer(min_cluster_size=8, **params).fit(X)
    theirs = hdbscan_of(X, **params)
    assert adjusted_rand_score(theirs.labels_, ours.labels_) == 1
    np.testing.assert_array_equal(ours.labels_ < 0, theirs.labels_ < 0)
    np.testing.assert_allclose(ours.probabilities_, theirs.probabilities_)
    for cluster, rows in enumerate(ours.exemplars_):
        (other,) = set(theirs.labels_[ours.labels_ == cluster].tolist())
        found, expected = (np.unique(part, axis=0) for part in (rows, theirs.exemplars_[other]))
        np.testing.assert_array_equal(found, expected)


def test_new_rows_are_placed_as_the_library_places_them():
    from hdbscan.prediction import approximate_predict

    X, _ = make_blobs([60, 40, 30, 90], cluster_std=[1, 2, 0.5, 1.5], n_features=3, random_state=2)
    new = np.random.default_rng(0).permutation(X)[:150] + np.random.default_rng(1).normal(scale=0.8, size=(150, 3))
    ours, theirs = HDBSCANClusterer(min_cluster_size=8).fit(X), hdbscan_of(X)
    expected, _ = approximate_predict(theirs, new)
    found = ours.predict(new)
    assert adjusted_rand_score(expected, found) > 0.95
    assert ((found < 0) == (expected < 0)).mean() > 0.95


def test_memberships_agree_with_predict(blobs):
    X, _ = blobs
    clusterer = HDBSCANClusterer(min_cluster_size=8).fit(X)
    new = np.concatenate([X, np.random.default_rng(0).uniform(-60, 60, (200, 2))])
    memberships, labels = clusterer.predict_proba(new), clusterer.predict(new)
    assert memberships.shape == (len(new), 3)
    assert memberships.min() >= 0
    inside = labels >= 0
    np.testing.assert_array_equal(memberships[inside].argmax(axis=1), labels[inside])
    np.testing.assert_allclose(memberships[inside].sum(axis=1), 1)
    assert (memberships[~inside].sum(axis=1) < 1).all()
    at = clusterer.labels_ >= 0
    own = memberships[: len(X)][at, clusterer.labels_[at]]
    assert (own >= clusterer.probabilities_[at] - 1e-12).all()
    far, near = clusterer.predict_proba([[300.0, 0.0], [100.0, 0.0]]).sum(axis=1)
    assert far < near < 1


@pytest.mark.parametrize("policy", ["nearest", 0.0, 0.04, 1.0])
def test_noise_policies(blobs, policy):
    X, _ = blobs
    kept = HDBSCANClusterer(min_cluster_size=8).fit(X)
    given = HDBSCANClusterer(min_cluster_size=8, noise_policy=policy).fit(X)
    noise = kept.labels_ < 0
    np.testing.assert_array_equal(given.labels_[~noise], kept.labels_[~noise])
    np.testing.assert_array_equal(given.predict(X), given.labels_)
    belonging = kept.predict_proba(X[noise]).sum(axis=1)
    expected = np.full(noise.sum(), True) if policy == "nearest" else belonging >= policy
    np.testing.assert_array_equal(given.labels_[noise] >= 0, expected)
    nearest = np.array([[np.linalg.norm(rows - x, axis=1).min() for rows in kept.exemplars_] for x in X[noise]])
    np.testing.assert_array_equal(given.labels_[noise][expected], nearest.argmin(axis=1)[expected])
    assert given.predict([[400.0, 0.0]])[0] == (0 if policy in ("nearest", 0.0) else -1)


def test_no_row_is_thrown_out_of_the_layout(groups):
    places = UMAPReducer(2, min_dist=0.1, random_state=0).fit_transform(groups[0])
    away = np.abs(places - np.median(places, axis=0)).max(axis=1)
    assert away.max() < 4 * np.quantile(away, 0.9)


def test_weights_of_neighbours_are_those_of_umap():
    from skko.clustering._layout import fuzzy_graph, memberships

    distances = np.sort(np.random.default_rng(0).uniform(0.1, 1, (50, 15)), axis=1)
    weights = memberships(distances)
    np.testing.assert_allclose(weights.sum(axis=1), np.log2(16), rtol=1e-6)
    np.testing.assert_array_equal(weights[:, 0], 1)
    neighbors = np.argsort(np.random.default_rng(1).uniform(size=(50, 50)) + 9 * np.eye(50), axis=1)[:, :15]
    graph = fuzzy_graph(neighbors, distances).toarray()
    directed = np.zeros((50, 50))
    directed[np.arange(50)[:, None], neighbors] = weights
    np.testing.assert_allclose(graph, directed + directed.T - directed * directed.T)


def test_a_layout_is_the_same_for_any_number_of_threads(monkeypatch):
    X = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    monkeypatch.setattr(_layout, "_LEAST_ROWS", 10)
    places = []
    for threads in ("1", "2", "7"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        places.append(UMAPReducer(random_state=0).fit_transform(X))
    np.testing.assert_array_equal(places[0], places[1])
    np.testing.assert_array_equal(places[0], places[2])


@pytest.mark.parametrize(("n_rows", "asked", "taken"), [(20, None, 200), (21, None, 150), (21, 3, 3)])
def test_many_rows_take_fewer_steps_unless_told(monkeypatch, n_rows, asked, taken):
    monkeypatch.setattr(reduction, "_SMALL", 20)
    steps = []

    def counted(start, graph, *, n_epochs, **others):
        steps.append(n_epochs)
        return _layout.lay_out(start, graph, n_epochs=n_epochs, **others)

    monkeypatch.setattr(reduction, "lay_out", counted)
    X = np.random.default_rng(0).normal(size=(n_rows, 4))
    UMAPReducer(2, n_epochs=asked, random_state=0).fit(X)
    assert steps == [taken]


def test_an_edge_is_used_in_the_share_of_the_steps_that_is_its_weight():
    weights = np.array([1.0, 0.5, 0.25, 0.1])
    graph = csr_matrix((weights, (np.arange(4), np.arange(1, 5))), shape=(5, 5))
    (springs,) = _layout._springs(graph, 100, np.random.default_rng(0))
    places = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    nobody = np.empty((0, 5), dtype=np.intp)
    curve = np.float32(1.9), np.float32(0.8)
    moved = sum((springs.force(places, step, nobody, curve) != 0).any(axis=1) for step in range(100))
    assert np.abs(moved - [100, 50, 25, 10, 0]).max() <= 1


def test_how_far_clusters_reach_is_measured_from_their_own_exemplars():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(40, 3)), rng.normal(loc=9, size=(30, 3)), rng.uniform(-30, 30, size=(20, 3))])
    found = HDBSCANClusterer(min_cluster_size=5).fit(X)
    assert found.n_clusters_ > 1
    for cluster, exemplars in enumerate(found.exemplars_):
        members = np.flatnonzero(found.labels_ == cluster)
        apart = [min(np.linalg.norm(row - exemplar) for exemplar in exemplars) for row in X[members]]
        assert found._radii[cluster] == pytest.approx(np.maximum(apart, found._tree.core[members]).max())


@given(counts=hnp.arrays(np.int64, (6, 5), elements=st.integers(0, 2)), columns=st.permutations(range(5)))
def test_terms_that_stand_together_are_counted(counts, columns):
    columns = np.array(columns[:3])
    present = (counts[1:5][:, columns] > 0).astype(float)
    found = _together(csr_matrix(counts), slice(1, 5), columns)
    np.testing.assert_array_equal(found, present.T @ present)


def test_the_josa_of_headlines_is_no_keyword():
    (topic,) = topic_keywords(["서울서 개막한 영화제", "서울서 영화제 개막", "뉴욕서 영화제"], [0, 0, 0])
    assert set(topic.keywords) >= {"서울", "개막", "영화제"}
    assert not {"서", "서울서"} & set(topic.keywords)


def test_what_one_text_of_a_topic_alone_says_is_no_keyword_of_it():
    texts = ["배송 지연 사과", "배송 지연 문의", "배송 조회", "카드 결제", "포인트 적립"]
    shipping, rest = topic_keywords(texts, [0, 0, 0, 1, 1])
    assert set(shipping.keywords) == {"배송", "지연"}
    assert set(rest.keywords) == {"카드", "결제", "포인트", "적립"}  # no two of its texts share a word
