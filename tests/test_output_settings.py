"""``sklearn.set_config(transform_output=...)``, with which many notebooks begin, is about what transformers give users:
what skko makes of texts stays the same."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

from skko import KoSemanticSearch, KoTopicModel, datasets, make_paraphrase_miner, make_text_classifier
from skko.classification import (
    KoZeroShotClassifier,
    LabelSpreader,
    NearestMeanClassifier,
    compare_models,
    count_leaks,
    explain,
    suggest,
)
from skko.clustering import clustering_scores, make_topic_clusterer
from skko.distributed import embed_corpus, open_embeddings
from skko.embedding import KoEmbeddingTransformer
from skko.evaluation import (
    KoPairSimilarity,
    evaluate_classification,
    evaluate_clustering,
    evaluate_pairs,
    evaluate_retrieval,
    evaluate_sts,
)
from skko.finetune import mine_hard_negatives
from skko.paraphrase import deduplicate
from skko.plotting import TopicMapDisplay
from skko.text import KoMorphemeVectorizer

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts[:200], INQUIRIES.topics[:200]
OTHERS = TEXTS[100:]
PAIRS = list(zip(TEXTS[:20], OTHERS[:20], strict=True))
MINI = "skko-mini"


def classify(**params):
    return make_text_classifier(MINI).set_params(**params).fit(TEXTS, TOPICS).decision_function(OTHERS)


def classify_after(pipeline):
    return pipeline.fit(TEXTS, TOPICS).predict(OTHERS).tolist()


def explained():
    found = explain(make_text_classifier(MINI).fit(TEXTS, TOPICS), TEXTS[0], texts=TEXTS, labels=TOPICS)
    return [found.morphemes, found.neighbours]


def clusterer():
    return make_topic_clusterer(MINI, min_cluster_size=5, random_state=0)


def topics():
    model = KoTopicModel(clusterer()).fit(TEXTS)
    return model.labels_.tolist(), [topic.keywords for topic in model.topics_], model.predict(OTHERS).tolist()


def topic_map():
    return (
        TopicMapDisplay.from_estimator(KoTopicModel(clusterer()).fit(TEXTS), TEXTS)
        .ax_.collections[0]
        .get_offsets()
        .tolist()
    )


def search():
    engine = KoSemanticSearch(MINI).fit(TEXTS)
    return [[(hit.row, hit.score) for hit in hits] for hits in engine.search(OTHERS)]


def leaks():
    found = count_leaks(["가", "나", "가 "], [(np.array([0]), np.array([1, 2]))])
    return [found.rows, found.n_tested]


def negatives():
    table = mine_hard_negatives(TEXTS[:20], TEXTS[20:60], TEXTS[60:80], model=MINI, ranks=(1, 10), n_negatives=1)
    return np.asarray(table).tolist()


def embedded():
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts.txt").write_text("\n".join(OTHERS), encoding="utf-8")
        embed_corpus(folder / "texts.txt", folder / "out", model=MINI)
        return np.array(open_embeddings(folder / "out").to_numpy())


def zero_shot():
    return KoZeroShotClassifier({"배송": "택배가 늦어요", "환불": "환불해 주세요"}, embedder=MINI).fit().predict(TEXTS)


DOORS = {
    "classifier": classify,
    "classifier with given weights": lambda: classify(features__transformer_weights=None),
    "classifier with blocks at once": lambda: classify(features__n_jobs=2),
    "classifier of the embedding": lambda: classify_after(make_text_classifier(MINI, lexical=False)),
    "few labels": lambda: classify_after(make_pipeline(KoEmbeddingTransformer(MINI), NearestMeanClassifier())),
    "spreading": lambda: classify_after(make_pipeline(KoEmbeddingTransformer(MINI), LabelSpreader())),
    "zero shot": zero_shot,
    "explanation": explained,
    "suggestion": lambda: suggest(make_text_classifier(MINI).fit(TEXTS, TOPICS), OTHERS, 5),
    "leaks": leaks,
    "comparison": lambda: compare_models([MINI], TEXTS, TOPICS, cv=2).scores,
    "topics": topics,
    "map": topic_map,
    "scores of clusters": lambda: clustering_scores(clusterer().fit(TEXTS), TEXTS, TOPICS),
    "pairs": lambda: make_paraphrase_miner(MINI, threshold=0.7).fit(TEXTS)[-1].pairs_,
    "copies": lambda: deduplicate(TEXTS, threshold=0.75, model=MINI).texts,
    "search": search,
    "negatives": negatives,
    "corpus": embedded,
    "morphemes": lambda: KoMorphemeVectorizer().fit_transform(TEXTS).toarray(),
    "similarity": lambda: KoPairSimilarity(KoEmbeddingTransformer(MINI)).fit(PAIRS).predict(PAIRS),
    "retrieval": lambda: evaluate_retrieval(MINI, TEXTS[:2], TEXTS, {0: [0], 1: [1]}).scores,
    "retrieval by words": lambda: evaluate_retrieval(KoMorphemeVectorizer(), TEXTS[:2], TEXTS, {0: [0], 1: [1]}).scores,
    "judged pairs": lambda: evaluate_sts(MINI, TEXTS[:4], TEXTS[4:8], [0, 1, 2, 3]).scores,
    "same or not": lambda: evaluate_pairs(MINI, TEXTS[:4], TEXTS[4:8], [0, 1, 0, 1]).scores,
    "classes": lambda: evaluate_classification(MINI, TEXTS, TOPICS).scores,
    "clusters": lambda: evaluate_clustering(MINI, TEXTS, TOPICS).scores,
}


def assert_close(found, wanted):
    """Equal, but for the order of sums: frames hold columns."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    elif isinstance(wanted, float | np.ndarray) and np.asarray(wanted).dtype.kind == "f":
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))


@cache
def by_default(name):
    return DOORS[name]()


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("name", DOORS)
def test_the_setting_changes_no_result(name, container):
    wanted = by_default(name)
    with sklearn.config_context(transform_output=container):
        found = DOORS[name]()
    assert_close(found, wanted)


def test_features_refuse_frames_that_are_asked_of_them():
    with pytest.raises(ValueError, match="no data frame holds them: got transform='pandas'"):
        make_text_classifier(MINI).set_output(transform="pandas")
    assert classify_after(make_text_classifier(MINI).set_output(transform="default")) == classify_after(
        make_text_classifier(MINI)
    )
