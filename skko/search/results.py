"""What a search finds, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import pandas as pd


@dataclass(frozen=True)
class Hit:
    """A document that was found.

    Attributes
    ----------
    id : str or int
        Its id.
    row : int
        Its row in the corpus.
    score : float
        How well it answers: by this hits are ordered. Scores of different queries do not compare unless one part
        searches alone.
    text : str
        The whole document.
    span : tuple of (int, int)
        Where its best passage begins and ends; the whole document if documents are not split.
    parts : dict of str to float
        What each part says of the best passage: ``"dense"`` a cosine, ``"lexical"`` BM25, ``"sparse"`` and
        ``"colbert"`` what BGE-M3's heads give.
    metadata : dict
        Its metadata.
    """

    id: str | int
    row: int
    score: float
    text: str
    span: tuple[int, int]
    parts: dict[str, float]
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def passage(self) -> str:
        """The best passage.

        Returns
        -------
        str
            The part of the text.
        """
        return self.text[slice(*self.span)]


@dataclass(frozen=True)
class SearchResults(Sequence[list[Hit]]):
    """The hits of each query, best first.

    Attributes
    ----------
    queries : list of str
        The queries.
    hits : list of list of Hit
        Their hits.
    """

    queries: list[str]
    hits: list[list[Hit]]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, query: int) -> list[Hit]: ...
    @overload
    def __getitem__(self, query: slice) -> list[list[Hit]]: ...
    def __getitem__(self, query: int | slice) -> Any:
        return self.hits[query]

    def __iter__(self) -> Iterator[list[Hit]]:
        return iter(self.hits)

    def to_frame(self) -> pd.DataFrame:
        """List all hits.

        Returns
        -------
        pandas.DataFrame
            Columns ``query``, ``rank`` from 1, ``id``, ``score``, ``passage`` and one for each part.
        """
        rows = [
            {"query": query, "rank": rank, "id": hit.id, "score": hit.score, "passage": hit.passage, **hit.parts}
            for query, hits in zip(self.queries, self.hits, strict=True)
            for rank, hit in enumerate(hits, 1)
        ]
        return pd.DataFrame(rows, columns=None if rows else ["query", "rank", "id", "score", "passage"])


@dataclass(frozen=True)
class Explanation:
    """Why a document answers a query, or does not.

    Attributes
    ----------
    query : str
        The query.
    id : str or int
        The document.
    parts : dict of str to float
        What each part says of its best passage.
    morphemes : dict of str to float
        Morphemes that the query shares with the passage and what each adds to BM25, the most important first.
    passage : str
        The best passage.
    span : tuple of (int, int)
        Where it begins and ends.
    """

    query: str
    id: str | int
    parts: dict[str, float]
    morphemes: dict[str, float]
    passage: str
    span: tuple[int, int]
