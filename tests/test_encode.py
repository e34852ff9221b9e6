"""Every text embedded once: counts seen from outside, batches, threads, processes, devices, memory."""

import os
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from transformers import XLMRobertaModel

from skko import KoEmbeddingTransformer, config_context, make_text_classifier
from skko.embedding import encode_counts
from skko.embedding.batching import plan_batches
from skko.embedding.cache import embedding_keys
from skko.exceptions import DeviceMemoryError, DeviceMemoryWarning, DeviceNotAvailableError
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from tests.children import child, in_children
from tests.embedding import ReportingTransformer, claim, peak_beyond_result

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
@example([0, 1], 1)
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


# Between processes


def test_workers_share_the_work_of_one_search(tiny_a, tmp_path, fresh_cache):
    reports = tmp_path / "reports"
    reports.mkdir()
    # Whole sentences in small batches, so that both workers are at work while the other is.
    step = ReportingTransformer(str(tiny_a), batch_tokens=100, folder=str(reports))
    search = GridSearchCV(
        Pipeline([("embed", step), ("classify", LogisticRegression())]), {"classify__C": [0.1, 10]}, cv=3, n_jobs=2
    )
    search.fit(TEXTS, LABELS)
    calls = [(path.name.split("-")[0], int(path.read_text())) for path in reports.iterdir()]
    assert sum(n_encoded for _, n_encoded in calls) == 150
    assert len({process for process, _ in calls} - {str(os.getpid())}) >= 2  # loky replaces workers that grew
    assert len(calls) == 2 * 3 * 2 + 1  # training and test texts of each candidate and fold, and the refit


def test_what_a_killed_process_was_at_is_taken_over(tiny_a, tmp_path, counting):
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=tmp_path / "cache").fit([])
    keys = embedding_keys(TEXTS[:40], fingerprint=embedder.model_fingerprint_, prompt="", max_length=128)
    with child(claim, tmp_path / "cache", keys) as (process, receive):
        assert receive.recv() == 40
        results = {}
        thread = threading.Thread(target=lambda: results.update(vectors=embedder.transform(TEXTS)))
        thread.start()
        deadline = time.monotonic() + 300
        while counting()[0] < 110 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        assert counting()[0] == 110  # all but what the other process has claimed
        assert thread.is_alive()
        process.kill()
        process.join()
        thread.join(300)
    assert counting()[0] == 150
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    np.testing.assert_allclose(results["vectors"], expected, atol=1e-6)


def test_a_query_does_not_wait_for_a_corpus(tiny_a, fresh_cache):
    embedder = KoEmbeddingTransformer(str(tiny_a), batch_tokens=20).fit([])
    corpus = [f"로그인이 안 돼요 {i}" for i in range(600)]
    thread = threading.Thread(target=embedder.transform, args=(corpus,))
    thread.start()
    time.sleep(0.05)
    embedder.transform(["환불해 주세요"])
    assert thread.is_alive()
    thread.join()


# On devices


class TooSmallDevice:
    """A device on which batches of more than ``tokens`` tokens do not fit, as the model's own forward tells."""

    def __init__(self, monkeypatch, tokens):
        self.tried = []
        forward = XLMRobertaModel.forward

        def forward_within_memory(model, *args, **kwargs):
            self.tried.append(kwargs["input_ids"].numel())
            if self.tried[-1] > tokens:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(model, *args, **kwargs)

        monkeypatch.setattr(XLMRobertaModel, "forward", forward_within_memory)


def test_short_memory_halves_the_batches_and_is_remembered(tiny_a, monkeypatch, counting):
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    device = TooSmallDevice(monkeypatch, tokens=150)
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=False, batch_tokens=1000).fit([])
    with pytest.warns(DeviceMemoryWarning, match="batch_tokens="):
        vectors = embedder.transform(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert sum(tokens > 150 for tokens in device.tried) <= 3  # 1000, 500, 250
    device.tried.clear()
    embedder.transform(TEXTS)  # no warning: what fits is known now
    assert max(device.tried) <= 150


def test_a_text_that_does_not_fit_alone_is_an_error_with_the_remedy(tiny_a, monkeypatch, counting):
    TooSmallDevice(monkeypatch, tokens=10)
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=False).fit([])
    with (
        pytest.warns(DeviceMemoryWarning),
        pytest.raises(DeviceMemoryError, match=r"\d+ tokens does not fit .* Cut texts with max_length"),
    ):
        embedder.transform(["가", "환불해 주세요 " * 20])


@pytest.mark.parametrize("cache", ["auto", False])
def test_several_devices_share_the_batches(tiny_a, cache, counting):
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    before = counting()[0]
    # Two names of the one device that every machine has; each batch goes to the one that is free.
    embedder = KoEmbeddingTransformer(str(tiny_a), device=["cpu", "cpu"], batch_tokens=50, cache=cache)
    np.testing.assert_allclose(embedder.fit_transform(TEXTS), expected, atol=1e-6)
    assert embedder.device_ == ["cpu", "cpu"]
    assert counting()[0] - before == 150


def test_an_error_on_one_of_several_devices_ends_the_run_and_gives_up_its_claims(tiny_a, monkeypatch, counting):
    TooSmallDevice(monkeypatch, tokens=0)
    embedder = KoEmbeddingTransformer(str(tiny_a), device=["cpu", "cpu"], batch_tokens=12).fit([])
    with pytest.raises(DeviceMemoryError):
        embedder.transform(TEXTS)
    monkeypatch.undo()
    monkeypatch.setenv("SKKO_CACHE_DIR", os.environ["SKKO_CACHE_DIR"])
    assert embedder.transform(TEXTS).any(axis=1).all()


def test_devices_that_are_not_here_are_named(tiny_a):
    with pytest.raises(DeviceNotAvailableError, match="cuda:7"):
        KoEmbeddingTransformer(str(tiny_a), device=["cpu", "cuda:7"]).fit([])
    with pytest.raises(DeviceNotAvailableError, match="empty"):
        KoEmbeddingTransformer(str(tiny_a), device=[]).fit([])


# In memory


@pytest.mark.parametrize("cached", [False, True])
def test_memory_does_not_grow_with_the_corpus(tmp_path, cached):
    # Bookkeeping may take some 200 bytes a text, a fifth of the smallest vector; tokens of all texts would be more.
    # Both are more than the two chunks of texts that are at work at a time. In processes of their own: how soon Python
    # collects garbage depends on all that other tests have left behind.
    arguments = [(n, tmp_path / str(n) if cached else False) for n in (10_000, 30_000)]
    small, large = in_children(peak_beyond_result, *arguments)
    assert (large - small) / 20_000 < 200, (small, large)


def test_long_texts_are_tokenised_in_small_chunks(tiny_a, monkeypatch):
    sizes = []
    tokenise = SentenceTransformerEncoder.tokenise

    def measured(self, texts, **kwargs):
        sizes.append(sum(map(len, texts)))
        return tokenise(self, texts, **kwargs)

    monkeypatch.setattr(SentenceTransformerEncoder, "tokenise", measured)
    monkeypatch.setattr("skko.embedding._compute._CHUNK_CHARACTERS", 1000)
    texts = [f"환불해 주세요 {i} " * 10 for i in range(60)]
    vectors = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(texts)
    assert len(sizes) > 5
    assert max(sizes) <= 1000 + max(map(len, texts))
    assert sum(sizes) == sum(map(len, texts))
    monkeypatch.undo()
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
