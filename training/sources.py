"""Read the public data sets: which rows train, and which are held out.

Held out of all training: KorSTS dev, the last 5,000 rows of YNAT, Wikipedia articles whose id ends in 0, and the
last 200 paraphrase groups of ParaKQC. KoBEST SentiNeg, XNLI test and the dev and test splits of StyleKQC are never
opened, and AutoRAG only to evaluate.
"""

import csv
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

N_YNAT_HELD_OUT = 5_000
N_PARAKQC_GROUPS = 800
GROUP_SIZE = 10
PASSAGE_LENGTH = 150
# KorSTS scores run from 0 to 5; from 4 on the two sentences say the same but for details.
SAME_SCORE = 4.0
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
# Markup removal left "(, )" and "( )" where Wikipedia had foreign spellings.
_HOLLOW = re.compile(r"\((?:[\s,;:·-]|，)*\)")


@dataclass(frozen=True, slots=True)
class Article:
    """An article of the Korean Wikipedia: its title and its first passages."""

    title: str
    passages: tuple[str, ...]


def read_table(path: Path, **options: Any) -> pd.DataFrame:
    """Read a tab-separated file of strings, quotes being ordinary characters.

    Parameters
    ----------
    path : Path
        File to read.
    **options : Any
        Further options of :func:`pandas.read_csv`.

    Returns
    -------
    DataFrame
        Every column as str.
    """
    settings: dict[str, Any] = {
        "sep": "\t",
        "quoting": csv.QUOTE_NONE,
        "dtype": str,
        "keep_default_na": False,
        **options,
    }
    return pd.read_csv(path, encoding="utf-8-sig", **settings)


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
        Title and first passages.
    """
    with lzma.open(data / "kowiki" / "kowiki_110k.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if (int(row["id"]) % 10 == 0) == held_out:
                yield Article(row["title"], passages(row["text"]))


def reviews(data: Path) -> Iterator[str]:
    """Read every tenth film review of NSMC, without its rating."""
    with lzma.open(data / "nsmc_raw" / "reviews.tsv.xz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 10 == 1:
                yield line.rstrip("\n").split("\t")[-1]


def petitions(data: Path) -> Iterator[tuple[str, ...]]:
    """Read the first passages of each petition to the president."""
    for path in sorted((data / "petitions").glob("petitions_*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield passages(json.loads(line)["content"])


def headlines(data: Path, *, held_out: bool = False) -> pd.DataFrame:
    """Read YNAT's headlines with their topics (``title``, ``topic_idx``); the last 5,000 rows are held out."""
    table = pd.read_csv(data / "ynat" / "train.csv")
    return table[-N_YNAT_HELD_OUT:] if held_out else table[:-N_YNAT_HELD_OUT]


def held_out_paraphrases(data: Path) -> list[str]:
    """Read the questions of ParaKQC's last 200 groups, ten after ten."""
    questions: list[str] = read_table(data / "parakqc" / "paraKQC_v1.txt", header=None)[2].tolist()
    return questions[N_PARAKQC_GROUPS * GROUP_SIZE :]


def paraphrase_groups(data: Path) -> list[list[str]]:
    """Read groups of ten paraphrases: ParaKQC without its last 200 groups, and StyleKQC's training split."""
    parakqc = read_table(data / "parakqc" / "paraKQC_v1.txt", header=None)[2].tolist()
    stylekqc = read_table(data / "stylekqc" / "topic" / "train.tsv")["sentence"].tolist()
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
    sts = read_table(data / "kornlu" / "sts-dev.tsv")
    held_out = {*sts["sentence1"], *sts["sentence2"], *headlines(data, held_out=True)["title"]}
    for article in articles(data, held_out=True):
        held_out |= {article.title, *article.passages}
    return frozenset(held_out | set(held_out_paraphrases(data)))
