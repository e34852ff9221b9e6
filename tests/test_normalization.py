"""KoTextNormalizer: one spelling, reached in one pass."""

import re
import unicodedata
from itertools import groupby, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skko import KoTextNormalizer

FAMILY = "👨‍👩‍👧"
RAINBOW = "🏳️‍🌈"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
JOINER = "\u200d"
# What takes no room on the screen and is no part of an emoji; direction marks are those of Unicode's Bidi_Control.
DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = DIRECTION + "\u00ad\u180e\u200b\u200c\u2060\u2061\u2062\u2063\u2064\ufeff\u115f\u1160\u3164\uffa0"

PIECES = [
    *"가각힣ㄱㅏㅋㅠㆎ!?.~=a1Z9",
    *" \t\n\r\x0b\x1c\x85\u00a0\u2000\u2003\u2028\u3000",
    *"\u1100\u1112\u1161\u1175\u11a8\u11ab\ua960\ud7b0",  # conjoining jamo, modern and old
    *"\uffa1\uffbe\uffc2\uffd3\uffdc\uff21\uff11\uff01\uff5e\uff3a\uffe6",  # half and full width
    *INVISIBLE,
    *"\u0301\u0327\u0338\u302e\u20dd\ufe0f\ufe0e",  # marks and presentation selectors
    *"\u212b\u037e\u1fef\uf900\uf90a\u00c5\u2260",  # letters that NFC replaces, and some that it makes
    *[JOINER] * 4,
    *["❤️", "👍🏻", "👍", "🏻", "🇰🇷", "👨", "👧", FAMILY, RAINBOW, SCOTLAND],
]
MESSY = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=30)
ALL_SETTINGS = [
    {"fold_width": f, "remove_invisible": r, "max_repeats": m, "collapse_whitespace": c}
    for f, r, m, c in product([True, False], [True, False], [None, 1, 3], [True, False])
]
every_setting = pytest.mark.parametrize("params", ALL_SETTINGS, ids=lambda p: "-".join(map(str, p.values())))


def normalise(text, **params):
    return KoTextNormalizer(**params).transform([text])[0]


@every_setting
@given(text=MESSY)
@settings(deadline=None, max_examples=150)
def test_twice_is_once(params, text):
    once = normalise(text, **params)
    assert normalise(once, **params) == once


@every_setting
@given(text=MESSY)
@settings(deadline=None, max_examples=50)
def test_the_result_is_composed_and_does_not_depend_on_how_the_input_was(params, text):
    result = normalise(text, **params)
    assert unicodedata.is_normalized("NFC", result)
    assert normalise(unicodedata.normalize("NFC", text), **params) == result
    assert normalise(unicodedata.normalize("NFD", text), **params) == result


@given(MESSY)
@settings(deadline=None, max_examples=500)
def test_nothing_invisible_is_left(text):
    assert not set(normalise(text)) & set(INVISIBLE)


@given(MESSY)
@settings(deadline=None, max_examples=500)
def test_joiners_are_left_only_between_two_symbols(text):
    result = normalise(text)
    for at in (at for at, character in enumerate(result) if character == JOINER):
        before, after = result[:at][-1:], result[at + 1 :][:1]
        assert all(c and not c.isalnum() and not c.isspace() and c not in ("_", JOINER) for c in (before, after))


@given(MESSY)
@settings(deadline=None, max_examples=500)
def test_white_space_is_single_spaces_within_the_text(text):
    result = normalise(text)
    assert result == " ".join(result.split())


@given(MESSY)
@settings(deadline=None, max_examples=500)
def test_no_width_forms_are_left(text):
    assert not re.search("[\uff01-\uff5e\uffa1-\uffdc\u3000]", normalise(text))


@given(st.text(alphabet="가나ㅋㅠ!~❤a1_ ", max_size=40), st.integers(1, 4))
@settings(deadline=None)
def test_runs_are_cut_as_counting_them_says(text, most):
    expected = "".join(
        character * (min(length, most) if character in "가나ㅋㅠ!~❤" else length)
        for character, length in ((c, len(list(run))) for c, run in groupby(text))
    )
    assert normalise(text, max_repeats=most, collapse_whitespace=False) == expected


@given(
    st.lists(st.sampled_from(["❤️", "❤", "👍🏻", "👍🏿", "👍", FAMILY, "👨", "👧", RAINBOW, "!"]), max_size=12),
    st.integers(1, 3),
)
@settings(deadline=None)
def test_an_emoji_of_several_code_points_is_one_of_its_run(emoji, most):
    expected = "".join(one * min(len(list(run)), most) for one, run in groupby(emoji))
    assert normalise("".join(emoji), max_repeats=most) == expected


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)))
@settings(deadline=None)
def test_plain_hangul_is_left_alone(text):
    assert normalise(text, max_repeats=None) == text


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"])))
@settings(deadline=None)
def test_latin_letters_and_digits_are_never_shortened(text):
    assert normalise(text) == text


EXAMPLES = {
    "laughter": ("ㅋㅋㅋㅋㅋㅋ", "ㅋㅋㅋ"),
    "tears": ("ㅠㅠ", "ㅠㅠ"),
    "syllables": ("와아아아아아", "와아아아"),
    "marks": ("배송이  늦어요ㅠㅠㅠㅠ!!!!!", "배송이 늦어요ㅠㅠㅠ!!!"),
    "hearts": ("최고❤️❤️❤️❤️❤️", "최고❤️❤️❤️"),
    "thumbs": ("👍🏻👍🏻👍🏻👍🏻👍🏽", "👍🏻👍🏻👍🏻👍🏽"),
    "amount": ("1000000원", "1000000원"),
    "address": ("www.example.com", "www.example.com"),
    "Latin letters": ("Goooooal", "Goooooal"),
    "full width": ("ＡＳ　문의！ １２３～", "AS 문의! 123~"),
    "half-width jamo": ("ﾡﾤﾻￂ", "ㄱㄴㅋㅏ"),
    "full-width letter and mark": ("Ａ\u030a", "Å"),
    "zero-width space": ("환\u200b불", "환불"),
    "byte-order mark": ("\ufeff환불", "환불"),
    "Hangul filler": ("환불\u3164요", "환불 요"),
    "fillers at the ends": ("\u3164환불\uffa0", "환불"),
    "direction": ("\u202e환불\u061c\u2066", "환불"),
    "soft hyphen": ("고객\u00ad센터", "고객센터"),
    "family": (f"가족 {FAMILY} 사진", f"가족 {FAMILY} 사진"),
    "flag": (f"{RAINBOW} {SCOTLAND} 🇰🇷", f"{RAINBOW} {SCOTLAND} 🇰🇷"),
    "joiner between letters": ("한\u200d글", "한글"),
    "joiner after a letter and its mark": ("e\u0301\u200d!", "é!"),
    "joiners at the ends": ("\u200d👨\u200d", "👨"),
    "doubled joiner": ("👨\u200d\u200d👧", "👨\u200d👧"),
    "decomposed": (unicodedata.normalize("NFD", "환불 요청"), "환불 요청"),
    "old Hangul": ("\u1112\u119e\u11ab", "\u1112\u119e\u11ab"),  # 한 as it was once spelled has no composed form
    "hanja": ("美 대통령, 北 발사", "美 대통령, 北 발사"),
    "hanja of compatibility": ("\uf90a", "\u91d1"),
    "syllables that only CP949 has": ("똠방각하 뷁 펲시", "똠방각하 뷁 펲시"),
    "symbols of CP949": ("㈜한국 ① ℃ ㎡ ※ ·", "㈜한국 ① ℃ ㎡ ※ ·"),
    "line breaks": ("첫 줄\r\n둘째 줄\u2028셋째", "첫 줄 둘째 줄 셋째"),
    "nothing": ("", ""),
    "white space": (" \n\t\u3000", ""),
    "only what cannot be seen": ("\u200b\u200d\u3164", ""),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples(text, expected):
    assert normalise(text) == expected
    assert normalise(expected) == expected


def test_compatibility_jamo_stay_what_they_are():
    # NFKC would make them conjoining jamo, which no vocabulary holds.
    jamo = "".join(map(chr, range(0x3131, 0x318F))).replace("\u3164", "")
    assert normalise(jamo) == jamo


OFF = {"fold_width": False, "remove_invisible": False, "max_repeats": None, "collapse_whitespace": False}
STEPS = [
    ({"fold_width": True}, "A\u200b\u3164  ㅋㅋㅋㅋㅋ "),
    ({"remove_invisible": True}, "Ａ   ㅋㅋㅋㅋㅋ "),
    ({"max_repeats": 2}, "Ａ\u200b\u3164  ㅋㅋ "),
    ({"collapse_whitespace": True}, "Ａ\u200b\u3164 ㅋㅋㅋㅋㅋ"),
    ({}, "Ａ\u200b\u3164  ㅋㅋㅋㅋㅋ "),
]


@pytest.mark.parametrize(("step", "expected"), STEPS, ids=str)
def test_each_step_works_alone(step, expected):
    assert normalise("Ａ\u200b\u3164  ㅋㅋㅋㅋㅋ ", **(OFF | step)) == expected


def test_many_texts_keep_their_order_and_come_as_a_column():
    texts = [f"{i}번  문의" for i in range(20)]
    column = KoTextNormalizer().transform(texts)
    assert (column.shape, column.dtype) == ((20,), object)
    assert column.tolist() == [f"{i}번 문의" for i in range(20)]
    assert KoTextNormalizer().transform([]).shape == (0,)


def test_it_needs_no_fit_and_names_its_column():
    normalizer = KoTextNormalizer().set_output(transform="pandas")
    out = normalizer.fit_transform(pd.DataFrame({"review": ["가  나"]}, index=[5]))
    assert (list(out.columns), out.index.tolist(), out.iloc[0, 0]) == (["review"], [5], "가 나")
    assert KoTextNormalizer().get_feature_names_out().tolist() == ["text"]


def test_bad_rows_are_named_and_bad_parameters_refused():
    with pytest.raises(ValueError, match="row 1"):
        KoTextNormalizer().transform(["가", np.nan])
    for params in ({"max_repeats": 0}, {"max_repeats": 2.5}, {"fold_width": "yes"}):
        with pytest.raises(ValueError, match=next(iter(params))):
            KoTextNormalizer(**params).fit(["가"])
