"""Texts from the user's own files: csv, tsv, txt, jsonl and parquet, in UTF-8, UTF-16 or CP949."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from skko.datasets._tables import (
    find_column,
    find_encoding,
    find_format,
    json_rows,
    keep_texts,
    separated_options,
    text_lines,
)
from skko.exceptions import DataFileError
from skko.optional import import_optional


@dataclass(frozen=True)
class Texts:
    """Texts of a file, with their labels where it has them.

    Attributes
    ----------
    texts : list of str
        The texts, in file order.
    labels : list of str or None
        Their labels.
    text_column, label_column : str or None
        The columns they came from.
    encoding : str or None
        How the file was encoded; None for parquet.
    rows : list of int
        Rows of the file that they stand in, from 0; a header and empty lines of txt and jsonl files are no rows.
    """

    texts: list[str]
    labels: list[str] | None
    text_column: str | None
    label_column: str | None
    encoding: str | None
    rows: list[int]

    def __len__(self) -> int:
        return len(self.texts)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a column ``text`` and, where there are labels, ``label``.

        Returns
        -------
        pandas.DataFrame
            One row a text.
        """
        return pd.DataFrame({"text": self.texts} | ({} if self.labels is None else {"label": self.labels}))


def load_texts(
    path: str | PathLike[str] | Traversable,
    *,
    text: str | int | None = None,
    label: str | int | None = None,
    format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    missing: Literal["error", "drop", "keep"] = "error",
) -> Texts:
    """Read texts, and labels if there are any, from a file.

    Parameters
    ----------
    path : path-like or traversable
        A csv, tsv, txt (one text a line), jsonl or parquet file. Anything that opens as :class:`pathlib.Path` does
        will do, such as a :class:`zipfile.Path`.
    text : str, int or None, default=None
        Column of the texts, by name or by position. None takes the only column, or one with a usual name such as
        ``text`` or ``문장``.
    label : str, int or None, default=None
        Column of the labels; None reads none.
    format : {"csv", "tsv", "txt", "jsonl", "parquet"} or None, default=None
        None goes by the file's ending; without one, a file that begins with ``{`` is jsonl.
    header : bool, default=True
        Whether the first line of a csv or tsv file names the columns.
    encoding : str or None, default=None
        None reads the byte-order mark, tries UTF-8 and then CP949, the two that Korean files come in.
    missing : {"error", "drop", "keep"}, default="error"
        What to do with rows whose text is empty or missing: say which they are, leave them out with a warning, or keep
        them as empty texts.

    Returns
    -------
    Texts
        Texts and labels, as str.

    Raises
    ------
    DataFileError
        If the file is not what its name says, has no such column, or has rows without a text.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    In tsv files a quotation mark is a character like any other, as in most Korean corpora; otherwise an odd one
    swallows the rows after it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "문의.csv"
    >>> _ = path.write_bytes("문장,주제\\n배송이 늦어요,배송\\n".encode("cp949"))
    >>> data = load_texts(path, label="주제")
    >>> data.texts, data.labels, data.encoding
    (['배송이 늦어요'], ['배송'], 'cp949')
    """
    (found,) = load_columns(path, [text], label=label, format=format, header=header, encoding=encoding, missing=missing)
    return found


def load_columns(
    path: str | PathLike[str] | Traversable,
    columns: Sequence[str | int | None],
    *,
    label: str | int | None = None,
    format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    missing: Literal["error", "drop", "keep"] = "error",
) -> list[Texts]:
    """Read several columns of texts from a file, which is read once.

    Parameters
    ----------
    path : path-like or traversable
        As for :func:`load_texts`.
    columns : sequence of str, int or None
        The columns of texts, each as ``text`` of :func:`load_texts`.
    label : str, int or None, default=None
        Column of the labels, which go with each of them.
    format : {"csv", "tsv", "txt", "jsonl", "parquet"} or None, default=None
        As for :func:`load_texts`.
    header : bool, default=True
        As for :func:`load_texts`.
    encoding : str or None, default=None
        As for :func:`load_texts`.
    missing : {"error", "drop", "keep"}, default="error"
        As for :func:`load_texts`; about each column by itself.

    Returns
    -------
    list of Texts
        One for each column.

    Raises
    ------
    DataFileError, FileNotFoundError
        As :func:`load_texts` does.
    """
    file: Any = path if hasattr(path, "open") else Path(path)
    kind = find_format(file, format)
    used = None if kind == "parquet" else find_encoding(file, encoding)
    table = (_read_parquet(file) if used is None else _parse(file, kind, header, used)).reset_index(drop=True)
    text_columns = [find_column(list(table.columns), text, file) for text in columns]
    label_column = None if label is None else find_column(list(table.columns), label, file)
    found = []
    for column in text_columns:
        frame = keep_texts(table, column, missing, file)
        found.append(
            Texts(
                frame[column].astype(str).tolist(),
                None if label_column is None else _labels(frame, label_column, file),
                str(column),
                None if label_column is None else str(label_column),
                used,
                frame.index.tolist(),
            )
        )
    return found


def _parse(path: Path, kind: str, header: bool, encoding: str) -> pd.DataFrame:
    with path.open(encoding=encoding, newline="") as file:
        content = file.read()
    if not content.strip():
        raise DataFileError(f"{path} is empty.")
    lines = text_lines(io.StringIO(content, newline=""))
    if kind == "txt":
        return pd.DataFrame({"text": [line for line in lines if line.strip()]})
    try:
        if kind == "jsonl":
            return pd.DataFrame(json_rows(lines), dtype=object)  # else one row without a number makes 1.0 of every 1
        with warnings.catch_warnings():
            # Where rows have more fields than the header, pandas would warn and lose the rest.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(io.StringIO(content, newline=""), **separated_options(kind, header))
            return frame
    except (ValueError, pd.errors.ParserWarning) as error:
        raise DataFileError(f"{path} cannot be read as {kind}: {str(error).strip()}.") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    import_optional("pyarrow", extra="parquet", purpose="read parquet files")
    try:
        with path.open("rb") as file:
            # Nullable types, else one missing number makes 1.0 of every 1.
            return pd.read_parquet(file, dtype_backend="numpy_nullable")
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path} cannot be read as parquet: {error}.") from error


def _labels(frame: pd.DataFrame, column: Any, path: Path) -> list[str]:
    labels = frame[column]
    empty = labels.isna() | (labels.astype(str).str.strip() == "")
    if empty.any():
        row = frame.index[empty.to_numpy()][0]  # of the file, whatever rows were left out
        raise DataFileError(f"{path} has no label in column {str(column)!r} at row {row}. Fill it or remove the row.")
    return [str(label).strip() for label in labels]
