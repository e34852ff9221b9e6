"""Korean sentences that come with skko."""

import csv
import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Inquiries:
    """Customer inquiries with their topics, urgency and paraphrase groups.

    Attributes
    ----------
    texts : list of str
        What customers wrote.
    topics : ndarray of str, shape (n_texts,)
        One of eight topics.
    urgency : ndarray of str, shape (n_texts,)
        낮음, 보통 or 높음.
    groups : ndarray of int, shape (n_texts,)
        Paraphrase group; -1 for a text that says what no other says.
    """

    texts: list[str]
    topics: NDArray[np.str_]
    urgency: NDArray[np.str_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.texts)

    def to_frame(self) -> pd.DataFrame:
        """Return a table of all of it.

        Returns
        -------
        pandas.DataFrame
            Columns ``text``, ``topic``, ``urgency`` and ``group``.
        """
        columns = {"text": self.texts, "topic": self.topics, "urgency": self.urgency, "group": self.groups}
        return pd.DataFrame(columns)


def load_inquiries() -> Inquiries:
    """Load inquiries to an imaginary Korean shop, written for skko.

    Returns
    -------
    Inquiries
        566 texts in 8 topics: 340 in 88 paraphrase groups of 3 to 5, and 226 alone.

    Notes
    -----
    The sentences were written for this package and describe no real person, shop or order. Licence: Apache-2.0.

    Examples
    --------
    >>> from skko.datasets import load_inquiries
    >>> inquiries = load_inquiries()
    >>> sorted(set(inquiries.topics.tolist()))[:3]
    ['결제', '계정·로그인', '배송']
    """
    content = (files("skko.datasets") / "data" / "inquiries.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    return Inquiries(
        [row["text"] for row in rows],
        np.array([row["topic"] for row in rows]),
        np.array([row["urgency"] for row in rows]),
        np.array([int(row["group"] or -1) for row in rows]),
    )
