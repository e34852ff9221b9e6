"""Every text embedded once: counts seen from outside, batches, cache, threads."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from skko import KoEmbeddingTransformer, config_context, make_text_classifier
from skko.embedding import encode_counts
from skko.embedding.batching import plan_batches

TEXTS = [
    f"{a} {b} {i}" for i in range(50) for a, b in [("환불해", "주세요"), ("배송이", "늦어요"), ("로그인이", "안 돼요")]
]
LABELS = np.tile([0, 1, 2], 50)


def grid(tiny, params, **kwargs):
    steps = [("embed", KoEmbeddingTransformer(tiny)), ("classify", LogisticRegression())]
    return GridSearchCV(Pipeline(steps), params, cv=5, **kwargs)


def test_grid_search_encodes_each_text_once_and_loads_once(tiny_a, counting):
    grid(str(tiny_a), {"classify__C": [0.1, 1, 10, 100]}).fit(TEXTS, LABELS)
    assert counting() == (150, 1)


def test_a_second_search_encodes_nothing(tiny_a, counting):
    for _ in range(2):
        grid(str(tiny_a), {"classify__C": [0.1, 1]}).fit(TEXTS, LABELS)
    cross_val_score(make_text_classifier(str(tiny_a)), TEXTS, LABELS, cv=3)
    assert counting() == (150, 1)


def test_models_in_the_grid_are_loaded_once_each(tiny_a, tiny_b, counting):
    params = {"embed__model": [str(tiny_a), str(tiny_b)], "classify__C": [1, 10]}
    grid(str(tiny_a), params).fit(TEXTS, LABELS)
    assert counting() == (300, 2)


def test_models_in_the_grid_are_loaded_once_each_even_where_one_fits_in_memory(tiny_a, tiny_b, counting):
    # The last name in the grid varies fastest, so the two models take turns. What was embedded needs no model.
    params = {"classify__C": [1, 10], "embed__model": [str(tiny_a), str(tiny_b)]}
    with config_context(max_loaded_models=1):
        grid(str(tiny_a), params).fit(TEXTS, LABELS)
    texts, loads = counting()
    assert texts == 300
    assert loads <= 5  # each turn of the first search may need folds' new texts; never once a fit (20)


def test_truncate_dim_and_normalize_share_one_entry(tiny_a, counting):
    params = {"embed__truncate_dim": [None, 8, 16], "embed__normalize": [True, False], "embed__batch_tokens": [64, 512]}
    grid(str(tiny_a), params).fit(TEXTS, LABELS)
    assert counting() == (150, 1)


@pytest.mark.parametrize("params", [{"prompt": "query: "}, {"max_length": 20}, {"dtype": "bfloat16"}], ids=str)
def test_what_changes_vectors_is_encoded_again(params, tiny_a, counting):
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS)
    KoEmbeddingTransformer(str(tiny_a), **params).fit_transform(TEXTS)
    assert counting()[0] == 300


def test_the_models_own_longest_input_is_the_default(tiny_a, counting):
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS)
    KoEmbeddingTransformer(str(tiny_a), max_length=128).fit_transform(TEXTS)
    assert counting()[0] == 150


def test_duplicates_are_encoded_once_even_without_a_cache(tiny_a, counting):
    vectors = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(["가", "나", "가"] * 10)
    assert counting() == (2, 1)
    np.testing.assert_array_equal(vectors[0::3], vectors[2::3])
    assert not np.allclose(vectors[0], vectors[1])


def test_without_a_cache_nothing_is_kept(tiny_a, counting):
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=False).fit([])
    embedder.transform(TEXTS), embedder.transform(TEXTS)
    assert counting() == (300, 1)


def test_counts_agree_with_what_is_seen_from_outside(tiny_a, counting):
    before = encode_counts()
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS * 2)
    counts = encode_counts() - before
    assert (counts.texts_encoded, counts.model_loads) == counting() == (150, 1)
    assert counts.texts_requested == 300


def test_two_threads_do_not_embed_the_same_texts_twice(tiny_a, counting):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit([])
    results = {}
    threads = [threading.Thread(target=lambda i=i: results.update({i: embedder.transform(TEXTS)})) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counting() == (150, 1)
    assert all(np.array_equal(results[0], results[i]) for i in range(1, 4))


def test_grid_search_in_threads_counts_the_same(tiny_a, counting):
    from joblib import parallel_config

    with parallel_config("threading", n_jobs=2):
        grid(str(tiny_a), {"classify__C": [0.1, 1]}).fit(TEXTS, LABELS)
    assert counting() == (150, 1)


def test_grid_search_in_processes_gives_the_same_scores(tiny_a):
    alone = grid(str(tiny_a), {"classify__C": [0.1, 10]}).fit(TEXTS, LABELS)
    shared = grid(str(tiny_a), {"classify__C": [0.1, 10]}, n_jobs=2).fit(TEXTS, LABELS)
    np.testing.assert_allclose(alone.cv_results_["mean_test_score"], shared.cv_results_["mean_test_score"])


@given(st.lists(st.integers(0, 300), max_size=80), st.integers(1, 600))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    batches = plan_batches(lengths, budget)
    rows = [row for batch in batches for row in batch.tolist()]
    assert sorted(rows) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(max(lengths[row], 1) for row in batch)
        assert len(batch) == 1 or padded <= budget
    longest = [max(lengths[row] for row in batch) for batch in batches]
    assert all(a >= b for a, b in pairwise(longest))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(50, 200))
def test_batches_are_full(lengths, budget):
    # No batch could have taken the next text too.
    batches = plan_batches(lengths, budget)
    for batch, following in pairwise(batches):
        assert (len(batch) + 1) * lengths[batch[0]] > budget
        assert len(following)


@pytest.mark.parametrize("batch_tokens", [1, 7, 64, 4096])
def test_batch_size_does_not_change_vectors(batch_tokens, tiny_a):
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    vectors = KoEmbeddingTransformer(str(tiny_a), cache=False, batch_tokens=batch_tokens).fit_transform(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_an_interrupted_run_keeps_what_was_done(tiny_a, counting, monkeypatch):
    from skko.models.backends.sentence_transformer import SentenceTransformerEncoder

    embed, calls = SentenceTransformerEncoder.embed, [0]

    def interrupted(self, tokens, rows):
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return embed(self, tokens, rows)

    monkeypatch.setattr(SentenceTransformerEncoder, "embed", interrupted)
    embedder = KoEmbeddingTransformer(str(tiny_a), batch_tokens=100).fit([])
    with pytest.raises(KeyboardInterrupt):
        embedder.transform(TEXTS)
    done = counting()[0]
    assert 0 < done < 150
    embedder.transform(TEXTS)
    assert counting()[0] == 150
