"""BM25 over Korean morphemes, by bm25s; texts are analysed once, whatever is added or removed later."""

import json
import logging
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.progress import ShowProgress
from skko.text import tokenise


class LexicalIndex:
    """Passages by their content morphemes.

    Parameters
    ----------
    tokens : ndarray of int32, shape (n_tokens,)
        Morphemes of all passages, one passage after another, by number.
    ends : ndarray of int64, shape (n_passages,)
        Where each passage ends.
    vocabulary : dict of str to int
        Number of each morpheme.
    k1, b : float
        How soon repetition stops to count, and how much the length of a passage does.
    """

    def __init__(
        self, tokens: NDArray[np.int32], ends: NDArray[np.int64], vocabulary: dict[str, int], k1: float, b: float
    ) -> None:
        self._tokens, self._ends, self._vocabulary = tokens, ends, vocabulary
        self._k1, self._b = k1, b
        self._folder: Path | None = None
        self._bm25: Any = None

    @classmethod
    def of(cls, texts: Sequence[str], *, k1: float, b: float, show_progress: ShowProgress = "auto") -> "LexicalIndex":
        """Analyse texts and index them.

        Parameters
        ----------
        texts : sequence of str
            Passages, normalised.
        k1, b : float
            Parameters of BM25.
        show_progress : bool or "auto", default="auto"
            Whether to show a progress bar.

        Returns
        -------
        LexicalIndex
            The index.
        """
        index = cls(np.empty(0, np.int32), np.empty(0, np.int64), {}, k1, b)
        return index.extended(texts, show_progress=show_progress)

    @classmethod
    def load(cls, folder: Path, *, k1: float, b: float) -> "LexicalIndex":
        """Map an index that :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        k1, b : float
            Parameters of BM25 that it was made with.

        Returns
        -------
        LexicalIndex
            The index; its vocabulary is read at the first query.
        """
        tokens, ends = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("tokens", "token_ends"))
        index = cls(tokens, ends, {}, k1, b)
        index._folder = folder
        return index

    def save(self, folder: Path) -> None:
        """Write the index into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        self._read()
        np.save(folder / "tokens.npy", self._tokens)
        np.save(folder / "token_ends.npy", self._ends)
        # By number, the order of the list: a JSON object would be twice as long.
        words = sorted(self._vocabulary, key=self._vocabulary.__getitem__)
        (folder / "vocabulary.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        if (bm25 := self._index()) is not None:
            bm25.save(folder / "bm25", show_progress=False)

    def __len__(self) -> int:
        return len(self._ends)

    def __getstate__(self) -> dict[str, Any]:
        self._read()  # a pickle goes where the folder may not
        self._index()
        return {**self.__dict__, "_folder": None}

    def scores(self, query: str) -> NDArray[np.float32]:
        """Score every passage against a query.

        Parameters
        ----------
        query : str
            Normalised query.

        Returns
        -------
        ndarray of float32, shape (n_passages,)
            BM25; 0 where no morpheme is shared.
        """
        self._read()
        tokens = [self._vocabulary[form] for form in tokenise([query])[0] if form in self._vocabulary]
        bm25 = self._index()
        if bm25 is None or not tokens:
            return np.zeros(len(self), dtype=np.float32)
        found: NDArray[np.float32] = bm25.get_scores_from_ids(tokens)
        return found

    def matches(self, query: str, passage: int) -> dict[str, float]:
        """Say what each morpheme of a query adds to the score of a passage.

        Parameters
        ----------
        query : str
            Normalised query.
        passage : int
            The passage.

        Returns
        -------
        dict of str to float
            Shared morphemes with what they add, the most important first.
        """
        self._read()
        bm25 = self._index()
        found: dict[str, float] = {}
        for form in tokenise([query])[0] if bm25 is not None else ():
            if form in self._vocabulary:
                added = float(bm25.get_scores_from_ids([self._vocabulary[form]])[passage])
                found |= {form: found.get(form, 0.0) + added} if added else {}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def extended(self, texts: Sequence[str], *, show_progress: ShowProgress = "auto") -> "LexicalIndex":
        """Add passages.

        Parameters
        ----------
        texts : sequence of str
            Passages, normalised; only these are analysed.
        show_progress : bool or "auto", default="auto"
            Whether to show a progress bar.

        Returns
        -------
        LexicalIndex
            A new index.
        """
        self._read()
        vocabulary = dict(self._vocabulary)
        words = tokenise(texts, show_progress=show_progress)
        tokens = _numbers(vocabulary.setdefault(form, len(vocabulary)) for form in chain.from_iterable(words))
        sizes = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
        ends = np.concatenate([self._ends, len(self._tokens) + np.cumsum(sizes)])
        return LexicalIndex(np.concatenate([self._tokens, tokens]), ends, vocabulary, self._k1, self._b)

    def take(self, passages: NDArray[np.int64]) -> "LexicalIndex":
        """Choose passages.

        Parameters
        ----------
        passages : ndarray of int
            Which.

        Returns
        -------
        LexicalIndex
            A new index of them.
        """
        self._read()
        starts = np.concatenate([[0], self._ends])[passages]
        sizes = self._ends[passages] - starts
        ends = np.cumsum(sizes)
        places = np.arange(sizes.sum()) + np.repeat(starts - (ends - sizes), sizes)
        return LexicalIndex(self._tokens[places], ends, self._vocabulary, self._k1, self._b)

    def _read(self) -> None:
        """Read the vocabulary of a mapped index."""
        if self._folder is not None and not self._vocabulary:
            words = json.loads((self._folder / "vocabulary.json").read_text(encoding="utf-8"))
            self._vocabulary = {form: number for number, form in enumerate(words)}

    def _index(self) -> Any:
        """What bm25s knows of the passages, computed when first asked for; None where there is no morpheme at all."""
        if self._bm25 is None and len(self._tokens):
            import bm25s

            # It sets its logger to DEBUG, past what the user chose.
            logging.getLogger("bm25s").setLevel(logging.NOTSET)
            if self._folder is not None:
                self._bm25 = bm25s.BM25.load(self._folder / "bm25", mmap=True, load_vocab=False)
            else:
                self._bm25 = bm25s.BM25(k1=self._k1, b=self._b, method="lucene", backend="numpy")
                words = np.split(self._tokens, self._ends[:-1])
                numbers = {str(number): number for number in range(len(self._vocabulary))}
                passages = [passage.tolist() for passage in words]
                self._bm25.index((passages, numbers), create_empty_token=False, show_progress=False)
                self._bm25.vocab_dict = {}  # the words are kept here
        return self._bm25


def _numbers(values: Iterable[int]) -> NDArray[np.int32]:
    return np.fromiter(values, dtype=np.int32)
