"""KoSemanticSearch beside brute force; what is saved, added, removed and tuned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skko import KoEmbeddingTransformer
from skko.metrics import judged_ranks, retrieval_scores
from skko.search import KoSemanticSearch
from skko.search.building import normalise
from skko.search.dense import DenseIndex
from skko.search.lexical import LexicalIndex
from skko.search.ranking import FUSIONS, fuse
from tests.searching import INQUIRIES, MINI, QUERIES, TEXTS, everything, fitted, make, rows  # noqa: F401


def brute_force(texts: list[str], query: str) -> dict[str, np.ndarray]:
    """What each part says of each text, in double precision."""
    vectors = [MINI.fit_transform(normalise(some)).astype(np.float64) for some in ([query], texts)]
    units = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in vectors]
    words = LexicalIndex.of(normalise(texts), k1=1.2, b=0.75).scores(normalise([query])[0])
    return {"dense": units[1] @ units[0][0], "lexical": words.astype(np.float64)}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_search_is_brute_force(fitted, query, alpha, fusion):
    search = clone(fitted).set_params(alpha=alpha, fusion=fusion, candidates=200).fit(TEXTS)
    scores = brute_force(TEXTS, query)
    weights = {part: weight for part, weight in {"dense": alpha, "lexical": 1 - alpha}.items() if weight}
    fused = fuse({part: scores[part] for part in weights}, weights, fusion)
    (hits,) = search.search([query], 10)
    n_found = min(10, int((scores["lexical"] > 0).sum())) if alpha == 0 else 10
    assert len(hits) == n_found
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(fused)[::-1][:n_found], atol=1e-5)
    for hit in hits:
        assert hit.score == pytest.approx(fused[hit.row], abs=1e-5)
        assert hit.text == TEXTS[hit.row]
        for part, score in hit.parts.items():
            assert score == pytest.approx(scores[part][hit.row], abs=1e-5)


def test_one_query_or_many_find_the_same(fitted):
    together = everything(fitted.search(QUERIES, 7))
    assert together == [everything(fitted.search([query], 7))[0] for query in QUERIES]


def test_fewer_candidates_than_asked_for_are_raised(fitted):
    search = clone(fitted).set_params(candidates=1).fit(TEXTS)
    assert [len(hits) for hits in search.search(QUERIES, 50)] == [50] * len(QUERIES)


def test_more_than_there_are():
    search = make().fit(TEXTS[:3])
    assert [sorted(found) for found in rows(search.search(QUERIES, 10))] == [[0, 1, 2]] * len(QUERIES)
    with pytest.raises(ValueError, match="At least 1"):
        search.search(QUERIES, 0)


@pytest.mark.parametrize("params", [{}, {"alpha": 0}, {"alpha": 1}, {"split": "sentences"}, {"fusion": "rrf"}])
def test_an_empty_corpus_can_be_searched_added_to_and_saved(params, tmp_path):
    search = make(**params).fit([])
    assert rows(search.search(["환불"])) == [[]]
    search.save(tmp_path / "index")
    search = KoSemanticSearch.load(tmp_path / "index", embedder=MINI)
    assert rows(search.search(["환불"])) == [[]]
    assert rows(search.add(["환불해 주세요"]).search(["환불"])) == [[0]]
    assert rows(search.remove([0]).search(["환불"])) == [[]]
    assert rows(search.search([])) == []


def test_duplicates_are_all_found_in_their_order():
    for alpha in (0, 0.4, 1):
        search = make(alpha=alpha).fit(["배송이 늦어요", *["환불해 주세요"] * 5])
        assert rows(search.search(["환불"], 5)) == [[1, 2, 3, 4, 5]]


def test_texts_without_words_do_not_disturb():
    search = make().fit(["", "!!", "환불해 주세요", " "])
    assert rows(search.search(["환불해 주세요"], 1)) == [[2]]
    assert make(alpha=0).fit(["", "!!"]).search(["환불", ""])[0] == []


def test_vectors_with_nan_are_named_by_their_row():
    with pytest.raises(ValueError, match="NaN or infinity at row 1"):
        DenseIndex.of(np.array([[1.0, 0.0], [np.nan, 0.0]]))


class _Broken(KoEmbeddingTransformer):
    def transform(self, X):
        vectors = super().transform(X)
        vectors[-1:] = np.nan
        return vectors


def test_a_model_that_returns_nan_does_not_get_into_the_index():
    with pytest.raises(ValueError, match="NaN or infinity at row 2"):
        KoSemanticSearch(_Broken("skko-mini", cache=False), show_progress=False).fit(TEXTS[:3])


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_filters_leave_the_same_scores(fitted, alpha):
    search = clone(fitted).set_params(alpha=alpha, fusion="weighted", candidates=200)
    search.fit(TEXTS, metadata=[{"row": row} for row in range(120)])
    allowed = set(range(0, 120, 7))
    (hits,) = search.search(["환불은 언제 되나요"], 120, where={"row": allowed})
    scores = brute_force(TEXTS, "환불은 언제 되나요")
    assert {hit.row for hit in hits} == {row for row in allowed if alpha > 0 or scores["lexical"][row] > 0}
    for hit in hits:
        for part, score in hit.parts.items():
            assert score == pytest.approx(scores[part][hit.row], abs=1e-5)
    assert search.search(["환불"], where={"row": -1})[0] == []


def test_filters_by_metadata(fitted):
    hits = fitted.search(["배송이 늦어요"], 20, where={"topic": "환불"})[0]
    assert {hit.metadata["topic"] for hit in hits} <= {"환불"}
    assert [hit.row for hit in fitted.search(["배송"], where=lambda facts: facts["row"] == 3)[0]] == [3]
    with pytest.raises(ValueError, match="No document has the metadata"):
        fitted.search(["배송"], where={"topik": "환불"})


documents = st.lists(
    st.sampled_from(["환불해 주세요. 빨리요!", "배송 언제 와요?", "", "환불", "쿠폰. 쿠폰 줘요"]), max_size=5
)


@settings(max_examples=40, deadline=None)
@given(st.data(), documents, documents, st.sampled_from([None, "sentences", 4]), st.sampled_from(FUSIONS))
def test_what_is_added_and_removed_is_as_if_fitted_at_once(data, first, second, split, fusion):
    search = make(split=split, fusion=fusion).fit(first).add(second)
    both = [*first, *second]
    gone = data.draw(st.sets(st.integers(0, len(both) - 1))) if both else set()
    search.remove(gone)
    left = [row for row in range(len(both)) if row not in gone]
    at_once = make(split=split, fusion=fusion).fit([both[row] for row in left], ids=left)
    for query in (["환불 쿠폰"], ["배송"]):
        assert everything(search.search(query)) == everything(at_once.search(query))
    assert search.n_documents_ == len(left)


def test_ids():
    search = make().fit(["가", "나"], ids=["a", 7]).add(["다"])
    assert [search.documents_.id(row) for row in range(3)] == ["a", 7, 8]
    with pytest.raises(ValueError, match="already that of a document"):
        search.add(["라"], ids=["a"])
    with pytest.raises(KeyError, match="no document with the id"):
        search.remove(["a", "없음"])
    assert search.n_documents_ == 3
    with pytest.raises(TypeError, match="pass a list of ids"):
        search.remove("a")


def test_the_best_passage_is_returned_with_its_span():
    text = "안녕하세요 반갑습니다. 오늘 날씨가 좋네요.\n환불은 언제 되나요? 감사합니다."
    search = make(split="sentences").fit(["배송이 늦어요.", text])
    hit = search.search(["환불은 언제 되나요"], 1)[0][0]
    assert (hit.row, hit.passage, text[slice(*hit.span)]) == (1, "환불은 언제 되나요?", "환불은 언제 되나요?")
    assert hit.text == text


def test_explain_agrees_with_the_search(fitted):
    for hit in fitted.search(["환불은 언제 되나요"], 5)[0]:
        why = fitted.explain("환불은 언제 되나요", hit.id)
        assert (why.id, why.passage, why.span) == (hit.id, hit.passage, hit.span)
        assert why.parts == pytest.approx(hit.parts)
        assert sum(why.morphemes.values()) == pytest.approx(why.parts["lexical"], rel=1e-5)
    assert make(alpha=0).fit(TEXTS[:4]).explain("없는말", 2).morphemes == {}
    with pytest.raises(KeyError):
        fitted.explain("환불", "없음")


def test_neighbours_as_scikit_learn_gives_them(fitted):
    distances, indices = fitted.kneighbors(QUERIES, 200)
    assert distances.shape == indices.shape == (len(QUERIES), 200)
    for row, hits in enumerate(fitted.search(QUERIES, 200)):
        assert indices[row, : len(hits)].tolist() == [hit.row for hit in hits]
        np.testing.assert_array_equal(distances[row, : len(hits)], [1 - hit.score for hit in hits])
        assert (indices[row, len(hits) :] == -1).all()
        assert np.isinf(distances[row, len(hits) :]).all()
    np.testing.assert_array_equal(fitted.kneighbors(QUERIES, 200, return_distance=False), indices)


def test_results_as_a_table(fitted):
    frame = fitted.search(QUERIES[:2], 3).to_frame()
    assert list(frame.columns) == ["query", "rank", "id", "score", "passage", "dense", "lexical"]
    assert frame["rank"].tolist() == [1, 2, 3] * 2
    assert len(make().fit([]).search(["환불"]).to_frame()) == 0


def test_prompts_are_those_of_each_side(tiny_a):
    plain = KoEmbeddingTransformer(str(tiny_a))
    search = KoSemanticSearch(
        str(tiny_a), query_prompt="query: ", document_prompt="passage: ", alpha=1, show_progress=False
    ).fit(TEXTS[:9])
    passages = plain.fit_transform([f"passage: {text}" for text in normalise(TEXTS[:9])])
    query = plain.transform(["query: 환불"])
    found = {hit.row: hit.score for hit in search.search(["환불"])[0]}
    np.testing.assert_allclose([found[row] for row in range(9)], (passages @ query.T)[:, 0], atol=1e-5)


def test_tuning_takes_the_best_and_embeds_each_text_once(counting, tiny_a):
    queries, relevant = [f"{TEXTS[row]} 맞나요?" for row in range(0, 40, 2)], [[row] for row in range(1, 41, 2)]
    search = KoSemanticSearch(str(tiny_a), show_progress=False).fit(TEXTS[:41])
    before = counting()[0]
    search.tune(queries, relevant, metric="recall", k=3)
    assert counting()[0] - before == len(queries)
    table = search.tuning_
    assert len(table) == 33
    assert (search.alpha, search.fusion) == tuple(table.loc[0, ["alpha", "fusion"]])
    assert (np.diff(table["recall@3"]) <= 0).all()
    for _, tried in table.iloc[::5].iterrows():
        other = clone(search).set_params(alpha=tried["alpha"], fusion=tried["fusion"]).fit(TEXTS[:41])
        ranks = judged_ranks(rows(other.search(queries, 3)), [set(some) for some in relevant])
        assert retrieval_scores(ranks, k=[3], metrics=["recall"]).mean["recall@3"] == pytest.approx(tried["recall@3"])


def test_tuning_prompts_and_models(tiny_a, tiny_b):
    queries, relevant = TEXTS[:8], [[row] for row in range(8)]
    grid = {"embedder": [str(tiny_a), str(tiny_b)], "document_prompt": [None, "passage: "], "alpha": [0.5, 1.0]}
    search = KoSemanticSearch(str(tiny_a), show_progress=False).fit(TEXTS[:20]).tune(queries, relevant, grid, k=1)
    assert len(search.tuning_) == 8
    assert search.tuning_.loc[0, "ndcg@1"] == 1
    again = clone(search).fit(TEXTS[:20])
    assert everything(again.search(queries)) == everything(search.search(queries))


def test_tuning_says_what_is_wrong(fitted):
    for relevant, grid, message in [
        ([["q1"]], None, "each query needs its own"),
        ([["q1"], []], None, "empty at row 1"),
        ([["q1"], ["q2"]], {"k1": [1]}, "what can be tuned"),
        ([["q1"], ["q2"]], {"alpha": []}, "no value"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted.tune(["가", "나"], relevant, grid)
    with pytest.raises(TypeError, match="list of ids"):
        fitted.tune(["가"], ["q1"])
    with pytest.raises(KeyError):
        fitted.tune(["가"], [["없음"]])


def test_an_approximate_search_finds_nearly_the_same():
    pytest.importorskip("faiss")
    exact, near = (make(lexical=False, approximate=flag).fit(TEXTS) for flag in (False, True))
    pairs = zip(rows(exact.search(TEXTS[:40])), rows(near.search(TEXTS[:40])), strict=True)
    assert np.mean([len({*a} & {*b}) / 10 for a, b in pairs]) > 0.95


def test_a_saved_graph_is_read_and_not_built_again(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    search = make(lexical=False, approximate=True).fit(TEXTS)
    search.save(tmp_path / "index")
    expected = rows(search.search(TEXTS[:40]))
    monkeypatch.setattr("skko.search.dense.ApproximateIndex.__init__", lambda *_, **__: pytest.fail("built again"))
    assert rows(KoSemanticSearch.load(tmp_path / "index").search(TEXTS[:40])) == expected


def test_parameters_are_checked():
    for params in ({"alpha": 2.0}, {"fusion": "sum"}, {"split": "words"}, {"candidates": 0}, {"b": 2}):
        with pytest.raises(ValueError, match=next(iter(params))):
            make(**params).fit(TEXTS[:2])
    with pytest.raises(ValueError, match=r"heads has \['dense'\]"):
        make(heads=("dense",)).fit(TEXTS[:2])
    with pytest.raises(ValueError, match="fit it again"):
        make(alpha=0).fit(TEXTS[:2]).set_params(alpha=1).search(["가"])
    with pytest.raises(TypeError):
        make().fit("하나의 글")
