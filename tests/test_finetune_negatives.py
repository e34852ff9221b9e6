"""Hard negatives against a search by hand over all passages."""

from itertools import combinations

import numpy as np
import pytest

from skko import EmbeddingCache, KoEmbeddingTransformer
from skko.embedding import encode_counts
from skko.finetune import KoEmbeddingFineTuner, mine_hard_negatives
from tests.finetuning import build_small_static

WORDS = "배송 환불 로그인 영화 날씨 한국어 문장 정말 오늘 주문 취소 쿠폰 결제 포인트".split()


def draw(n_texts: int, seed: int, n_words: int = 4) -> list[str]:
    """Texts of different words: the same words in another order would tie but for rounding."""
    chosen = list(combinations(WORDS, n_words))
    return [" ".join(chosen[i]) for i in np.random.default_rng(seed).permutation(len(chosen))[:n_texts]]


def oracle(queries, passages, positives, embed, n_negatives, ranks, margin, max_cosine):
    """One query after another, one passage after another."""
    documents = list(dict.fromkeys(passages))
    vector = {text: embed([text])[0] for text in {*queries, *documents, *positives}}
    answers = {query: {p for q, p in zip(queries, positives, strict=True) if q == query} for query in queries}
    rows = []
    for query, positive in zip(queries, positives, strict=True):
        others = [text for text in documents if text not in answers[query]]
        others.sort(key=lambda text: -float(vector[query] @ vector[text]))
        limit = float(vector[query] @ vector[positive]) - margin
        limit = limit if max_cosine is None else min(limit, max_cosine)
        near = [text for text in others[ranks[0] - 1 : ranks[1]] if float(vector[query] @ vector[text]) <= limit]
        if len(near) >= n_negatives:
            rows.append((query, positive, *near[:n_negatives]))
    return rows


@pytest.mark.parametrize(
    ("n_negatives", "ranks", "margin", "max_cosine"),
    [(1, (1, 100), 0.05, None), (3, (1, 20), 0.0, None), (2, (5, 9), -1.0, None), (2, (1, 40), 0.1, 0.5)],
)
def test_negatives_are_those_of_the_definition(n_negatives, ranks, margin, max_cosine):
    embedder = KoEmbeddingTransformer("skko-mini", cache=EmbeddingCache()).fit([])
    queries = draw(30, 0) + draw(5, 0)  # the last five ask again, for another answer
    passages = draw(80, 1) + draw(10, 1)  # and some passages stand twice
    positives = passages[20:50] + passages[:4] + ["어디에도 없는 답"]
    settings = {"n_negatives": n_negatives, "ranks": ranks, "margin": margin, "max_cosine": max_cosine}
    table = mine_hard_negatives(queries, passages, positives, model=embedder, **settings)
    expected = oracle(queries, passages, positives, embedder.transform, **settings)
    assert [tuple(row) for row in table.itertuples(index=False)] == expected
    assert table.attrs["left_out"] == 35 - len(expected)
    assert list(table.columns) == ["anchor", "positive", *(f"negative_{place + 1}" for place in range(n_negatives))]


def test_texts_are_embedded_once_ever(fresh_cache):
    queries, passages = draw(20, 2), draw(50, 3)
    arguments = {"model": "skko-mini", "n_negatives": 1, "margin": -1.0}
    before = encode_counts().texts_encoded
    first = mine_hard_negatives(queries, passages, passages[:20], **arguments)
    assert encode_counts().texts_encoded - before == len({*queries, *passages})
    again = mine_hard_negatives(queries, passages, passages[:20], **arguments | {"n_negatives": 2})
    assert encode_counts().texts_encoded - before == len({*queries, *passages})
    assert again["negative_1"].tolist() == first["negative_1"].tolist()


def test_the_tuner_takes_the_table_as_it_is(fresh_cache, tmp_path):
    queries, passages = draw(40, 4), draw(60, 5)
    table = mine_hard_negatives(queries, passages, passages[:40], model="skko-mini", n_negatives=2, margin=-1.0)
    small = build_small_static(tmp_path / "small")
    tuner = KoEmbeddingFineTuner(small, epochs=1, batch_size=8, learning_rate=0.01).fit(table)
    assert tuner.loss_ == "multiple_negatives_ranking"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positives": ["나"]}, "2 queries and 1 positives"),
        ({"ranks": (0, 9)}, "must hold n_negatives=4 ranks"),
        ({"ranks": (3, 5)}, "must hold n_negatives=4 ranks"),
        ({"n_negatives": 3, "margin": 0.9}, "No query has 3 negatives"),
    ],
)
def test_what_cannot_be_mined_is_said(arguments, message):
    usual = {"queries": ["가", "나"], "passages": draw(9, 6), "positives": ["다", "라"], "model": "skko-mini"}
    with pytest.raises(ValueError, match=message):
        mine_hard_negatives(**usual | arguments)
