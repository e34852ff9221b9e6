"""Systems that are evaluated: whatever searches, or turns texts into vectors that are searched here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.preprocessing import normalize

from skko.embedding import KoEmbeddingTransformer
from skko.models import ModelSpec
from skko.models.presets import find_preset
from skko.similarity import top_k

# Passages embedded and compared at a time: 64 MB of vectors of 1,024 dimensions.
_BLOCK = 16_384
# Similarities of sparse rows held at a time.
_DENSE = 1 << 24

Passages = Iterator[tuple[Any, str]]
Rankings = dict[str, NDArray[np.int64]]


@dataclass
class Seen:
    """What has been learned of a corpus on the way through it.

    Attributes
    ----------
    wanted : set
        Ids of documents whose rows are asked for.
    rows : dict
        Their rows.
    n_passages : int
        Passages so far.
    """

    wanted: set[Any]
    rows: dict[Any, int] = field(default_factory=dict)
    n_passages: int = 0
    _hash: Any = field(default_factory=partial(blake2b, digest_size=16))

    @property
    def digest(self) -> str:
        """Digest of all passages so far, in their order."""
        return str(self._hash.hexdigest())

    def texts(self, corpus: Passages, size: int | None) -> list[str]:
        """Take the texts of the next passages; None takes all."""
        texts = []
        for one, text in islice(corpus, size):
            if one in self.wanted:
                if one in self.rows:
                    raise ValueError(f"The corpus has the id {one!r} twice (row {self.rows[one]} and later).")
                self.rows[one] = self.n_passages
            self.n_passages += 1
            self._hash.update(f"{one}\0{text}\0".encode())
            texts.append(text)
        return texts


def embedders(
    system: Any, query_prompt: str | None, passage_prompt: str | None
) -> tuple[KoEmbeddingTransformer, KoEmbeddingTransformer]:
    """Turn the name of a model, or an embedder, into one for queries and one for passages.

    Parameters
    ----------
    system : str, ModelSpec or KoEmbeddingTransformer
        The model.
    query_prompt, passage_prompt : str or None
        Prompts; None takes those of the preset, or else of the embedder.

    Returns
    -------
    tuple of two KoEmbeddingTransformer
        Unfitted, with vectors as the model gives them, so that their dot product is the model's own.
    """
    if isinstance(system, (str, ModelSpec)):
        preset = find_preset(system if isinstance(system, str) else system.name)
        name = preset.name if preset and isinstance(system, str) else system
        base = KoEmbeddingTransformer(name)
        if preset is not None:
            query_prompt = preset.query_prompt if query_prompt is None else query_prompt
            passage_prompt = preset.passage_prompt if passage_prompt is None else passage_prompt
    else:
        base = system
    query, passage = (
        clone(base).set_params(prompt=base.prompt if prompt is None else prompt, normalize=False)
        for prompt in (query_prompt, passage_prompt)
    )
    return query, passage


def rank_by_embedding(
    query_embedder: KoEmbeddingTransformer,
    passage_embedder: KoEmbeddingTransformer,
    queries: list[str],
    corpus: Passages,
    seen: Seen,
    k: int,
    similarities: tuple[str, ...],
) -> Rankings:
    """Rank passages by the similarity of vectors; a block of the corpus is in memory at a time.

    Parameters
    ----------
    query_embedder, passage_embedder : KoEmbeddingTransformer
        From :func:`embedders`.
    queries : list of str
        Queries.
    corpus : iterator of (id, text)
        Passages.
    seen : Seen
        Filled on the way.
    k : int
        How many to keep of each query.
    similarities : tuple of {"cosine", "dot"}
        By what.

    Returns
    -------
    dict of str to ndarray of int, shape (n_queries, min(k, n_passages))
        Rows of the corpus, best first, equally good ones in its order.
    """
    wanted = np.asarray(query_embedder.fit([]).transform(queries))
    passage_embedder.fit([])
    best = {name: _Best(len(queries), k) for name in similarities}
    while texts := seen.texts(corpus, _BLOCK):
        start, vectors = seen.n_passages - len(texts), np.asarray(passage_embedder.transform(texts))
        for name in similarities:
            best[name].add(*_nearest(wanted, vectors, k, name), start)
    return {name: kept.rows for name, kept in best.items()}


def rank_by_features(vectoriser: Any, queries: list[str], corpus: Passages, seen: Seen, k: int) -> Rankings:
    """Rank passages by the cosine of what any other transformer makes of texts, such as TF-IDF.

    Parameters
    ----------
    vectoriser : transformer
        Fitted here on the corpus, as a clone.
    queries : list of str
        Queries.
    corpus : iterator of (id, text)
        Passages; all are in memory.
    seen : Seen
        Filled on the way.
    k : int
        How many to keep of each query.

    Returns
    -------
    dict of str to ndarray of int, shape (n_queries, min(k, n_passages))
        Rows of the corpus by ``"cosine"``.
    """
    fitted = clone(vectoriser)
    passages = fitted.fit_transform(seen.texts(corpus, None))
    wanted = fitted.transform(queries)
    if not issparse(passages):
        return {"cosine": top_k(np.asarray(wanted), np.asarray(passages), k)[0].astype(np.int64)}
    passages, wanted = normalize(passages).tocsr(), normalize(wanted).tocsr()
    height = max(1, _DENSE // max(1, passages.shape[0]))
    parts = [np.empty((0, min(k, passages.shape[0])), dtype=np.int64)]
    for start in range(0, len(queries), height):
        scores = (wanted[start : start + height] @ passages.T).toarray()
        parts.append(np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int64))
    return {"cosine": np.concatenate(parts)}


def rank_by_search(searcher: Any, queries: list[str], corpus: Passages, seen: Seen, k: int) -> Rankings:
    """Let a system search for itself; one that can be fitted is, on the corpus, as a clone.

    Parameters
    ----------
    searcher : object
        With ``search(queries, top_k)``, which returns rows of the corpus: an array, a pair of such an array and
        scores, or a list of hits a query, each a number, a pair, or an object with ``row`` or ``index``.
    queries : list of str
        Queries.
    corpus : iterator of (id, text)
        Passages.
    seen : Seen
        Filled on the way.
    k : int
        How many to ask for.

    Returns
    -------
    dict of str to ndarray of int, shape (n_queries, k)
        Rows under ``""``; -1 where fewer were found.
    """
    texts = seen.texts(corpus, None)
    if hasattr(searcher, "fit"):
        searcher = clone(searcher).fit(texts)
    found = searcher.search(queries, top_k=k)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for at, hits in enumerate(_hits(found, len(queries))):
        numbers = [_row(hit) for hit in hits][:k]
        rows[at, : len(numbers)] = numbers
    if rows.max(initial=-1) >= len(texts):
        raise ValueError(f"The search returned row {rows.max()} of a corpus of {len(texts)} passages.")
    return {"": rows}


def _hits(found: Any, n_queries: int) -> Any:
    if isinstance(found, tuple) and len(found) == 2 and np.ndim(found[0]) == 2:
        arrays = [np.asarray(part) for part in found]
        found = arrays[0] if arrays[0].dtype.kind in "iu" else arrays[1]
    if len(found) != n_queries:
        raise ValueError(f"The search returned {len(found)} rankings for {n_queries} queries.")
    return [[row for row in ranking if row >= 0] for ranking in found] if isinstance(found, np.ndarray) else found


def _row(hit: Any) -> int:
    for name in ("row", "index", "document"):
        if isinstance(getattr(hit, name, None), (int, np.integer)):
            return int(getattr(hit, name))
    if isinstance(hit, (int, np.integer)):
        return int(hit)
    if isinstance(hit, (tuple, list)) and len(hit) and isinstance(hit[0], (int, np.integer)):
        return int(hit[0])
    raise TypeError(f"A hit must be a row of the corpus, or have one as row or index; got {hit!r:.60}.")


def _nearest(
    queries: NDArray[np.float32], passages: NDArray[np.float32], k: int, similarity: str
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    if similarity == "cosine":
        return top_k(queries, passages, k, show_progress=False)
    # With one more coordinate all passages become of one length, and the order of cosines that of dot products
    # (Bachrach et al., "Speeding up the Xbox recommender system", 2014).
    squares = np.einsum("ij,ij->i", passages, passages, dtype=np.float64)
    longest = squares.max(initial=0.0)
    more = np.sqrt(np.maximum(longest - squares, 0))[:, None]
    rows, cosines = top_k(
        np.hstack([queries, np.zeros((len(queries), 1), dtype=queries.dtype)]),
        np.hstack([passages, more.astype(passages.dtype)]),
        k,
        show_progress=False,
    )
    return rows, (cosines * np.sqrt(longest)).astype(np.float32)


class _Best:
    """The best rows so far of each query."""

    def __init__(self, n_queries: int, k: int) -> None:
        self._k = k
        self.rows = np.empty((n_queries, 0), dtype=np.int64)
        self._scores = np.empty((n_queries, 0), dtype=np.float32)

    def add(self, rows: NDArray[np.intp], scores: NDArray[np.float32], start: int) -> None:
        """Merge what is best of the next block; earlier rows stand first among equals."""
        all_rows = np.hstack([self.rows, rows + start])
        all_scores = np.hstack([self._scores, scores])
        order = np.argsort(-all_scores, axis=1, kind="stable")[:, : self._k]
        self.rows = np.take_along_axis(all_rows, order, axis=1)
        self._scores = np.take_along_axis(all_scores, order, axis=1)
