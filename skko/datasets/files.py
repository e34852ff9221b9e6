"""Texts from the user's own files: csv, tsv, txt, jsonl and parquet, in UTF-8, UTF-16 or CP949."""

import codecs
import csv
import io
import json
import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from skko.exceptions import DataFileError, SkkoWarning
from skko.optional import import_optional

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_USUAL_NAMES = ("text", "sentence", "title", "content", "document", "review", "문장", "본문", "내용", "제목")


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
    """

    texts: list[str]
    labels: list[str] | None
    text_column: str | None
    label_column: str | None
    encoding: str | None

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
    path: str | PathLike[str],
    *,
    text: str | int | None = None,
    label: str | int | None = None,
    format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    missing: Literal["error", "drop"] = "error",
) -> Texts:
    """Read texts, and labels if there are any, from a file.

    Parameters
    ----------
    path : path-like
        A csv, tsv, txt (one text a line), jsonl or parquet file.
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
    missing : {"error", "drop"}, default="error"
        What to do with rows whose text is empty or missing: say which they are, or leave them out with a warning.

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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    kind = format or _FORMATS.get(path.suffix.lower()) or _sniff(path)
    if kind == "parquet":
        frame, used = _read_parquet(path), None
    else:
        content, used = _decode(path, encoding)
        frame = _parse(content, kind, header, path)
    column = _column(frame, text, path)
    label_column = None if label is None else _column(frame, label, path)
    frame = _with_texts(frame, column, missing, path)
    labels = None if label_column is None else _labels(frame, label_column, path)
    return Texts(
        frame[column].astype(str).tolist(),
        labels,
        str(column),
        None if label_column is None else str(label_column),
        used,
    )


def _sniff(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(64).lstrip(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"{"):
        return "jsonl"
    raise DataFileError(
        f"{path} has the ending {path.suffix!r}, which says nothing: pass format=, one of "
        f"{sorted(set(_FORMATS.values()))}."
    )


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    content = path.read_bytes()
    if encoding is None and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    for candidate in [encoding] if encoding else ["utf-8-sig", "cp949"]:
        try:
            # Also where the encoding was given: a mark left in place becomes part of the first column's name.
            return content.decode(candidate).removeprefix("\ufeff"), candidate
        except UnicodeDecodeError as error:
            last = error
    line = content.count(b"\n", 0, last.start) + 1
    tried = encoding or "neither UTF-8 nor CP949"
    raise DataFileError(f"{path} cannot be read as text ({tried}; line {line}). Pass its encoding, e.g. 'euc-jp'.")


def _parse(content: str, kind: str, header: bool, path: Path) -> pd.DataFrame:
    if not content.strip():
        raise DataFileError(f"{path} is empty.")
    if kind == "txt":
        return pd.DataFrame({"text": [line for line in _lines(content) if line.strip()]})
    try:
        if kind == "jsonl":
            return _json_lines(content)
        if kind in ("csv", "tsv"):
            return _separated(content, kind, header)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise DataFileError(f"{path} cannot be read as {kind}: {str(error).strip()}.") from error
    raise DataFileError(f"format={kind!r} is not known: use one of {sorted(set(_FORMATS.values()))}.")


def _separated(content: str, kind: str, header: bool) -> pd.DataFrame:
    with warnings.catch_warnings():
        # Where rows have more fields than the header, pandas would warn and lose the rest.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.StringIO(content, newline=""),
            sep="," if kind == "csv" else "\t",
            quoting=csv.QUOTE_MINIMAL if kind == "csv" else csv.QUOTE_NONE,
            header=0 if header else None,
            index_col=False,  # else a field too many in the first row moves every column by one
            dtype=str,
            keep_default_na=False,  # NA and null are words, not missing texts
            engine="c",
        )


def _json_lines(content: str) -> pd.DataFrame:
    rows: list[Any] = []
    for number, line in enumerate(_lines(content), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:  # its own line number is always 1
            raise ValueError(f"line {number}, column {error.colno}: {error.msg}") from error
        kinds = {type(row), type(rows[0] if rows else row)}
        if len(kinds) > 1 and kinds & {dict, list}:
            raise ValueError(f"line {number} holds {type(row).__name__} where the first holds {type(rows[0]).__name__}")
        rows.append(row)
    return pd.DataFrame(rows, dtype=object)  # else one row without a number makes 1.0 of every 1


def _lines(content: str) -> list[str]:
    """Lines as editors count them; str.splitlines would also cut at separators inside a text."""
    return content.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _read_parquet(path: Path) -> pd.DataFrame:
    import_optional("pyarrow", extra="parquet", purpose="read parquet files")
    try:
        # Nullable types, else one missing number makes 1.0 of every 1.
        return pd.read_parquet(path, dtype_backend="numpy_nullable")
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path} cannot be read as parquet: {error}.") from error


def _column(frame: pd.DataFrame, wanted: str | int | None, path: Path) -> Any:
    names = list(frame.columns)
    if wanted is None:
        usual = [name for name in names if str(name).strip().lower() in _USUAL_NAMES]
        if len(names) == 1 or usual:
            return usual[0] if usual else names[0]
        raise DataFileError(f"{path} has the columns {[str(n) for n in names]}: say which holds the texts, with text=.")
    if wanted in names:
        return wanted
    position = int(wanted) if isinstance(wanted, int) or wanted.isdecimal() else -1
    if 0 <= position < len(names):
        return names[position]
    raise DataFileError(f"{path} has no column {wanted!r}; its columns are {[str(n) for n in names]}.")


def _with_texts(frame: pd.DataFrame, column: Any, missing: str, path: Path) -> pd.DataFrame:
    """The rows that have a text; an error or a warning counts the others."""
    if missing not in ("error", "drop"):
        raise ValueError(f"missing must be 'error' or 'drop', got {missing!r}.")
    texts = frame[column]
    empty = texts.isna() | (texts.astype(str).str.strip() == "")
    if not empty.any():
        return frame
    rows = [int(row) for row in empty.to_numpy().nonzero()[0]]
    found = f"{path} has {len(rows)} rows without a text in column {str(column)!r} (row {rows[0]} is the first)"
    if missing == "error":
        raise DataFileError(f'{found}. Fill them, or leave them out with missing="drop".')
    warnings.warn(f"{found}; they were left out.", SkkoWarning, stacklevel=3)
    kept: pd.DataFrame = frame.loc[~empty]
    return kept


def _labels(frame: pd.DataFrame, column: Any, path: Path) -> list[str]:
    labels = frame[column]
    empty = labels.isna() | (labels.astype(str).str.strip() == "")
    if empty.any():
        row = int(empty.to_numpy().nonzero()[0][0])
        raise DataFileError(f"{path} has no label in column {str(column)!r} at row {row}. Fill it or remove the row.")
    return [str(label).strip() for label in labels]
