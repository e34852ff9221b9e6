"""KoZeroShotClassifier: labels by description, none of them, and a few labelled rows."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skko import KoEmbeddingTransformer, datasets
from skko.classification import KoZeroShotClassifier

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts, INQUIRIES.topics
LABELS = {"환불": ["환불해 주세요", "돈을 돌려받고 싶어요"], "배송": ["배송이 늦어요", "택배가 안 왔어요"]}
STRANGE = ["오늘 점심은 김치찌개", "비트코인 시세 전망", "프로야구 결승전 결과", "고양이가 귀엽다"]
OWN = ["환불 언제 돼요", "환불 신청할게요", "배송이 언제 와요", "택배 배송 조회"]


def make(**params):
    return KoZeroShotClassifier(LABELS, embedder="skko-mini", **params)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_scores_are_cosines_with_the_mean_of_the_descriptions():
    embed = KoEmbeddingTransformer("skko-mini").fit_transform
    classifier = KoZeroShotClassifier({**LABELS, "로그인": "로그인이 안 돼요"}, embedder="skko-mini").fit()
    assert classifier.classes_.tolist() == ["로그인", "배송", "환불"]
    labels = {**LABELS, "로그인": ["로그인이 안 돼요"]}
    means = unit(np.stack([embed(labels[name]).mean(axis=0) for name in classifier.classes_]))
    np.testing.assert_allclose(classifier.decision_function(OWN), embed(OWN) @ means.T, atol=1e-5)
    shares = classifier.predict_proba(OWN)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (classifier.classes_[shares.argmax(axis=1)] == classifier.predict(OWN)).all()


def test_descriptions_alone_are_better_than_the_largest_class():
    labels = sorted(set(TOPICS))
    classifier = KoZeroShotClassifier(labels, embedder="skko-mini").fit()
    assert classifier.score(TEXTS, TOPICS) > 2 * np.unique(TOPICS, return_counts=True)[1].max() / len(TOPICS)


def test_the_template_is_what_is_embedded():
    plain = KoZeroShotClassifier({"가": "환불에 대한 문의", "나": "배송에 대한 문의"}, embedder="skko-mini").fit()
    filled = KoZeroShotClassifier({"가": "환불", "나": "배송"}, embedder="skko-mini", template="{}에 대한 문의").fit()
    np.testing.assert_array_equal(plain.prototypes_, filled.prototypes_)


def test_a_threshold_is_the_score_of_none_of_them():
    classifier = make(threshold=0.5).fit()
    assert classifier.classes_.tolist() == ["배송", "환불", "없음"]
    scores = classifier.decision_function([*OWN, *STRANGE])
    assert (scores[:, -1] == 0.5).all()
    assert (classifier.predict(STRANGE) == "없음").all()
    assert ((scores[:, :2].max(axis=1) < 0.5) == (classifier.predict([*OWN, *STRANGE]) == "없음")).all()
    assert make(threshold=None).fit().classes_.tolist() == make().fit().classes_.tolist() == ["배송", "환불"]


def test_a_few_rows_set_the_threshold_that_errs_least():
    truth = ["환불", "환불", "배송", "배송"] + ["없음"] * 4
    fitted = make().fit([*OWN, *STRANGE], truth)
    right = (fitted.predict([*OWN, *STRANGE]) == truth).sum()
    tried = [(make(threshold=t).fit().predict([*OWN, *STRANGE]) == truth).sum() for t in np.linspace(-1, 1, 201)]
    assert right == max(tried)
    assert -1 <= fitted.threshold_ <= 1


def test_labelled_rows_set_how_sure_the_probabilities_are():
    labels = sorted(set(TOPICS))
    plain = KoZeroShotClassifier(labels, embedder="skko-mini").fit()
    fitted = KoZeroShotClassifier(labels, embedder="skko-mini").fit(TEXTS[:100], TOPICS[:100])
    assert (plain.predict(TEXTS) == fitted.predict(TEXTS)).all()

    def loss(classifier):
        shares = classifier.predict_proba(TEXTS[100:])
        return -np.log(shares[np.arange(len(shares)), np.searchsorted(labels, TOPICS[100:])]).mean()

    assert plain.temperature_ == 0.05 != fitted.temperature_
    assert loss(fitted) < loss(plain)


def test_it_is_cloned_searched_and_embeds_nothing_without_texts():
    search = GridSearchCV(make(), {"template": ["{}", "{}에 대한 문의"], "threshold": [None, 0.3]}, cv=2)
    search.fit(OWN, ["환불", "환불", "배송", "배송"])
    assert set(search.best_params_) == {"template", "threshold"}
    assert clone(search.best_estimator_).get_params()["labels"] == LABELS
    fitted = make().fit()
    assert fitted.predict([]).shape == (0,)
    assert fitted.predict_proba([]).shape == (0, 2)
    with pytest.raises(NotFittedError):
        make().predict(OWN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {}}, "names no label"),
        ({"labels": {"환불": []}}, "환불"),
        ({"labels": {"환불": [" "]}}, "환불"),
        ({"labels": {"없음": "무엇이든"}}, "none_label"),
        ({"template": "문의"}, "template"),
        ({"threshold": 2.0}, "threshold"),
    ],
)
def test_what_cannot_be_is_an_error(change, message):
    with pytest.raises(ValueError, match=message):
        make().set_params(**change).fit()


def test_labels_that_nobody_described_are_errors():
    with pytest.raises(ValueError, match="'교환' at row 1"):
        make().fit(OWN[:2], ["환불", "교환"])
    with pytest.raises(ValueError, match="2 texts and y 1"):
        make().fit(OWN[:2], ["환불"])
