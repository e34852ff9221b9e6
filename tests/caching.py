"""What the tests of the cache share: keys and vectors, and a store."""

import numpy as np
import pytest

from skko.embedding.cache import embedding_keys
from skko.embedding.cache._disk import DiskStore

TEXTS = [f"{a} {i}" for i in range(50) for a in ("환불해 주세요", "배송이 늦어요", "로그인이 안 돼요")]


def keys_of(*texts):
    return embedding_keys([str(text) for text in texts], fingerprint="f", prompt="", max_length=None)


def vectors_of(n, dimension=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


def get(cache, *texts, dimension=4):
    out = np.zeros((len(texts), dimension), dtype=np.float32)
    return cache.get_many(keys_of(*texts), out), out


@pytest.fixture
def store(tmp_path):
    store = DiskStore(tmp_path / "vectors")
    yield store
    store.close()


def get_from(store, texts, dimension=4):
    out = np.zeros((len(texts), dimension), dtype=np.float32)
    return store.get(keys_of(*texts), out), out
