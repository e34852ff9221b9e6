"""Tokeniser against the tokeniser of transformers that it is taken from."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from skko.models.backends.tokenisation import Tokeniser

TEXTS = ["환불해 주세요", "", "로그인이 안 돼요 " * 30, "the <mask> fox </s>", "가\u0000나 😀", " 앞뒤 "]


@pytest.fixture(scope="module")
def theirs(tiny_a):
    return AutoTokenizer.from_pretrained(str(tiny_a))


def check(ours, theirs, texts, max_length):
    table = ours(texts, max_length)
    expected = theirs(texts, truncation=max_length is not None, max_length=max_length)
    assert table.lengths.tolist() == [len(ids) for ids in expected["input_ids"]]
    assert table.n_truncated == sum(bool(encoding.overflowing) for encoding in expected.encodings)
    for rows in (np.arange(len(texts)), np.array([len(texts) - 1, 0])):
        chosen = {name: [values[row] for row in rows] for name, values in expected.items()}
        padded = theirs.pad(chosen, return_tensors="np")
        features = table.padded(rows)
        assert features.keys() <= padded.keys()
        for name, values in features.items():
            np.testing.assert_array_equal(values, padded[name])


@pytest.mark.parametrize("max_length", [None, 5, 128])
@pytest.mark.parametrize("padding_side", ["left", "right"])
@pytest.mark.parametrize("truncation_side", ["left", "right"])
def test_ids_are_those_of_transformers(tiny_a, tmp_path, max_length, padding_side, truncation_side):
    theirs = AutoTokenizer.from_pretrained(str(tiny_a), padding_side=padding_side, truncation_side=truncation_side)
    ours = Tokeniser.of_transformers(theirs)
    check(ours, theirs, TEXTS, max_length)
    ours.save(tmp_path)
    check(Tokeniser.load(tmp_path), theirs, TEXTS, max_length)


def test_token_types_are_given_where_the_model_wants_them(theirs, tiny_a):
    typed = AutoTokenizer.from_pretrained(str(tiny_a), model_input_names=["input_ids", "token_type_ids"])
    features = Tokeniser.of_transformers(typed)(TEXTS, 9).padded(np.arange(3))
    assert list(features) == ["input_ids", "token_type_ids"]
    assert not features["token_type_ids"].any()


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8), st.integers(3, 12))
@settings(deadline=None, max_examples=50)
def test_any_text_is_cut_as_transformers_does(theirs, texts, max_length):
    check(Tokeniser.of_transformers(theirs), theirs, texts, max_length)


def test_more_texts_than_a_block(theirs):
    texts = [f"배송이 늦어요 {i}" for i in range(600)]
    check(Tokeniser.of_transformers(theirs), theirs, texts, 8)


def test_threads_with_other_limits_do_not_disturb_each_other(theirs):
    ours = Tokeniser.of_transformers(theirs)
    text = ["로그인이 안 돼요 " * 30]
    seen = {limit: set() for limit in (5, 17, 64)}

    def work(limit):
        for _ in range(100):
            seen[limit].add(int(ours(text, limit).lengths[0]))

    threads = [threading.Thread(target=work, args=(limit,)) for limit in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {limit: {limit} for limit in seen}
