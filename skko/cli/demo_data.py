"""What ``skko demo`` works on: bundled inquiries, or the user's file."""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skko.cli.files import read_columns, source
from skko.datasets import load_inquiries
from skko.exceptions import DataFileError

_QUERY = "돈을 돌려받고 싶어요"
_SEED = 0


@dataclass(frozen=True)
class DemoData:
    """Texts and what is known of them.

    Attributes
    ----------
    name : str
        Where they come from.
    texts : list of str
        The texts.
    labels : ndarray of str or None
        Class of each text.
    groups : ndarray of int or None
        Paraphrase group of each text, -1 alone.
    query : str
        What to search for.
    """

    name: str
    texts: list[str]
    labels: NDArray[np.str_] | None
    groups: NDArray[np.int64] | None
    query: str


def bundled_data(query: str | None = None) -> DemoData:
    """Return the inquiries that come with skko.

    Parameters
    ----------
    query : str or None, default=None
        What to search for; None is a question about refunds.

    Returns
    -------
    DemoData
        Texts with topics and paraphrase groups.
    """
    inquiries = load_inquiries()
    return DemoData("bundled inquiries", inquiries.texts, inquiries.topics, inquiries.groups, query or _QUERY)


def file_data(options: argparse.Namespace) -> DemoData:
    """Read the user's file.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command.

    Returns
    -------
    DemoData
        Texts, and labels where a column was named.

    Raises
    ------
    DataFileError
        If the file cannot be read, or has fewer texts than a demo needs.
    """
    file = source(options.data)
    (data,) = read_columns(file, options, [options.text], label=options.label, missing="drop")
    rows = np.arange(len(data))
    if options.sample is not None and options.sample < len(rows):
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, size=options.sample, replace=False))
    if len(rows) < 2:
        raise DataFileError(f"{file} gives {len(rows)} text: a demo needs at least 2.")
    texts = [data.texts[row] for row in rows]
    labels = None if data.labels is None else np.array(data.labels)[rows]
    return DemoData(str(file), texts, labels, None, options.query or texts[0])
