"""Exact nearest neighbours by cosine."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.progress import ShowProgress, progress_bar
from skko.similarity.approximate import ApproximateIndex
from skko.similarity.blocks import MEMORY, blocks, capacity, tile_shape
from skko.similarity.copies import Copies, collapse
from skko.similarity.cosines import Rows, cosines, prepare
from skko.similarity.joins import PAIR
from skko.similarity.products import Precision, Products, products_of


def top_k(
    A: ArrayLike,
    B: ArrayLike | ApproximateIndex,
    k: int,
    *,
    memory: int = MEMORY,
    device: str = "auto",
    precision: Precision = "auto",
    show_progress: ShowProgress = "auto",
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find, for each row of ``A``, the ``k`` rows of ``B`` with the largest cosine.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Queries.
    B : array-like of float, shape (m, dimension), or ApproximateIndex
        What is searched. With an :class:`ApproximateIndex` of it most of the nearest are found, in a fraction of the
        time.
    k : int
        How many; all ``m`` where ``k`` is more.
    memory : int, default=MEMORY
        Bytes that the work may take, 512 MB unless told; the rows scaled to unit length and the result come on top.
    device : str, default="auto"
        Where to multiply, as in :func:`self_join`.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Of the fast product, as in :func:`self_join`.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    indices : ndarray of int, shape (n, min(k, m))
        Rows of ``B``, best first; equal cosines in the order of ``B``.
    scores : ndarray of float32, shape (n, min(k, m))
        Their cosines.

    Raises
    ------
    ValueError
        If ``A`` and ``B`` are not matrices of one width or have NaN or infinity, or ``k`` is negative.

    Notes
    -----
    A fast product proposes the rows that may be among the nearest, whatever rounding cost them; each is then scored in
    double precision by itself. So the answer is the same for every memory, device and precision, to the last bit.

    Examples
    --------
    >>> indices, scores = top_k([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]], k=2)
    >>> indices.tolist(), scores.round(3).tolist()
    ([[1, 2]], [[1.0, 0.707...]])
    """
    if isinstance(B, ApproximateIndex):
        return _approximately(A, B, k, memory, show_progress)
    queries, corpus, k = _sides(A, B, k)
    indices = np.empty((len(queries), k), dtype=np.intp)
    scores = np.empty(indices.shape, dtype=np.float32)
    for rows, _, column, value in _nearest(queries, corpus, k, -math.inf, memory, device, precision, show_progress):
        indices[rows], scores[rows] = column.reshape(-1, k), value.reshape(-1, k)
    return indices, scores


def near_pairs(
    A: ArrayLike,
    B: ArrayLike,
    k: int,
    threshold: float,
    *,
    memory: int = MEMORY,
    device: str = "auto",
    precision: Precision = "auto",
    show_progress: ShowProgress = "auto",
) -> NDArray[np.void]:
    """Find, for each row of ``A``, those of its ``k`` nearest rows of ``B`` whose cosine reaches a threshold.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Queries.
    B : array-like of float, shape (m, dimension)
        What is searched.
    k : int
        How many at most.
    threshold : float
        Least cosine.
    memory : int, default=MEMORY
        Bytes that the work may take, as in :func:`top_k`.
    device : str, default="auto"
        Where to multiply, as in :func:`self_join`.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Of the fast product, as in :func:`self_join`.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_pairs,) with fields i, j and score
        ``i`` a row of ``A``, ``j`` a row of ``B``; by ``i``, and of each row best first, ties by ``j``.

    Raises
    ------
    ValueError
        If ``A`` and ``B`` are not matrices of one width or have NaN or infinity, ``k`` is negative, or the threshold is
        NaN.

    Examples
    --------
    >>> near_pairs([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [3.0, 4.0]], k=2, threshold=0.7).tolist()
    [(0, 1, 1.0)]
    """
    queries, corpus, k = _sides(A, B, k)
    if math.isnan(threshold):
        raise ValueError("threshold is NaN, which no cosine reaches.")
    found = [np.empty(0, dtype=PAIR)]
    for rows, row, column, value in _nearest(queries, corpus, k, threshold, memory, device, precision, show_progress):
        pairs = np.empty(len(row), dtype=PAIR)
        pairs["i"], pairs["j"], pairs["score"] = row + rows.start, column, value
        found.append(pairs)
    return np.concatenate(found)


def _approximately(
    A: ArrayLike, index: ApproximateIndex, k: int, memory: int, show_progress: ShowProgress
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    if k < 0:
        raise ValueError(f"k must be at least 0, got {k}.")
    queries, k = prepare(A), min(k, len(index))
    different = min(k, len(index.rows))
    columns, values = index.nearest(queries, different, show_progress=show_progress)
    # Where the graph led to fewer rows, only the exact search knows the rest.
    short = np.flatnonzero((columns < 0).any(axis=1))
    if len(short):
        exact = top_k(queries.unit[short], index.rows.unit, different, memory=memory, show_progress=show_progress)
        columns[short], values[short] = exact
    indices, scores = np.empty((len(queries), k), dtype=np.intp), np.empty((len(queries), k), dtype=np.float32)
    row = np.repeat(np.arange(len(queries)), different)
    everything = slice(0, len(queries))
    found = _expanded(everything, row, columns.ravel(), values.ravel(), index.copies, k, capacity(memory)) if k else ()
    for rows, _, column, value in found:
        indices[rows], scores[rows] = column.reshape(-1, k), value.reshape(-1, k)
    return indices, scores


def _sides(A: ArrayLike, B: ArrayLike, k: int) -> tuple[Rows, Rows, int]:
    if k < 0:
        raise ValueError(f"k must be at least 0, got {k}.")
    queries = prepare(A)
    corpus = queries if A is B else prepare(B, "B")
    return queries, corpus, min(k, len(corpus))


_Found = tuple[slice, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def _nearest(
    queries: Rows,
    corpus: Rows,
    k: int,
    threshold: float,
    memory: int,
    device: str,
    precision: Precision,
    show_progress: ShowProgress,
) -> Iterator[_Found]:
    """Yield blocks of queries with the row in the block, the column and the cosine of what is near, in order."""
    # Copies tie, and a corpus of them would make every row a candidate.
    copies = collapse(corpus.unit)
    distinct = corpus if len(copies.first) == len(corpus) else corpus.take(copies.first)
    products = products_of(queries, distinct, device, precision)
    # Half of the memory is for tiles, half for the candidates that they leave: some times k for each query.
    height, width = tile_shape(memory // 2)
    limit = capacity(memory // 2)
    height = min(height, max(1, limit // (4 * max(1, k))))
    if not k or not len(corpus):
        return
    mutual = queries is distinct and len(queries) * 2 * k <= limit
    search = _search_itself if mutual else _search
    with progress_bar(len(queries), "searching", unit="query", show=show_progress) as bar:
        n_wanted = min(k, len(distinct))
        for rows, found in search(queries, distinct, n_wanted, threshold, products, limit, height, width):
            yield from _expanded(rows, *found.finish(), copies, k, limit)
            bar.update(rows.stop - rows.start)


def _search(
    queries: Rows, corpus: Rows, k: int, threshold: float, products: Products, limit: int, height: int, width: int
) -> Iterator[tuple[slice, "_Candidates"]]:
    """Compare each block of queries with all of the corpus, tile by tile."""
    for rows in blocks(0, len(queries), height):
        candidates = _Candidates(queries, corpus, rows, k, threshold, products.slack, limit)
        for columns in blocks(0, len(corpus), width):
            products.compute(rows, columns)
            candidates.add(products, columns)
        yield rows, candidates


def _search_itself(
    queries: Rows, corpus: Rows, k: int, threshold: float, products: Products, limit: int, height: int, width: int
) -> Iterator[tuple[slice, "_Candidates"]]:
    """Compare rows with each other: a tile serves the rows on both of its sides, so half of the products will do."""
    parts = list(blocks(0, len(queries), min(height, width)))
    share = limit // len(parts)
    waiting = [_Candidates(queries, corpus, rows, k, threshold, products.slack, share) for rows in parts]
    for place, rows in enumerate(parts):
        candidates = waiting.pop(0)
        products.compute(rows, rows)
        candidates.add(products, rows)
        for columns, other in zip(parts[place + 1 :], waiting, strict=True):
            products.compute(rows, columns)
            candidates.add(products, columns)
            other.add(products, rows, turned=True)
        yield rows, candidates


class _Candidates:
    """What may be near a block of queries: products within rounding of the k-th best so far, and of the threshold."""

    def __init__(
        self, queries: Rows, corpus: Rows, rows: slice, k: int, threshold: float, slack: float, limit: int
    ) -> None:
        self._queries, self._corpus, self._rows, self._k = queries, corpus, rows, k
        self._limit, self._threshold = limit, np.float32(threshold)
        # A product and the k-th best one may both be off, each by the slack.
        self._slack = np.float32(2.01 * slack)
        self._least = np.full(rows.stop - rows.start, self._threshold - self._slack, dtype=np.float32)
        self._row = np.empty(0, dtype=np.int64)
        self._column = np.empty(0, dtype=np.int64)
        self._value = np.empty(0, dtype=np.float32)
        self._pruned = 0

    def add(self, products: Products, columns: slice, *, turned: bool = False) -> None:
        """Compare with some rows of the corpus, the next ones, of which the products were just computed."""
        if not columns.start and self._k <= columns.stop:
            np.maximum(self._least, products.kth(self._k, turned=turned) - self._slack, out=self._least)
        row, column, value = products.reaching(self._least, turned=turned)
        self._row = np.concatenate([self._row, row])
        self._column = np.concatenate([self._column, column + columns.start])
        self._value = np.concatenate([self._value, value])
        if len(self._row) > min(2 * self._pruned, self._limit):
            self._prune()

    def finish(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return the row, column and exact cosine of the k best of each row, in that order."""
        self._prune()
        self._keep_exact()
        order = np.argsort(_keys(self._row, self._value), kind="stable")
        order = order[self._value[order] >= self._threshold]
        return self._row[order], self._column[order], self._value[order]

    def _prune(self) -> None:
        """Raise what each row must reach to its k-th best product."""
        keys = np.sort(_keys(self._row, self._value))
        sizes = np.bincount(self._row, minlength=len(self._least))
        enough = sizes >= self._k
        kth = _value_of(keys[(np.cumsum(sizes) - sizes)[enough] + self._k - 1])
        self._least[enough] = np.maximum(self._least[enough], kth - self._slack)
        self._keep(self._value >= self._least[self._row])
        if len(self._row) > self._limit:  # nearly equal rows, which only exact scores tell apart
            self._keep_exact()
        self._pruned = len(self._row)

    def _keep_exact(self) -> None:
        self._value = cosines(self._queries, self._corpus, self._row + self._rows.start, self._column)
        # Of each row the columns stand in ascending order, so that a stable sort leaves ties by column.
        order = np.argsort(_keys(self._row, self._value), kind="stable")
        kept = np.zeros(len(order), dtype=bool)
        kept[order[_rank(self._row[order]) < self._k]] = True
        self._keep(kept)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self._row, self._column, self._value = self._row[kept], self._column[kept], self._value[kept]


def _keys(row: NDArray[np.int64], value: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole numbers that sort by row, and within a row best first: many times faster than to sort by two keys."""
    # Floats read as whole numbers sort alike, but negative ones backwards; adding 0 turns -0.0 into 0.0.
    bits = (value + np.float32(0)).view(np.int32).astype(np.int64)
    keys: NDArray[np.int64] = (row << 32) + (0x7FFFFFFF - np.where(bits < 0, bits ^ 0x7FFFFFFF, bits))
    return keys


def _value_of(keys: NDArray[np.int64]) -> NDArray[np.float32]:
    """The value in a key."""
    bits = 0x7FFFFFFF - (keys & 0xFFFFFFFF)
    return np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int32).view(np.float32)


def _rank(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same row stand before each, given rows in order."""
    sizes = np.bincount(row)
    ranks: NDArray[np.int64] = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks


def _expanded(
    rows: slice,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    value: NDArray[np.float32],
    copies: Copies,
    k: int,
    limit: int,
) -> Iterator[_Found]:
    """Put the copies of each neighbour beside it, some rows at a time, and keep k of each row."""
    if len(copies.first) == len(copies.sets):
        yield rows, row, column, value
        return
    for part in blocks(0, rows.stop - rows.start, max(1, limit // (k * k))):
        here = slice(*np.searchsorted(row, [part.start, part.stop]))
        sizes = np.minimum(copies.sizes[column[here]], k)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        found = copies.members[np.repeat(copies.starts[column[here]], sizes) + within]
        at, score = np.repeat(row[here] - part.start, sizes), np.repeat(value[here], sizes)
        order = np.lexsort((found, _keys(at, score)))
        order = order[_rank(at[order]) < k]
        yield slice(rows.start + part.start, rows.start + part.stop), at[order], found[order], score[order]
