"""What a topic is about: the words that set it apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.feature_extraction.text import CountVectorizer

from skko.text import KOREAN_STOP_WORDS, tokenise
from skko.text.morphology import NOUN_TAGS
from skko.validation import check_texts


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
    """

    label: int
    size: int
    keywords: tuple[str, ...]


def topic_keywords(texts: Sequence[str], labels: ArrayLike, *, n_keywords: int = 8) -> list[Topic]:
    """Find the words that set each topic apart, by class-based TF-IDF on Korean nouns.

    Parameters
    ----------
    texts : array-like of str, shape (n_texts,)
        Texts.
    labels : array-like of int, shape (n_texts,)
        Topic of each text, -1 for none.
    n_keywords : int, default=8
        Most words a topic.

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
    count in all topics and A the mean number of words a topic [1]_. Only nouns, roots, Latin words and hanja count, so
    josa and endings never appear.

    References
    ----------
    .. [1] Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022,
       https://arxiv.org/abs/2203.05794

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
    names = np.unique(topics[topics >= 0]).tolist()
    tokens = [[t for t in text if _says_something(t)] for text in tokenise(rows, tags=NOUN_TAGS)]
    by_topic = [[token for row in np.flatnonzero(topics == name) for token in tokens[row]] for name in names]
    sizes = [int((topics == name).sum()) for name in names]
    if not any(by_topic):
        return [Topic(name, size, ()) for name, size in zip(names, sizes, strict=True)]
    vectorizer = CountVectorizer(analyzer=list)
    counts = vectorizer.fit_transform(by_topic).toarray().astype(np.float64)
    n_words = counts.sum(axis=1, keepdims=True)
    weights = counts / np.maximum(n_words, 1) * np.log1p(n_words.mean() / counts.sum(axis=0))
    words = vectorizer.get_feature_names_out()
    best = np.argsort(-weights, axis=1, kind="stable")[:, :n_keywords]
    return [
        Topic(name, size, tuple(words[column] for column in columns if weights[row, column] > 0))
        for row, (name, size, columns) in enumerate(zip(names, sizes, best, strict=True))
    ]


def _says_something(token: str) -> bool:
    """Stop words and single Latin letters do not; one syllable of Hangul (집) or hanja (美) can."""
    return token not in KOREAN_STOP_WORDS and not (len(token) == 1 and token.isascii())
