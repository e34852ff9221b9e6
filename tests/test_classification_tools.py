"""compare_models, count_leaks, explain, saved classifiers and the confusion display."""

import subprocess
import sys
import warnings
import zipfile

import matplotlib as mpl
import numpy as np
import pytest
import skops.io
from scipy.stats import ttest_1samp
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skko import datasets, make_text_classifier
from skko.classification import (
    KoZeroShotClassifier,
    NearestMeanClassifier,
    compare_models,
    count_leaks,
    explain,
    load_classifier,
    save_classifier,
)
from skko.exceptions import DataFileError, SkkoWarning

mpl.use("Agg")

from skko.plotting.confusion import ConfusionDisplay

INQUIRIES = datasets.load_inquiries()
TEXTS, TOPICS = INQUIRIES.texts, INQUIRIES.topics
MEANING = make_text_classifier("skko-mini", lexical=False)
FOLDS = KFold(4, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def fitted():
    return make_text_classifier("skko-mini").fit(TEXTS, TOPICS)


def test_the_same_folds_give_the_same_scores_as_one_by_one():
    models = {"largest": DummyClassifier(), "meaning": MEANING}
    found = compare_models(models, TEXTS, TOPICS, cv=FOLDS)
    alone = [cross_val_score(model, TEXTS, TOPICS, cv=FOLDS) for model in models.values()]
    np.testing.assert_array_equal(found.scores, alone)
    assert found.best == "meaning"
    difference = alone[0] - alone[1]
    assert found.differences[0] == pytest.approx(difference.mean())
    # The t interval of independent folds, widened by Nadeau and Bengio's factor.
    plain = ttest_1samp(difference, 0).confidence_interval(0.95)
    wider = np.sqrt((1 / 4 + 1 / 3) / (1 / 4))
    assert found.high[0] - found.low[0] == pytest.approx((plain.high - plain.low) * wider, rel=1e-2)
    assert found.high[0] < 0 == found.differences[1] == found.low[1] == found.high[1]
    assert list(found.to_frame().index) == ["meaning", "largest"]


def test_names_of_embedding_models_will_do():
    found = compare_models(["skko-mini"], TEXTS[:120], TOPICS[:120], cv=KFold(2))
    assert found.names == ("skko-mini",)
    assert found.dimensions[0] > 256


def test_copies_on_both_sides_are_counted_and_warned_of():
    texts = [*TEXTS[:40], *(f" {text}  " for text in TEXTS[:10])]
    labels = np.r_[TOPICS[:40], TOPICS[:10]]
    splits = list(KFold(5, shuffle=True, random_state=0).split(texts))
    expected = set()
    for train, test in splits:
        known = {texts[row].strip() for row in train}
        expected |= {int(row) for row in test if texts[row].strip() in known}
    leaks = count_leaks(texts, splits)
    assert set(leaks.rows.tolist()) == expected != set()
    assert leaks.n_tested == 50
    with pytest.warns(SkkoWarning, match=f"{len(expected)} of 50 test texts"):
        compare_models({"meaning": MEANING}, texts, labels, cv=splits)
    groups = np.r_[np.arange(40), np.arange(10)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkkoWarning)
        compare_models({"meaning": MEANING}, texts, labels, cv=GroupKFold(2), groups=groups)


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ({}, {}, "empty"),
        ({"a": MEANING}, {"cv": [(np.arange(9), np.arange(9, 20))]}, "2 folds"),
        ({"a": MEANING}, {"confidence": 1.0}, "confidence"),
    ],
)
def test_comparisons_are_checked(models, options, message):
    with pytest.raises(ValueError, match=message):
        compare_models(models, TEXTS[:20], TOPICS[:20], **options)


def test_words_are_explained_by_leaving_them_out(fitted):
    text = "택배가 아직도 안 왔어요"
    found = explain(fitted, text, n=9)
    column = list(fitted.classes_).index(found.label)
    words = text.split()
    for word, effect in found.words:
        rest = " ".join(other for other in words if other != word)
        shares = fitted.predict_proba([text, rest])[:, column]
        assert effect == pytest.approx(shares[0] - shares[1], abs=1e-6)
    assert sorted(word for word, _ in found.words) == sorted(words)
    assert found.probability == pytest.approx(fitted.predict_proba([text]).max())
    assert found.label == fitted.predict([text])[0]


def test_morphemes_add_up_to_their_share_of_the_score(fitted):
    found = explain(fitted, "배송 조회가 안 돼요", label="배송", n=50)
    features, place = fitted[:-1].transform(["배송 조회가 안 돼요"]), fitted["features"].blocks()["morphemes"]
    weights = fitted["classify"].coef_ - fitted["classify"].coef_.mean(axis=0)
    added = features[:, place] @ weights[list(fitted.classes_).index("배송"), place]
    assert sum(value for _, value in found.morphemes) == pytest.approx(float(added[0]), abs=1e-4)
    assert any("배송" in form for form, _ in found.morphemes)
    assert list(found.to_frame().columns) == ["kind", "what", "value"]


def test_neighbours_are_the_nearest_texts(fitted):
    found = explain(fitted, TEXTS[3], texts=TEXTS, labels=TOPICS, n=3)
    text, label, cosine = found.neighbours[0]
    assert (text, label) == (TEXTS[3], TOPICS[3])
    assert cosine == pytest.approx(1, abs=1e-5)
    assert len(found.neighbours) == 3
    assert str(found).startswith(found.label)
    without = explain(MEANING.fit(TEXTS, TOPICS), TEXTS[3])
    assert without.morphemes == without.neighbours == ()


def test_explanations_are_checked(fitted):
    with pytest.raises(ValueError, match="does not know the label '날씨'"):
        explain(fitted, "환불", label="날씨")
    with pytest.raises(ValueError, match="2 rows and labels 1"):
        explain(fitted, "환불", texts=TEXTS[:2], labels=["가"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_text_classifier("skko-mini"),
        lambda: make_text_classifier("skko-mini", lexical=False),
        lambda: make_text_classifier("skko-mini", classifier=LogisticRegression()),
        lambda: make_text_classifier("skko-mini", classifier=NearestMeanClassifier(), lexical=False),
    ],
    ids=["auto", "meaning", "scikit-learn's", "nearest mean"],
)
def test_a_saved_classifier_predicts_the_same_and_has_no_text(make, tmp_path):
    path = tmp_path / "문의.skops"
    classifier = make().fit(TEXTS, TOPICS)
    expected = classifier.predict_proba(TEXTS)
    save_classifier(classifier, path)
    np.testing.assert_array_equal(classifier.predict_proba(TEXTS), expected)  # saving changes nothing
    loaded = load_classifier(path)
    np.testing.assert_allclose(loaded.predict_proba(TEXTS), expected, atol=1e-6)
    assert path.stat().st_size < 2_000_000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with zipfile.ZipFile(path) as parts:
        content = b"".join(parts.read(name) for name in parts.namelist()).decode("utf-8", "ignore")
    assert not any(text in content for text in TEXTS)


def test_saving_and_loading_import_no_torch(tmp_path):
    """skops looks at every package of scikit-learn, one of which would; it can be imported all the same afterwards."""
    script = (
        "import sys\n"
        "from skko import make_text_classifier\n"
        "from skko.classification import load_classifier, save_classifier\n"
        "classifier = make_text_classifier('skko-mini').fit(['배송이 늦어요', '환불해 주세요'] * 5, [0, 1] * 5)\n"
        "save_classifier(classifier, sys.argv[1])\n"
        "print(load_classifier(sys.argv[1]).predict(['환불해 주세요']))\n"
        "print(sorted({'torch', 'dask', 'transformers'} & set(sys.modules)))\n"
        "import sklearn.externals.array_api_compat.torch as compatible\n"
        "print(compatible.asarray([1.0]).shape, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "문의.skops")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[1]", "[]", "torch.Size([1]) True"]


def test_several_labels_and_descriptions_are_saved_too(tmp_path):
    lists = [[topic, urgency] for topic, urgency in zip(TOPICS, INQUIRIES.urgency, strict=True)]
    several = make_text_classifier("skko-mini").fit(TEXTS, lists)
    save_classifier(several, tmp_path / "a")
    assert load_classifier(tmp_path / "a").predict(TEXTS[:50]) == several.predict(TEXTS[:50])
    described = KoZeroShotClassifier(["환불", "배송"], embedder="skko-mini").fit()
    save_classifier(described, tmp_path / "b")
    assert (load_classifier(tmp_path / "b").predict(TEXTS) == described.predict(TEXTS)).all()


def test_files_that_hold_other_things_are_refused(tmp_path):
    path = tmp_path / "x.skops"
    with pytest.raises(FileNotFoundError, match=r"x\.skops"):
        load_classifier(path)
    path.write_bytes(b"no archive")
    with pytest.raises(DataFileError, match="not a classifier"):
        load_classifier(path)
    skops.io.dump([1, 2], path)
    with pytest.raises(DataFileError, match="not a classifier"):
        load_classifier(path)
    save_classifier(make_pipeline(ConfusionDisplay(np.eye(2), ["가", "나"])), path)
    with pytest.raises(DataFileError, match=r"skko\.plotting\.confusion\.ConfusionDisplay"):
        load_classifier(path)


def test_the_confusion_display_counts_and_names():
    truth, predicted = ["환불", "배송", "배송", "교환"], ["환불", "환불", "환불", "교환"]
    display = ConfusionDisplay.from_predictions(truth, predicted)
    np.testing.assert_array_equal(display.matrix, confusion_matrix(truth, predicted, labels=display.labels))
    assert display.confused() == [("배송", "환불", 2)]
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["교환", "배송", "환불"]
    shares = ConfusionDisplay.from_predictions(truth, predicted, normalize="true")
    np.testing.assert_allclose(shares.matrix.sum(axis=1), 1)


def test_hangul_is_drawn_and_the_users_settings_are_left_alone(tmp_path, fitted):
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph is a warning
        ConfusionDisplay.from_estimator(fitted, TEXTS, TOPICS).save(tmp_path / "혼동.png")
    assert (tmp_path / "혼동.png").stat().st_size > 5_000
    assert dict(mpl.rcParams) == before
