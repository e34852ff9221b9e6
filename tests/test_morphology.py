"""Morphemes by the real Kiwi: analysed once, in order, bounded; and TF-IDF on them."""

import pickle
import threading
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skko import KoMorphemeVectorizer
from skko.text import Morpheme, analyse, morphology, tokenise

TEXTS = ["한국은 겨울이 춥다", "한국의 여름은 덥다", "한국이 좋다", "집에서 돈을 세다", "美 대통령의 AS 문의", ""]


@pytest.fixture
def analysed(monkeypatch):
    """Texts that reach Kiwi, with an empty memory."""
    seen = []
    kiwi = morphology._kiwi()

    class Recording:
        def tokenize(self, texts):
            texts = list(texts)
            seen.extend(texts)
            return kiwi.tokenize(texts)

    monkeypatch.setattr(morphology, "_kiwi", Recording)
    monkeypatch.setattr(morphology, "_memory", morphology._Memory(1 << 20))
    return seen


def test_josa_and_endings_are_not_content():
    tokens = tokenise(TEXTS)
    assert tokens[0][:2] == ["한국", "겨울"]
    assert {"집", "돈"} <= set(tokens[3])
    assert {"美", "as"} <= set(tokens[4])
    assert tokens[5] == []
    assert not {"은", "이", "의", "을", "에서", "다"} & {token for text in tokens for token in text}


def test_each_text_is_analysed_once_and_order_is_kept(analysed):
    first = analyse([*TEXTS, *TEXTS])
    again = analyse(TEXTS[::-1])
    assert sorted(analysed) == sorted(TEXTS)
    assert first[:6] == first[6:] == again[::-1]
    assert isinstance(first[0][0], Morpheme)


def test_vectoriser_and_keywords_share_one_analysis(analysed):
    KoMorphemeVectorizer().fit(TEXTS).transform(TEXTS)
    KoMorphemeVectorizer(tags="nouns").fit(TEXTS)
    assert len(analysed) == len(TEXTS)


def test_the_memory_is_bounded_and_drops_the_least_used():
    two = (Morpheme("가", "NNG"), Morpheme("나", "NNG"))
    cost = morphology._Memory.cost("a", two)
    memory = morphology._Memory(2 * cost)
    memory.put("a", two), memory.put("b", two)
    memory.get("a")
    memory.put("c", two)
    assert [memory.get(name) is not None for name in "abc"] == [True, False, True]
    assert memory.size == 2 * cost
    memory.put("c", two[:1])
    assert memory.size == 2 * cost - 8  # a pointer


def test_the_memory_counts_all_that_it_holds():
    morphemes = [Morpheme(str(i), "SN") for i in range(8)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        memory = morphology._Memory(1 << 30)
        for i in range(20_000):
            memory.put(f"{i}번 고객: 배송이 늦어요", tuple(morphemes))
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held == pytest.approx(memory.size, rel=0.25)


def test_threads_get_the_right_morphemes(analysed):
    texts = [f"{i}번 문장을 분석한다" for i in range(40)]
    expected = [tokenise([text])[0] for text in texts]
    results = {}
    threads = [threading.Thread(target=lambda i=i: results.update({i: tokenise(texts)})) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == expected for result in results.values())


def test_very_long_texts_are_cut_at_spaces_and_lose_nothing(analysed):
    text = "한국어 문장을 분석하는 도구입니다. " * 1000
    (tokens,) = tokenise([text])
    assert len(analysed) > 1
    assert "".join(analysed) == text
    assert all(len(piece) <= morphology._LONGEST for piece in analysed)
    assert tokens.count("도구") == 1000
    assert "".join(morphology._pieces("가" * 20_000)) == "가" * 20_000


def test_tf_idf_is_that_of_the_formula():
    tokens = tokenise(TEXTS)
    vectorizer = KoMorphemeVectorizer(sublinear_tf=True).fit(TEXTS)
    names = vectorizer.get_feature_names_out().tolist()
    assert names == sorted({token for text in tokens for token in text})
    counts = np.array([[text.count(name) for name in names] for text in tokens], dtype=float)
    idf = np.log((1 + len(TEXTS)) / (1 + (counts > 0).sum(axis=0))) + 1
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    expected = weights / np.where(lengths > 0, lengths, 1)
    features = vectorizer.transform(TEXTS)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.toarray(), expected, atol=1e-6)


def test_n_grams_stop_words_and_tags():
    pairs = KoMorphemeVectorizer(ngram_range=(2, 2)).fit(TEXTS)
    assert "한국 겨울" in pairs.vocabulary_
    assert "한국" not in KoMorphemeVectorizer(stop_words=["한국"]).fit(TEXTS).vocabulary_
    assert "때문" not in KoMorphemeVectorizer(stop_words="korean").fit(["비 때문에 늦다"]).vocabulary_
    assert "춥" not in KoMorphemeVectorizer(tags="nouns").fit(TEXTS).vocabulary_
    assert list(KoMorphemeVectorizer(tags=["NNB"]).fit(["네 번 말했다"]).vocabulary_) == ["번"]


def test_no_texts_and_no_words():
    vectorizer = KoMorphemeVectorizer().fit(TEXTS)
    assert vectorizer.transform([]).shape == (0, vectorizer.n_features_out_)
    assert vectorizer.transform([""]).nnz == 0
    with pytest.raises(ValueError, match="empty vocabulary"):
        KoMorphemeVectorizer().fit(["ㅋㅋㅋ", ""])


def test_it_is_searched_cloned_and_pickled():
    texts, labels = TEXTS[:4] * 6, [0, 0, 0, 1] * 6
    pipeline = make_pipeline(KoMorphemeVectorizer(), LogisticRegression())
    params = {"komorphemevectorizer__ngram_range": [(1, 1), (1, 2)]}
    search = GridSearchCV(clone(pipeline), params, cv=2).fit(texts, labels)
    copied = pickle.loads(pickle.dumps(search.best_estimator_))
    assert copied.predict(["돈을 세는 집"]) == search.predict(["돈을 세는 집"])
