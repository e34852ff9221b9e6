"""Passages with all that is known of them, and the candidates for a query."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skko.search.dense import DenseIndex
from skko.search.lexical import LexicalIndex
from skko.search.passages import Passages
from skko.search.ranking import MATCHING, Candidates
from skko.search.tokens import TokenVectors, TokenWeights
from skko.similarity.cosines import Rows


@dataclass(frozen=True)
class Queries:
    """Queries as the parts want them.

    Attributes
    ----------
    texts : list of str
        The texts, normalised.
    dense : Rows or None
        Their vectors.
    sparse : TokenWeights or None
        Weights of their tokens.
    colbert : TokenVectors or None
        Vectors of their tokens.
    """

    texts: list[str]
    dense: Rows | None = None
    sparse: TokenWeights | None = None
    colbert: TokenVectors | None = None


@dataclass(frozen=True)
class PassageIndex:
    """Passages by the parts that search them.

    Attributes
    ----------
    passages : Passages
        Which document each belongs to, and where it lies.
    dense : DenseIndex or None
        Their vectors.
    lexical : LexicalIndex or None
        Their morphemes.
    sparse : TokenWeights or None
        Weights of their tokens.
    colbert : TokenVectors or None
        Vectors of their tokens.
    """

    passages: Passages
    dense: DenseIndex | None = None
    lexical: LexicalIndex | None = None
    sparse: TokenWeights | None = None
    colbert: TokenVectors | None = None

    @property
    def n_documents(self) -> int:
        """How many documents there are.

        Returns
        -------
        int
            Their number.
        """
        return len(self.passages.starts) - 1

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts there are.

        Returns
        -------
        tuple of str
            Their names.
        """
        return tuple(name for name in ("dense", "lexical", "sparse", "colbert") if getattr(self, name) is not None)

    def save(self, folder: Path) -> None:
        """Write the index into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        np.save(folder / "starts.npy", self.passages.starts)
        np.save(folder / "spans.npy", self.passages.spans)
        for part in self.parts:
            getattr(self, part).save(folder)

    @classmethod
    def load(cls, folder: Path, parts: Collection[str], *, approximate: bool, k1: float, b: float) -> "PassageIndex":
        """Map an index that :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        parts : collection of str
            The parts it has.
        approximate : bool
            Whether vectors are searched by a graph of neighbours.
        k1, b : float
            Parameters of BM25 that it was made with.

        Returns
        -------
        PassageIndex
            The index; little of it is read yet.
        """
        return cls(
            Passages(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("starts", "spans"))),
            DenseIndex.load(folder, approximate=approximate) if "dense" in parts else None,
            LexicalIndex.load(folder, k1=k1, b=b) if "lexical" in parts else None,
            TokenWeights.load(folder) if "sparse" in parts else None,
            TokenVectors.load(folder) if "colbert" in parts else None,
        )

    def take(self, documents: NDArray[np.intp]) -> "PassageIndex":
        """Choose documents.

        Parameters
        ----------
        documents : ndarray of int
            Which.

        Returns
        -------
        PassageIndex
            A new index of them.
        """
        passages, rows = self.passages.take(documents)
        return PassageIndex(passages, **{part: getattr(self, part).take(rows) for part in self.parts})

    def candidates(
        self, queries: Queries, parts: Collection[str], n: int, allowed: NDArray[np.bool_] | None = None
    ) -> Iterator[Candidates]:
        """Find the documents that may answer each query.

        Parameters
        ----------
        queries : Queries
            Queries.
        parts : collection of str
            Parts that take part. Each but ``"colbert"`` proposes its best documents, and all score them.
        n : int
            How many documents each part proposes.
        allowed : ndarray of bool, shape (n_documents,), or None
            Documents to choose among; None is all.

        Yields
        ------
        Candidates
            Those of one query after another.
        """
        proposing = [part for part in parts if part != "colbert"] or ["dense"]
        near = self._near_documents(queries, n, allowed) if "dense" in proposing else None
        for query in range(len(queries.texts)):
            matched = {part: self._matched(queries, part, query) for part in parts if part in MATCHING}
            proposed = [self._best_documents(scores, n, allowed) for scores in matched.values()]
            documents = np.unique(np.concatenate([*proposed, *([] if near is None else [near[query]])]))
            yield self.scored(queries, query, documents.astype(np.int64), parts, matched)

    def scored(
        self,
        queries: Queries,
        query: int,
        documents: NDArray[np.int64],
        parts: Collection[str],
        matched: dict[str, NDArray[np.float32]] | None = None,
    ) -> Candidates:
        """Score the passages of documents.

        Parameters
        ----------
        queries : Queries
            Queries.
        query : int
            Which of them.
        documents : ndarray of int64
            The documents.
        parts : collection of str
            Parts that score.
        matched : dict of str to ndarray of float32, shape (n_passages,), or None, default=None
            What is known of all passages already.

        Returns
        -------
        Candidates
            The documents with their scores.
        """
        passages, places = self.passages.of(documents)
        scores: dict[str, NDArray[np.float64]] = {}
        for part in parts:
            if part in MATCHING:
                found = (matched or {}).get(part)
                found = self._matched(queries, part, query) if found is None else found
                scores[part] = found[passages].astype(np.float64)
            elif part == "dense":
                assert self.dense is not None
                assert queries.dense is not None
                scores[part] = self.dense.cosines(queries.dense, query, passages).astype(np.float64)
            else:
                assert self.colbert is not None
                assert queries.colbert is not None
                scores[part] = self.colbert.scores(queries.colbert, query, passages)
        return Candidates(documents, passages, places, scores)

    def _matched(self, queries: Queries, part: str, query: int) -> NDArray[np.float32]:
        """What a part that matches words says of every passage."""
        if part == "lexical":
            assert self.lexical is not None
            return self.lexical.scores(queries.texts[query])
        assert self.sparse is not None
        assert queries.sparse is not None
        return self.sparse.scores(queries.sparse, query)

    def _best_documents(
        self, scores: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """The documents with the best passages, of those that match at all."""
        starts = self.passages.starts[:-1]
        best = scores if len(starts) == len(scores) else np.maximum.reduceat(scores, starts)
        if allowed is not None:
            best = np.where(allowed, best, 0)
        matching = np.flatnonzero(best > 0)
        if len(matching) > n:
            least = np.partition(best[matching], len(matching) - n)[len(matching) - n]
            matching = matching[best[matching] >= least]
            matching = matching[np.argsort(-best[matching], kind="stable")[:n]]
        return matching

    def _near_documents(self, queries: Queries, n: int, allowed: NDArray[np.bool_] | None) -> list[NDArray[np.int64]]:
        """The documents with the nearest passages: as many passages are asked for as it takes to have n documents."""
        assert self.dense is not None
        assert queries.dense is not None
        sizes = np.diff(self.passages.starts)
        owners = self.passages.owners
        choice = None if allowed is None else np.flatnonzero(np.repeat(allowed, sizes))
        n_documents = self.n_documents if allowed is None else int(allowed.sum())
        n_passages = len(owners) if choice is None else len(choice)
        k, wanted = n, min(n, n_documents)
        while True:
            found = [owners[passages] for passages in self.dense.nearest(queries.dense, k, choice)]
            firsts = [documents[np.sort(np.unique(documents, return_index=True)[1])] for documents in found]
            # Each passage is its own document, or all are asked for: more would bring nothing new.
            if k >= n_passages or len(owners) == self.n_documents or all(len(first) >= wanted for first in firsts):
                return [first[:n] for first in firsts]
            k = min(2 * k, n_passages)
