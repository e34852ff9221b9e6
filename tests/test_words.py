"""Tokens word by word against the tokeniser itself."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from skko.datasets import load_inquiries
from skko.models.backends import words
from skko.models.backends.words import WordTokeniser, splits_at_spaces
from skko.models.spec import mini_path

MINI = Tokenizer.from_file(str(mini_path() / "tokenizer.json"))
SHARED = WordTokeniser(MINI)
TEXTS = load_inquiries().texts


def expected(texts: list[str], tokenizer: Tokenizer = MINI) -> list[list[int]]:
    tokenizer.no_truncation()
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def split(table) -> list[list[int]]:
    return [row.tolist() for row in np.split(table.columns["input_ids"], np.cumsum(table.lengths)[:-1])]


BLANKS = [" ", "\t", "\n", "\x0b", "\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u200b", "\u3000"]
ODD = [*BLANKS, "\u0301", "Σ", "ς", "각", "ㅋㅋ", "👍🏽"]


@settings(max_examples=200)
@given(st.lists(st.lists(st.sampled_from(ODD) | st.text(max_size=4), max_size=12).map("".join), max_size=4))
@example(["", " ", "배송이  늦어요. ", "배송이 늦어요.", "[UNK] <unk>", "a\x1cb c\u2028d\u200be"])
def test_any_texts_have_the_ids_of_the_tokeniser(texts):
    table = SHARED(texts, None)
    assert table.lengths.tolist() == [len(ids) for ids in expected(texts)]
    if texts:
        assert split(table) == expected(texts)


@pytest.mark.parametrize("max_length", [1, 5, 1000])
def test_long_texts_are_cut(max_length):
    table = SHARED(TEXTS, max_length)
    whole = expected(TEXTS)
    assert split(table) == [ids[:max_length] for ids in whole]
    assert table.n_truncated == sum(len(ids) > max_length for ids in whole)


def test_each_word_is_cut_up_once(monkeypatch):
    seen, cut = [], words._cut

    def counting(tokenizer, texts):
        seen.extend(word for text in texts for word in text.split() if word != words._MARK)
        return cut(tokenizer, texts)

    monkeypatch.setattr(words, "_cut", counting)
    tokeniser = WordTokeniser(MINI)
    for _ in range(2):
        assert split(tokeniser(TEXTS, None)) == expected(TEXTS)
    assert len(seen) == len(set(seen)) == len({word for text in TEXTS for word in text.split()})


def test_words_that_hold_the_mark_are_cut_alone():
    for mark in (words._MARK, f"환불{words._MARK}", f"{words._MARK} {words._MARK}"):
        texts = [f"배송이 {mark} 늦어요", "환불해 주세요"]
        assert split(WordTokeniser(MINI)(texts, None)) == expected(texts)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(words, "_MOST_BYTES", 5_000)
    tokeniser = WordTokeniser(MINI)
    for start in range(0, len(TEXTS), 10):
        part = TEXTS[start : start + 10]
        assert split(tokeniser(part, None)) == expected(part)
        assert tokeniser._n_bytes < 5_000 + 250 * sum(len(text.split()) for text in part)


def test_threads_share_one():
    tokeniser = WordTokeniser(MINI)
    parts = [TEXTS[start : start + 7] for start in range(0, len(TEXTS), 7)] * 3
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(lambda part: tokeniser(part, None), parts))
    assert [split(table) for table in tables] == [expected(part) for part in parts]


def build(pre_tokenizer, normalizer=None, added=(), model=None) -> Tokenizer:
    tokenizer = Tokenizer(model or models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.add_tokens(list(added))
    return tokenizer


BY_WORDS = pre_tokenizers.Whitespace()


@pytest.mark.parametrize(
    ("tokenizer", "suits"),
    [
        (MINI, True),
        (build(BY_WORDS), True),
        (build(pre_tokenizers.Sequence([BY_WORDS, pre_tokenizers.Digits(individual_digits=True)])), True),
        (build(BY_WORDS, added=[AddedToken("환불")]), True),
        (build(pre_tokenizers.Metaspace()), False),
        (build(pre_tokenizers.ByteLevel()), False),
        (build(pre_tokenizers.Punctuation()), False),
        (build(BY_WORDS, normalizers.Replace(" ", "_")), False),
        (build(BY_WORDS, normalizers.Sequence([normalizers.NFC(), normalizers.Prepend("_")])), False),
        (build(BY_WORDS, added=[AddedToken("환불 요청")]), False),
        (build(BY_WORDS, added=[AddedToken("환불", lstrip=True)]), False),
    ],
)
def test_only_tokenisers_that_never_look_across_a_space(tokenizer, suits):
    assert splits_at_spaces(tokenizer) is suits


@pytest.mark.parametrize(
    ("pre_tokenizer", "normalizer", "added", "spared"),
    [
        (BY_WORDS, None, (), True),
        (pre_tokenizers.WhitespaceSplit(), normalizers.NFKC(), (), True),
        (pre_tokenizers.BertPreTokenizer(), normalizers.Lowercase(), ("[CLS]",), True),
        (pre_tokenizers.Sequence([BY_WORDS, pre_tokenizers.Digits()]), normalizers.NFC(), (), True),
        (pre_tokenizers.Sequence([BY_WORDS, pre_tokenizers.UnicodeScripts()]), None, (), True),
        (BY_WORDS, normalizers.NFD(), (), False),
        (BY_WORDS, normalizers.Sequence([normalizers.Lowercase(), normalizers.NFKD()]), (), False),
        (BY_WORDS, None, (AddedToken("배송"),), False),
    ],
)
def test_words_of_hangul_are_spared_what_does_nothing_to_them(pre_tokenizer, normalizer, added, spared):
    tokenizer = build(pre_tokenizer, normalizer, added, MINI.model)
    assert splits_at_spaces(tokenizer)
    tokeniser = WordTokeniser(tokenizer)
    assert (tokeniser._of_hangul is not tokenizer) is spared
    texts = [*TEXTS, "배송이 3일 KT배송 [CLS] 가 각 힣 ㅋㅋ 배송…늦음 漢字배송", "배송이", "가" * 3000]
    assert split(tokeniser(texts, None)) == expected(texts, tokenizer)
