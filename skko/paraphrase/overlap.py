"""How much of their letters two texts share: near-copies are pairs that nobody needs a model for."""

import unicodedata

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

_CHUNK = 1 << 16


def lexical_overlap(texts: list[str], pairs: NDArray[np.void]) -> NDArray[np.float64]:
    """Measure how much of their letters the texts of each pair share.

    Parameters
    ----------
    texts : list of str, length n_texts
        Texts.
    pairs : ndarray with fields i and j, shape (n_pairs,)
        Pairs of texts.

    Returns
    -------
    ndarray of float, shape (n_pairs,)
        From 0, nothing, to 1, near-copies: pairs of neighbouring letters that both texts have, as a share of those that
        either has (Jaccard). Case, punctuation and spaces do not count.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = np.array([(0, 1), (0, 2)], dtype=[("i", int), ("j", int)])
    >>> lexical_overlap(["배송이 늦어요", "배송이 늦어요!!", "택배가 안 와요"], pairs)
    array([1., 0.])
    """
    if not len(pairs):
        return np.empty(0)
    used, places = np.unique(np.concatenate([pairs["i"], pairs["j"]]), return_inverse=True)
    counts = CountVectorizer(analyzer=_bigrams, binary=True, dtype=np.int32).fit_transform([texts[i] for i in used])
    sizes = np.diff(counts.indptr)
    left, right = np.split(places.ravel(), 2)
    out = np.empty(len(pairs))
    for start in range(0, len(pairs), _CHUNK):
        i, j = left[start : start + _CHUNK], right[start : start + _CHUNK]
        shared = np.asarray(counts[i].multiply(counts[j]).sum(axis=1)).ravel()
        out[start : start + _CHUNK] = shared / (sizes[i] + sizes[j] - shared)
    return out


def _bigrams(text: str) -> list[str]:
    # A text without letters is all that it has, so that no text is without a bigram.
    letters = "".join(c for c in unicodedata.normalize("NFC", text).lower() if c.isalnum()) or text.strip()
    return [letters[at : at + 2] for at in range(len(letters) - 1)] or [letters]
