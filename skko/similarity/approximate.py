"""An approximate index for millions of rows; what it proposes is scored exactly."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.exceptions import DataFileError
from skko.optional import import_optional
from skko.progress import ShowProgress, progress_bar
from skko.similarity.blocks import blocks
from skko.similarity.copies import collapse
from skko.similarity.cosines import Rows, cosines, prepare

_STEP = 4096


class ApproximateIndex:
    """A graph of neighbours (HNSW, by faiss) that finds most of the nearest rows without comparing them all.

    Pass it to :func:`top_k` in place of ``B``.

    Parameters
    ----------
    B : array-like of float, shape (m, dimension)
        What is searched.
    links : int, default=32
        Links of each row: more cost memory and find more.
    expansion : int, default=128
        Rows looked at for each row added, and for each query at least: more cost time and find more.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Raises
    ------
    MissingDependencyError
        If faiss is not installed.
    ValueError
        If ``B`` is not a matrix or has NaN or infinity.

    See Also
    --------
    top_k : Exact, and with this index approximate.

    Notes
    -----
    What share of the exact neighbours it finds depends on the rows: measure it with :meth:`recall`.
    """

    def __init__(
        self, B: ArrayLike, *, links: int = 32, expansion: int = 128, show_progress: ShowProgress = "auto"
    ) -> None:
        faiss = _faiss()
        self._hold(B, expansion)
        self._graph = faiss.IndexHNSWFlat(self.rows.unit.shape[1], links, faiss.METRIC_INNER_PRODUCT)
        self._graph.hnsw.efConstruction = expansion
        with progress_bar(len(self.rows), "indexing", unit="row", show=show_progress) as bar:
            for part in blocks(0, len(self.rows), _STEP):
                self._graph.add(self.rows.unit[part])
                bar.update(part.stop - part.start)

    def _hold(self, B: ArrayLike, expansion: int) -> None:
        rows = prepare(B, "B")
        # Links among copies would lead nowhere else.
        self.copies = collapse(rows.unit)
        self.rows = rows.take(self.copies.first)
        self.expansion = expansion

    @classmethod
    def load(cls, path: str | PathLike[str], B: ArrayLike, *, expansion: int = 128) -> "ApproximateIndex":
        """Read the links that :meth:`save` wrote, which takes seconds where finding them took minutes.

        Parameters
        ----------
        path : path-like
            The file.
        B : array-like of float, shape (m, dimension)
            The rows that were linked.
        expansion : int, default=128
            Rows looked at for each query at least.

        Returns
        -------
        ApproximateIndex
            The index.

        Raises
        ------
        DataFileError
            If the file is damaged, or of other rows.
        FileNotFoundError
            If there is none.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        faiss = _faiss()
        index = cls.__new__(cls)
        index._hold(B, expansion)
        try:
            graph = faiss.read_index(str(path))
        except RuntimeError as error:
            raise DataFileError(f"{path} is no graph of neighbours. Remove it, and it is made again.") from error
        dimension = index.rows.unit.shape[1]
        if not isinstance(graph, faiss.IndexHNSWFlat) or (graph.ntotal, graph.d) != (len(index.rows), dimension):
            raise DataFileError(f"{path} links other rows than these. Remove it, and it is made again.")
        vectors = faiss.IndexFlatIP(dimension)
        vectors.add(index.rows.unit)
        vectors.this.disown()
        graph.storage, graph.own_fields = vectors, True
        index._graph = graph
        return index

    def save(self, path: str | PathLike[str]) -> None:
        """Write the links, without the rows.

        Parameters
        ----------
        path : path-like
            The file.
        """
        faiss = _faiss()
        faiss.write_index(self._graph, str(path), faiss.IO_FLAG_SKIP_STORAGE)

    def __len__(self) -> int:
        return len(self.copies.sets)

    def nearest(
        self, queries: Rows, k: int, *, show_progress: ShowProgress = "auto"
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Find most of the nearest different rows, of which copies count as one.

        Parameters
        ----------
        queries : Rows
            Queries, as :func:`prepare` makes them.
        k : int
            How many.
        show_progress : bool or "auto", default="auto"
            Whether to show a progress bar.

        Returns
        -------
        indices : ndarray of int, shape (n, k)
            Sets of ``copies`` by number, best first, ties in their order; -1 where the graph has led to fewer.
        scores : ndarray of float32, shape (n, k)
            Their exact cosines; minus infinity where there is none.

        Raises
        ------
        ValueError
            If the queries have another number of columns.
        """
        if queries.unit.shape[1] != self.rows.unit.shape[1]:
            raise ValueError(f"A has {queries.unit.shape[1]} columns and B has {self.rows.unit.shape[1]}.")
        indices = np.full((len(queries), k), -1, dtype=np.intp)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        self._graph.hnsw.efSearch = max(self.expansion, 2 * k)
        with progress_bar(len(queries), "searching", unit="query", show=show_progress) as bar:
            for part in blocks(0, len(queries) if k else 0, _STEP):
                columns: NDArray[Any] = self._graph.search(queries.unit[part], k)[1]
                row, place = np.nonzero(columns >= 0)
                exact = np.full(columns.shape, -np.inf, dtype=np.float32)
                exact[row, place] = cosines(queries, self.rows, row + part.start, columns[row, place])
                order = np.lexsort((columns, -exact), axis=1)
                indices[part] = np.take_along_axis(columns, order, axis=1)
                scores[part] = np.take_along_axis(exact, order, axis=1)
                bar.update(part.stop - part.start)
        return indices, scores

    def recall(self, A: ArrayLike, k: int = 10) -> float:
        """Measure what share of the exact neighbours is found.

        Parameters
        ----------
        A : array-like of float, shape (n, dimension)
            Some hundred queries; each is compared with every row.
        k : int, default=10
            How many neighbours of each.

        Returns
        -------
        float
            From 0 to 1: of the exact ``k`` nearest those found, or others with the same cosine.
        """
        from skko.similarity.neighbors import top_k

        exact = top_k(A, self.rows.unit[self.copies.sets], k)[1]
        _, found = top_k(A, self, k, show_progress=False)
        return float((found >= exact[:, -1:]).mean()) if exact.size else 1.0


def _faiss() -> Any:
    return import_optional("faiss", extra="ann", purpose="search approximately")
