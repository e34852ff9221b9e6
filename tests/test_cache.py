"""EmbeddingCache: bit for bit, bounded, shared by threads and processes, and never the cause of a wrong vector."""

import pickle
import shutil
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skko import EmbeddingCache, KoEmbeddingTransformer, set_config
from skko.embedding.cache import embedding_keys
from skko.embedding.cache._disk import DiskStore
from tests.caching import TEXTS, get, get_from, keys_of, store, vectors_of  # noqa: F401
from tests.children import in_a_child
from tests.embedding import count_encoded


@pytest.fixture(params=["memory", "disk"])
def make_cache(request, tmp_path):
    path = None if request.param == "memory" else tmp_path / "vectors"
    return lambda **kwargs: EmbeddingCache(path, **kwargs)


def test_keys_tell_apart_all_that_decides_a_vector():
    scopes = [
        {"fingerprint": f, "prompt": p, "max_length": m} for f in ("a", "b") for p in ("", "q") for m in (None, 8)
    ]
    keys = np.concatenate([embedding_keys(["가", "나", "", "\u1100\u1161"], **scope) for scope in scopes])
    assert len(np.unique(keys[:, 0])) == len(np.unique(keys[:, 1])) == len(keys) == 32


def test_a_prompt_is_not_the_same_as_the_text_with_it():
    with_prompt = embedding_keys(["b"], fingerprint="f", prompt="a", max_length=None)
    without = embedding_keys(["ab"], fingerprint="f", prompt="", max_length=None)
    assert (with_prompt != without).any()


def test_keys_are_the_same_in_every_process():
    expected = embedding_keys(["가"], fingerprint="f", prompt="", max_length=8)
    assert expected.tolist() == [[4902253458654428181, -3700671610365458972]]


def test_what_was_put_comes_back_bit_for_bit(make_cache):
    cache, vectors = make_cache(), vectors_of(10)
    vectors[0, 0], vectors[1, 0], vectors[2, 0] = np.nan, -0.0, np.inf
    cache.put_many(keys_of(*range(10)), vectors)
    found, out = get(cache, *range(11))
    assert found.tolist() == [True] * 10 + [False]
    assert out[:10].tobytes() == vectors.tobytes()


@pytest.mark.parametrize("dimension", [1, 3, 256, 1025])
def test_any_dimension_comes_back(make_cache, dimension):
    cache, vectors = make_cache(), vectors_of(20, dimension)
    cache.put_many(keys_of(*range(20)), vectors)
    found, out = get(cache, *range(19, -1, -1), dimension=dimension)
    assert found.all()
    assert out[::-1].tobytes() == vectors.tobytes()


def test_dimensions_share_a_cache(make_cache):
    cache = make_cache()
    cache.put_many(keys_of("a"), vectors_of(1, 8))
    cache.put_many(keys_of("b"), vectors_of(1, 4))
    cache.put_many(keys_of("c"), vectors_of(1, 8, seed=1))
    assert (len(cache), cache.n_bytes) == (3, 80)
    assert (
        get(cache, "c", "a", dimension=8)[1].tobytes()
        == vectors_of(1, 8, seed=1).tobytes() + vectors_of(1, 8).tobytes()
    )


def test_the_bound_holds_and_the_least_used_go(make_cache):
    cache, vectors = make_cache(max_bytes=16 * 3), vectors_of(4)
    for i in range(3):
        cache.put_many(keys_of(i), vectors[i : i + 1])
    assert get(cache, 0)[0][0]
    cache.put_many(keys_of(3), vectors[3:])
    assert (len(cache), cache.n_bytes) == (3, 48)
    assert get(cache, *range(4))[0].tolist() == [True, False, True, True]


def test_the_bound_is_the_setting(make_cache):
    set_config(disk_cache_bytes=160, memory_cache_bytes=160)
    try:
        cache = make_cache()
        cache.put_many(keys_of(*range(100)), vectors_of(100))
        assert 0 < cache.n_bytes <= 160
        assert get(cache, 99)[0][0]
    finally:
        set_config(disk_cache_bytes=None, memory_cache_bytes=None)


def test_a_bound_of_nothing_holds_nothing(make_cache):
    cache = make_cache(max_bytes=0)
    cache.put_many(keys_of(*range(5)), vectors_of(5))
    assert (len(cache), cache.n_bytes) == (0, 0)


def test_a_second_vector_for_a_key_takes_the_place_of_the_first(make_cache):
    cache = make_cache()
    cache.put_many(keys_of("a"), vectors_of(1, seed=0))
    cache.put_many(keys_of("a"), vectors_of(1, seed=1))
    assert len(cache) == 1
    assert get(cache, "a")[1].tobytes() == vectors_of(1, seed=1).tobytes()


def test_a_view_of_another_array_is_kept_as_it_was(make_cache):
    cache, vectors = make_cache(), vectors_of(4, 8)
    cache.put_many(keys_of(0, 1), vectors[::2, ::2])
    expected = vectors[::2, ::2].tobytes()
    vectors[:] = 0
    assert get(cache, 0, 1)[1].tobytes() == expected


def test_clear_forgets(make_cache):
    cache = make_cache()
    cache.put_many(keys_of("a"), vectors_of(1))
    cache.clear()
    assert (len(cache), cache.n_bytes) == (0, 0)
    assert not get(cache, "a")[0].any()
    cache.put_many(keys_of("a"), vectors_of(1))
    assert get(cache, "a")[0].all()


def test_a_claim_is_given_once_until_released_or_filled(make_cache):
    cache = make_cache()
    assert cache.claim(keys_of("a", "b")).all()
    assert cache.claim(keys_of("a", "b", "c")).tolist() == [False, False, True]
    cache.release(keys_of("a"))
    assert cache.claim(keys_of("a")).all()
    cache.put_many(keys_of("b"), vectors_of(1))
    assert not cache.claim(keys_of("b")).any()  # known: there is nothing to compute
    cache.clear()
    assert cache.claim(keys_of("b")).all()  # and putting it gave up the claim


def test_threads_share_a_cache(make_cache):
    cache = make_cache(max_bytes=1 << 14)
    wrong = []

    def work(seed):
        for i in range(60):
            vector = vectors_of(1, 16, seed * 1000 + i)
            cache.put_many(keys_of((seed, i)), vector)
            found, out = get(cache, (seed, i), dimension=16)
            if found[0] and out.tobytes() != vector.tobytes():
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert 0 < cache.n_bytes <= 1 << 14


def test_negative_bound_is_an_error():
    with pytest.raises(ValueError, match="negative"):
        EmbeddingCache(max_bytes=-1)


def test_a_small_cache_costs_speed_and_not_the_result(make_cache, tiny_a):
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    cache = make_cache(max_bytes=1000)
    vectors = KoEmbeddingTransformer(str(tiny_a), cache=cache).fit_transform(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert cache.n_bytes <= 1000


def test_clones_share_a_cache_and_pickles_carry_none_of_it(tiny_a):
    cache = EmbeddingCache(max_bytes=1 << 20)
    clone(make_pipeline(KoEmbeddingTransformer(str(tiny_a), cache=cache))).fit_transform(TEXTS)
    assert len(cache) == 150
    copied = pickle.loads(pickle.dumps(cache))
    assert (len(copied), copied.max_bytes) == (0, 1 << 20)


def test_a_pickle_finds_its_directory_again(tmp_path):
    cache = EmbeddingCache(tmp_path / "vectors", max_bytes=1 << 20)
    cache.put_many(keys_of("a"), vectors_of(1))
    assert len(pickle.dumps(cache)) < 500
    copied = pickle.loads(pickle.dumps(cache))
    assert (copied.path, copied.max_bytes, len(copied)) == (cache.path, 1 << 20, 1)


def test_a_path_is_a_cache(tiny_a, tmp_path, counting):
    for path in (tmp_path / "here", str(tmp_path / "here")):
        KoEmbeddingTransformer(str(tiny_a), cache=path).fit_transform(TEXTS)
    assert counting()[0] == 150
    assert len(EmbeddingCache(tmp_path / "here")) == 150


def test_composed_and_decomposed_hangul_are_different_texts(tiny_a, counting):
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(["가", "\u1100\u1161"])
    assert counting()[0] == 2


def test_the_default_cache_outlives_the_process(tiny_a, fresh_cache, counting):
    texts = ["가", "나", "다"]
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(texts)
    assert counting() == (3, 1)
    assert in_a_child(count_encoded, str(tiny_a), texts) == (0, 0)
    assert len(EmbeddingCache(fresh_cache / "embeddings")) == 3


@given(st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_store_holds_what_a_dictionary_does(tmp_path, data):
    directory = tmp_path / str(time.perf_counter_ns())
    store, oracle = DiskStore(directory), {}
    try:
        for step in range(data.draw(st.integers(1, 12))):
            texts = data.draw(st.lists(st.integers(0, 20), unique=True, min_size=1, max_size=8))
            if data.draw(st.booleans()):
                vectors = vectors_of(len(texts), 4, seed=step)
                store.put(keys_of(*texts), vectors, 1 << 20)
                oracle |= dict(zip(texts, vectors, strict=True))
            else:
                found, out = get_from(store, texts)
                assert found.tolist() == [text in oracle for text in texts]
                assert all(np.array_equal(out[i], oracle[text]) for i, text in enumerate(texts) if text in oracle)
            if data.draw(st.booleans()):
                store.close()
                store = DiskStore(directory)
        assert len(store) == len(oracle)
    finally:  # also where Hypothesis ends an example early
        store.close()
    shutil.rmtree(directory)
