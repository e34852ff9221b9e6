"""VectorTable: every vector in the row of its own text, whoever computed it and in whatever order it is asked for."""

import threading
from functools import partial

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from skko import EmbeddingCache, KoEmbeddingTransformer
from skko.embedding._table import VectorTable
from skko.embedding.cache import embedding_keys


@given(st.permutations(range(8)), st.integers(0, 8), st.integers(0, 255))
@example([0, 2, 1, 3, 4, 5, 6, 7], 4, 255)  # as many rows as from the first to the last, and not in their order
@example([3, 7, 5, 0, 1, 2, 4, 6], 3, 255)  # and not the rows between them
def test_rows_are_looked_up_in_any_order(order, n_rows, known):
    texts = [f"문장 {row}" for row in range(8)]
    keys = partial(embedding_keys, fingerprint="f", prompt="", max_length=None)
    kept = [row for row in range(8) if known >> row & 1]
    cache = EmbeddingCache()
    cache.put_many(keys([texts[row] for row in kept]), np.array(kept, dtype=np.float32)[:, None])
    table = VectorTable(texts, 1, cache, keys)
    table.look_up(table.rows)
    asked = order[:n_rows]
    assert table.look_up(np.array(asked, dtype=np.intp)).tolist() == [row for row in asked if row not in kept]
    assert table.all_vectors()[kept, 0].tolist() == kept


def test_what_another_computes_arrives_in_its_own_row(tiny_a, tmp_path):
    # The longest texts are embedded first, and so waited for first: rows 0, 2, 1, 3.
    texts = ["환불해 주세요 " * n for n in (4, 2, 3, 1)]
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(texts)
    cache = EmbeddingCache(tmp_path / "cache")
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=cache).fit([])
    keys = embedding_keys(texts, fingerprint=embedder.model_fingerprint_, prompt="", max_length=128)
    assert cache.claim(keys).all()
    other = threading.Timer(0.2, cache.put_many, (keys, expected))
    other.start()
    np.testing.assert_allclose(embedder.transform(texts), expected, atol=1e-6)
    other.join()
