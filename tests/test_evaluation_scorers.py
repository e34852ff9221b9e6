"""Pairs of texts as X: GridSearchCV chooses a model, a prompt and a size by judged pairs."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skko import KoEmbeddingTransformer
from skko.datasets import load_inquiries
from skko.embedding import encode_counts
from skko.evaluation import KoPairSimilarity, pairs_scorer, sts_scorer

INQUIRIES = load_inquiries()


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    rows = np.flatnonzero(INQUIRIES.groups >= 0)
    i, j = rng.choice(rows, (2, 200))
    j[:80] = [rng.choice(rows[INQUIRIES.groups[rows] == INQUIRIES.groups[row]]) for row in i[:80]]
    texts = np.array(INQUIRIES.texts, dtype=object)
    order = rng.permutation(200)
    same = (INQUIRIES.groups[i] == INQUIRIES.groups[j]).astype(int)
    return np.column_stack([texts[i], texts[j]])[order], same[order]


def test_a_grid_over_models_and_sizes(pairs, tiny_a):
    X, y = pairs
    grid = {"embedder__model": ["skko-mini", str(tiny_a)], "embedder__truncate_dim": [8, None]}
    search = GridSearchCV(KoPairSimilarity(KoEmbeddingTransformer()), grid, scoring=pairs_scorer(), cv=3)
    search.fit(X, y)
    assert search.best_params_ == {"embedder__model": "skko-mini", "embedder__truncate_dim": None}
    before = encode_counts()
    search.fit(X, y)
    assert (encode_counts() - before).texts_encoded == 0
    own = GridSearchCV(KoPairSimilarity(KoEmbeddingTransformer()), grid, scoring="average_precision", cv=3)
    assert own.fit(X, y).best_score_ == pytest.approx(search.best_score_)


def test_the_scores_are_those_of_their_definitions(pairs):
    X, y = pairs
    estimator = KoPairSimilarity(KoEmbeddingTransformer("skko-mini")).fit(X)
    cosines = estimator.decision_function(X)
    assert pairs_scorer()(estimator, X, y) == pytest.approx(average_precision_score(y, cosines))
    judged = np.linspace(0, 5, len(y))
    assert sts_scorer()(estimator, X, judged) == pytest.approx(spearmanr(cosines, judged).statistic)
    assert sts_scorer("pearson_dot")(estimator, X, judged) == pytest.approx(np.corrcoef(cosines, judged)[0, 1])
    assert (estimator.predict(X) == cosines).all()
    assert cross_val_score(clone(estimator), X, y, scoring=pairs_scorer("f1"), cv=2).min() > 0.7


def test_any_holder_of_pairs_and_any_transformer(pairs):
    X, _ = pairs
    estimator = KoPairSimilarity(KoEmbeddingTransformer("skko-mini")).fit(X)
    expected = estimator.decision_function(X)
    for other in (X.tolist(), [tuple(row) for row in X], pd.DataFrame(X, columns=["a", "b"])):
        assert (estimator.decision_function(other) == expected).all()
    assert len(estimator.decision_function([])) == 0
    lexical = make_pipeline(
        TfidfVectorizer(analyzer="char"), FunctionTransformer(lambda rows: rows.toarray(), accept_sparse=True)
    )
    assert KoPairSimilarity(lexical).fit(X).decision_function([["환불", "환불"]]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([["가", None]], ValueError, r"X\[:, 1\] has a missing text"),
        ([["가", 1]], TypeError, r"X\[:, 1\]"),
        (["가", "나"], ValueError, r"shape \(2, 1\)"),
        ("가나", TypeError, "single str"),
        ([["가", "나", "다"]], ValueError, r"shape \(1, 3\)"),
    ],
)
def test_what_is_no_pair(X, error, message):
    with pytest.raises(error, match=message):
        KoPairSimilarity(KoEmbeddingTransformer("skko-mini")).fit(X)


def test_scorers_are_named_and_pickled():
    for scorer in (pairs_scorer("f1"), sts_scorer("pearson_dot")):
        assert repr(pickle.loads(pickle.dumps(scorer))) == repr(scorer)
    with pytest.raises(ValueError, match="average_precision"):
        pairs_scorer("auc")
    with pytest.raises(ValueError, match="spearman_cosine"):
        sts_scorer("kendall")
