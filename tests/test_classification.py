"""make_text_classifier: what it is made of, what it chooses, and that it composes."""

import pickle
import unicodedata

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from skko import KoEmbeddingTransformer, datasets, make_text_classifier
from skko.classification import CalibratedLogisticRegression
from skko.classification._weights import _inverse
from skko.embedding import encode_counts
from skko.text import KoMorphemeVectorizer

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts, INQUIRIES.topics
ALONE = np.arange(len(INQUIRIES)) + INQUIRIES.groups.max() + 1
GROUPS = np.where(INQUIRIES.groups >= 0, INQUIRIES.groups, ALONE)
FOLDS = StratifiedGroupKFold(3, shuffle=True, random_state=0)


def accuracy(pipeline):
    return cross_val_score(pipeline, TEXTS, TOPICS, groups=GROUPS, cv=FOLDS).mean()


@pytest.fixture(scope="module")
def fitted():
    return make_text_classifier("skko-mini").fit(TEXTS, TOPICS)


def test_steps_are_those_of_the_contract():
    with_words = make_text_classifier("skko-mini")
    assert list(with_words.named_steps) == ["normalize", "features", "classify"]
    assert isinstance(with_words["features"], FeatureUnion)
    assert isinstance(make_text_classifier("skko-mini", lexical=False)["features"], KoEmbeddingTransformer)


def test_a_matrix_too_near_to_singular_for_single_precision_is_inverted_in_double():
    one = np.random.default_rng(0).normal(size=60)
    for ridge in (1.0, 1e-9):
        matrix = np.outer(one, one) + ridge * np.eye(60)
        np.testing.assert_allclose(_inverse(matrix) @ matrix, np.eye(60), atol=1e-4)


def test_words_and_meaning_together_are_better_than_either():
    meaning = accuracy(make_text_classifier("skko-mini", lexical=False))
    together = make_text_classifier("skko-mini")
    words = clone(together).set_params(features__embed="drop", features__transformer_weights=None)
    assert meaning > 0.6
    assert accuracy(together) > max(meaning, accuracy(words)) - 0.01


def test_parameters_of_every_step_are_searched_and_each_text_is_embedded_once(fresh_cache):
    params = {
        "normalize__max_repeats": [2],
        "features__embed__truncate_dim": [64, None],
        "features__characters__min_df": [2],
        "features__transformer_weights": ["auto", {"characters": 0.5, "morphemes": 0.5}],
        "classify__C": [1.0],
    }
    before = encode_counts()
    search = GridSearchCV(make_text_classifier("skko-mini"), params, cv=FOLDS)
    search.fit(TEXTS, TOPICS, groups=GROUPS)
    assert (encode_counts() - before).texts_encoded == len(set(search.best_estimator_["normalize"].transform(TEXTS)))
    assert search.best_params_["features__embed__truncate_dim"] is None
    assert search.predict_proba(["환불해 주세요"]).shape == (1, 8)


@pytest.mark.parametrize("classifier", [LinearSVC(), LogisticRegression(), SGDClassifier(random_state=0)], ids=repr)
def test_any_classifier_of_sparse_features_will_do(classifier):
    pipeline = make_text_classifier("skko-mini", classifier=classifier)
    assert pipeline["classify"] is classifier
    assert pipeline.fit(TEXTS, INQUIRIES.urgency).score(TEXTS, INQUIRIES.urgency) > 0.9


def test_a_classifier_of_dense_features_takes_the_embedding():
    pipeline = make_text_classifier("skko-mini", classifier=GaussianNB(), lexical=False).fit(TEXTS, TOPICS)
    assert pipeline.score(TEXTS, TOPICS) > 0.8


def test_partial_fit_goes_on_from_fitted_features():
    classifier = SGDClassifier(loss="log_loss", random_state=0)
    pipeline = make_text_classifier("skko-mini", classifier=classifier).fit(TEXTS[:200], TOPICS[:200])
    before = pipeline.score(TEXTS[400:], TOPICS[400:])
    for start in (200, 300):
        rows = slice(start, start + 100)
        pipeline["classify"].partial_fit(pipeline[:-1].transform(TEXTS[rows]), TOPICS[rows])
    assert pipeline.score(TEXTS[400:], TOPICS[400:]) > before - 0.02
    assert pipeline.score(TEXTS[200:400], TOPICS[200:400]) > 0.95


def test_clone_and_pickle_predict_the_same(fitted):
    expected = fitted.predict(TEXTS[:50])
    assert (pickle.loads(pickle.dumps(fitted)).predict(TEXTS[:50]) == expected).all()
    assert (clone(fitted).fit(TEXTS, TOPICS).predict(TEXTS[:50]) == expected).all()


def test_decomposed_text_is_classified_as_composed_text_is(fitted):
    decomposed = [unicodedata.normalize("NFD", text) for text in TEXTS[:40]]
    np.testing.assert_allclose(fitted.predict_proba(decomposed), fitted.predict_proba(TEXTS[:40]))


def test_the_choice_is_by_the_number_of_labels_where_there_are_few_texts(fitted):
    few = [np.flatnonzero(topic == TOPICS)[:4] for topic in np.unique(TOPICS)]
    rows = np.concatenate(few)
    choice = make_text_classifier("skko-mini").fit([TEXTS[row] for row in rows], TOPICS[rows])["features"].choice_
    assert choice.losses == {}
    assert choice.labels_per_class == 4
    many = fitted["features"].choice_
    assert many.weight > choice.weight > 0
    assert many.losses[many.factor] <= many.losses[1.0]
    assert "leave-one-out" in str(many)
    assert fitted["features"].weights_ == {"embed": 1.0, "characters": many.weight, "morphemes": many.weight}


def test_each_block_is_fitted_once_whatever_is_tried(monkeypatch):
    fits = []
    for kind in (TfidfVectorizer, KoMorphemeVectorizer):
        whole = kind.fit_transform

        def counted(self, *args, kind=kind, whole=whole, **params):
            fits.append(kind)
            return whole(self, *args, **params)

        monkeypatch.setattr(kind, "fit_transform", counted)
    choice = make_text_classifier("skko-mini").fit(TEXTS, TOPICS)["features"].choice_
    assert len(choice.losses) > 2
    # The vectoriser of morphemes has a TfidfVectorizer in it.
    assert fits == [TfidfVectorizer, KoMorphemeVectorizer, TfidfVectorizer]


def test_words_count_less_where_they_say_nothing():
    rng = np.random.default_rng(0)
    texts = [f"{a} {b}" for a, b in rng.integers(10**8, size=(300, 2))]
    labels = rng.integers(2, size=300)
    vectors = rng.standard_normal((300, 8)) + labels[:, None]
    from skko.classification._targets import Targets
    from skko.classification._weights import choose
    from skko.classification.pipeline import _character_tfidf

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = choose(unit, _character_tfidf().fit_transform(texts), Targets.of_one_label(labels), 300)
    assert found.factor <= 1
    assert found.losses[0.4] < found.losses[1.5] < found.losses[3.5]
    swapped = choose(
        unit[rng.permutation(300)],
        _character_tfidf().fit_transform(
            [f"{'좋다 최고' if label else '별로 최악'} {text}" for label, text in zip(labels, texts, strict=True)]
        ),
        Targets.of_one_label(labels),
        300,
    )
    assert swapped.factor >= 1
    assert swapped.losses[0.0] > 0.6
    assert swapped.losses[1.0] < 0.1


def test_leave_one_out_is_what_leaving_out_one_by_one_gives():
    from skko.classification._targets import Targets
    from skko.classification._weights import _left_out

    rng = np.random.default_rng(1)
    rows = rng.standard_normal((24, 5))
    targets = Targets.of_one_label(rng.integers(3, size=24))
    kernel = rows @ rows.T
    from skko.classification import _weights
    from skko.classification._calibration import best_temperature
    from skko.classification._newton import losses

    values, found = 2 * targets.indicator - 1, []
    for penalty in _weights._PENALTIES:
        scores = np.empty((24, 3))
        ridge = penalty * np.diag(kernel).mean()
        for row in range(24):
            rest = np.delete(np.arange(24), row)
            inner = kernel[np.ix_(rest, rest)] + 1 + ridge * np.eye(23)
            scores[row] = (kernel[row, rest] + 1) @ np.linalg.solve(inner, values[rest])
        temperature = best_temperature(scores, targets.indicator, np.ones(24), "softmax")
        found.append(losses(scores / temperature, targets.indicator, "softmax").mean())
    assert _left_out(kernel, targets).mean() == pytest.approx(min(found), abs=1e-3)


def test_given_weights_scale_the_blocks(fitted):
    weights = {"embed": 2.0, "characters": 0.0, "morphemes": 0.5}
    union = clone(fitted["features"]).set_params(transformer_weights=weights)
    features = union.fit_transform(TEXTS[:50], TOPICS[:50])
    assert list(union.blocks()) == ["embed", "morphemes"]
    plain = {name: dict(union.transformer_list)[name].transform(TEXTS[:50]) for name in union.blocks()}
    places = union.blocks()
    np.testing.assert_allclose(features[:, places["embed"]].toarray(), 2 * plain["embed"], rtol=1e-6)
    np.testing.assert_allclose(
        features[:, places["morphemes"]].toarray(), 0.5 * plain["morphemes"].toarray(), rtol=1e-6
    )
    assert len(union.get_feature_names_out()) == features.shape[1]
    assert union.choice_ is None


def test_fit_and_transform_give_the_same_features(fitted):
    union = clone(fitted["features"])
    first = union.fit_transform(TEXTS, TOPICS)
    assert abs(first - union.transform(TEXTS)).max() < 1e-6
    assert first.dtype == np.float32


def test_what_is_transformed_one_by_one_is_what_the_union_gives_and_touches_no_filters_of_warnings(fitted, monkeypatch):
    features = fitted["features"]
    expected = features.union_.transform(TEXTS)
    beside = clone(features).set_params(n_jobs=2).fit(TEXTS, TOPICS).transform(TEXTS)
    monkeypatch.setattr("warnings.resetwarnings", None)  # which threads would see
    found = features.transform(TEXTS)
    assert abs(found - expected).max() == abs(found - beside).max() == 0
    assert found.dtype == beside.dtype == np.float32


def test_labels_as_an_indicator_and_as_lists_agree():
    both = [{topic, urgency} for topic, urgency in zip(TOPICS, INQUIRIES.urgency, strict=True)]
    binarizer = MultiLabelBinarizer()
    indicator = binarizer.fit_transform(both)
    of_matrix = make_text_classifier("skko-mini").fit(TEXTS, indicator)
    of_lists = make_text_classifier("skko-mini").fit(TEXTS, [sorted(labels) for labels in both])
    predicted = of_matrix.predict(TEXTS)
    assert predicted.shape == indicator.shape
    assert (predicted == indicator).mean() > 0.98
    assert binarizer.inverse_transform(predicted) == of_lists.predict(TEXTS)
    shares = of_matrix.predict_proba(TEXTS)
    assert ((shares > 0.5) == predicted).all()
    held_out = cross_validate(make_text_classifier("skko-mini"), TEXTS, indicator, cv=3, scoring="f1_micro")
    assert held_out["test_score"].mean() > 0.58  # .59 to .60 over foldings


def test_weights_of_rows_reach_the_classifier():
    texts, labels = ["환불해 주세요", "환불 되나요", "환불해 주세요", "환불 되나요"] * 5, ["가", "가", "나", "나"] * 5
    for favoured in ("가", "나"):
        weights = np.where(np.array(labels) == favoured, 5.0, 1.0)
        pipeline = make_text_classifier("skko-mini").fit(texts, labels, classify__sample_weight=weights)
        assert set(pipeline.predict(texts)) == {favoured}
        with config_context(enable_metadata_routing=True):
            classifier = CalibratedLogisticRegression().set_fit_request(sample_weight=True)
            routed = make_text_classifier("skko-mini", classifier=classifier)
            assert set(routed.fit(texts, labels, sample_weight=weights).predict(texts)) == {favoured}


def test_lexical_is_checked():
    with pytest.raises(ValueError, match="lexical"):
        make_text_classifier("skko-mini", lexical="words")
    with pytest.raises(ValueError, match="transformer_weights"):
        make_text_classifier("skko-mini").set_params(features__transformer_weights="no").fit(TEXTS, TOPICS)


def test_unknown_embedding_parameters_are_errors():
    with pytest.raises(TypeError, match="devise"):
        make_text_classifier("skko-mini", devise="cpu")


def test_a_pipeline_is_a_pipeline():
    assert type(make_text_classifier("skko-mini")) is Pipeline
