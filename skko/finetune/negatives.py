"""mine_hard_negatives: triplets from pairs, by what the model itself mistakes for an answer."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.progress import ShowProgress
from skko.similarity import cosines, prepare, top_k
from skko.validation import check_texts


def mine_hard_negatives(
    queries: Any,
    passages: Any,
    positives: Any,
    *,
    model: str | ModelSpec | KoEmbeddingTransformer = "dragonkue/bge-m3-ko",
    n_negatives: int = 4,
    ranks: tuple[int, int] = (1, 100),
    margin: float = 0.05,
    max_cosine: float | None = None,
    show_progress: ShowProgress = "auto",
) -> pd.DataFrame:
    """Find for each query the passages that are near it and are not its answer.

    Parameters
    ----------
    queries : array-like of str, shape (n_queries,)
        Questions, one for each pair; a question with several positives comes several times.
    passages : array-like of str, shape (n_passages,)
        What negatives are taken from.
    positives : array-like of str, shape (n_queries,)
        The answer to each; need not be among the passages.
    model : str, ModelSpec or KoEmbeddingTransformer, default="dragonkue/bge-m3-ko"
        What measures nearness; with a transformer, by its own settings and cache. Each text is embedded once.
    n_negatives : int, default=4
        Negatives of each query.
    ranks : tuple of (int, int), default=(1, 100)
        First and last rank, counted from 1 among the passages that are no positive of the query, that negatives are
        taken from. A first rank above 1 passes over the nearest, which are often answers that nobody marked.
    margin : float, default=0.05
        Least difference between the cosine of query and positive and that of query and negative. What is nearer is
        taken for an unmarked answer, and left out.
    max_cosine : float or None, default=None
        Largest cosine of query and negative; None is no limit but the margin.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    pandas.DataFrame
        Columns ``anchor``, ``positive`` and ``negative_1`` to ``negative_n``, the nearest first, which
        :meth:`KoEmbeddingFineTuner.fit` takes as it is; in the order of the queries, without those for which too few
        negatives were left. ``attrs["left_out"]`` is how many.

    Raises
    ------
    ValueError
        If the lengths differ, a number is out of its range, or no query is left.

    Notes
    -----
    A passage is no negative of a query if it is a positive of the same question in any row, however often it stands
    among the passages. The margin from the positive's own cosine follows "positive-aware" mining [1]_.

    References
    ----------
    .. [1] Moreira et al., "NV-Retriever: Improving text embedding models with effective hard-negative mining", 2024,
       https://arxiv.org/abs/2407.15831

    Examples
    --------
    >>> from skko.finetune import mine_hard_negatives
    >>> passages = ["배송은 이틀 걸립니다", "배송 조회는 앱에서 합니다", "환불은 일주일 걸립니다"]
    >>> table = mine_hard_negatives(
    ...     ["배송이 며칠 걸려요?"], passages, passages[:1], model="skko-mini", n_negatives=1, margin=0
    ... )
    >>> table["negative_1"].tolist()
    ['배송 조회는 앱에서 합니다']
    """
    asked, found, answers = (
        check_texts(values, name=name)
        for values, name in ((queries, "queries"), (passages, "passages"), (positives, "positives"))
    )
    first, last = ranks
    if len(asked) != len(answers):
        raise ValueError(f"There are {len(asked)} queries and {len(answers)} positives: pass one for each.")
    if n_negatives < 1 or not 1 <= first <= last or last - first + 1 < n_negatives:
        raise ValueError(f"ranks={ranks} must hold n_negatives={n_negatives} ranks, from 1, the first before the last.")
    embedder = _embedder(model, show_progress)
    documents = list(dict.fromkeys(found))  # copies would be one negative several times
    kept, negatives = _near(asked, answers, documents, embedder, ranks, margin, max_cosine, n_negatives, show_progress)
    if not len(kept):
        raise ValueError(
            f"No query has {n_negatives} negatives at ranks {first} to {last} with margin={margin}. Lower the "
            "margin or n_negatives, raise the last rank, or pass more passages."
        )
    columns: dict[str, list[str]] = {"anchor": [asked[row] for row in kept], "positive": [answers[row] for row in kept]}
    for number, column in enumerate(negatives.T, start=1):
        columns[f"negative_{number}"] = [documents[document] for document in column]
    table = pd.DataFrame(columns)
    table.attrs["left_out"] = len(asked) - len(kept)
    return table


def _embedder(model: Any, show_progress: ShowProgress) -> KoEmbeddingTransformer:
    known = isinstance(model, KoEmbeddingTransformer)
    embedder: KoEmbeddingTransformer = model if known else KoEmbeddingTransformer(model, show_progress=show_progress)
    embedder.fit([])
    return embedder


def _near(
    asked: list[str],
    answers: list[str],
    documents: list[str],
    embedder: KoEmbeddingTransformer,
    ranks: tuple[int, int],
    margin: float,
    max_cosine: float | None,
    n_negatives: int,
    show_progress: ShowProgress,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows that have enough negatives, and the negatives as places among the documents."""
    questions, question = np.unique(np.asarray(asked, dtype=object), return_inverse=True)
    place = {text: number for number, text in enumerate(documents)}
    answer = np.array([place.get(text, -1) for text in answers])
    # A question and its positive as one number, so that membership is one look-up.
    true = np.unique((question.astype(np.int64) * len(documents) + answer)[answer >= 0])
    most = int(np.bincount(true // max(1, len(documents)), minlength=1).max(initial=0))
    vectors = embedder.transform(questions.tolist())
    nearest, scores = top_k(vectors, embedder.transform(documents), ranks[1] + most, show_progress=show_progress)
    positive = np.isin(np.arange(len(questions))[:, None] * len(documents) + nearest, true)
    rank = np.cumsum(~positive, axis=1)
    in_rank = ~positive & (rank >= ranks[0]) & (rank <= ranks[1])
    sides = prepare(vectors), prepare(embedder.transform(answers))
    limit = cosines(*sides, question.astype(np.int64), np.arange(len(answers))) - np.float32(margin)
    if max_cosine is not None:
        limit = np.minimum(limit, np.float32(max_cosine))
    # The limit belongs to the pair, not to the question: each positive has a cosine of its own.
    taken = in_rank[question] & (scores[question] <= limit[:, None])
    kept = np.flatnonzero(taken.sum(axis=1) >= n_negatives)
    taken = taken[kept] & (np.cumsum(taken[kept], axis=1) <= n_negatives)
    return kept, nearest[question[kept]][taken].reshape(len(kept), n_negatives)
