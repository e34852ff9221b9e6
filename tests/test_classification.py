"""make_text_classifier: what it is made of, and that it composes."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from skko import KoEmbeddingTransformer, datasets, make_text_classifier

INQUIRIES = datasets.load_inquiries()
ALONE = np.arange(len(INQUIRIES)) + INQUIRIES.groups.max() + 1
GROUPS = np.where(INQUIRIES.groups >= 0, INQUIRIES.groups, ALONE)
FOLDS = StratifiedGroupKFold(3, shuffle=True, random_state=0)


def accuracy(pipeline):
    return cross_val_score(pipeline, INQUIRIES.texts, INQUIRIES.topics, groups=GROUPS, cv=FOLDS).mean()


def test_steps_are_those_of_the_contract():
    with_words = make_text_classifier("skko-mini")
    assert list(with_words.named_steps) == ["normalize", "features", "classify"]
    assert isinstance(with_words["features"], FeatureUnion)
    assert isinstance(make_text_classifier("skko-mini", lexical=False)["features"], KoEmbeddingTransformer)


def test_words_and_meaning_together_are_not_worse_than_meaning_alone():
    together, alone = (accuracy(make_text_classifier("skko-mini", lexical=lexical)) for lexical in (True, False))
    assert alone > 0.6
    assert together > alone - 0.02


def test_parameters_of_every_step_are_searched():
    params = {
        "normalize__max_repeats": [2],
        "features__embed__truncate_dim": [64, None],
        "features__characters__min_df": [2],
        "classify__C": [1.0],
    }
    search = GridSearchCV(make_text_classifier("skko-mini"), params, cv=FOLDS)
    search.fit(INQUIRIES.texts, INQUIRIES.topics, groups=GROUPS)
    assert search.best_params_["features__embed__truncate_dim"] is None
    assert search.predict_proba(["환불해 주세요"]).shape == (1, 8)


def test_any_classifier_will_do():
    pipeline = make_text_classifier("skko-mini", classifier=LinearSVC())
    assert isinstance(pipeline["classify"], LinearSVC)
    assert pipeline.fit(INQUIRIES.texts, INQUIRIES.urgency).predict(["급해요"]).shape == (1,)


def test_clone_and_pickle_predict_the_same():
    pipeline = make_text_classifier("skko-mini", truncate_dim=128).fit(INQUIRIES.texts, INQUIRIES.topics)
    expected = pipeline.predict(INQUIRIES.texts[:50])
    assert (pickle.loads(pickle.dumps(pipeline)).predict(INQUIRIES.texts[:50]) == expected).all()
    assert (clone(pipeline).fit(INQUIRIES.texts, INQUIRIES.topics).predict(INQUIRIES.texts[:50]) == expected).all()


def test_decomposed_text_is_classified_as_composed_text_is():
    import unicodedata

    pipeline = make_text_classifier("skko-mini").fit(INQUIRIES.texts, INQUIRIES.topics)
    decomposed = [unicodedata.normalize("NFD", text) for text in INQUIRIES.texts[:40]]
    np.testing.assert_allclose(pipeline.predict_proba(decomposed), pipeline.predict_proba(INQUIRIES.texts[:40]))


def test_lexical_is_checked():
    with pytest.raises(ValueError, match="lexical"):
        make_text_classifier("skko-mini", lexical="words")


def test_unknown_embedding_parameters_are_errors():
    with pytest.raises(TypeError, match="devise"):
        make_text_classifier("skko-mini", devise="cpu")
