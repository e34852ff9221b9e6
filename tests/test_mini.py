"""skko-mini: a plain sentence-transformers model inside the package."""

import json

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from skko import KoEmbeddingTransformer
from skko.exceptions import TruncationWarning
from skko.models import mini_path

TEXTS = [
    "배송이 너무 늦어요",
    "배송이 늦네요",
    "환불해 주세요",
    "오늘 날씨가 좋다",
    "iPhone 15 케이스 美 대통령 ㅋㅋ 3,000원 🙂",
]


@pytest.fixture(scope="module")
def plain() -> SentenceTransformer:
    return SentenceTransformer(str(mini_path()), device="cpu")


def test_it_loads_with_no_code_of_skko(plain):
    modules = json.loads((mini_path() / "modules.json").read_text(encoding="utf-8"))
    assert all(module["type"].startswith("sentence_transformers.") for module in modules)
    vectors = plain.encode(TEXTS)
    assert vectors.shape == (5, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_skko_gives_the_same_vectors(plain):
    vectors = KoEmbeddingTransformer("skko-mini").fit_transform(TEXTS)
    assert vectors.dtype == np.float32
    assert (vectors * plain.encode(TEXTS)).sum(axis=1).min() > 0.99999


def test_it_knows_what_means_the_same():
    similarity = KoEmbeddingTransformer("skko-mini").fit([]).similarity(TEXTS[:1], TEXTS[1:4])[0]
    assert similarity[0] > 0.5 > 0.3 > similarity[1:].max()


def test_empty_and_unknown_texts_are_finite_and_the_others_of_unit_length():
    texts = ["", "   ", "\n", "가", "ᄒ", "\U0001f9ff", "ทดสอบ", "x" * 5000]
    vectors = KoEmbeddingTransformer("skko-mini").fit_transform(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.isfinite(vectors).all()
    assert not lengths[:3].any()
    np.testing.assert_allclose(lengths[3:], 1, atol=1e-5)


def test_texts_are_cut_at_max_length_and_it_says_so():
    tokenizer = Tokenizer.from_file(str(mini_path() / "tokenizer.json"))
    text = "배송이 너무 늦어서 환불해 주세요. 언제쯤 받을 수 있을까요?"
    end = tokenizer.encode(text, add_special_tokens=False).offsets[4][1]
    with pytest.warns(TruncationWarning, match="1 of 1 texts"):
        cut = KoEmbeddingTransformer("skko-mini", max_length=5).fit_transform([text])
    np.testing.assert_array_equal(cut, KoEmbeddingTransformer("skko-mini").fit_transform([text[:end]]))


def test_its_files_fit_the_wheel_and_the_card_names_the_licence():
    size = sum(file.stat().st_size for file in mini_path().rglob("*") if file.is_file())
    assert size < 30e6
    card = (mini_path() / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-sa-4.0" in card
    assert "KorSTS" in card
