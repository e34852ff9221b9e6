"""What texts are counted by: their nouns, and nouns written as one word."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from skko.progress import ShowProgress
from skko.text import KOREAN_STOP_WORDS
from skko.text.morphology import NOUN_TAGS, Morpheme, analyse
from skko.text.normalization import normalise

_LONGEST = 3  # nouns in one compound
_SUFFIXES = frozenset("들 적 님 씩 쯤 별 당 상".split())  # these make no other noun of what they follow
_JOSA = "서"  # of 서울서, in headlines, which Kiwi takes for a noun
_EXCERPT = 200  # characters of a text that are read where not all can be


def count_terms(
    texts: Sequence[str], *, show_progress: ShowProgress = "auto"
) -> tuple[csr_matrix, NDArray[np.object_]]:
    """Count the nouns of texts, and the compounds that they make.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    counts : sparse matrix of int, shape (n_texts, n_terms)
        How often each term stands in each text.
    terms : ndarray of str, shape (n_terms,)
        The terms in order.
    """
    normal = normalise(texts)
    analysed = analyse(normal, show_progress=show_progress)
    terms = [list(_terms(text, morphemes)) for text, morphemes in zip(normal, analysed, strict=True)]
    if not any(terms):
        return csr_matrix((len(texts), 0), dtype=np.int64), np.empty(0, dtype=object)
    vectorizer = CountVectorizer(analyzer=list)
    counts = vectorizer.fit_transform(terms)
    return counts, vectorizer.get_feature_names_out()


def excerpts(
    texts: Sequence[str], labels: NDArray[np.int64], max_characters: int | None
) -> tuple[NDArray[np.intp], list[str]]:
    """Choose what to read of each topic: everything, or as much of each as a bound on all of them leaves.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    labels : ndarray of int, shape (n_texts,)
        Topic of each, -1 for none.
    max_characters : int or None
        Bound on the characters read; None reads all.

    Returns
    -------
    rows : ndarray of int
        Which texts, ascending; none of noise.
    excerpts : list of str
        They, or where the bound is felt their beginnings.
    """
    rows = np.flatnonzero(labels >= 0)
    lengths = np.array([len(texts[row]) for row in rows.tolist()], dtype=np.int64)
    if max_characters is None or lengths.sum() <= max_characters:
        return rows, [texts[row] for row in rows.tolist()]
    cut = np.minimum(lengths, _EXCERPT)
    by_topic = np.bincount(labels[rows], cut).astype(np.float64)
    share = _equal_share(by_topic, max_characters)
    kept = []
    for topic in np.flatnonzero(by_topic):
        here = np.flatnonzero(labels[rows] == topic)
        # Evenly over the topic: texts that stand together are often alike.
        n_kept = int(np.ceil(len(here) * min(1, share / by_topic[topic])))
        kept.append(here[np.linspace(0, len(here) - 1, n_kept).round().astype(np.intp)])
    chosen = rows[np.unique(np.concatenate(kept))]
    return chosen, [texts[row][:_EXCERPT] for row in chosen.tolist()]


def _equal_share(sizes: NDArray[np.float64], total: int) -> float:
    """The most that each may have so that all have no more than the total, those who need less leaving it to others."""
    needs = np.sort(sizes)
    left = total - np.concatenate([[0], np.cumsum(needs)[:-1]])
    shares = left / np.arange(len(needs), 0, -1)
    felt = np.flatnonzero(shares < needs)
    return float(shares[felt[0]]) if len(felt) else float(needs[-1])


def _terms(text: str, morphemes: Sequence[Morpheme]) -> Iterator[str]:
    """Nouns, and runs of nouns that the text writes without a space."""
    run: list[str] = []
    for morpheme in morphemes:
        if morpheme.tag in NOUN_TAGS and morpheme.form != _JOSA:
            form = morpheme.form.lower() if morpheme.tag == "SL" else morpheme.form
            if _says_something(form):
                yield form
            run.append(form)
        elif morpheme.tag == "XSN" and run and morpheme.form not in _SUFFIXES:
            run.append(morpheme.form)
        else:
            run = []
            continue
        for n_parts in range(2, min(_LONGEST, len(run)) + 1):
            compound = "".join(run[-n_parts:])
            if run[-n_parts] not in KOREAN_STOP_WORDS and compound in text:
                yield compound


def _says_something(form: str) -> bool:
    """Stop words and single Latin letters do not; one syllable of Hangul (집) or hanja (美) can."""
    return form not in KOREAN_STOP_WORDS and not (len(form) == 1 and form.isascii())
