"""The training corpus: every public text once, cut into sentences, and what is known of which belong together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.datasets import (
    fetch_chatbot,
    fetch_intents,
    fetch_korsts,
    fetch_parakqc,
    fetch_question_pair,
    fetch_sae4k,
)
from training import sources
from training.questions import wordings

Rows = NDArray[np.int64]
# Characters of an article that Kiwi analyses: analysis is the dearest step of the whole build.
_ANALYSED_LENGTH = 300
_N_ANALYSED_REVIEWS = 60_000
# What the transformer reads beside all of KorSTS and all headlines; it takes some 15 ms a text.
_N_READ_REVIEWS = 4_000
_N_READ_OTHERS = 8_000
_N_READ_ARTICLES = 8_000


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts without duplicates, and row numbers into them.

    Attributes
    ----------
    texts : list of str
        Titles, sentences of articles, and short texts.
    analysed : ndarray of int64
        Which of them Kiwi is to analyse.
    read : ndarray of int64
        Which of those the transformer is to read.
    headlines : ndarray of int64
        Headlines of news.
    articles : ndarray of int64, shape (n_articles, 3)
        Title, first sentence, and one past the last sentence.
    pairs : dict of str to ndarray of int64, shape (n_pairs, 2)
        Texts that belong together, by data set.
    groups : ndarray of int64, shape (n_groups, 10)
        Ten paraphrases each.
    judged : ndarray of int64, shape (n_judged, 2)
        Sentences of KorSTS whose likeness people judged.
    judgements : ndarray of float64, shape (n_judged,)
        The judgements, from 0 to 5.
    labelled : dict of str to tuple of ndarray
        Texts and their classes, by data set.
    wordings : ndarray of int64
        Ends of questions.
    """

    texts: list[str]
    analysed: Rows
    read: Rows
    headlines: Rows
    articles: Rows
    pairs: dict[str, Rows]
    groups: Rows
    judged: Rows
    judgements: NDArray[np.float64]
    labelled: dict[str, tuple[Rows, Rows]]
    wordings: Rows


@dataclass(slots=True)
class _Shelf:
    """Texts as they come, each once; none that is held out."""

    held_out: frozenset[str]
    texts: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def put(self, text: str) -> int:
        """Find a text's row, or make one; -1 for a text that is empty or held out."""
        if not text.strip() or text in self.held_out:
            return -1
        row = self.rows.setdefault(text, len(self.texts))
        if row == len(self.texts):
            self.texts.append(text)
        return row

    def put_rows(self, rows: Iterable[Iterable[str]]) -> Rows:
        """Put texts that belong together; those that lack one are left out."""
        found = {tuple(self.put(text) for text in row) for row in rows}
        return np.array(sorted(row for row in found if -1 not in row and len(set(row)) > 1), dtype=np.int64)


def build_corpus(data: Path, *, seed: int = 0) -> Corpus:
    """Gather what all training sets hold.

    Parameters
    ----------
    data : Path
        Folder of the data sets.
    seed : int, default=0
        Seed of the choices of texts.

    Returns
    -------
    Corpus
        Texts, none of which a development or test set holds.
    """
    shelf = _Shelf(sources.held_out_texts(data))
    pairs = {name: shelf.put_rows(rows) for name, rows in _pairs(data).items()}
    groups = shelf.put_rows(sources.paraphrase_groups(data))
    groups = groups[[len(set(row)) == sources.GROUP_SIZE for row in groups.tolist()]]
    judged, judgements = _judged(shelf, data)
    labelled = _labelled(shelf, data)
    headlines = np.array([row for row in map(shelf.put, sources.headlines(data)["title"]) if row >= 0], dtype=np.int64)
    n_short = len(shelf.texts)
    articles, long = _articles(shelf, data)
    rng = np.random.default_rng(seed)
    reviews = rng.permutation(labelled["nsmc"][0])
    short = np.setdiff1d(np.arange(n_short), reviews[_N_ANALYSED_REVIEWS:])
    known = np.unique(np.concatenate([judged.ravel(), headlines]))
    other = rng.permutation(np.setdiff1d(short, np.concatenate([known, reviews])))
    drawn = ((reviews, _N_READ_REVIEWS), (other, _N_READ_OTHERS), (rng.permutation(long), _N_READ_ARTICLES))
    read = np.concatenate([known, *(rows[:n] for rows, n in drawn)])
    analysed = np.concatenate([short, long])
    asked = np.array([shelf.put(wording) for wording in wordings()])
    return Corpus(shelf.texts, analysed, read, headlines, articles, pairs, groups, judged, judgements, labelled, asked)


def _articles(shelf: _Shelf, data: Path) -> tuple[Rows, Rows]:
    """Put every title and, behind it, its sentences; a sentence of two articles is put twice."""
    articles, analysed = [], []
    for article in [*sources.articles(data), *sources.petitions(data)]:
        title = shelf.put(article.title)
        if title >= 0:
            analysed.append(title)
        first, length = len(shelf.texts), 0
        for sentence in article.sentences:
            if sentence in shelf.held_out:
                continue
            if length < _ANALYSED_LENGTH:
                analysed.append(len(shelf.texts))
            length += len(sentence)
            shelf.texts.append(sentence[: sources.PASSAGE_LENGTH * 4])
        if title >= 0 and len(shelf.texts) > first:
            articles.append((title, first, len(shelf.texts)))
    return np.array(articles, dtype=np.int64), np.unique(analysed)


def _pairs(data: Path) -> dict[str, Iterable[tuple[str, str]]]:
    """Pairs that people wrote or judged to mean the same: questions, answers, key phrases."""
    parts = [fetch_question_pair("train", data_home=data), fetch_question_pair("validation", data_home=data)]
    questions = pd.concat(parts)
    questions = questions[questions["same"]]
    chatbot = fetch_chatbot(data_home=data)
    requests = fetch_sae4k(data_home=data)
    sts = fetch_korsts("train", data_home=data)
    sts = sts[sts["score"] >= sources.SAME_SCORE]
    return {
        "question_pair": zip(questions["question1"], questions["question2"], strict=True),
        "chatbot": zip(chatbot["question"], chatbot["answer"], strict=True),
        "sae4k": zip(requests["sentence"], requests["key_phrase"], strict=True),
        "korsts": zip(sts["sentence1"], sts["sentence2"], strict=True),
    }


def _judged(shelf: _Shelf, data: Path) -> tuple[Rows, NDArray[np.float64]]:
    sts = fetch_korsts("train", data_home=data)
    rows = np.array(
        [[shelf.put(left), shelf.put(right)] for left, right in zip(sts["sentence1"], sts["sentence2"], strict=True)]
    )
    known = (rows >= 0).all(axis=1)
    return rows[known], sts["score"].to_numpy()[known]


def _labelled(shelf: _Shelf, data: Path) -> dict[str, tuple[Rows, Rows]]:
    """Put the texts that have classes."""
    reviews = sources.sentiment(sources.reviews(data))
    intents = fetch_intents(data_home=data)
    headlines = sources.headlines(data)
    acts = fetch_parakqc(data_home=data)[: sources.N_PARAKQC_GROUPS * sources.GROUP_SIZE]
    sets = {
        "nsmc": (reviews["review"], reviews["positive"]),
        "3i4k": (intents["text"], intents["label"]),
        "ynat": (headlines["title"], headlines["topic_idx"]),
        "parakqc": (acts["text"], acts["topic"].astype(str) + acts["act"].astype(str)),
    }
    labelled = {}
    for name, (texts, labels) in sets.items():
        rows = np.array([shelf.put(text) for text in texts])
        classes = np.unique(labels.to_numpy(dtype=str), return_inverse=True)[1]
        taught = rows >= 0
        if name == "ynat":
            taught[sources.N_YNAT_TAUGHT :] = False
        labelled[name] = (rows[taught], classes[taught])
    return labelled
