"""check_texts: what counts as a column of texts, and errors that name the row."""

import unicodedata

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix

from skko.validation import check_texts

# The third is decomposed (NFD): repair is the normaliser's work, not the contract's.
TEXTS = ["가", "나다 라", unicodedata.normalize("NFD", "한글"), "", "👨‍👩‍👧", "NA"]


class Tagged(str):
    """As an Enum member does, it shows something other than its characters."""

    __slots__ = ()

    def __str__(self):
        return "Tagged"


ACCEPTED = {
    "list": TEXTS,
    "tuple": tuple(TEXTS),
    "object array": np.array(TEXTS, dtype=object),
    "fixed-width array": np.array(TEXTS),
    "variable-width array": np.array(TEXTS, dtype=np.dtypes.StringDType()),
    "(n, 1) array": np.array(TEXTS, dtype=object)[:, None],
    "strided array": np.array([[text, "x"] for text in TEXTS], dtype=object)[:, 0],
    "list of one-item lists": [[text] for text in TEXTS],
    "list of one-item tuples": [(text,) for text in TEXTS],
    "list of np.str_": [np.str_(text) for text in TEXTS],
    "series": pd.Series(TEXTS),
    "series with an odd index": pd.Series(TEXTS, index=[3, 1, 4, 1, 5, 9]),
    "series of objects": pd.Series(TEXTS, dtype=object),
    "series of categories": pd.Series(TEXTS).astype("category"),
    "series of pyarrow strings": pd.Series(TEXTS, dtype="string[pyarrow]"),
    "index": pd.Index(TEXTS),
    "frame": pd.DataFrame({"문장": TEXTS}, index=[3, 1, 4, 1, 5, 9]),
    "polars series": pl.Series(TEXTS),
    "polars frame": pl.DataFrame({"문장": TEXTS}),
    "pyarrow array": pa.array(TEXTS),
    "pyarrow chunks": pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
    "pyarrow table": pa.table({"문장": TEXTS}),
    "pyarrow batch": pa.record_batch({"문장": TEXTS}),
}


@pytest.mark.parametrize("X", ACCEPTED.values(), ids=ACCEPTED)
def test_texts_come_out_unchanged_and_in_order(X):
    texts = check_texts(X)
    assert texts == TEXTS
    assert all(type(text) is str for text in texts)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]))))
@settings(deadline=None)
def test_any_character_passes_unchanged(texts):
    assert check_texts(texts) == texts
    assert check_texts(np.array(texts, dtype=object)[:, None]) == texts


def test_a_subclass_of_str_gives_its_characters():
    (text,) = check_texts([Tagged("네")])
    assert (type(text), text) == (str, "네")


def test_the_input_itself_is_not_handed_out():
    assert check_texts(TEXTS) is not TEXTS


@pytest.mark.parametrize(
    "empty",
    [[], (), np.array([]), np.empty((0, 1), dtype=object), pd.Series(dtype=object), pd.DataFrame({"a": []})],
    ids=["list", "tuple", "array", "column", "series", "frame"],
)
def test_no_texts_are_a_column_too(empty):
    assert check_texts(empty) == []


REJECTED = {
    "str": ("배송", TypeError, r"X is a single str: pass a list of texts, e\.g\. \[text\]"),
    "np.str_": (np.str_("배송"), TypeError, "single str"),
    "bytes": (b"x", TypeError, "X is a single bytes"),
    "None": (None, TypeError, "got NoneType"),
    "int": (3, TypeError, "got int"),
    "dict": ({"a": "가"}, TypeError, "got dict"),
    "set": ({"가"}, TypeError, "got set"),
    "generator": ((text for text in TEXTS), TypeError, "got generator"),
    "iterator": (iter(TEXTS), TypeError, "got list_iterator"),
    "sparse matrix": (csr_matrix((2, 1)), TypeError, "got csr_matrix"),
    "sparse array": (csr_array((2, 1)), TypeError, "got csr_array"),
    "0-d array": (np.array("가"), ValueError, r"X has shape \(\)"),
    "2-d array": (np.array([["가", "나"]]), ValueError, r"X has shape \(1, 2\)"),
    "3-d array": (np.array([[["가"]]]), ValueError, r"X has shape \(1, 1, 1\)"),
    "rows of two": ([["가", "나"], ["다", "라"]], ValueError, "rows of 2 values"),
    "ragged rows": ([["가"], ["나", "다"]], ValueError, "rows of 2 values"),
    "empty rows": ([[], []], ValueError, "rows of 0 values"),
    "two columns": (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, r"2 columns \['a', 'b'\].*df\[\"a\"\]"),
    "no columns": (pd.DataFrame(index=[0, 1]), ValueError, "0 columns"),
    "two polars columns": (pl.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, r"2 columns \['a', 'b'\]"),
    "two pyarrow columns": (pa.table({"a": ["x"], "b": ["y"]}), ValueError, r"2 columns \['a', 'b'\]"),
}


@pytest.mark.parametrize(("X", "error", "message"), REJECTED.values(), ids=REJECTED)
def test_what_is_no_column_is_refused_with_the_cause(X, error, message):
    with pytest.raises(error, match=message):
        check_texts(X)


BAD_CELLS = {
    "None": (None, ValueError, r"missing text \(None\) at row 2.*Drop the row, or fill it"),
    "nan": (float("nan"), ValueError, r"missing text \(nan\) at row 2"),
    "np.nan of float32": (np.float32("nan"), ValueError, r"missing text \(nan\) at row 2"),
    "NA": (pd.NA, ValueError, r"missing text \(<NA>\) at row 2"),
    "NaT": (pd.NaT, ValueError, r"missing text \(NaT\) at row 2"),
    "int": (7, TypeError, "7 of type int at row 2"),
    "float": (1.5, TypeError, "1.5 of type float at row 2"),
    "bool": (True, TypeError, "True of type bool at row 2"),
    "bytes": ("가".encode(), TypeError, r"bytes at row 2\. Decode them first"),
    "list": (["가"], TypeError, "of type list at row 2"),
    "array": (np.zeros(2), TypeError, "of type ndarray at row 2"),
    "leading half of a pair": ("가\ud83d", ValueError, "half of a surrogate pair at row 2"),
    "trailing half of a pair": ("\ude00가", ValueError, "half of a surrogate pair at row 2"),
}


@pytest.mark.parametrize(("cell", "error", "message"), BAD_CELLS.values(), ids=BAD_CELLS)
def test_the_row_that_is_no_text_is_named(cell, error, message):
    column = np.empty(4, dtype=object)
    column[:] = ["가", "나", "", "다"]
    column[2] = cell
    for X in (list(column), column, column[:, None]):
        with pytest.raises(error, match=message):
            check_texts(X)


MISSING = {
    "series": pd.Series(["가", None, "나"], index=[9, 8, 7]),
    "series of objects": pd.Series(["가", np.nan, "나"], index=["a", "b", "c"], dtype=object),
    "nullable series": pd.Series(["가", pd.NA, "나"], dtype="string"),
    "frame": pd.DataFrame({"a": ["가", None, "나"]}, index=[0, 0, 0]),
    "polars": pl.Series(["가", None, "나"]),
    "pyarrow": pa.array(["가", None, "나"]),
    "masked array": np.ma.array(["가", "x", "나"], mask=[False, True, False]),
}


@pytest.mark.parametrize("X", MISSING.values(), ids=MISSING)
def test_a_missing_row_is_named_by_position_and_not_by_index(X):
    with pytest.raises(ValueError, match=r"missing text .* at row 1"):
        check_texts(X)


NUMBERS = {
    "array": np.arange(3),
    "series": pd.Series([1.5, 2.5]),
    "polars": pl.Series([1, 2]),
    "bytes": np.array([b"x", b"y"]),
    "dates": pd.Series(pd.to_datetime(["2024-01-01"])),
}


@pytest.mark.parametrize("X", NUMBERS.values(), ids=NUMBERS)
def test_a_column_of_another_type_is_refused_at_its_first_row(X):
    with pytest.raises(TypeError, match="at row 0"):
        check_texts(X)


def test_the_remedy_for_half_a_pair_works():
    broken = "가\ud83d나"
    with pytest.raises(ValueError, match="surrogatepass"):
        check_texts([broken])
    assert check_texts([broken.encode("utf-16", "surrogatepass").decode("utf-16", "replace")]) == ["가\ufffd나"]


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(TypeError) as caught:
        check_texts(["가", list(range(10_000))])
    assert len(str(caught.value)) < 200


def test_the_name_of_the_argument_is_in_the_message():
    for bad in ([None], [1], "가", np.zeros((2, 2)), [["가", "나"]]):
        with pytest.raises((TypeError, ValueError), match=r"^queries"):
            check_texts(bad, name="queries")
