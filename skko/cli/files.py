"""Files that commands read and write: texts in, tables out."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from skko.exceptions import DataFileError
from skko.optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

    from skko.datasets.files import Texts

STANDARD_INPUT = "-"


class StandardInput:
    """Standard input as a file: read once, opened as often as wanted."""

    suffix = ".txt"

    def __init__(self) -> None:
        self._content = sys.stdin.buffer.read()

    def is_file(self) -> bool:
        """Say that it can be read.

        Returns
        -------
        bool
            True.
        """
        return True

    def open(self, mode: str = "r", encoding: str | None = None, newline: str | None = None) -> IO[Any]:
        """Open it from its start.

        Parameters
        ----------
        mode : str, default="r"
            As of :func:`open`.
        encoding, newline : str or None, default=None
            As of :func:`open`.

        Returns
        -------
        file
            Its content.
        """
        content = io.BytesIO(self._content)
        return content if "b" in mode else io.TextIOWrapper(content, encoding=encoding, newline=newline)

    def __str__(self) -> str:
        return "standard input"


def read_file(
    options: argparse.Namespace, *, label: str | None = None, missing: Literal["error", "drop", "keep"] = "drop"
) -> "Texts":
    """Read the texts of the file that a command was given.

    Parameters
    ----------
    options : argparse.Namespace
        What :func:`skko.cli.options.add_file` defines.
    label : str or None, default=None
        Column of labels.
    missing : {"error", "drop", "keep"}, default="drop"
        What to do with rows without a text.

    Returns
    -------
    Texts
        Texts and labels.
    """
    (found,) = read_columns(source(options.file), options, [options.text], label=label, missing=missing)
    return found


def read_columns(
    file: Any,
    options: argparse.Namespace,
    columns: Sequence[str | None],
    *,
    label: str | None = None,
    missing: Literal["error", "drop", "keep"] = "error",
) -> list["Texts"]:
    """Read columns of a file, as the options say that it is to be read.

    Parameters
    ----------
    file : str or StandardInput
        The file.
    options : argparse.Namespace
        What :func:`skko.cli.options.add_reading` defines.
    columns : sequence of str or None
        The columns of texts.
    label : str or None, default=None
        Column of labels.
    missing : {"error", "drop", "keep"}, default="error"
        What to do with rows without a text.

    Returns
    -------
    list of Texts
        Texts and labels of each column.
    """
    from skko.datasets.files import load_columns

    return load_columns(
        file,
        columns,
        label=label,
        format=options.format,
        header=not options.no_header,
        encoding=options.encoding,
        missing=missing,
    )


def source(name: str) -> Any:
    """Return what a name on the command line means.

    Parameters
    ----------
    name : str
        A path, or ``-``.

    Returns
    -------
    str or StandardInput
        What :func:`skko.datasets.load_texts` reads.
    """
    return StandardInput() if name == STANDARD_INPUT else name


def check_table(path: str) -> Path:
    """Check that a table can be written as the name says, before the work that fills it.

    Parameters
    ----------
    path : str
        A csv, tsv, jsonl or parquet file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    DataFileError
        If the ending is another.
    OSError
        If nothing can be written there.
    """
    file = check_place(path)
    if file.suffix.lower() not in (".csv", ".tsv", ".jsonl", ".parquet"):
        raise DataFileError(f"{path} has the ending {file.suffix!r}: use .csv, .tsv, .jsonl or .parquet.")
    if file.suffix.lower() == ".parquet":
        import_optional("pyarrow", extra="parquet", purpose="write parquet files")
    return file


def check_place(path: str) -> Path:
    """Check that a file can be written, before the work that fills it.

    Parameters
    ----------
    path : str
        The file; one that exists will be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OSError
        If there is no such folder, it cannot be written in, or the name is that of a folder.
    """
    file = Path(path)
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent}: make it, or name another file.")
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder: name a file.")
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(f"{file.parent} cannot be written in: change its permissions, or name another folder.")
    return file


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a table in the format of the file's ending.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    path : pathlib.Path
        What :func:`check_table` returned; csv and tsv begin with a byte-order mark, for Excel.
    """
    kind = path.suffix.lower()
    if kind == ".jsonl":
        table.to_json(path, orient="records", lines=True, force_ascii=False)
    elif kind == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, encoding="utf-8-sig", sep="\t" if kind == ".tsv" else ",")
