"""What ``skko finetune`` reads: examples from a file, as the fine-tuner takes them."""

import json
from pathlib import Path
from typing import Any

from skko.datasets import load_texts
from skko.exceptions import DataFileError

Examples = tuple[list[str] | list[tuple[str, ...]], list[str] | list[float] | None]


def read_file(path: str, columns: list[str] | None, label: str | None) -> Examples:
    """Read examples.

    Parameters
    ----------
    path : str
        A csv, tsv, txt, jsonl or parquet file.
    columns : list of str or None
        Columns of the texts. None takes all of a jsonl file but the label, and of others the one of texts.
    label : str or None
        Column of labels, or of judgements or scores of pairs.

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
    names: list[Any] = columns or _keys(path, label) or [None]
    found = [load_texts(path, text=name, label=label) for name in names]
    labels = found[0].labels
    if len(found) == 1:
        return found[0].texts, labels
    rows = list(zip(*(column.texts for column in found), strict=True))
    return rows, None if labels is None else [_number(value, row, path) for row, value in enumerate(labels)]


def _keys(path: str, label: str | None) -> list[str]:
    """The keys of a jsonl file, by its first row."""
    if Path(path).suffix.lower() not in (".jsonl", ".ndjson") or not Path(path).is_file():
        return []
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        line = next((line for line in file if line.strip()), "")
    try:
        row = json.loads(line)
    except json.JSONDecodeError:  # which load_texts reports, with its place
        return []
    return [name for name in row if name != label] if isinstance(row, dict) else []


def _number(value: str, row: int, path: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise DataFileError(f"{path} has the label {value!r} at row {row}, and pairs need numbers.") from None
