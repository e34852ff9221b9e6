"""What is said of topics: counts of their terms, words, and texts that use them most."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from skko.clustering._terms import count_terms, excerpts
from skko.clustering.keywords import Topic, TopicTable, choose_keywords, class_counts, class_tfidf
from skko.progress import ShowProgress


@dataclass(frozen=True)
class Description:
    """Topics and the counts that their words came from.

    Attributes
    ----------
    topics : TopicTable
        The topics.
    counts : sparse matrix of int, shape (n_topics, n_terms)
        How often each term stands in each topic.
    terms : ndarray of str, shape (n_terms,)
        The terms.
    n_read : int
        How many texts were read.
    """

    topics: TopicTable
    counts: csr_matrix
    terms: NDArray[np.object_]
    n_read: int


def describe(
    texts: list[str],
    labels: NDArray[np.int64],
    n_topics: int,
    *,
    n_keywords: int,
    diversity: float,
    n_texts: int,
    max_characters: int | None,
    show_progress: ShowProgress,
) -> Description:
    """Find words and texts for each topic.

    Parameters
    ----------
    texts : list of str
        Texts.
    labels : ndarray of int, shape (n_texts,)
        Topic of each, -1 for none.
    n_topics : int
        How many topics there are.
    n_keywords, diversity, n_texts, max_characters, show_progress
        As in :class:`~skko.KoTopicModel`, ``n_texts`` being its ``n_representatives``.

    Returns
    -------
    Description
        What was found.
    """
    rows, read = excerpts(texts, labels, max_characters)
    counts, terms = count_terms(read, show_progress=show_progress)
    of = labels[rows]
    words = choose_keywords(counts, terms, of, n_topics, n_keywords, diversity)
    by_topic = class_counts(counts, of, n_topics)
    # Those whose counts point where the weights of their topic do, however long they are.
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1), dtype=np.float64).ravel())
    likeness = np.asarray(counts.multiply(class_tfidf(by_topic)[of]).sum(axis=1)).ravel() / np.maximum(lengths, 1)
    order = np.lexsort((np.arange(len(rows)), -likeness, of))
    starts = np.searchsorted(of[order], np.arange(n_topics + 1))
    sizes = np.bincount(labels[labels >= 0], minlength=n_topics).tolist()
    topics = []
    for topic in range(n_topics):
        best = (texts[rows[row]] for row in order[starts[topic] : starts[topic + 1]])
        topics.append(Topic(topic, sizes[topic], *words[topic], _first_different(best, n_texts)))
    return Description(TopicTable(tuple(topics)), by_topic, terms, len(rows))


def regroup(
    described: Description, target: NDArray[np.int64], labels: NDArray[np.int64], *, n_keywords: int, n_texts: int
) -> Description:
    """Describe topics that others became, from what was said of those.

    Parameters
    ----------
    described : Description
        Of the old topics.
    target : ndarray of int, shape (n_old,)
        New topic of each old one.
    labels : ndarray of int, shape (n_texts,)
        New topic of each text, -1 for none.
    n_keywords, n_texts : int
        Most words and texts of each.

    Returns
    -------
    Description
        Of the new topics. One that is a single old one keeps its words.
    """
    n_topics = len(np.unique(target))
    counts = class_counts(described.counts, target, n_topics)
    weights = class_tfidf(counts)
    column = {term: i for i, term in enumerate(described.terms)}
    sizes = np.bincount(labels[labels >= 0], minlength=n_topics).tolist()
    topics = []
    for topic in range(n_topics):
        parts = [described.topics[old] for old in np.flatnonzero(target == topic).tolist()]
        whole = parts[0]
        if len(parts) > 1:
            row = weights[topic]
            of = {word: float(row[0, column[word]]) for part in parts for word in part.keywords}
            words = sorted(of, key=lambda word: (-of[word], word))[:n_keywords]
            turns = max(len(part.texts) for part in parts)
            texts = (part.texts[turn] for turn in range(turns) for part in parts if turn < len(part.texts))
            shown = _first_different(texts, n_texts)
            whole = Topic(topic, 0, tuple(words), tuple(of[word] for word in words), shown)
        topics.append(replace(whole, label=topic, size=sizes[topic]))
    return replace(described, topics=TopicTable(tuple(topics)), counts=counts)


def counts_over(values: NDArray[Any], labels: NDArray[np.int64], topics: TopicTable) -> pd.DataFrame:
    """Count the texts of each topic by a column.

    Parameters
    ----------
    values : ndarray of shape (n_texts,)
        Value of each text; missing ones are left out.
    labels : ndarray of int, shape (n_texts,)
        Topic of each, -1 for none.
    topics : TopicTable
        The topics.

    Returns
    -------
    pandas.DataFrame
        Columns ``value``, ``topic``, ``count``, ``share`` and ``keywords``.
    """
    counts = pd.crosstab(pd.Series(values, name="value"), pd.Series(labels, name="topic"))
    table = pd.DataFrame({"count": counts.stack()}).reset_index()
    table["share"] = table["count"] / table.groupby("value")["count"].transform("sum")
    words = {topic.label: " ".join(topic.keywords) for topic in topics}
    table["keywords"] = table["topic"].map(words).fillna("")
    return table


def _first_different(texts: Iterable[str], n_wanted: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        if len(found) >= n_wanted:
            break
        found.setdefault(text)
    return tuple(found)
