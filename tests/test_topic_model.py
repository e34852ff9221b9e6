"""KoTopicModel: words, new texts, merging, outliers, tables, files."""

import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skko import KoEmbeddingTransformer, make_topic_clusterer
from skko.clustering import KoTopicModel, clustering_scores
from skko.clustering._terms import count_terms, excerpts
from skko.datasets import load_inquiries
from skko.embedding import encode_counts
from skko.exceptions import DataFileError

INQUIRIES = load_inquiries()
TEXTS = list(INQUIRIES.texts)


@pytest.fixture(scope="module")
def model() -> KoTopicModel:
    return KoTopicModel(make_topic_clusterer("skko-mini", random_state=0), show_progress=False).fit(TEXTS)


@pytest.fixture(scope="module")
def merged(model: KoTopicModel) -> KoTopicModel:
    return model.merge_topics([[0, 3], [1, 2, 4]])


@pytest.fixture(scope="module")
def full(model: KoTopicModel) -> KoTopicModel:
    return model.reduce_outliers(TEXTS)


@pytest.mark.parametrize("name", ["model", "merged", "full"])
def test_numbers_sizes_and_table_agree(name, request):
    model = request.getfixturevalue(name)
    sizes = np.bincount(model.labels_[model.labels_ >= 0], minlength=model.n_topics_)
    table = model.topics_.to_frame()
    assert table["topic"].tolist() == list(range(model.n_topics_))
    assert table["size"].tolist() == sizes.tolist()
    assert (np.diff(sizes) <= 0).all()
    first = [np.flatnonzero(model.labels_ == topic)[0] for topic in range(model.n_topics_)]
    assert all(first[i] < first[i + 1] for i in np.flatnonzero(np.diff(sizes) == 0))
    assert all(0 < len(topic.keywords) <= 10 and len(topic.texts) <= 3 for topic in model.topics_)


@pytest.mark.parametrize("name", ["model", "merged", "full"])
def test_predict_and_memberships_agree_with_fit(name, request):
    model = request.getfixturevalue(name)
    np.testing.assert_array_equal(model.predict(TEXTS), model.labels_)
    memberships = model.predict_proba(TEXTS)
    assert memberships.shape == (len(TEXTS), model.n_topics_)
    assert memberships.sum(axis=1).max() <= 1 + 1e-9
    inside = model.labels_ >= 0
    np.testing.assert_array_equal(memberships[inside].argmax(axis=1), model.labels_[inside])


def test_representative_texts_are_of_their_topic(model):
    for topic in model.topics_:
        assert {model.labels_[TEXTS.index(text)] for text in topic.texts} == {topic.label}
        assert len(set(topic.texts)) == len(topic.texts)


def test_keywords_are_nouns_of_the_topic(model):
    words = {word for topic in model.topics_ for word in topic.keywords}
    assert not {"은", "는", "이", "가", "을", "를", "에서", "환불이", "배송이", "것", "수"} & words
    for topic in model.topics_:
        own = " ".join(TEXTS[row].lower() for row in np.flatnonzero(model.labels_ == topic.label))
        assert all(word in own for word in topic.keywords)


def test_merging_adds_up_and_leaves_the_old_model(model, merged):
    before = model.labels_.copy()
    assert merged.n_topics_ == model.n_topics_ - 3
    for group in ([0, 3], [1, 2, 4]):
        assert len(set(merged.labels_[np.isin(model.labels_, group)])) == 1
    np.testing.assert_array_equal(merged.labels_ < 0, before < 0)
    np.testing.assert_array_equal(model.labels_, before)
    again = merged.merge_topics([[0, 1]])
    assert again.n_topics_ == merged.n_topics_ - 1
    np.testing.assert_array_equal(again.predict(TEXTS), again.labels_)


def test_merging_to_a_number_follows_the_hierarchy(model):
    hierarchy = model.hierarchy()
    few = model.merge_topics(4)
    assert few.n_topics_ == 4
    for group in hierarchy.cut(4):
        assert len(set(few.labels_[np.isin(model.labels_, group)])) == 1
    table = hierarchy.to_frame()
    assert len(table) == model.n_topics_ - 1
    assert table["topics"].iloc[-1] == list(range(model.n_topics_))
    assert table["size"].iloc[-1] == (model.labels_ >= 0).sum()
    assert (np.diff(table["distance"]) >= 0).all()


@pytest.mark.parametrize("groups", [[[0, 99]], [[0, 1], [1, 2]], 0, 99])
def test_topics_that_cannot_be_merged(model, groups):
    with pytest.raises(ValueError, match=r"topics|Topics"):
        model.merge_topics(groups)


def test_outliers_get_topics_and_a_threshold_keeps_some(model, full):
    noise = model.labels_ < 0
    assert noise.any()
    assert not (full.labels_ < 0).any()
    some = model.reduce_outliers(TEXTS, threshold=0.6)
    assert 0 < (some.labels_ < 0).sum() < noise.sum()
    np.testing.assert_array_equal(some.predict(TEXTS), some.labels_)
    with pytest.raises(ValueError, match="fitted on"):
        model.reduce_outliers(TEXTS[:3])


def test_topics_over_a_column(model):
    values = pd.Series(INQUIRIES.topics).where(np.arange(len(TEXTS)) % 50 > 0)
    table = model.topics_over(values)
    assert table["count"].sum() == values.notna().sum()
    for value, rows in table.groupby("value"):
        assert rows["share"].sum() == pytest.approx(1)
        for row in rows.itertuples():
            assert row.count == ((values == value) & (model.labels_ == row.topic)).sum()
    with pytest.raises(ValueError, match="as many"):
        model.topics_over([1, 2])


@pytest.mark.parametrize("name", ["model", "merged", "full"])
def test_a_saved_model_is_the_same_and_loads_no_weights(name, request, tmp_path):
    model = request.getfixturevalue(name)
    model.save(tmp_path / "토픽.skops")
    loaded = KoTopicModel.load(tmp_path / "토픽.skops")
    assert loaded.topics_ == model.topics_
    new = ["환불은 언제 되나요?", "쿠폰이 안 들어왔어요", *TEXTS[:40]]
    np.testing.assert_array_equal(loaded.predict(new), model.predict(new))
    np.testing.assert_array_equal(loaded.predict_proba(new), model.predict_proba(new))
    assert loaded.hierarchy().to_frame().equals(model.hierarchy().to_frame())
    assert loaded.merge_topics(3).topics_ == model.merge_topics(3).topics_
    vectors = len(TEXTS) * 256 * 4
    assert (tmp_path / "토픽.skops").stat().st_size < 2 * vectors
    assert not any(name.endswith((".pkl", ".pickle")) for name in zipfile.ZipFile(tmp_path / "토픽.skops").namelist())


def test_files_that_are_no_model(model, tmp_path):
    with pytest.raises(FileNotFoundError):
        KoTopicModel.load(tmp_path / "없음.skops")
    (tmp_path / "글.skops").write_text("글")
    with pytest.raises(DataFileError, match="not a topic model"):
        KoTopicModel.load(tmp_path / "글.skops")


def test_other_clusterers_work_and_are_named_when_loaded(tmp_path):
    clusterer = make_pipeline(KoEmbeddingTransformer("skko-mini"), KMeans(5, random_state=0, n_init=1))
    model = KoTopicModel(clusterer, show_progress=False).fit(TEXTS[:100])
    assert model.n_topics_ == 5
    assert (model.probabilities_ == 1).all()
    with pytest.raises(AttributeError, match="predict_proba"):
        model.predict_proba(TEXTS[:2])
    model.save(tmp_path / "k.skops")
    loaded = KoTopicModel.load(tmp_path / "k.skops")
    np.testing.assert_array_equal(loaded.predict(TEXTS[:100]), model.labels_)


def test_nothing_found():
    model = KoTopicModel(make_topic_clusterer("skko-mini", random_state=0)).fit(TEXTS[:5])
    assert (model.n_topics_, len(model.topics_), set(model.labels_)) == (0, 0, {-1})
    assert model.predict(["새 글"]).tolist() == [-1]
    assert model.predict_proba(["새 글"]).shape == (1, 0)
    assert len(model.hierarchy().to_frame()) == 0
    assert len(model.topics_.to_frame()) == 0
    assert set(model.reduce_outliers(TEXTS[:5]).labels_) == {-1}


def test_clone_pickle_and_score(model):
    assert clone(model).get_params()["n_keywords"] == 10
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(TEXTS[:50]), model.labels_[:50])
    assert model.score(TEXTS) == pytest.approx(model.clusterer_.score(TEXTS))


def test_a_search_embeds_each_text_once(counting, tiny_a):
    texts = TEXTS[:90]
    pipeline = make_topic_clusterer(str(tiny_a), random_state=0, show_progress=False)
    grid = {"cluster__min_cluster_size": [4, 8], "reduce__n_neighbors": [5, 10]}
    before = encode_counts().texts_encoded
    search = GridSearchCV(pipeline, grid, scoring=clustering_scores, refit="validity", cv=3)
    search.fit(texts, INQUIRIES.topics[:90])
    assert encode_counts().texts_encoded - before == len(set(texts))
    assert counting()[0] == len(set(texts))
    for name in ("validity", "silhouette", "noise", "n_clusters", "nmi", "ari"):
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def test_scores_of_known_clusters():
    from sklearn.datasets import make_blobs
    from sklearn.metrics import silhouette_score

    from skko import HDBSCANClusterer
    from skko.metrics import density_validity

    X, y = make_blobs(120, centers=4, cluster_std=0.4, random_state=1)
    X = np.concatenate([X, [[100.0, 100.0]]])
    clusterer = HDBSCANClusterer().fit(X)
    inside = clusterer.labels_ >= 0
    scores = clustering_scores(clusterer, X, np.r_[y, 4])
    assert scores["validity"] == density_validity(X, clusterer.labels_) == clusterer.score(X)
    assert scores["silhouette"] == pytest.approx(silhouette_score(X[inside], clusterer.labels_[inside]))
    assert scores["noise"] == (~inside).mean() > 0
    assert scores["nmi"] > 0.9
    assert set(clustering_scores(clusterer, X)) == {"validity", "silhouette", "noise", "n_clusters"}


def test_counted_terms_are_nouns_and_compounds():
    counts, terms = count_terms(["비밀번호를 바꿨어요. AS 센터", "美 대통령이 환불을"])
    assert {"비밀번호", "as", "센터", "美", "대통령", "환불"} <= set(terms)
    assert not {"를", "이", "을"} & set(terms)
    assert counts.shape == (2, len(terms))


def test_excerpts_keep_to_their_bound_and_to_every_topic():
    texts = [f"글{i} " + "가" * 500 for i in range(300)]
    labels = np.r_[np.zeros(280, int), np.ones(15, int), np.full(5, -1)]
    rows, read = excerpts(texts, labels, 20_000)
    assert sum(map(len, read)) <= 20_000 + 2 * 400
    assert set(labels[rows]) == {0, 1}
    assert all(texts[row].startswith(text) for row, text in zip(rows, read, strict=True))
    everything, read = excerpts(texts, labels, None)
    assert everything.tolist() == list(range(295))
    assert read == texts[:295]
