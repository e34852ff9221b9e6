"""deduplicate: one of each group of texts that mean the same."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skko.models import ModelSpec
from skko.paraphrase.pipeline import make_paraphrase_miner
from skko.validation import check_texts


@dataclass(frozen=True)
class Deduplicated:
    """Texts without their duplicates, and which those were.

    Attributes
    ----------
    texts : list of str, length n_kept
        The texts that stay, in order.
    kept : ndarray of int, shape (n_kept,)
        Their rows, ascending.
    kept_as : ndarray of int, shape (n_texts,)
        For each text the row that stands for it: its own if it stays.
    scores : ndarray of float32, shape (n_texts,)
        Cosine of each text and the one that stands for it; 1 if it stays.
    """

    texts: list[str]
    kept: NDArray[np.int64]
    kept_as: NDArray[np.int64]
    scores: NDArray[np.float32]

    def to_frame(self) -> pd.DataFrame:
        """List what was left out.

        Returns
        -------
        pandas.DataFrame
            Columns ``row``, ``kept_as`` and ``score``, one row for each text that was left out.
        """
        gone = np.flatnonzero(self.kept_as != np.arange(len(self.kept_as)))
        return pd.DataFrame({"row": gone, "kept_as": self.kept_as[gone], "score": self.scores[gone]})


def deduplicate(
    texts: Any,
    *,
    threshold: float = 0.9,
    model: str | ModelSpec = "dragonkue/bge-m3-ko",
    miner: Pipeline | None = None,
    **embedding_params: Any,
) -> Deduplicated:
    """Keep one of each group of texts that mean the same.

    Parameters
    ----------
    texts : array-like of str, shape (n_texts,)
        Texts.
    threshold : float, default=0.9
        Least cosine of a text and the one kept for it. What counts as the same depends on the model.
    model : str or ModelSpec, default="dragonkue/bge-m3-ko"
        Embedding model, as in :class:`~skko.KoEmbeddingTransformer`.
    miner : sklearn.pipeline.Pipeline or None, default=None
        A pipeline of :func:`~skko.make_paraphrase_miner` to mine the pairs with, instead of ``threshold`` and
        ``model``; it is cloned.
    **embedding_params : dict
        Other parameters of :class:`~skko.KoEmbeddingTransformer`, such as ``device``.

    Returns
    -------
    Deduplicated
        The texts that stay, and which text stands for each of the others.

    Notes
    -----
    Texts are taken in order: one stays unless it is a pair with one that stays already, and then the nearest of those
    stands for it. So no two that stay are a pair, and no text is lost to one that it is only chained to.

    Examples
    --------
    >>> from skko.paraphrase import deduplicate
    >>> found = deduplicate(["배송이 너무 늦어요", "환불해 주세요", "배송이 늦네요"], threshold=0.7, model="skko-mini")
    >>> found.texts, found.kept_as.tolist()
    (['배송이 너무 늦어요', '환불해 주세요'], [0, 1, 0])
    """
    rows = check_texts(texts, name="texts")
    # A text that comes a thousand times would be half a million pairs.
    numbers: dict[str, int] = {}
    copy_of = np.array([numbers.setdefault(text, len(numbers)) for text in rows], dtype=np.int64)
    first = np.flatnonzero(np.diff(np.maximum.accumulate(copy_of), prepend=-1)) if rows else copy_of
    kept_as, scores = np.arange(len(first)), np.ones(len(first), dtype=np.float32)
    if rows:
        made = make_paraphrase_miner(model, threshold=threshold, **embedding_params) if miner is None else clone(miner)
        kept_as, scores = stand_ins(made.fit(list(numbers))[-1].pairs_, len(first))
    kept_as, scores = first[kept_as[copy_of]], scores[copy_of]
    kept = np.flatnonzero(kept_as == np.arange(len(rows)))
    return Deduplicated([rows[row] for row in kept], kept, kept_as, scores)


def stand_ins(pairs: NDArray[np.void], n_rows: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Choose, row by row, which rows stay and which stands for each of the others.

    Parameters
    ----------
    pairs : ndarray with fields i, j and score, shape (n_pairs,)
        Pairs, each once, ``i < j``.
    n_rows : int
        Rows there are.

    Returns
    -------
    kept_as : ndarray of int, shape (n_rows,)
        The row that stands for each: its own if it stays.
    scores : ndarray of float32, shape (n_rows,)
        Cosine of the two; 1 if it stays.

    Examples
    --------
    >>> import numpy as np
    >>> from skko.similarity import PAIR
    >>> stand_ins(np.array([(0, 1, 0.9), (1, 2, 0.8)], PAIR), 3)[0].tolist()
    [0, 0, 2]
    """
    kept_as, scores = np.arange(n_rows), np.ones(n_rows, dtype=np.float32)
    # By the later row, and for each its nearest earlier ones first.
    ordered = pairs[np.lexsort((pairs["i"], -pairs["score"], pairs["j"]))]
    for i, j, score in zip(ordered["i"].tolist(), ordered["j"].tolist(), ordered["score"], strict=True):
        if kept_as[j] == j and kept_as[i] == i:
            kept_as[j], scores[j] = i, score
    return kept_as, scores
