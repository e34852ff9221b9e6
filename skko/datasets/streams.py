"""Texts from files of any size, a block at a time."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from skko.datasets._tables import (
    FORMATS,
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

TEXT_SUFFIXES = frozenset(FORMATS)
"""Endings of files that are read without being told their format."""
_BLOCK_ROWS = 8_192


@dataclass(frozen=True)
class TextBlock:
    """Some texts of a file.

    Attributes
    ----------
    texts : list of str
        The texts, in file order.
    ids : list of str or None
        Their ids, where a column of ids was asked for.
    rows : list of int
        Their rows in the file, from 0; a header and empty lines of txt and jsonl files are no rows.
    """

    texts: list[str]
    ids: list[str] | None
    rows: list[int]

    def __len__(self) -> int:
        return len(self.texts)


def stream_texts(
    path: str | PathLike[str],
    *,
    text: str | int | None = None,
    id: str | int | None = None,
    format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    missing: Literal["error", "drop"] = "error",
) -> Iterator[TextBlock]:
    """Read the texts that :func:`load_texts` reads, without holding the file in memory.

    Parameters
    ----------
    path : path-like
        A csv, tsv, txt (one text a line), jsonl or parquet file.
    text : str, int or None, default=None
        Column of the texts, as in :func:`load_texts`.
    id : str, int or None, default=None
        Column of ids; None reads none.
    format : {"csv", "tsv", "txt", "jsonl", "parquet"} or None, default=None
        None goes by the file's ending.
    header : bool, default=True
        Whether the first line of a csv or tsv file names the columns.
    encoding : str or None, default=None
        None reads the byte-order mark, tries UTF-8 and then CP949, in a pass of its own.
    missing : {"error", "drop"}, default="error"
        What to do with rows whose text is empty or missing.

    Yields
    ------
    TextBlock
        Some thousand texts, as str.

    Raises
    ------
    DataFileError
        If the file is not what its name says, has no such column, or has rows without a text.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "문의.csv"
    >>> _ = path.write_bytes("번호,문장\\n7,배송이 늦어요\\n".encode("cp949"))
    >>> [(block.ids, block.texts) for block in stream_texts(path, text="문장", id="번호")]
    [(['7'], ['배송이 늦어요'])]
    """
    path = Path(path)
    kind = find_format(path, format)
    column: Any = None
    id_column: Any = None
    first_row = 0
    for frame in _frames(path, kind, header, encoding):
        if column is None:
            column = find_column(list(frame.columns), text, path)
            id_column = None if id is None else find_column(list(frame.columns), id, path)
        for name in {column, id_column} - {None}:
            if name not in frame:
                raise DataFileError(
                    f"{path} has no field {name!r} in rows {first_row} to {first_row + len(frame) - 1}."
                )
        frame.index = pd.RangeIndex(first_row, first_row + len(frame))
        kept = keep_texts(frame, column, missing, path, first_row)
        first_row += len(frame)
        ids = None if id_column is None else kept[id_column].astype(str).tolist()
        if len(kept):
            yield TextBlock(kept[column].astype(str).tolist(), ids, kept.index.tolist())
    if column is None:
        raise DataFileError(f"{path} is empty.")


def _frames(path: Path, kind: str, header: bool, encoding: str | None) -> Iterator[pd.DataFrame]:
    try:
        if kind == "parquet":
            yield from _parquet_frames(path)
            return
        encoding = find_encoding(path, encoding)
        if kind in ("csv", "tsv"):
            yield from _separated_frames(path, encoding, **separated_options(kind, header))
            return
        with path.open(encoding=encoding, newline="") as file:
            lines = text_lines(file)
            rows = json_rows(lines) if kind == "jsonl" else (line for line in lines if line.strip())
            while block := list(islice(rows, _BLOCK_ROWS)):
                yield pd.DataFrame(block if kind == "jsonl" else {"text": block}, dtype=object)
    except DataFileError:
        raise
    except (ValueError, pd.errors.ParserWarning) as error:
        raise DataFileError(f"{path} cannot be read as {kind}: {str(error).strip()}.") from error


def _separated_frames(path: Path, encoding: str, **options: Any) -> Iterator[pd.DataFrame]:
    """Read by path: of an open file of text pandas keeps what it has read."""
    try:
        with pd.read_csv(path, encoding=encoding, chunksize=_BLOCK_ROWS, **options) as reader:
            while True:
                with warnings.catch_warnings():  # for one block at a time: between them others run
                    warnings.simplefilter("error", pd.errors.ParserWarning)
                    frame = next(reader, None)
                if frame is None:
                    return
                yield frame
    except pd.errors.EmptyDataError:
        return


def _parquet_frames(path: Path) -> Iterator[pd.DataFrame]:
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="read parquet files")
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BLOCK_ROWS):
                # Arrow's types know missing values, else one missing number would make 1.0 of every 1.
                yield batch.to_pandas(types_mapper=pd.ArrowDtype)
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path} cannot be read as parquet: {error}.") from error
