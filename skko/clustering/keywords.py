"""What a topic is about: the words that set it apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, diags

from skko.clustering._terms import count_terms
from skko.validation import check_texts

_CANDIDATES = 4  # times the keywords wanted


@dataclass(frozen=True)
class Topic:
    """A topic and its words.

    Attributes
    ----------
    label : int
        Its number; -1 is noise.
    size : int
        How many texts it has.
    keywords : tuple of str
        Its words, the most telling first.
    weights : tuple of float
        Their weights by class-based TF-IDF.
    texts : tuple of str
        Texts that use its words most.
    """

    label: int
    size: int
    keywords: tuple[str, ...]
    weights: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Join the first three words, or give the number where there are none.

        Returns
        -------
        str
            What to write on it.
        """
        return " ".join(self.keywords[:3]) or str(self.label)


@dataclass(frozen=True)
class TopicTable(Sequence[Topic]):
    """Topics in order of their numbers.

    Attributes
    ----------
    topics : tuple of Topic
        The topics.
    """

    topics: tuple[Topic, ...]

    @overload
    def __getitem__(self, index: int) -> Topic: ...
    @overload
    def __getitem__(self, index: slice) -> "TopicTable": ...
    def __getitem__(self, index: int | slice) -> "Topic | TopicTable":
        return TopicTable(self.topics[index]) if isinstance(index, slice) else self.topics[index]

    def __len__(self) -> int:
        return len(self.topics)

    def __iter__(self) -> Iterator[Topic]:
        return iter(self.topics)

    def names(self) -> dict[int, str]:
        """Return what to write on each topic.

        Returns
        -------
        dict of int to str
            Its first words.
        """
        return {topic.label: topic.name for topic in self.topics}

    def to_frame(self) -> pd.DataFrame:
        """Return a table with the columns ``topic``, ``size``, ``keywords`` and ``texts``.

        Returns
        -------
        pandas.DataFrame
            One row a topic; keywords joined by spaces, texts as a list.
        """
        rows: list[Any] = [(t.label, t.size, " ".join(t.keywords), list(t.texts)) for t in self.topics]
        return pd.DataFrame(rows, columns=["topic", "size", "keywords", "texts"])


def topic_keywords(
    texts: Sequence[str], labels: ArrayLike, *, n_keywords: int = 8, diversity: float = 0.1
) -> list[Topic]:
    """Find the words that set each topic apart, by class-based TF-IDF on Korean nouns.

    Parameters
    ----------
    texts : array-like of str, shape (n_texts,)
        Texts.
    labels : array-like of int, shape (n_texts,)
        Topic of each text, -1 for none.
    n_keywords : int, default=8
        Most words a topic.
    diversity : float, default=0.1
        From 0, the words of most weight, to 1, words that stand in different texts.

    Returns
    -------
    list of Topic
        In order of their labels, without noise.

    Raises
    ------
    ValueError
        If there are not as many labels as texts.

    Notes
    -----
    The weight of a word w in topic c is tf(w, c) * log(1 + A / f(w)), where tf is its share of the words of c, f its
    count in all topics and A the mean number of words a topic [1]_. Only nouns, roots, Latin words and hanja count, and
    nouns that the text writes as one word, so josa and endings never appear. A word that stands in one text of a topic
    alone says nothing of the topic, and is left out unless there are no others. Words are chosen one after the other by
    maximal marginal relevance [2]_: weight less similarity to those chosen, the cosine of the texts they stand in.

    References
    ----------
    .. [1] Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022,
       https://arxiv.org/abs/2203.05794
    .. [2] Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
       Summaries", 1998.

    Examples
    --------
    >>> texts = ["배송이 늦어요", "배송은 언제 오나요", "카드 결제가 안 돼요", "결제를 취소하고 싶어요"]
    >>> [topic.keywords[0] for topic in topic_keywords(texts, [0, 0, 1, 1])]
    ['배송', '결제']
    """
    rows = check_texts(texts, name="texts")
    topics = np.asarray(labels)
    if len(topics) != len(rows):
        raise ValueError(f"There are {len(rows)} texts and {len(topics)} labels: they must be as many.")
    names, codes = np.unique(topics[topics >= 0], return_inverse=True)
    counts, terms = count_terms([rows[row] for row in np.flatnonzero(topics >= 0)])
    words = choose_keywords(counts, terms, codes, len(names), n_keywords, diversity)
    sizes = np.bincount(codes, minlength=len(names)).tolist()
    return [Topic(name, size, *chosen) for name, size, chosen in zip(names.tolist(), sizes, words, strict=True)]


def class_counts(counts: csr_matrix, labels: NDArray[np.int64], n_topics: int) -> csr_matrix:
    """Add up the counts of the texts of each topic.

    Parameters
    ----------
    counts : sparse matrix of int, shape (n_texts, n_terms)
        Counts of each text.
    labels : ndarray of int, shape (n_texts,)
        Its topic, from 0.
    n_topics : int
        How many topics there are.

    Returns
    -------
    sparse matrix of int, shape (n_topics, n_terms)
        Counts of each topic.
    """
    n_texts = len(labels)
    members = csr_matrix((np.ones(n_texts, dtype=np.int64), (labels, np.arange(n_texts))), shape=(n_topics, n_texts))
    return (members @ counts).tocsr()


def class_tfidf(counts: csr_matrix) -> csr_matrix:
    """Weigh the terms of topics.

    Parameters
    ----------
    counts : sparse matrix of int, shape (n_topics, n_terms)
        How often each term stands in each topic.

    Returns
    -------
    sparse matrix of float, shape (n_topics, n_terms)
        Weights, as :func:`topic_keywords` says.
    """
    n_words = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    totals = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    rarity = np.log1p(n_words.mean() / np.maximum(totals, 1)) if len(n_words) else totals
    weights = counts.astype(np.float64).tocsr()
    weights.data *= rarity[weights.indices] / np.repeat(np.maximum(n_words, 1), np.diff(weights.indptr))
    return weights


def choose_keywords(
    counts: csr_matrix,
    terms: NDArray[np.object_],
    labels: NDArray[np.int64],
    n_topics: int,
    n_keywords: int,
    diversity: float,
) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Choose the words of each topic.

    Parameters
    ----------
    counts : sparse matrix of int, shape (n_texts, n_terms)
        Counts of each text.
    terms : ndarray of str, shape (n_terms,)
        The terms.
    labels : ndarray of int, shape (n_texts,)
        Topic of each text, from 0.
    n_topics : int
        How many topics there are.
    n_keywords : int
        Most words of each.
    diversity : float
        As in :func:`topic_keywords`.

    Returns
    -------
    list of (tuple of str, tuple of float)
        Words and weights of each topic.
    """
    weights = _shared(class_tfidf(class_counts(counts, labels, n_topics)), counts, labels, n_topics)
    order = np.argsort(labels, kind="stable")
    ordered = counts[order]
    starts = np.searchsorted(labels[order], np.arange(n_topics + 1)).tolist()
    chosen = []
    for topic in range(n_topics):
        best = best_terms(weights[topic], terms, _CANDIDATES * n_keywords)
        columns = np.array([column for column, _ in best], dtype=np.intp)
        values = np.array([weight for _, weight in best])
        picked = list(range(min(n_keywords, len(columns))))
        if diversity > 0 and len(columns) > 1:
            together = _together(ordered, slice(starts[topic], starts[topic + 1]), columns)
            picked = _diverse(values, together, n_keywords, diversity)
        chosen.append((tuple(terms[columns[i]] for i in picked), tuple(float(values[i]) for i in picked)))
    return chosen


def _shared(weights: csr_matrix, counts: csr_matrix, labels: NDArray[np.int64], n_topics: int) -> csr_matrix:
    """Leave out what one text of a topic alone says, but where no two of its texts share a term."""
    texts = class_counts((counts > 0).astype(np.int64), labels, n_topics)
    shared = weights.multiply(texts > 1).tocsr()
    shared.eliminate_zeros()
    nothing = np.diff(shared.indptr) == 0
    return (shared + diags(nothing.astype(np.float64)) @ weights).tocsr()


def best_terms(weights: csr_matrix, terms: NDArray[np.object_], n_terms: int) -> list[tuple[int, float]]:
    """Order the terms of one topic by weight.

    Parameters
    ----------
    weights : sparse matrix of float, shape (1, n_terms)
        Weights of one topic.
    terms : ndarray of str, shape (n_terms,)
        The terms.
    n_terms : int
        Most that are wanted.

    Returns
    -------
    list of (int, float)
        Columns and weights, best first. Of equal weights the longest term comes first: a compound before its parts.
    """
    columns, values = weights.indices, weights.data
    if len(values) > 2 * n_terms:
        kept = values >= np.partition(values, -n_terms)[-n_terms]
        columns, values = columns[kept], values[kept]
    entries = zip(columns.tolist(), values.tolist(), strict=True)
    return sorted(entries, key=lambda entry: (-entry[1], -len(terms[entry[0]]), terms[entry[0]]))[:n_terms]


def _together(counts: csr_matrix, rows: slice, columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Count in how many of some rows two of some columns stand both."""
    part = slice(counts.indptr[rows.start], counts.indptr[rows.stop])
    row = np.repeat(np.arange(rows.stop - rows.start), np.diff(counts.indptr[rows.start : rows.stop + 1]))
    order = np.argsort(columns)
    at = np.minimum(np.searchsorted(columns[order], counts.indices[part]), len(columns) - 1)
    known = columns[order][at] == counts.indices[part]
    present = np.zeros((rows.stop - rows.start, len(columns)))
    present[row[known], order[at[known]]] = 1
    return present.T @ present


def _diverse(values: NDArray[np.float64], together: NDArray[np.float64], n_wanted: int, diversity: float) -> list[int]:
    """Maximal marginal relevance: each time the word of most weight, less what the chosen ones already say."""
    lengths = np.sqrt(together.diagonal())
    similarity = together / np.maximum(np.outer(lengths, lengths), 1)
    relevance = values / values.max()
    chosen = [0]
    while len(chosen) < min(n_wanted, len(values)):
        gain = (1 - diversity) * relevance - diversity * similarity[:, chosen].max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return chosen
