"""evaluate_sts, evaluate_pairs, evaluate_classification, evaluate_clustering: scores, items, comparison."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from skko import KoEmbeddingTransformer
from skko.datasets import load_inquiries
from skko.evaluation import (
    EvaluationReport,
    compare,
    evaluate_classification,
    evaluate_clustering,
    evaluate_pairs,
    evaluate_sts,
)

INQUIRIES = load_inquiries()


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(INQUIRIES.groups >= 0)
    i, j = rng.choice(rows, (2, 300))
    j[:120] = [rng.choice(rows[INQUIRIES.groups[rows] == INQUIRIES.groups[row]]) for row in i[:120]]
    texts = np.array(INQUIRIES.texts, dtype=object)
    same = INQUIRIES.groups[i] == INQUIRIES.groups[j]
    return texts[i].tolist(), texts[j].tolist(), same, 2.0 * same + (INQUIRIES.topics[i] == INQUIRIES.topics[j])


def test_sts_by_name_by_embedder_and_by_any_transformer(pairs):
    a, b, _, judged = pairs
    report = evaluate_sts("skko-mini", a, b, judged)
    embedder = KoEmbeddingTransformer("skko-mini").fit([])
    cosines = (embedder.transform(a) * embedder.transform(b)).sum(axis=1)
    assert report.scores["spearman_cosine"] == pytest.approx(spearmanr(cosines, judged).statistic, abs=2e-3)
    found = spearmanr(report.items["similarity_cosine"], judged).statistic
    assert report.scores["spearman_cosine"] == pytest.approx(found)  # equal texts are equally alike, to the last bit
    assert evaluate_sts(embedder, a, b, judged).scores == report.scores
    assert report.main_score == "spearman_cosine"
    assert report.provenance["n_pairs"] == 300

    from sklearn.decomposition import PCA

    smaller = make_pipeline(KoEmbeddingTransformer("skko-mini"), PCA(32, random_state=0)).fit(INQUIRIES.texts)
    other = evaluate_sts(smaller, a, b, judged, name="32 dimensions")
    assert other.system == "32 dimensions"
    found = compare(report, other, n_resamples=200)
    assert found.low <= found.difference <= found.high
    assert found.difference == pytest.approx(other.scores["spearman_cosine"] - report.scores["spearman_cosine"])
    assert found.better is None


def test_pairs_find_what_is_the_same(pairs):
    a, b, same, _ = pairs
    report = evaluate_pairs("skko-mini", a, b, same)
    assert report.scores["average_precision"] > 0.8 > same.mean()
    assert -1 <= report.scores["threshold"] <= 1
    again = EvaluationReport.from_json(report.to_json())
    found = compare(report, again, "f1", n_resamples=50)
    assert (found.difference, found.p_value) == (0, 1)
    with pytest.raises(ValueError, match="evaluate_sts"):
        evaluate_pairs("skko-mini", a, b, np.full(300, 0.5))
    with pytest.raises(ValueError, match="a has 300 texts, b has 300 and y has 2"):
        evaluate_pairs("skko-mini", a, b, [0, 1])


def test_classification_is_cross_validated():
    texts, topics = INQUIRIES.texts, INQUIRIES.topics
    report = evaluate_classification("skko-mini", texts, topics, cv=3)
    embedder = KoEmbeddingTransformer("skko-mini")
    expected = cross_val_predict(
        LogisticRegression(C=10.0, max_iter=1_000), embedder.fit_transform(texts), topics, cv=3
    )
    assert report.scores["accuracy"] == pytest.approx((expected == topics).mean(), abs=0.01)
    assert report.scores["macro_f1"] == pytest.approx(
        f1_score(report.items["label"], report.items["predicted"], average="macro")
    )
    lexical = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)), LogisticRegression())
    other = evaluate_classification(lexical, texts, topics, cv=3, name="TF-IDF")
    found = compare(report, other)
    assert found.n_items == len(texts)
    assert found.better - found.worse == pytest.approx(found.difference * len(texts))
    assert compare(report, other, "macro_f1", n_resamples=50).metric == "macro_f1"


def test_clustering_by_kmeans_and_by_a_clusterer():
    texts, topics = INQUIRIES.texts, INQUIRIES.topics
    report = evaluate_clustering("skko-mini", texts, topics)
    assert report.scores["clusters"] == 8
    assert report.scores["noise"] == 0
    assert report.scores["v_measure"] == pytest.approx(report.scores["nmi"])  # the same by their definitions
    assert 0.2 < report.scores["v_measure"] < 1
    own = make_pipeline(KoEmbeddingTransformer("skko-mini"), KMeans(8, n_init=10, random_state=0))
    assert evaluate_clustering(own, texts, topics).scores == report.scores
    with pytest.raises(ValueError, match="cannot be drawn again"):
        compare(report, report)


def test_the_prompt_of_a_preset_for_symmetric_tasks(tiny_a, monkeypatch):
    from skko.models import presets

    known = presets.ModelPreset(str(tiny_a), 48, 128, "cls", "", "", symmetric_prompt="query: ")
    monkeypatch.setitem(presets._BY_NAME, str(tiny_a), known)
    a, b = ["환불", "배송", "날씨"], ["환불해", "택배", "로그인"]
    prompted = evaluate_sts(str(tiny_a), a, b, [1, 2, 3])
    assert prompted.settings["query_prompt"] == "query: "
    bare = evaluate_sts(str(tiny_a), a, b, [1, 2, 3], prompt="")
    own = evaluate_sts(str(tiny_a), [f"query: {x}" for x in a], [f"query: {x}" for x in b], [1, 2, 3], prompt="")
    assert prompted.items["similarity_dot"] == pytest.approx(own.items["similarity_dot"], abs=1e-5)
    assert prompted.items["similarity_dot"] != pytest.approx(bare.items["similarity_dot"], abs=1e-3)
    assert evaluate_classification(str(tiny_a), a + b, [0, 1, 0] * 2, cv=2).settings["query_prompt"] == "query: "
