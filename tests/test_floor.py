"""Floor 0: the input contract, settings, optional imports."""

import threading

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from skko import config_context, get_config, set_config
from skko.exceptions import MissingDependencyError
from skko.optional import import_optional
from skko.validation import check_texts

TEXTS = ["가", "나다", "\u1112\u1161\u11ab", ""]

GOOD = {
    "list": TEXTS,
    "tuple": tuple(TEXTS),
    "object array": np.array(TEXTS, dtype=object),
    "str array": np.array(TEXTS),
    "column": np.array(TEXTS, dtype=object)[:, None],
    "rows": [[text] for text in TEXTS],
    "numpy strings": [np.str_(text) for text in TEXTS],
    "series": pd.Series(TEXTS, index=[3, 1, 4, 1]),
    "categorical": pd.Series(TEXTS).astype("category"),
    "frame": pd.DataFrame({"a": TEXTS}),
    "polars series": pl.Series(TEXTS),
    "polars frame": pl.DataFrame({"a": TEXTS}),
    "arrow array": pa.array(TEXTS),
    "arrow table": pa.table({"a": TEXTS}),
}


@pytest.mark.parametrize("X", GOOD.values(), ids=GOOD)
def test_columns_of_texts_come_out_as_they_went_in(X):
    texts = check_texts(X)
    assert texts == TEXTS
    assert all(type(text) is str for text in texts)


BAD = {
    "str": ("가", TypeError, "single str"),
    "bytes": (b"x", TypeError, "single bytes"),
    "number": (3, TypeError, "int"),
    "None": (None, TypeError, "NoneType"),
    "dict": ({"a": "가"}, TypeError, "dict"),
    "set": ({"가"}, TypeError, "set"),
    "generator": ((t for t in TEXTS), TypeError, "generator"),
    "sparse": (csr_matrix((2, 2)), TypeError, "csr_matrix"),
    "no dimension": (np.array("가"), ValueError, r"shape \(\)"),
    "two columns": (np.array([["가", "나"]]), ValueError, r"shape \(1, 2\)"),
    "ragged": ([["가"], ["나", "다"]], ValueError, "rows of 2"),
    "frame": (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, r'df\["a"\]'),
    "polars frame": (pl.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "2 columns"),
    "missing in a list": (["가", None], ValueError, r"missing text \(None\) at row 1"),
    "missing in a series": (pd.Series(["가", None, "나"], index=[9, 8, 7]), ValueError, "at row 1"),
    "missing in polars": (pl.Series(["가", None]), ValueError, "at row 1"),
    "nan": (["가", "나", float("nan")], ValueError, r"\(nan\) at row 2"),
    "NaT": ([pd.NaT], ValueError, "at row 0"),
    "NA": (["가", pd.NA], ValueError, "at row 1"),
    "float": (["가", 1.5], TypeError, "1.5 of type float at row 1"),
    "bool": ([True], TypeError, "bool at row 0"),
    "array in a cell": (["가", np.zeros(2)], TypeError, "ndarray at row 1"),
    "bytes in a cell": (["가", b"x"], TypeError, "decode"),
    "half a pair": (["가", "x\udc00"], ValueError, "surrogate pair at row 1"),
}


@pytest.mark.parametrize(("X", "error", "message"), BAD.values(), ids=BAD)
def test_anything_else_is_named(X, error, message):
    with pytest.raises(error, match=message):
        check_texts(X)


def test_nothing_is_a_column_too():
    assert check_texts([]) == check_texts(np.array([], dtype=object)) == check_texts(pd.Series([], dtype=str)) == []


def test_the_name_is_in_the_message():
    with pytest.raises(ValueError, match="queries has a missing text"):
        check_texts([None], name="queries")


@pytest.fixture(autouse=True)
def _defaults_after():
    yield
    set_config(**dict.fromkeys(get_config()))


def test_environment_variables_set_defaults(monkeypatch, tmp_path):
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("SKKO_DEVICE", "cuda:1")
    monkeypatch.setenv("SKKO_OFFLINE", "1")
    settings = get_config()
    assert (settings["cache_dir"], settings["device"], settings["offline"]) == (tmp_path, "cuda:1", True)
    monkeypatch.setenv("SKKO_OFFLINE", "0")
    assert get_config()["offline"] is False


def test_set_config_stays_and_none_goes_back():
    set_config(offline=True, max_loaded_models=2)
    assert (get_config()["offline"], get_config()["max_loaded_models"]) == (True, 2)
    set_config(offline=None)
    assert (get_config()["offline"], get_config()["max_loaded_models"]) == (False, 2)


def test_context_nests_and_ends_after_an_error():
    def fail_inside():
        with config_context(offline=False, device="cpu"):
            seen.append(get_config()["offline"])
            raise RuntimeError

    seen = []
    with config_context(offline=True):
        with pytest.raises(RuntimeError):
            fail_inside()
        seen.append(get_config()["offline"])
    assert [*seen, get_config()["offline"]] == [False, True, False]


def test_context_holds_in_its_own_thread_alone():
    seen = []
    with config_context(offline=True):
        thread = threading.Thread(target=lambda: seen.append(get_config()["offline"]))
        thread.start()
        thread.join()
    assert seen == [False]


@pytest.mark.parametrize(
    "settings",
    [{"ofline": True}, {"offline": "yes"}, {"max_loaded_models": 0}, {"device": 1}, {"show_progress": "always"}],
    ids=str,
)
def test_wrong_settings_are_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        set_config(**settings)


def test_a_missing_extra_is_named():
    with pytest.raises(MissingDependencyError, match=r"no_such_module is needed to draw .* 'skko\[viz\]'"):
        import_optional("no_such_module.part", extra="viz", purpose="draw")
