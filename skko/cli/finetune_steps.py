"""What ``skko finetune`` reads: examples from a file, as the fine-tuner takes them."""

import argparse
import json
from pathlib import Path
from typing import Any

from skko.cli.files import read_columns, source
from skko.exceptions import DataFileError

# Keys of a jsonl file that hold no texts, by their usual names.
_LABELS = ("label", "score")

Examples = tuple[list[str] | list[tuple[str, ...]], list[str] | list[float] | None]


def read_examples(path: str, options: argparse.Namespace) -> Examples:
    """Read examples.

    Parameters
    ----------
    path : str
        A csv, tsv, txt, jsonl or parquet file, or ``-``.
    options : argparse.Namespace
        Of the command: ``columns`` of the texts, of which None takes all of a jsonl file but the label, and of others
        the one of texts; the column ``label`` of labels, or of judgements or scores of pairs, of which None takes
        "label" or "score" of such a file; how to read the file.

    Returns
    -------
    X : list of str or of tuple of str
        Texts, or rows of them.
    y : list of str or of float, or None
        Labels of texts, or numbers of pairs.

    Raises
    ------
    DataFileError
        If the file has no such columns, or a score is not a number.
    """
    file = source(path)
    keys = [] if options.columns else _keys(file, options)
    label = options.label or next((name for name in keys if name in _LABELS), None)
    names: list[Any] = options.columns or [name for name in keys if name != label] or [None]
    found = read_columns(file, options, names, label=label)
    labels = found[0].labels
    if len(found) == 1:
        return found[0].texts, labels
    rows = list(zip(*(column.texts for column in found), strict=True))
    return rows, None if labels is None else [_number(value, row, str(file)) for row, value in enumerate(labels)]


def _keys(file: Any, options: argparse.Namespace) -> list[str]:
    """The keys of a jsonl file, by its first row."""
    path = Path(file) if isinstance(file, str) else file
    if not path.is_file() or (options.format or path.suffix.lower()) not in ("jsonl", ".jsonl", ".ndjson"):
        return []
    with path.open(encoding=options.encoding or "utf-8-sig") as lines:
        line = next((line for line in lines if line.strip()), "")
    try:
        row = json.loads(line)
    except json.JSONDecodeError:  # which load_texts reports, with its place
        return []
    return list(row) if isinstance(row, dict) else []


def _number(value: str, row: int, path: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise DataFileError(f"{path} has the label {value!r} at row {row}, and pairs need numbers.") from None
