"""Retrieval sets: queries, a corpus that need not fit into memory, and who is relevant to whom."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skko.validation import check_texts

_CHECKED = 4_096


@dataclass(frozen=True)
class StreamedCorpus:
    """Passages that are read from their files each time they are needed.

    Attributes
    ----------
    read : callable
        Begins anew and yields (id, text).
    """

    read: Callable[[], Iterator[tuple[str, str]]]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self.read()


@dataclass(frozen=True)
class RetrievalData:
    """A retrieval set.

    Attributes
    ----------
    name : str
        What to call it in reports.
    queries : dict
        Texts by id.
    corpus : mapping, sequence or StreamedCorpus
        Passages by id, or in a row, or from files.
    qrels : dict
        Relevant passages by the id of the query, as :func:`~skko.metrics.judged_ranks` takes them: ids, ids with
        grades, or groups of ids.
    """

    name: str
    queries: Mapping[Any, str]
    corpus: "Mapping[Any, str] | Sequence[str] | StreamedCorpus"
    qrels: Mapping[Any, Any]


def passages(corpus: Any) -> Iterator[tuple[Any, str]]:
    """Go through a corpus, checking that every passage is a text.

    Parameters
    ----------
    corpus : mapping, sequence of str, or iterable of (id, text)
        The corpus; passages of a sequence have their position as id.

    Yields
    ------
    tuple of id and str
        Passages.
    """
    rows: list[tuple[Any, Any]] = []
    for row in _rows(corpus):
        rows.append(row)
        if len(rows) == _CHECKED:
            yield from _checked(rows)
            rows = []
    yield from _checked(rows)


def _checked(rows: list[tuple[Any, Any]]) -> Iterator[tuple[Any, str]]:
    texts = check_texts([text for _, text in rows], name="corpus")
    return zip((one for one, _ in rows), texts, strict=True)


def _rows(corpus: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(corpus, Mapping):
        return corpus.items()
    if isinstance(corpus, StreamedCorpus):
        return corpus
    return enumerate(check_texts(corpus, name="corpus"))


def relevant_ids(judgements: Any) -> list[Any]:
    """List the relevant documents of a query, whatever form its judgements have.

    Parameters
    ----------
    judgements : mapping, collection of ids, or list of groups of ids
        Judgements of one query.

    Returns
    -------
    list
        Ids, each once.
    """
    if isinstance(judgements, Mapping):
        return [one for one, grade in judgements.items() if grade > 0]
    members = (one if isinstance(one, (list, set, frozenset)) else [one] for one in judgements)
    return [*dict.fromkeys(one for group in members for one in group)]


def as_rows(judgements: Any, row_of: Mapping[Any, int]) -> Any:
    """Replace ids by rows, in the form that the judgements have.

    Parameters
    ----------
    judgements : mapping, collection of ids, or list of groups of ids
        Judgements of one query.
    row_of : mapping
        Rows by id.

    Returns
    -------
    mapping or list
        The same judgements of rows.
    """
    if isinstance(judgements, Mapping):
        return {row_of[one]: grade for one, grade in judgements.items() if grade > 0}
    return [
        [row_of[member] for member in one] if isinstance(one, (list, set, frozenset)) else row_of[one]
        for one in judgements
    ]
