"""What the files of users are: formats, encodings, columns, and rows without a text."""

import codecs
import csv
import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from skko.exceptions import DataFileError, SkkoWarning

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "txt",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_USUAL_NAMES = ("text", "sentence", "title", "content", "document", "review", "문장", "본문", "내용", "제목")
# By encoding: the mark that a file may begin with, and what reads the file behind it.
_MARKS = {
    "utf-8": (codecs.BOM_UTF8, "utf-8-sig"),
    "utf-16-le": (codecs.BOM_UTF16_LE, "utf-16"),
    "utf-16-be": (codecs.BOM_UTF16_BE, "utf-16"),
}
_BLOCK_BYTES = 1 << 18


def find_format(path: Path, format: str | None) -> str:
    """Say what a file is: what it is said to be, or by its ending, or by its first character.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    format : str or None
        What it is said to be.

    Returns
    -------
    str
        One of csv, tsv, txt, jsonl and parquet.

    Raises
    ------
    DataFileError
        If that is none of them, or nothing says it.
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    known = sorted(set(FORMATS.values()))
    found = format or FORMATS.get(path.suffix.lower())
    if found in known:
        return str(found)
    if found is not None:
        raise DataFileError(f"format={format!r} is not known: use one of {known}.")
    with path.open("rb") as file:
        start = file.read(64).lstrip(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"{"):
        return "jsonl"
    raise DataFileError(f"{path} has the ending {path.suffix!r}, which says nothing: pass format=, one of {known}.")


def find_encoding(path: Path, encoding: str | None) -> str:
    """Find an encoding that all of a file can be read in, holding a part of it at a time.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    encoding : str or None
        What it is said to be; None reads the byte-order mark, then tries UTF-8 and CP949.

    Returns
    -------
    str
        The encoding, as Python names the one that takes away the mark.

    Raises
    ------
    DataFileError
        If it cannot be read so.
    LookupError
        If Python knows no such encoding.
    """
    with path.open("rb") as file:
        start = file.read(3)
    for name, (mark, reader) in _MARKS.items():
        # Also where the encoding was given: a mark left in place becomes part of the first column's name.
        if start.startswith(mark) and (encoding is None or codecs.lookup(encoding).name == name):
            encoding = reader
    line = 0
    for candidate in [encoding] if encoding else ["utf-8-sig", "cp949"]:
        line = _first_unreadable_line(path, candidate)
        if not line:
            return candidate
    tried = encoding or "neither UTF-8 nor CP949"
    raise DataFileError(f"{path} cannot be read as text ({tried}; line {line}). Pass its encoding, e.g. 'euc-jp'.")


def _first_unreadable_line(path: Path, encoding: str) -> int:
    """Number of the first line that cannot be decoded, from 1; 0 where all can."""
    decoder = codecs.getincrementaldecoder(encoding)()
    n_lines = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            held = decoder.getstate()[0]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return n_lines + (held + block).count(b"\n", 0, error.start) + 1
            if not block:
                return 0
            n_lines += block.count(b"\n")


def text_lines(file: TextIO) -> Iterator[str]:
    """Lines as editors count them, without their ends; ``str.splitlines`` would also cut at separators inside a text.

    Parameters
    ----------
    file : file
        Text, ends of lines as they are.

    Yields
    ------
    str
        A line.
    """
    held = ""
    while block := file.read(_BLOCK_BYTES):
        block = held + block
        # The next block may begin with the other half of this end.
        held = "\r" if block.endswith("\r") else ""
        *lines, rest = block.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        yield from lines
        held = rest + held
    yield held.removesuffix("\r")


def separated_options(kind: str, header: bool) -> dict[str, Any]:
    """How pandas is to read a file of separated values.

    Parameters
    ----------
    kind : {"csv", "tsv"}
        Its format.
    header : bool
        Whether its first line names the columns.

    Returns
    -------
    dict
        Options of :func:`pandas.read_csv`.
    """
    return {
        "sep": "," if kind == "csv" else "\t",
        "quoting": csv.QUOTE_MINIMAL if kind == "csv" else csv.QUOTE_NONE,
        "header": 0 if header else None,
        "index_col": False,  # else a field too many in the first row moves every column by one
        "dtype": str,
        "keep_default_na": False,  # NA and null are words, not missing texts
        "engine": "c",
    }


def json_rows(lines: Iterable[str]) -> Iterator[Any]:
    """Parse lines of JSON; all are objects, or all are lists, or none is either.

    Parameters
    ----------
    lines : iterable of str
        Lines.

    Yields
    ------
    object
        What each line holds; empty ones are passed over.

    Raises
    ------
    ValueError
        If a line is no JSON or unlike the first.
    """
    first: Any = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:  # its own line number is always 1
            raise ValueError(f"line {number}, column {error.colno}: {error.msg}") from error
        first = type(row) if first is None else first
        if type(row) is not first and {type(row), first} & {dict, list}:
            raise ValueError(f"line {number} holds {type(row).__name__} where the first holds {first.__name__}")
        yield row


def find_column(names: list[Any], wanted: str | int | None, path: Path) -> Any:
    """Find a column by name or position; None is the only one, or one with a usual name.

    Parameters
    ----------
    names : list
        Names of the columns.
    wanted : str, int or None
        Which.
    path : pathlib.Path
        The file, for the message.

    Returns
    -------
    object
        Its name.

    Raises
    ------
    DataFileError
        If there is no such column, or it is not clear which.
    """
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


def keep_texts(frame: pd.DataFrame, column: Any, missing: str, path: Path, first_row: int = 0) -> pd.DataFrame:
    """Keep the rows that have a text; an error or a warning counts the others.

    Parameters
    ----------
    frame : DataFrame
        Rows of a file.
    column : object
        Column of the texts.
    missing : {"error", "drop", "keep"}
        What to do with rows without a text: "keep" makes the empty text of them.
    path : pathlib.Path
        The file, for the message.
    first_row : int, default=0
        Row of the file that the first of these is.

    Returns
    -------
    DataFrame
        The rows.

    Raises
    ------
    DataFileError
        If there are others, and ``missing`` is "error".
    """
    if missing not in ("error", "drop", "keep"):
        raise ValueError(f"missing must be 'error', 'drop' or 'keep', got {missing!r}.")
    texts = frame[column]
    empty = texts.isna() | (texts.astype(str).str.strip() == "")
    if not empty.any():
        return frame
    rows = [first_row + int(row) for row in empty.to_numpy().nonzero()[0]]
    found = f"{path} has {len(rows)} rows without a text in column {str(column)!r} (row {rows[0]} is the first)"
    if missing == "error":
        raise DataFileError(f'{found}. Fill them, or leave them out: missing="drop", or skko embed --drop-missing.')
    if missing == "keep":
        return frame.assign(**{column: texts.mask(empty, "")})
    warnings.warn(f"{found}; they were left out.", SkkoWarning, stacklevel=4)
    kept: pd.DataFrame = frame.loc[~empty]
    return kept
