"""Long documents cut into passages: sentences, or windows of whole sentences."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Split = Literal["sentences"] | int | None

# A mark that ends a sentence, with quotes and brackets that close behind it, before white space; or a line break.
_END = re.compile(r"(?<=[.!?。…])[\"'”’」』)\]]*\s+|\s*\n\s*")


@dataclass(frozen=True)
class Passages:
    """Where the passages of each document lie.

    Attributes
    ----------
    starts : ndarray of int64, shape (n_documents + 1,)
        Document ``d`` has the passages ``starts[d]`` to ``starts[d + 1]``, at least one.
    spans : ndarray of int64, shape (n_passages, 2)
        First character of each, and the one behind its last.
    """

    starts: NDArray[np.int64]
    spans: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """Document of each passage.

        Returns
        -------
        ndarray of int64, shape (n_passages,)
            Documents.
        """
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def of(self, documents: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the passages of some documents.

        Parameters
        ----------
        documents : ndarray of int, shape (n,)
            Documents.

        Returns
        -------
        passages : ndarray of int64, shape (n_passages,)
            Their passages, document by document.
        places : ndarray of int64, shape (n,)
            Where those of each document begin among them.
        """
        sizes = self.starts[documents + 1] - self.starts[documents]
        places = np.cumsum(sizes) - sizes
        return np.arange(sizes.sum()) + np.repeat(self.starts[documents] - places, sizes), places

    def take(self, documents: NDArray[np.intp]) -> tuple["Passages", NDArray[np.int64]]:
        """Choose documents.

        Parameters
        ----------
        documents : ndarray of int
            Which.

        Returns
        -------
        passages : Passages
            Those of them.
        kept : ndarray of int64
            Their passages by their numbers here.
        """
        kept, places = self.of(documents)
        return Passages(np.append(places, len(kept)), self.spans[kept]), kept

    def __add__(self, other: "Passages") -> "Passages":
        starts = np.concatenate([self.starts, other.starts[1:] + self.starts[-1]])
        return Passages(starts, np.concatenate([self.spans, other.spans]))


def split_texts(texts: Iterable[str], split: Split = None) -> Passages:
    """Cut texts into passages.

    Parameters
    ----------
    texts : iterable of str
        Texts.
    split : "sentences", int or None, default=None
        ``"sentences"`` ends a passage where a sentence ends: at a full stop, question or exclamation mark before white
        space, or at a line break. A number makes windows of whole sentences of at most so many characters; a longer
        sentence is cut at white space. None leaves texts whole.

    Returns
    -------
    Passages
        One at least of each text.

    Examples
    --------
    >>> text = "배송이 늦어요. 환불해 주세요! 3.5점 드려요"
    >>> [text[start:end] for start, end in split_texts([text], "sentences").spans]
    ['배송이 늦어요.', '환불해 주세요!', '3.5점 드려요']
    >>> [text[start:end] for start, end in split_texts([text], 18).spans]
    ['배송이 늦어요. 환불해 주세요!', '3.5점 드려요']
    """
    spans: list[tuple[int, int]] = []
    starts = [0]
    for text in texts:
        found = [(0, len(text))] if split is None else list(_sentences(text))
        if isinstance(split, int):
            found = list(_windows(text, found, split))
        spans += found or [(0, len(text))]
        starts.append(len(spans))
    return Passages(np.array(starts, dtype=np.int64), np.array(spans, dtype=np.int64).reshape(-1, 2))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        end = match.start() + len(match[0].rstrip())  # closing quotes stay with their sentence
        if text[start:end].strip():
            yield end - len(text[start:end].lstrip()), end
        start = match.end()
    if rest := text[start:].strip():
        start = text.index(rest, start)
        yield start, start + len(rest)


def _windows(text: str, sentences: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    pieces = [piece for start, end in sentences for piece in _cut(text, start, end, length)]
    if not pieces:
        return
    first, last = pieces[0]
    for start, end in pieces[1:]:
        if end - first > length:
            yield first, last
            first = start
        last = end
    yield first, last


def _cut(text: str, start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a sentence that is longer than a window."""
    while end - start > length:
        # What comes before the last white space, of one character more than fits.
        words = f"{text[start : start + length + 1]}x".rsplit(maxsplit=1)
        stop = start + (len(words[0]) if len(words) == 2 else length)
        yield start, stop
        start = end - len(text[stop:end].lstrip())
    if start < end:
        yield start, end
