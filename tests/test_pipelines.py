"""The ready-made pipelines: composed, searched and cloned without embedding anything twice."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from skko import datasets, make_paraphrase_miner, make_topic_clusterer
from skko.embedding import encode_counts
from skko.metrics import pair_scores

INQUIRIES = datasets.load_inquiries()
N = len(INQUIRIES)


@pytest.fixture(scope="module")
def clusterer():
    pipeline = make_topic_clusterer("skko-mini", random_state=0)
    return pipeline.set_params(cluster__min_cluster_size=12).fit(INQUIRIES.texts)


def test_topics_follow_the_labels(clusterer):
    from sklearn.metrics import normalized_mutual_info_score

    labels = clusterer["cluster"].labels_
    found = normalized_mutual_info_score(INQUIRIES.topics, labels)
    shuffled = normalized_mutual_info_score(INQUIRIES.topics, np.random.default_rng(0).permutation(labels))
    assert found > 0.35 > 5 * shuffled


def test_a_seed_repeats_the_topics(clusterer):
    again = clone(clusterer).fit_predict(INQUIRIES.texts)
    np.testing.assert_array_equal(again, clusterer["cluster"].labels_)


def test_predict_agrees_with_fit_and_places_new_texts(clusterer):
    labels = clusterer["cluster"].labels_
    np.testing.assert_array_equal(clusterer.predict(INQUIRIES.texts), labels)
    # A text with one syllable more mostly lands where its original is: of 14 topics, .62 to .80 do by the seed.
    changed = [text + "요" for text in INQUIRIES.texts]
    firm = clusterer["cluster"].probabilities_ > 0.9
    assert (clusterer.predict(changed)[firm] == labels[firm]).mean() > 0.6


def test_predict_of_a_text_does_not_depend_on_the_others(clusterer):
    texts = ["앱이 자꾸 꺼져요", "쿠폰이 안 써져요", "택배가 아직도 안 왔네요"]
    together = clusterer.predict(texts)
    assert [clusterer.predict([text])[0] for text in texts] == together.tolist()


def test_a_pickled_clusterer_predicts_the_same(clusterer):
    copied = pickle.loads(pickle.dumps(clusterer))
    np.testing.assert_array_equal(copied.predict(INQUIRIES.texts[:50]), clusterer.predict(INQUIRIES.texts[:50]))


def test_topics_are_searched_without_labels_and_without_embedding_again(clusterer):
    before = encode_counts()
    params = {"cluster__min_cluster_size": [8, 16], "reduce__n_neighbors": [10, 15], "embed__truncate_dim": [128, None]}
    search = GridSearchCV(make_topic_clusterer("skko-mini", random_state=0), params, cv=2).fit(INQUIRIES.texts)
    assert (encode_counts() - before).texts_encoded == 0
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores.round(6))) > 1
    assert -1 <= search.score(INQUIRIES.texts) <= 1


def test_paraphrases_are_those_of_the_groups_more_often_than_chance():
    pairs = make_paraphrase_miner("skko-mini", threshold=0.6).fit(INQUIRIES.texts)["mine"].pairs_
    scores = pair_scores(pairs, INQUIRIES.groups)
    n_true = sum(int(size) * (int(size) - 1) // 2 for size in np.bincount(INQUIRIES.groups[INQUIRIES.groups >= 0]))
    chance = n_true / (N * (N - 1) / 2)
    assert scores.precision > 20 * chance
    assert len(pairs) > 20


def test_the_threshold_is_searched_with_whole_groups_together():
    miner = make_paraphrase_miner("skko-mini")
    groups = INQUIRIES.groups
    together = np.where(groups >= 0, groups, np.arange(N) + groups.max() + 1)
    before = encode_counts()
    params = {"mine__threshold": [0.3, 0.5, 0.99]}
    search = GridSearchCV(miner, params, cv=GroupKFold(3)).fit(INQUIRIES.texts, groups, groups=together)
    assert (encode_counts() - before).texts_encoded <= N
    assert search.best_params_["mine__threshold"] != 0.99
    by_hand = search.best_estimator_
    vectors = by_hand[:-1].transform(INQUIRIES.texts)
    assert by_hand.score(INQUIRIES.texts, groups) == pytest.approx(by_hand["mine"].score(vectors, groups))


def test_spelling_variants_are_paraphrases_with_cosine_one():
    texts = ["환불해 주세요", "환불해　주세요", "환불해  주세요", "배송이 늦어요"]
    labels = make_paraphrase_miner("skko-mini").fit_predict(pd.Series(texts))
    assert labels.tolist() == [0, 0, 0, -1]


@pytest.mark.parametrize("factory", [make_topic_clusterer, make_paraphrase_miner])
def test_every_step_can_be_addressed(factory):
    pipeline = factory("skko-mini", truncate_dim=64)
    assert pipeline.get_params()["embed__truncate_dim"] == 64
    pipeline.set_params(embed__model="dragonkue/bge-m3-ko", normalize__max_repeats=None)
    assert clone(pipeline).get_params()["embed__model"] == "dragonkue/bge-m3-ko"


@pytest.mark.parametrize("n_texts", [1, 2, 3, 5])
def test_few_texts_are_all_noise_and_no_error(n_texts):
    pipeline = make_topic_clusterer("skko-mini", random_state=0)
    texts = INQUIRIES.texts[:n_texts]
    if n_texts == 1:
        with pytest.raises(ValueError, match="minimum of 2"):
            pipeline.fit(texts)
    else:
        assert set(pipeline.fit_predict(texts)) == {-1}


def test_copies_of_one_text_are_one_topic_or_noise():
    labels = make_topic_clusterer("skko-mini", random_state=0).fit_predict(["배송이 늦어요"] * 30)
    assert len(set(labels.tolist())) == 1
