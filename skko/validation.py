"""The input contract of every estimator that takes text."""

from collections.abc import Iterable
from typing import Any

import numpy as np

_SINGLE = "pass a list of texts, e.g. [text]"


def check_texts(X: Any, *, name: str = "X") -> list[str]:
    """Return ``X`` as a list of str, or say which row is not a text.

    Parameters
    ----------
    X : array-like of str, shape (n_texts,) or (n_texts, 1)
        A list, tuple, NumPy array, pandas, polars or pyarrow column, or a data frame with one column.
    name : str, default="X"
        What to call ``X`` in messages.

    Returns
    -------
    list of str, length n_texts
        The texts, unchanged and in order.

    Raises
    ------
    TypeError
        If ``X`` is a bare str, a number, a mapping, an iterator or a sparse matrix, or if a row is not a str.
    ValueError
        If ``X`` has more than one column, or a row is missing (None, NaN, NA) or holds half a surrogate pair.

    Examples
    --------
    >>> check_texts(("배송이 늦어요", "환불해 주세요"))
    ['배송이 늦어요', '환불해 주세요']
    >>> check_texts(["배송이 늦어요", None])
    Traceback (most recent call last):
    ValueError: X has a missing text (None) at row 1. Drop the row, or fill it with "".
    """
    values = _as_column(X, name)
    texts: list[str] = []
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise _wrong_row(value, row, name)
        # str(value) would ask the subclass: of an Enum member it gives the name.
        texts.append(value if type(value) is str else str.__str__(value))
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError(
                    f"{name} has half of a surrogate pair at row {row}, which is not a character. "
                    'Repair the text, e.g. text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
                ) from None
    return texts


def _as_column(X: Any, name: str) -> Iterable[Any]:
    """Take the one column out of whatever holds it."""
    if isinstance(X, (str, bytes)):
        raise TypeError(f"{name} is a single {type(X).__name__}: {_SINGLE}.")
    if hasattr(X, "columns") and hasattr(X, "shape"):  # a pandas, polars or pyarrow table
        return _as_column(_only_column(X, name), name)
    if isinstance(X, np.ndarray):
        return list(_as_vector(X, name).tolist())
    for method in ("to_list", "to_pylist"):  # pandas and polars series; pyarrow arrays
        if hasattr(X, method):
            return getattr(X, method)()  # type: ignore[no-any-return]
    if isinstance(X, (list, tuple)):
        return _unwrap_rows(X, name)
    raise TypeError(f"{name} must be a column of texts, got {type(X).__name__}: {_SINGLE}.")


def _only_column(X: Any, name: str) -> Any:
    if X.shape[1] != 1:
        names = [str(c) for c in getattr(X, "column_names", X.columns)]
        raise ValueError(
            f"{name} has {X.shape[1]} columns {names[:5]} where one column of texts is expected: "
            f'pass the column itself, e.g. df["{names[0] if names else "text"}"].'
        )
    if hasattr(X, "iloc"):
        return X.iloc[:, 0]
    return X.column(0) if hasattr(X, "column_names") else X.to_series(0)


def _as_vector(X: Any, name: str) -> Any:
    if X.ndim == 2 and X.shape[1] == 1:
        return X[:, 0]
    if X.ndim != 1:
        raise ValueError(f"{name} has shape {X.shape} where (n_texts,) or (n_texts, 1) is expected: {_SINGLE}.")
    return X


def _unwrap_rows(X: list[Any] | tuple[Any, ...], name: str) -> Iterable[Any]:
    """Accept [["a"], ["b"]], the list form of an (n, 1) array."""
    if X and all(isinstance(row, (list, tuple)) for row in X):
        width = max(len(row) for row in X)
        if width != 1 or any(len(row) != 1 for row in X):
            raise ValueError(f"{name} has rows of {width} values where one text a row is expected.")
        return [row[0] for row in X]
    return X


def _wrong_row(value: Any, row: int, name: str) -> Exception:
    """The error that names the row, its cause and the remedy."""
    if _is_missing(value):
        return ValueError(f'{name} has a missing text ({value}) at row {row}. Drop the row, or fill it with "".')
    if isinstance(value, bytes):
        return TypeError(f"{name} has bytes at row {row}. Decode them first: text.decode('utf-8').")
    return TypeError(
        f"{name} has {value!r:.40} of type {type(value).__name__} at row {row} where a str is expected. "
        "Convert the column first, e.g. [str(value) for value in column]."
    )


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas.NA refuses to say
        return True
    except ValueError:  # an array in a cell
        return False
