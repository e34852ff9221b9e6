"""KoTextNormalizer: one spelling, reached in one pass."""

import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skko import KoTextNormalizer

FAMILY = "👨‍👩‍👧"
_LETTERS = (
    "가각ㄱㅏㅋㅠㆎ!?.~a1 \t\n"
    "\u1100\u1161\u11a8\u1112\u11ab"  # conjoining jamo
    "\uffa1\uffc2\uffd3\uff21\uff11\uff01\uff3a\u3000"  # half and full width
    "\u2000\u200b\u200d\u3164\u115f\u1160\uffa0\ufeff\u00ad\u202e"  # blanks and what cannot be seen
    "\u0301\u0327\u20dd\u212b\u037e\u1fef\uf900\u00c5"  # marks, and letters that NFC replaces
)
TRICKY = st.sampled_from([*_LETTERS, FAMILY, "❤️", "🇰🇷"])
ALL_SETTINGS = [
    {"fold_width": f, "remove_invisible": r, "max_repeats": m, "collapse_whitespace": c}
    for f, r, m, c in product([True, False], [True, False], [None, 1, 3], [True, False])
]


@pytest.mark.parametrize("settings", ALL_SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
@given(text=st.lists(TRICKY, max_size=12).map("".join) | st.text(max_size=30))
def test_twice_is_once(settings, text):
    normalise = KoTextNormalizer(**settings)._normalise
    once = normalise(text)
    assert normalise(once) == once


@given(st.lists(TRICKY, max_size=12).map("".join) | st.text(max_size=30))
def test_the_result_is_composed_and_bare_of_what_was_to_go(text):
    result = KoTextNormalizer()._normalise(text)
    assert unicodedata.is_normalized("NFC", result)
    assert not set(result) & set("\u200b\ufeff\u3164\u115f\u1160\uffa0\u00ad\u202e\t\n\u3000")
    assert result == result.strip()
    assert "  " not in result


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=20))
def test_composed_and_decomposed_hangul_become_the_same(text):
    normalise = KoTextNormalizer()._normalise
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ㅋㅋㅋㅋㅋㅋ", "ㅋㅋㅋ"),
        ("배송이  늦어요ㅠㅠㅠㅠ!!!!!", "배송이 늦어요ㅠㅠㅠ!!!"),
        ("ＡＳ　문의！ １２３", "AS 문의! 123"),
        ("ﾡﾤ", "ㄱㄴ"),
        ("환\u200b불\u3164요", "환불 요"),
        ("1000000원 www.example.com", "1000000원 www.example.com"),
        (f"가족 {FAMILY} 사진", f"가족 {FAMILY} 사진"),
        ("한\u200d글", "한글"),
        ("美 대통령, 北 발사", "美 대통령, 北 발사"),
        ("\uf90a", "\u91d1"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_examples(text, expected):
    assert KoTextNormalizer().transform([text]).tolist() == [expected]


def test_settings_switch_each_step_off():
    text = "Ａ\u200b  ㅋㅋㅋㅋㅋ"
    off = {"fold_width": False, "remove_invisible": False, "max_repeats": None, "collapse_whitespace": False}
    assert KoTextNormalizer(**off).transform([text]).tolist() == [text]
    assert KoTextNormalizer(max_repeats=1).transform(["와아아아!!"]).tolist() == ["와아!"]


def test_it_needs_no_fit_and_names_its_column():
    import pandas as pd

    normalizer = KoTextNormalizer().set_output(transform="pandas")
    out = normalizer.fit_transform(pd.DataFrame({"review": ["가  나"]}, index=[5]))
    assert (list(out.columns), out.index.tolist(), out.iloc[0, 0]) == (["review"], [5], "가 나")
    assert KoTextNormalizer().get_feature_names_out().tolist() == ["text"]
