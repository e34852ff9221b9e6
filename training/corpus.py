"""The training corpus: every public text once, and which of them belong together."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training import sources


@dataclass(frozen=True, slots=True)
class Corpus:
    """Unique texts, and pairs of row numbers into them."""

    texts: list[str]
    pairs: NDArray[np.int64]


def build_corpus(data: Path, *, seed: int = 0) -> Corpus:
    """Gather the texts and the pairs of all training sets.

    Parameters
    ----------
    data : Path
        Folder of the data sets.
    seed : int, default=0
        Seed of the choice of passages.

    Returns
    -------
    Corpus
        Texts without duplicates and without any that development or test sets hold, in the order of their first
        appearance.
    """
    articles = list(sources.articles(data))
    petitions = list(sources.petitions(data))
    pairs = [
        *_article_pairs(articles, np.random.default_rng(seed)),
        *(passages for passages in petitions if len(passages) == 2),
        *_paraphrase_pairs(data),
        *_question_pairs(data),
    ]
    texts = [text for pair in pairs for text in pair]
    texts += [passage for article in articles for passage in article.passages]
    texts += list(sources.reviews(data))
    texts += _plain_texts(data)
    held_out = sources.held_out_texts(data)
    kept = dict.fromkeys(text for text in texts if text.strip() and text not in held_out)
    row_of = {text: row for row, text in enumerate(kept)}
    known = (pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1] and row_of.keys() >= set(pair))
    rows = [(row_of[left], row_of[right]) for left, right in known]
    return Corpus(list(row_of), np.array(rows, dtype=np.int64))


def _article_pairs(articles: list[sources.Article], rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """One pair an article: title and a passage (as a query and its document), or two passages."""
    for article, draw in zip(articles, rng.integers(3, size=len(articles)), strict=True):
        if len(article.passages) < 2:
            continue
        first, second = article.passages
        yield ((article.title, first), (article.title, second), (first, second))[draw]


def _paraphrase_pairs(data: Path) -> Iterator[tuple[str, str]]:
    """Disjoint pairs within each group of ten paraphrases."""
    for group in sources.paraphrase_groups(data):
        half = len(group) // 2
        yield from zip(group[:half], group[half:], strict=True)


def _question_pairs(data: Path) -> Iterator[tuple[str, str]]:
    """Pairs that people wrote or judged to mean the same: questions, answers, key phrases, captions."""
    for name in ("train.txt", "validation.txt"):
        table = sources.read_table(data / "question_pair" / name)
        same = table[table["is_duplicate"] == "0"]  # inverted in these two files
        yield from zip(same["question1"], same["question2"], strict=True)
    chatbot = pd.read_csv(data / "chatbot" / "ChatbotData.csv")
    yield from zip(chatbot["Q"], chatbot["A"], strict=True)
    requests = sources.read_table(data / "sae4k" / "sae4k_v1.txt", header=None)
    yield from zip(requests[0], requests[1], strict=True)
    sts = sources.read_table(data / "kornlu" / "sts-train.tsv")
    sts = sts[sts["score"].astype(float) >= sources.SAME_SCORE]
    yield from zip(sts["sentence1"], sts["sentence2"], strict=True)
    xnli = sources.read_table(data / "kornlu" / "xnli.dev.ko.tsv")
    xnli = xnli[xnli["gold_label"] == "entailment"]
    yield from zip(xnli["sentence1"], xnli["sentence2"], strict=True)


def _plain_texts(data: Path) -> list[str]:
    """Texts that no pair holds: they only show the student how Korean is written."""
    texts: list[str] = sources.headlines(data)["title"].tolist()
    texts += sources.read_table(data / "3i4k" / "fci_train_val.txt", header=None)[1].tolist()
    texts += [text for group in sources.paraphrase_groups(data) for text in group]
    for name in ("sts-train.tsv", "xnli.dev.ko.tsv"):
        table = sources.read_table(data / "kornlu" / name)
        texts += table["sentence1"].tolist() + table["sentence2"].tolist()
    return texts
