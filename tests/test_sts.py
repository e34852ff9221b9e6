"""Metrics of similarity, beside scipy, scikit-learn and sentence-transformers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score

from skko.metrics import judged_pair_scores, pair_similarities, sts_scores
from skko.metrics.sts import pearson, spearman

VALUES = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=30)


@given(VALUES)
@settings(deadline=None)
def test_correlations_are_those_of_scipy(values):
    x, y = np.array(values, dtype=float).T
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert pearson(x, y) == spearman(x, y) == 0
        return
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


def test_tiny_and_huge_values_keep_their_squares():
    x = np.array([1e-200, 2e-200, 4e-200])
    assert pearson(x, [1e200, 2e200, 4e200]) == pytest.approx(1)


@pytest.mark.parametrize(("x", "y"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 2.0, 3.0]), ([[1.0, 2.0]], [[1.0, 2.0]])])
def test_what_cannot_correlate_is_an_error(x, y):
    with pytest.raises(ValueError, match="one length"):
        pearson(x, y)


def test_nan_has_no_rank():
    with pytest.raises(ValueError, match="Value 1 is NaN"):
        spearman([1.0, np.nan], [1.0, 2.0])


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    judged = rng.integers(0, 26, 200) / 5
    left = rng.normal(size=(200, 16)).astype(np.float32)
    right = left * judged[:, None] + 3 * rng.normal(size=left.shape)
    return left, right.astype(np.float32), judged


class Fixed:
    """A model whose vectors are given, for the evaluators of sentence-transformers."""

    similarity_fn_name = "cosine"

    def __init__(self, vectors):
        self._vectors = vectors
        self.model_card_data = self

    def encode(self, sentences, **kwargs):
        return np.stack([self._vectors[int(one)] for one in sentences])

    def set_evaluation_metrics(self, *args, **kwargs):
        pass


def test_sts_is_that_of_sentence_transformers(vectors):
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    left, right, judged = vectors
    n = len(left)
    evaluator = EmbeddingSimilarityEvaluator(
        [str(i) for i in range(n)],
        [str(n + i) for i in range(n)],
        judged.tolist(),
        similarity_fn_names=["cosine", "dot", "euclidean", "manhattan"],
    )
    expected = evaluator(Fixed(np.concatenate([left, right])))
    found = sts_scores(left, right, judged)
    assert len(found) == 8
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-5)
    assert found["spearman_cosine"] > 0.5


def test_pairs_are_those_of_sentence_transformers(vectors):
    from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator

    left, right, judged = vectors
    n, true = len(left), (judged > 2.5).astype(int)
    evaluator = BinaryClassificationEvaluator(
        [str(i) for i in range(n)], [str(n + i) for i in range(n)], true.tolist(), similarity_fn_names=["cosine"]
    )
    expected = evaluator(Fixed(np.concatenate([left, right])))
    found = judged_pair_scores(pair_similarities(left, right)["cosine"], true)
    assert found.average_precision == pytest.approx(expected["cosine_ap"], abs=1e-6)
    for name in ("f1", "precision", "recall", "accuracy"):
        assert getattr(found, name) == pytest.approx(expected[f"cosine_{name}"], abs=1e-6), name
    assert found.threshold == pytest.approx(expected["cosine_f1_threshold"], abs=1e-6)


SCORED = st.lists(st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.7, 1.0]), st.booleans()), min_size=1, max_size=20)


@given(SCORED.filter(lambda scored: any(true for _, true in scored)))
@settings(deadline=None)
def test_pair_scores_against_every_threshold(scored):
    scores, true = np.array([score for score, _ in scored]), np.array([hit for _, hit in scored])
    found = judged_pair_scores(scores, true)
    assert found.average_precision == pytest.approx(average_precision_score(true, scores))
    cuts = [*np.unique(scores), np.inf]
    assert found.accuracy == pytest.approx(max(((scores >= cut) == true).mean() for cut in cuts))
    f1s = [2 * (true & (scores >= cut)).sum() / (true.sum() + (scores >= cut).sum()) for cut in cuts]
    assert found.f1 == pytest.approx(max(f1s))
    kept = scores >= found.threshold
    assert found.f1 == pytest.approx(2 * (true & kept).sum() / (true.sum() + kept.sum()))


def test_zero_vectors_are_near_nothing():
    assert pair_similarities([[0.0, 0.0]], [[1.0, 0.0]])["cosine"].tolist() == [0]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        pair_similarities([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="2 pairs and 3 judgements"):
        sts_scores([[1.0]] * 2, [[1.0]] * 2, [1, 2, 3])
    with pytest.raises(ValueError, match="judgements"):
        judged_pair_scores([1.0], [True, False])
    with pytest.raises(ValueError, match="No scored pair is true"):
        judged_pair_scores([1.0], [False])
