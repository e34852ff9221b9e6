"""Texts by their tokens: a learned weight of each, or a vector of each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack


@dataclass(frozen=True)
class TokenWeights:
    """Texts by the weights of their tokens.

    Attributes
    ----------
    weights : csr_array of float32, shape (n_texts, n_vocabulary)
        Weights.
    """

    weights: csr_array

    def scores(self, queries: "TokenWeights", query: int) -> NDArray[np.float32]:
        """Score every text: the sum over shared tokens of the product of both weights.

        Parameters
        ----------
        queries : TokenWeights
            Queries.
        query : int
            Which of them.

        Returns
        -------
        ndarray of float32, shape (n_texts,)
            Scores.
        """
        wanted = queries.weights[[query]].toarray()[0]
        found: NDArray[np.float32] = (self.weights @ wanted).astype(np.float32)
        return found

    def __add__(self, other: "TokenWeights") -> "TokenWeights":
        return TokenWeights(csr_array(vstack([self.weights, other.weights])))

    def take(self, texts: NDArray[np.int64]) -> "TokenWeights":
        """Choose texts.

        Parameters
        ----------
        texts : ndarray of int
            Which.

        Returns
        -------
        TokenWeights
            Copies of them.
        """
        return TokenWeights(self.weights[texts])

    def save(self, folder: Path) -> None:
        """Write the weights into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        np.save(folder / "sparse_shape.npy", np.array(self.weights.shape, dtype=np.int64))
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"sparse_{name}.npy", getattr(self.weights, name))

    @classmethod
    def load(cls, folder: Path) -> "TokenWeights":
        """Map what :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.

        Returns
        -------
        TokenWeights
            The weights.
        """
        arrays = [np.load(folder / f"sparse_{name}.npy", mmap_mode="r") for name in ("data", "indices", "indptr")]
        return cls(csr_array(tuple(arrays), shape=tuple(np.load(folder / "sparse_shape.npy").tolist())))


@dataclass(frozen=True)
class TokenVectors:
    """Texts by the vectors of their tokens.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n_tokens, dimension)
        Vectors of unit length, text by text.
    ends : ndarray of int64, shape (n_texts,)
        Where those of each text end.
    """

    vectors: NDArray[np.float32]
    ends: NDArray[np.int64]

    def scores(self, queries: "TokenVectors", query: int, texts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score some texts: the mean over the query's tokens of the cosine to the nearest token of the text.

        Parameters
        ----------
        queries : TokenVectors
            Queries.
        query : int
            Which of them.
        texts : ndarray of int, shape (n,)
            The texts.

        Returns
        -------
        ndarray of float64, shape (n,)
            Scores.
        """
        if not len(texts):
            return np.empty(0)
        wanted, _ = queries._tokens(np.array([query]))
        tokens, places = self._tokens(texts)
        cosines = self.vectors[tokens] @ queries.vectors[wanted].T
        best: NDArray[np.float32] = np.maximum.reduceat(cosines, places, axis=0)
        means: NDArray[np.float64] = best.mean(axis=1, dtype=np.float64)
        return means

    def __add__(self, other: "TokenVectors") -> "TokenVectors":
        ends = np.concatenate([self.ends, len(self.vectors) + other.ends])
        return TokenVectors(np.concatenate([self.vectors, other.vectors]), ends)

    def take(self, texts: NDArray[np.int64]) -> "TokenVectors":
        """Choose texts.

        Parameters
        ----------
        texts : ndarray of int
            Which.

        Returns
        -------
        TokenVectors
            Copies of them.
        """
        tokens, places = self._tokens(texts)
        return TokenVectors(self.vectors[tokens], np.append(places, len(tokens))[1:])

    def save(self, folder: Path) -> None:
        """Write the vectors into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        np.save(folder / "colbert_vectors.npy", self.vectors)
        np.save(folder / "colbert_ends.npy", self.ends)

    @classmethod
    def load(cls, folder: Path) -> "TokenVectors":
        """Map what :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.

        Returns
        -------
        TokenVectors
            The vectors.
        """
        vectors, ends = (np.load(folder / f"colbert_{name}.npy", mmap_mode="r") for name in ("vectors", "ends"))
        return cls(vectors, ends)

    def _tokens(self, texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the tokens of some texts, and where those of each begin among them."""
        starts = np.concatenate([[0], self.ends])[texts]
        sizes = self.ends[texts] - starts
        places = np.cumsum(sizes) - sizes
        return np.arange(sizes.sum()) + np.repeat(starts - places, sizes), places
