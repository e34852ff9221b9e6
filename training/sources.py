"""Read the public data sets: which rows train, and which are held out.

Held out of all training: KorSTS dev, the last 5,000 rows of YNAT, Wikipedia articles whose id ends in 0, the last 200
paraphrase groups of ParaKQC, NSMC's reviews of every fifth film, and the petitions of June. KoBEST SentiNeg, XNLI test
and the dev and test splits of StyleKQC are never opened, and AutoRAG only to evaluate.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skko.datasets import (
    fetch_korsts,
    fetch_kowiki,
    fetch_nsmc,
    fetch_parakqc,
    fetch_petitions,
    fetch_stylekqc,
    fetch_ynat,
)

# Topics of the first headlines are learnt from; those of the rows between are not, so that classifiers can be measured.
N_YNAT_TAUGHT, N_YNAT_HELD_OUT = 5_000, 5_000
N_PARAKQC_GROUPS = 800
GROUP_SIZE = 10
PASSAGE_LENGTH = 150
# Of NSMC: by the rule of its authors, ratings from 9 on are positive, up to 4 negative, and the rest neither.
POSITIVE, NEGATIVE = 9, 4
_EVERY_FILM = 5
_MONTHS, _HELD_OUT_MONTH = ("2019-04", "2019-05"), ("2019-06",)
# KorSTS scores run from 0 to 5; from 4 on the two sentences say the same but for details.
SAME_SCORE = 4.0
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
# Markup removal left "(, )" and "( )" where Wikipedia had foreign spellings.
_HOLLOW = re.compile(r"\((?:[\s,;:·-]|，)*\)")


@dataclass(frozen=True, slots=True)
class Article:
    """A title and its text: an article of the Korean Wikipedia, or a petition."""

    title: str
    text: str
    category: str = ""

    @property
    def sentences(self) -> list[str]:
        """The text sentence by sentence, without what markup removal left."""
        return [sentence for sentence in _SENTENCE_END.split(_HOLLOW.sub("", self.text)) if sentence.strip()]


def passages(text: str, *, n_passages: int = 2, length: int = PASSAGE_LENGTH) -> tuple[str, ...]:
    """Cut the start of a text into passages of whole sentences.

    Parameters
    ----------
    text : str
        Text to cut.
    n_passages : int, default=2
        Largest number of passages.
    length : int, default=150
        Passages grow until a further sentence would make them longer than this; a longer sentence is cut.

    Returns
    -------
    tuple of str
        Passages of at least 10 characters.
    """
    found: list[str] = []
    current = ""
    for sentence in _SENTENCE_END.split(_HOLLOW.sub("", text[: 4 * n_passages * length])):
        if current and len(current) + len(sentence) > length:
            found.append(current)
            current = ""
            if len(found) == n_passages:
                break
        current = f"{current} {sentence}".strip()[:length]
    else:
        found.append(current)
    return tuple(passage for passage in found if len(passage) >= 10)


def articles(data: Path, *, held_out: bool = False) -> Iterator[Article]:
    """Read the Korean Wikipedia; articles whose id ends in 0 are held out.

    Parameters
    ----------
    data : Path
        Folder of the data sets.
    held_out : bool, default=False
        Whether to read the held-out articles and not the others.

    Yields
    ------
    Article
        Title and text.
    """
    table = fetch_kowiki(data_home=data)
    table = table[(table["id"] % 10 == 0) == held_out]
    yield from map(Article, table["title"], table["text"])


def reviews(data: Path, *, held_out: bool = False) -> pd.DataFrame:
    """Read NSMC's film reviews with their ratings.

    Parameters
    ----------
    data : Path
        Folder of the data sets.
    held_out : bool, default=False
        Whether to read the reviews of the held-out films and not the others.

    Returns
    -------
    DataFrame
        ``movie_id``, ``rating`` from 1 to 10, ``review``.
    """
    table = fetch_nsmc(data_home=data)
    return table[(table["movie_id"] % _EVERY_FILM == 0) == held_out]


def sentiment(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the reviews that are positive or negative, and say which (``positive``)."""
    clear = table[(table["rating"] >= POSITIVE) | (table["rating"] <= NEGATIVE)]
    return clear.assign(positive=clear["rating"] >= POSITIVE)


def petitions(data: Path, *, held_out: bool = False) -> Iterator[Article]:
    """Read the petitions to the president of April and May 2019; those of June are held out."""
    table = fetch_petitions(_HELD_OUT_MONTH if held_out else _MONTHS, data_home=data)
    for title, content, category in zip(table["title"], table["content"], table["category"], strict=True):
        yield Article(title.strip(), content.strip(), category)


def headlines(data: Path, *, held_out: bool = False) -> pd.DataFrame:
    """Read YNAT's headlines with their topics (``title``, ``topic_idx``); the last 5,000 rows are held out.

    Only the topics of the first 5,000 may be learnt from.
    """
    table = fetch_ynat(data_home=data).drop(columns="topic")
    return table[-N_YNAT_HELD_OUT:] if held_out else table[:-N_YNAT_HELD_OUT]


def held_out_paraphrases(data: Path) -> list[str]:
    """Read the questions of ParaKQC's last 200 groups, ten after ten."""
    questions: list[str] = fetch_parakqc(data_home=data)["text"].tolist()
    return questions[N_PARAKQC_GROUPS * GROUP_SIZE :]


def paraphrase_groups(data: Path) -> list[list[str]]:
    """Read groups of ten paraphrases: ParaKQC without its last 200 groups, and StyleKQC's training split."""
    parakqc = fetch_parakqc(data_home=data)["text"].tolist()
    stylekqc = fetch_stylekqc(data_home=data)["sentence"].tolist()
    rows = parakqc[: N_PARAKQC_GROUPS * GROUP_SIZE] + stylekqc
    return [rows[start : start + GROUP_SIZE] for start in range(0, len(rows), GROUP_SIZE)]


def held_out_texts(data: Path) -> frozenset[str]:
    """Every text of the development sets: the sets overlap, so a text of one may stand in the training part of another.

    Parameters
    ----------
    data : Path
        Folder of the data sets.

    Returns
    -------
    frozenset of str
        Sentences of KorSTS dev, headlines, Wikipedia titles and passages, and paraphrases that are held out.
    """
    sts = fetch_korsts("dev", data_home=data)
    held_out = {*sts["sentence1"], *sts["sentence2"], *headlines(data, held_out=True)["title"]}
    for article in articles(data, held_out=True):
        held_out |= {article.title, *article.sentences}
    return frozenset(held_out | set(held_out_paraphrases(data)))
