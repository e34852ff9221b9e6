"""The parts of a search, each beside its definition in plain Python."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skko.search.columns import TextColumn
from skko.search.dense import DenseIndex, _scan
from skko.search.documents import Documents
from skko.search.index import PassageIndex, Queries
from skko.search.lexical import LexicalIndex
from skko.search.passages import split_texts
from skko.search.ranking import Candidates, fuse, part_weights, rank
from skko.similarity import prepare, top_k
from skko.text import tokenise

TEXTS = [
    "배송이 너무 늦어요",
    "배송비 환불은 언제 되나요",
    "환불 환불 환불",
    "",
    "비밀번호를 잊어서 로그인이 안 됩니다",
    "배송이 너무 늦어요",
]


def bm25(query: str, texts: list[str], k1: float, b: float) -> list[float]:
    """Lucene's BM25 by its formula."""
    documents = [Counter(tokens) for tokens in tokenise(texts)]
    lengths = [sum(document.values()) for document in documents]
    mean = sum(lengths) / len(lengths)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        score = 0.0
        for token in tokenise([query])[0]:
            n, tf = sum(token in other for other in documents), document[token]
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            score += idf * tf / (tf + k1 * (1 - b + b * length / mean)) if tf else 0.0
        scores.append(score)
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.9, 0.0), (2.0, 1.0)])
@pytest.mark.parametrize("query", ["환불 배송", "환불 환불", "없는말뭉치", "", "배송이 늦어서 환불하고 싶어요"])
def test_lexical_scores_are_those_of_the_formula(query, k1, b):
    index = LexicalIndex.of(TEXTS, k1=k1, b=b)
    np.testing.assert_allclose(index.scores(query), bm25(query, TEXTS, k1, b), rtol=1e-5, atol=1e-7)


def test_what_morphemes_add_is_the_score():
    index = LexicalIndex.of(TEXTS, k1=1.2, b=0.75)
    matches = index.matches("환불 배송비 환불", 1)
    assert set(matches) == {"환불", "배송", "비"} or set(matches) == {"환불", "배송비"}
    assert sum(matches.values()) == pytest.approx(float(index.scores("환불 배송비 환불")[1]), rel=1e-5)
    assert list(matches.values()) == sorted(matches.values(), reverse=True)
    assert index.matches("환불", 3) == {}


def test_lexical_additions_and_removals_are_as_if_indexed_at_once():
    index = LexicalIndex.of(TEXTS[:2], k1=1.2, b=0.75).extended(TEXTS[2:]).take(np.array([5, 1, 2]))
    at_once = LexicalIndex.of([TEXTS[5], TEXTS[1], TEXTS[2]], k1=1.2, b=0.75)
    np.testing.assert_allclose(index.scores("배송 환불"), at_once.scores("배송 환불"), rtol=1e-6)


def test_lexical_index_of_nothing():
    for texts in ([], ["", "!!"]):
        assert LexicalIndex.of(texts, k1=1.2, b=0.75).scores("환불").tolist() == [0.0] * len(texts)


vectors = st.integers(0, 12).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=3, max_size=3), min_size=n, max_size=n
    ).map(lambda rows: np.array(rows, dtype=np.float32).reshape(-1, 3))
)


@settings(max_examples=150, deadline=None)
@given(vectors, vectors, st.integers(0, 15))
@example(np.zeros((2, 3), np.float32), np.zeros((4, 3), np.float32), 3)
def test_a_scan_finds_what_top_k_finds_to_the_last_bit(A, B, k):
    expected, cosines = top_k(A, B, k)
    queries, corpus = prepare(A), prepare(B)
    found = _scan(queries, corpus, min(k, len(B)))
    np.testing.assert_array_equal(np.array(found, dtype=int).reshape(expected.shape), expected)
    index = DenseIndex(corpus)
    for query, row in enumerate(found):
        np.testing.assert_array_equal(index.cosines(queries, query, row), cosines[query])


def test_many_queries_and_few_find_the_same():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(80, 8)), rng.normal(size=(300, 8))
    index, queries = DenseIndex.of(B), prepare(A)
    allowed = np.flatnonzero(rng.random(300) < 0.5)
    for choice in (None, allowed):
        many = index.nearest(queries, 7, choice)
        one_by_one = [index.nearest(prepare(A[[row]]), 7, choice)[0] for row in range(80)]
        np.testing.assert_array_equal(many, one_by_one)
        assert choice is None or np.isin(many, choice).all()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="가나. !?\n\t\"'”)3a", max_size=60), st.sampled_from(["sentences", 1, 5, 12, None]))
def test_passages_cover_all_but_white_space_in_order(text, split):
    passages = split_texts([text, "뒤"], split)
    spans = passages.spans[: passages.starts[1]].tolist()
    assert spans
    assert passages.starts[-1] == len(passages.spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    inside = "".join(text[start:end] for start, end in spans)
    assert "".join(inside.split()) == "".join(text.split())
    if split is not None and text.strip():
        assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    if isinstance(split, int) and text.strip():
        assert all(end - start <= split for start, end in spans)


def test_sentences_end_where_they_do():
    text = '그는 "갑니다." 하고 떠났다. 3.5점?! 끝…\n다음 줄'
    spans = split_texts([text], "sentences").spans
    assert [text[a:b] for a, b in spans] == ['그는 "갑니다."', "하고 떠났다.", "3.5점?!", "끝…", "다음 줄"]


@given(st.lists(st.text(max_size=5).filter(lambda text: text.isprintable())))
def test_a_column_gives_back_its_texts(texts):
    column = TextColumn.of(texts)
    assert list(column) == texts
    rows = np.arange(len(texts))[::-2]
    assert list(column.take(rows) + column) == [*texts[::-2], *texts]


def test_a_column_has_no_row_beyond_its_last():
    column = TextColumn.of(["가", "나"])
    assert column[-1] == "나"
    with pytest.raises(IndexError):
        column[2]


def test_filters():
    rows = [{"year": 2019, "tags": "a"}, {"year": 2020}, {"year": None, "tags": "b"}]
    documents = Documents.of(["가", "나", "다"], None, rows)
    for where, expected in [
        ({"year": 2020}, [0, 1, 0]),
        ({"year": [2019, 2020]}, [1, 1, 0]),
        ({"year": range(2000, 2020)}, [1, 0, 0]),
        ({"year": lambda year: year is None}, [0, 0, 1]),
        ({"tags": "a", "year": 2020}, [0, 0, 0]),
        ({"tags": {"a", "b"}}, [1, 0, 1]),
        (lambda row: "tags" not in row, [0, 1, 0]),
        ({}, [1, 1, 1]),
    ]:
        assert documents.matching(where).tolist() == [bool(value) for value in expected]
    with pytest.raises(ValueError, match=r"\['yaer'\].*\['tags', 'year'\]"):
        documents.matching({"yaer": 1})


def test_documents_say_what_is_wrong_with_ids_and_metadata():
    with pytest.raises(ValueError, match="2 texts and 1 ids"):
        Documents.of(["가", "나"], ["a"], None)
    with pytest.raises(ValueError, match='id "a" is given to two'):
        Documents.of(["가", "나"], ["a", "a"], None)
    with pytest.raises(TypeError, match=r"ids has 1\.5 of type float at row 1"):
        Documents.of(["가", "나"], ["a", 1.5], None)
    with pytest.raises(TypeError, match="metadata has a str at row 0"):
        Documents.of(["가"], None, ["year"])
    with pytest.raises(TypeError, match="JSON, which has no object"):
        Documents.of(["가"], None, [{"x": object()}])
    assert Documents.of(["가", "나"], [1, "1"], None).rows(["1", np.int64(1)]).tolist() == [1, 0]


def test_weights():
    assert part_weights(0.25, ("dense", "lexical")) == {"dense": 0.25, "lexical": 0.75}
    assert part_weights(0, ("dense", "lexical")) == {"lexical": 1.0}
    three = part_weights(1.0, ("dense", "lexical", "sparse", "colbert"))
    assert three == pytest.approx({"dense": 0.4, "sparse": 0.2, "colbert": 0.4})
    assert part_weights({"dense": 1, "lexical": 3}, ("dense", "lexical")) == {"dense": 0.25, "lexical": 0.75}
    for alpha in ({"dense": -1, "lexical": 2}, {"lexcial": 1}, {"dense": 0}, {}):
        with pytest.raises(ValueError, match="alpha"):
            part_weights(alpha, ("dense", "lexical"))
    with pytest.raises(ValueError, match="alpha=0"):
        part_weights(0, ("dense",))


scores = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.data(), scores, st.sampled_from([0.1, 0.5, 0.8]))
def test_fusion_by_its_definitions(data, dense, alpha):
    lexical = data.draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5, 7.0]), min_size=len(dense), max_size=len(dense)))
    parts = {"dense": np.array(dense), "lexical": np.array(lexical)}
    weights = {"dense": alpha, "lexical": 1 - alpha}

    def softmax(values):
        spread = np.std(values)
        powers = [math.exp((value - max(values)) / spread) if spread > 0 else 1.0 for value in values]
        return [power / sum(powers) for power in powers]

    def unit(values, low):
        return [(value - low) / (max(values) - low) if max(values) > low else 0.0 for value in values]

    def reciprocal(values, matching):
        ranks = [1 + sum(other > value for other in values) for value in values]
        return [0.0 if matching and value <= 0 else 1 / (60 + r) for value, r in zip(values, ranks, strict=True)]

    expected = {
        "adaptive": (softmax(dense), softmax(lexical)),
        "weighted": (unit(dense, min(dense)), unit(lexical, 0.0)),
        "rrf": (reciprocal(dense, False), reciprocal(lexical, True)),
    }
    for method, (left, right) in expected.items():
        fused = alpha * np.array(left) + (1 - alpha) * np.array(right)
        np.testing.assert_allclose(fuse(parts, weights, method), fused, rtol=1e-6, atol=1e-12)
        np.testing.assert_array_equal(fuse(parts, {"dense": 1.0}, method), dense)


def test_a_document_is_as_good_as_its_best_passage():
    places = np.array([0, 2, 3])
    found = Candidates(np.array([4, 7, 9]), np.arange(6), places, {"dense": np.array([0.1, 0.5, 0.5, 0.2, 0.9, 0.9])})
    ranking = rank(found, {"dense": 1.0}, "adaptive", 3)
    assert ranking.documents.tolist() == [9, 4, 7]
    assert ranking.scores.tolist() == [0.9, 0.5, 0.5]
    assert ranking.places.tolist() == [4, 1, 2]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_candidates_are_the_documents_with_the_best_passages(seed, n, filtered):
    rng = np.random.default_rng(seed)
    texts = [". ".join(rng.choice(["환불", "배송", "쿠폰", "회원"], size=rng.integers(1, 5))) for _ in range(8)]
    passages = split_texts(texts, "sentences")
    words = [texts[d][a:b] for d, (a, b) in zip(passages.owners, passages.spans, strict=True)]
    rows = rng.integers(-2, 3, size=(len(words), 3)).astype(np.float32)
    index = PassageIndex(passages, DenseIndex.of(rows), LexicalIndex.of(words, k1=1.2, b=0.75))
    query = rng.integers(-2, 3, size=(1, 3)).astype(np.float32)
    allowed = rng.random(8) < 0.6 if filtered else None
    (found,) = index.candidates(Queries(["환불 쿠폰"], prepare(query)), ("dense", "lexical"), n, allowed)

    everything = index.scored(Queries(["환불 쿠폰"], prepare(query)), 0, np.arange(8), ("dense", "lexical"))
    choice = [document for document in range(8) if allowed is None or allowed[document]]
    best = {part: {d: scores[passages.owners == d].max() for d in choice} for part, scores in everything.scores.items()}
    matching = sorted((d for d in choice if best["lexical"][d] > 0), key=lambda d: (-best["lexical"][d], d))[:n]
    assert set(matching) <= set(found.documents.tolist()) <= set(choice)
    # Which of equally near documents are proposed is decided by passages, so the cosines are compared.
    nearest = sorted((best["dense"][d] for d in choice), reverse=True)[:n]
    assert sorted((best["dense"][d] for d in found.documents), reverse=True)[: len(nearest)] == nearest
    assert len(found.documents) <= 2 * n
