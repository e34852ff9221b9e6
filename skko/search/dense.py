"""Vectors of passages, ready to be compared: in memory or mapped from files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.similarity import ApproximateIndex, cosines, prepare, top_k
from skko.similarity.cosines import Rows

# With fewer queries, to prepare the passages would take longer than to compare them.
_MANY = 64
# Bytes of products at a time.
_MEMORY = 256 << 20
_GRAPH = "neighbours.faiss"


class DenseIndex:
    """Passages by their vectors.

    Parameters
    ----------
    rows : Rows
        Vectors, prepared.
    approximate : bool, default=False
        Whether to search by a graph of neighbours; it is built, or read, when first asked for.
    graph : pathlib.Path or None, default=None
        File of the graph, where it has been saved.
    """

    def __init__(self, rows: Rows, *, approximate: bool = False, graph: Path | None = None) -> None:
        self.rows = rows
        self._approximate = approximate
        self._saved_graph = graph
        self._graph: ApproximateIndex | None = None

    @classmethod
    def of(cls, vectors: ArrayLike, *, approximate: bool = False) -> "DenseIndex":
        """Prepare vectors.

        Parameters
        ----------
        vectors : array-like of float, shape (n_passages, dimension)
            Vectors.
        approximate : bool, default=False
            Whether to search by a graph of neighbours.

        Returns
        -------
        DenseIndex
            The index.
        """
        return cls(prepare(vectors), approximate=approximate)

    @classmethod
    def load(cls, folder: Path, *, approximate: bool = False) -> "DenseIndex":
        """Map an index that :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        approximate : bool, default=False
            Whether to search by a graph of neighbours.

        Returns
        -------
        DenseIndex
            The index; nothing of it is read yet.
        """
        unit, inverse = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("vectors", "inverse_lengths"))
        graph = folder / _GRAPH
        return cls(Rows(unit, inverse), approximate=approximate, graph=graph if graph.exists() else None)

    def save(self, folder: Path) -> None:
        """Write the index into a folder, with its graph of neighbours if it has one.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        np.save(folder / "vectors.npy", self.rows.unit)
        np.save(folder / "inverse_lengths.npy", self.rows.inverse)
        if self._approximate:
            self._neighbours().save(folder / _GRAPH)

    def __len__(self) -> int:
        return len(self.rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_graph": None, "_saved_graph": None}

    def nearest(self, queries: Rows, k: int, allowed: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
        """Find the nearest passages of each query.

        Parameters
        ----------
        queries : Rows
            Vectors of the queries.
        k : int
            How many.
        allowed : ndarray of int or None
            Passages to choose among; None is all.

        Returns
        -------
        list of ndarray of int
            Passages, best first, ties in their order; ``k`` of each query, or all there are. With ``approximate``, most
            of the nearest, and where passages are chosen among, the exact ones.
        """
        if self._approximate and allowed is None:
            return [row[row >= 0] for row in top_k(queries.unit, self._neighbours(), k)[0]]
        corpus = self.rows if allowed is None else self.rows.take(allowed)
        k = min(k, len(corpus))
        found = list(top_k(queries.unit, corpus.unit, k)[0]) if len(queries) >= _MANY else _scan(queries, corpus, k)
        return found if allowed is None else [allowed[row] for row in found]

    def _neighbours(self) -> ApproximateIndex:
        if self._graph is None:
            if self._saved_graph is not None and self._saved_graph.exists():  # a later save may have removed it
                self._graph = ApproximateIndex.load(self._saved_graph, self.rows.unit)
            else:
                self._graph = ApproximateIndex(self.rows.unit)
        return self._graph

    def cosines(self, queries: Rows, query: int, passages: NDArray[np.int64]) -> NDArray[np.float32]:
        """Compute the cosines of a query and some passages, exactly.

        Parameters
        ----------
        queries : Rows
            Vectors of the queries.
        query : int
            Which of them.
        passages : ndarray of int, shape (n,)
            The passages.

        Returns
        -------
        ndarray of float32, shape (n,)
            Cosines.
        """
        return cosines(queries, self.rows, np.full(len(passages), query), passages)

    def __add__(self, other: "DenseIndex") -> "DenseIndex":
        unit = np.concatenate([self.rows.unit, other.rows.unit])
        return DenseIndex(
            Rows(unit, np.concatenate([self.rows.inverse, other.rows.inverse])), approximate=self._approximate
        )

    def take(self, passages: NDArray[np.int64]) -> "DenseIndex":
        """Choose passages.

        Parameters
        ----------
        passages : ndarray of int
            Which.

        Returns
        -------
        DenseIndex
            A new index of them.
        """
        return DenseIndex(self.rows.take(passages), approximate=self._approximate)


def _scan(queries: Rows, corpus: Rows, k: int) -> list[NDArray[np.int64]]:
    """What ``top_k`` finds, to the last bit, without a copy of the corpus: a few queries are over before it is made."""
    found = []
    step = max(1, _MEMORY // (4 * max(1, len(corpus))))
    # Both a product and the k-th best one may be off by rounding; what is within that is scored exactly.
    slack = np.float32(2.02 * (corpus.unit.shape[1] + 16) * 2.0**-24)
    for start in range(0, len(queries), step):
        products = queries.unit[start : start + step] @ corpus.unit.T
        for query, row in enumerate(products, start):
            least = np.partition(row, len(row) - k)[len(row) - k] - slack if k else np.inf
            near = np.flatnonzero(row >= least)
            exact = cosines(queries, corpus, np.full(len(near), query), near)
            found.append(near[np.lexsort((near, -exact))[:k]])
    return found
