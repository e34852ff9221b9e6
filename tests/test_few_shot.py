"""Few-shot classification: tuning before the head, and all of it a plain pipeline."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV

from skko import KoEmbeddingTransformer, datasets
from skko.finetune import make_few_shot_classifier
from skko.finetune.examples import read_examples
from skko.finetune.scoring import score_examples
from tests.finetuning import build_small_static, one_thread  # noqa: F401

INQUIRIES = datasets.load_inquiries().to_frame()
FEW = INQUIRIES.groupby("topic").sample(8, random_state=0)
REST = INQUIRIES.drop(FEW.index)
STATIC = {"learning_rate": 0.001, "pairs_per_text": 5, "show_progress": False}


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    return build_small_static(tmp_path_factory.mktemp("models") / "small")


def test_tuning_brings_texts_of_a_class_together(fresh_cache):
    classifier = make_few_shot_classifier("skko-mini", **STATIC).fit(FEW["text"], FEW["topic"])
    tuned = classifier["tune"]
    embed = KoEmbeddingTransformer("skko-mini").fit([]).transform
    few, rest = (score_examples(read_examples(part["text"], part["topic"]), embed) for part in (FEW, REST))
    assert tuned.score(FEW["text"], FEW["topic"]) > few + 0.02
    # On texts that it has not seen a static model gains nothing to speak of, and must lose nothing.
    assert tuned.score(REST["text"], REST["topic"]) > rest - 0.01
    assert classifier.score(REST["text"], REST["topic"]) > 0.65
    probabilities = classifier.predict_proba(REST["text"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert classifier.classes_.tolist() == sorted(set(INQUIRIES["topic"]))
    again = clone(classifier).fit(FEW["text"], FEW["topic"])
    np.testing.assert_array_equal(again.predict_proba(REST["text"]), probabilities)


def test_the_recipe_is_that_of_setfit():
    pipeline = make_few_shot_classifier("skko-mini", device="cpu")
    assert list(pipeline.named_steps) == ["normalize", "tune", "classify"]
    expected = {"epochs": 1, "batch_size": 16, "learning_rate": 2e-5, "pairs_per_text": 20, "device": "cpu"}
    assert pipeline["tune"].get_params().items() >= {**expected, "loss": "auto"}.items()
    assert isinstance(make_few_shot_classifier(classifier=RidgeClassifier())["classify"], RidgeClassifier)


def test_it_can_be_searched(fresh_cache, small):
    pipeline = make_few_shot_classifier(small, **{**STATIC, "pairs_per_text": 1})
    found = GridSearchCV(pipeline, {"tune__learning_rate": [0.001, 0.003]}, cv=2).fit(FEW["text"], FEW["topic"])
    assert found.best_score_ > 1.5 / INQUIRIES["topic"].nunique()


def test_parameters_that_nobody_has_are_an_error():
    with pytest.raises(TypeError, match="no_such"):
        make_few_shot_classifier("skko-mini", no_such=1)
