"""Texts to an index: cut, normalised, embedded, analysed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from skko.progress import ShowProgress
from skko.search.dense import DenseIndex
from skko.search.index import PassageIndex
from skko.search.lexical import LexicalIndex
from skko.search.passages import Passages, Split, split_texts
from skko.search.sides import Sides
from skko.text.normalization import normalise


@dataclass(frozen=True)
class Recipe:
    """How texts are indexed.

    Attributes
    ----------
    sides : Sides or None
        What embeds them; None does without vectors.
    lexical : bool
        Whether morphemes are indexed.
    split : "sentences", int or None
        How they are cut.
    approximate : bool
        Whether vectors are searched by a graph of neighbours.
    k1, b : float
        Parameters of BM25.
    show_progress : bool or "auto"
        Whether to show progress bars.
    """

    sides: Sides | None
    lexical: bool
    split: Split
    approximate: bool
    k1: float
    b: float
    show_progress: ShowProgress

    def build(self, texts: Sequence[str]) -> PassageIndex:
        """Index texts.

        Parameters
        ----------
        texts : sequence of str
            Documents.

        Returns
        -------
        PassageIndex
            Their index.
        """
        passages = split_texts(texts, self.split)
        words = passage_texts(texts, passages)
        options: dict[str, Any] = {"k1": self.k1, "b": self.b, "show_progress": self.show_progress}
        lexical = LexicalIndex.of(words, **options) if self.lexical else None
        return self.embed(PassageIndex(passages, lexical=lexical), words)

    def embed(self, index: PassageIndex, words: Sequence[str]) -> PassageIndex:
        """Give an index vectors, in place of those that it has.

        Parameters
        ----------
        index : PassageIndex
            An index.
        words : sequence of str
            Its passages, normalised.

        Returns
        -------
        PassageIndex
            A new index.
        """
        if self.sides is None:
            return replace(index, dense=None, sparse=None, colbert=None)
        vectors, sparse, colbert = self.sides.documents(words)
        return replace(
            index,
            dense=DenseIndex.of(vectors, approximate=self.approximate),
            sparse=sparse,
            colbert=colbert,
        )

    def extend(self, index: PassageIndex, texts: Sequence[str]) -> PassageIndex:
        """Add texts to an index.

        Parameters
        ----------
        index : PassageIndex
            An index made by the same recipe.
        texts : sequence of str
            Documents to add.

        Returns
        -------
        PassageIndex
            A new index.
        """
        new = replace(self, lexical=False).build(texts)
        words = passage_texts(texts, new.passages)
        lexical = index.lexical
        both = {part: getattr(index, part) + getattr(new, part) for part in new.parts}
        if lexical is not None:
            both["lexical"] = lexical.extended(words, show_progress=self.show_progress)
        return PassageIndex(index.passages + new.passages, **both)


def passage_texts(texts: Sequence[str], passages: Passages) -> list[str]:
    """Cut the passages out of texts and normalise them.

    Parameters
    ----------
    texts : sequence of str
        Texts.
    passages : Passages
        Where their passages lie.

    Returns
    -------
    list of str
        Passages, normalised.
    """
    owners = passages.owners.tolist()
    pieces = [texts[owner][start:end] for owner, (start, end) in zip(owners, passages.spans.tolist(), strict=True)]
    return normalise(pieces)
