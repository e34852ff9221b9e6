"""What a model is worth, by what it makes of texts that no training has seen.

AutoRAG is for the final report only: nothing may be chosen by it. The others are development sets.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.stats import spearmanr
from sklearn.utils.extmath import safe_sparse_dot

from skko.datasets import fetch_autorag, fetch_korsts
from training import sources
from training.questions import HELD_OUT

Vectors: TypeAlias = NDArray[np.float32] | csr_matrix
"""Of unit length. The sparse ones of ``training/pieces.py`` serve for :func:`retrieval` and :func:`autorag` alone."""
Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Scores = dict[str, float]

N_DRAWS = 10
N_LABELS = 8
N_MANY = 20_000
N_REVIEWS = 25_000
RANKS = (1, 3, 5, 10)
_DOCUMENT_LENGTH = 1000
_MOST_WORDS, _SEED_OF_WORDS = 12, 1
_COMMON_CATEGORY = 20


def development(encode: Encode, data: Path) -> Scores:
    """Every score that choices may be made by, but for clustering."""
    return {
        name: score
        for measure in (sts, retrieval, paraphrases, topics, petition_topics, sentiment)
        for name, score in measure(encode, data).items()
    }


def sts(encode: Encode, data: Path) -> Scores:
    """Spearman correlation of cosines with people's judgements, on KorSTS dev."""
    table = fetch_korsts("dev", data_home=data)
    left, right = encode(table["sentence1"].tolist()), encode(table["sentence2"].tolist())
    cosines = np.einsum("ij,ij->i", left, right)
    return {"KorSTS dev, Spearman": float(spearmanr(cosines, table["score"]).statistic)}


def retrieval(encode: Encode, data: Path) -> Scores:
    """Share of queries whose own document is nearest: held-out articles of Wikipedia, and petitions.

    Short passages are the first two of an article; long ones all of it (up to 1,000 characters) but for the sentence
    in its middle, which asks for it. Questions are titles, worded as no training has seen it; and half of the words of
    that sentence, worded so, whose document is the 1,000 characters around it.
    """
    split = ((article, article.sentences) for article in sources.articles(data, held_out=True))
    articles, sentences = zip(*(pair for pair in split if len(pair[1]) > 2), strict=True)
    titles = encode([article.title for article in articles])
    questions = encode([article.title + end for article, end in zip(articles, cycle(HELD_OUT), strict=False)])
    starts = [sources.passages(article.text) for article in articles]
    first, second = (encode([start[min(i, len(start) - 1)] for start in starts]) for i in (0, 1))
    asked = encode([cut[len(cut) // 2] for cut in sentences])
    long = encode([_without_middle(cut) for cut in sentences])
    words, around = zip(*_asked_in_words(sentences), strict=True)
    petitions = list(sources.petitions(data, held_out=True))
    wishes = encode([petition.title for petition in petitions])
    reasons = encode([petition.text[:_DOCUMENT_LENGTH] for petition in petitions])
    return {
        "Wikipedia title to passage, recall@1": _hits(titles, first),
        "Wikipedia question to passage, recall@1": _hits(questions, first),
        "Wikipedia passage to passage, recall@1": _hits(second, first),
        "Wikipedia sentence to article, recall@1": _hits(asked, long),
        "Wikipedia question in its words to passage, recall@1": _hits(encode(words), encode(around)),
        "petition title to text, recall@1": _hits(wishes, reasons),
    }


def _without_middle(sentences: list[str]) -> str:
    middle = len(sentences) // 2
    return " ".join(sentences[:middle] + sentences[middle + 1 :])[:_DOCUMENT_LENGTH]


def _asked_in_words(articles: Iterable[list[str]]) -> Iterator[tuple[str, str]]:
    """Half of the words of each middle sentence, at most 12, worded; and what stands around the sentence."""
    rng = np.random.default_rng(_SEED_OF_WORDS)
    for sentences, ending in zip(articles, cycle(HELD_OUT), strict=False):
        middle = len(sentences) // 2
        words = sentences[middle].split()
        chosen = np.sort(rng.choice(len(words), max(1, len(words) // 2), replace=False))[:_MOST_WORDS]
        before = len(" ".join(sentences[:middle]))
        start = max(0, before - int(rng.integers(_DOCUMENT_LENGTH // 2)))
        question = " ".join(words[i] for i in chosen).rstrip(".") + ending
        yield question, " ".join(sentences)[start : start + _DOCUMENT_LENGTH]


def _hits(queries: Vectors, documents: Vectors) -> float:
    rows = np.arange(queries.shape[0])
    blocks = np.array_split(rows, max(1, len(rows) // 1024))
    best = np.concatenate(
        [safe_sparse_dot(queries[block], documents.T, dense_output=True).argmax(axis=1) for block in blocks]
    )
    return float((best == rows).mean())


def paraphrases(encode: Encode, data: Path) -> Scores:
    """Share of held-out ParaKQC questions whose nearest other question is a paraphrase of theirs."""
    texts = sources.held_out_paraphrases(data)
    groups = np.arange(len(texts)) // sources.GROUP_SIZE
    vectors = encode(texts)
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return {"paraKQC held out, precision@1": float((groups[similarities.argmax(axis=1)] == groups).mean())}


def topics(encode: Encode, data: Path) -> Scores:
    """Accuracy of logistic regression on YNAT's held-out headlines, with few labels and with many.

    The labels are of headlines whose topics the model has not learnt.
    """
    train, test = sources.headlines(data)[sources.N_YNAT_TAUGHT :], sources.headlines(data, held_out=True)
    train = train[~train["title"].isin(sources.headlines(data)["title"][: sources.N_YNAT_TAUGHT])]
    vectors, found = encode(train["title"].tolist()), encode(test["title"].tolist())
    labels, expected = train["topic_idx"].to_numpy(), test["topic_idx"].to_numpy()
    many = slice(0, N_MANY)
    return {
        "YNAT, 8 labels a class, accuracy": _few_labels(vectors, labels, found, expected),
        "YNAT, 20,000 labels, accuracy": _accuracy(vectors[many], labels[many], found, expected),
    }


def petition_topics(encode: Encode, data: Path) -> Scores:
    """Accuracy on the categories of June's petitions, with 8 labels a class from April and May."""
    train, test = list(sources.petitions(data)), list(sources.petitions(data, held_out=True))
    counts = pd.Series([petition.category for petition in train]).value_counts()
    common = set(counts[counts >= _COMMON_CATEGORY].index) - {"기타"}  # "other"
    train, test = ([petition for petition in part if petition.category in common] for part in (train, test))
    vectors, found = (
        encode([f"{petition.title}. {petition.text[:300]}" for petition in part]) for part in (train, test)
    )
    labels, expected = (np.array([petition.category for petition in part]) for part in (train, test))
    return {"petitions, 8 labels a class, accuracy": _few_labels(vectors, labels, found, expected)}


def sentiment(encode: Encode, data: Path) -> Scores:
    """Accuracy on NSMC's held-out films, as many good reviews as bad, with 20,000 labels and with 8 a class."""
    table = sources.sentiment(sources.reviews(data, held_out=True))
    table = table.groupby("positive").sample(N_REVIEWS // 2, random_state=0).sample(frac=1.0, random_state=0)
    vectors, labels = encode(table["review"].tolist()), table["positive"].to_numpy()
    train, test = slice(0, N_MANY), slice(N_MANY, None)
    return {
        "NSMC, 8 labels a class, accuracy": _few_labels(vectors[train], labels[train], vectors[test], labels[test]),
        "NSMC, 20,000 labels, accuracy": _accuracy(vectors[train], labels[train], vectors[test], labels[test]),
    }


def _few_labels(X: NDArray[np.float32], y: ArrayLike, X_test: NDArray[np.float32], y_test: ArrayLike) -> float:
    """Mean accuracy over draws of 8 labels a class."""
    rows = pd.Series(range(len(X))).groupby(np.asarray(y))
    draws = [rows.sample(N_LABELS, random_state=draw).to_numpy() for draw in range(N_DRAWS)]
    return float(np.mean([_accuracy(X[few], np.asarray(y)[few], X_test, y_test) for few in draws]))


def _accuracy(X: NDArray[np.float32], y: ArrayLike, X_test: NDArray[np.float32], y_test: ArrayLike) -> float:
    from sklearn.linear_model import LogisticRegression

    return float(LogisticRegression(C=10.0, max_iter=1000).fit(X, y).score(X_test, y_test))


def autorag(encode: Encode, data: Path) -> Scores:
    """Recall of AutoRAG's Korean benchmark: 114 queries, 720 passages."""
    found = fetch_autorag(data_home=data)
    wanted = [{name for group in groups for name in group} for groups in found.queries["retrieval_gt"]]
    queries, passages = encode(found.queries["query"].tolist()), encode(found.passages["contents"].tolist())
    similarities = safe_sparse_dot(queries, passages.T, dense_output=True)
    names = found.passages["doc_id"].to_numpy()[np.argsort(-similarities, axis=1, kind="stable")]
    recalls = {
        rank: np.mean([len(gold & set(row[:rank])) / len(gold) for gold, row in zip(wanted, names, strict=True)])
        for rank in RANKS
    }
    return {f"AutoRAG recall@{rank}": float(recall) for rank, recall in recalls.items()}


def markdown(scores: Scores) -> str:
    """Lay scores out as a table."""
    rows = [f"| {name} | {f'{value:,.0f}' if value > 1.5 else f'{value:.3f}'} |" for name, value in scores.items()]
    return "\n".join(["| measure | score |", "| --- | --- |", *rows])
