"""What is searched: texts with the user's ids and metadata, and filters on the latter."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko.search.columns import TextColumn

Where = Mapping[str, Any] | Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Documents:
    """Texts with an id and metadata each.

    Attributes
    ----------
    texts : TextColumn
        The texts.
    id_column, metadata_column : TextColumn
        Ids and metadata as JSON.
    """

    texts: TextColumn
    id_column: TextColumn
    metadata_column: TextColumn

    @classmethod
    def of(cls, texts: Sequence[str], ids: Any, metadata: Any, first_id: int = 0) -> "Documents":
        """Check ids and metadata and put them beside the texts.

        Parameters
        ----------
        texts : sequence of str
            Texts.
        ids : sequence of str or int, or None
            Their ids; None numbers them.
        metadata : sequence of mapping, pandas.DataFrame or None
            What filters may ask of each.
        first_id : int, default=0
            Where numbering begins.

        Returns
        -------
        Documents
            The documents.

        Raises
        ------
        TypeError, ValueError
            If there is not one id and one mapping for each text, two ids are the same, or JSON does not know a value.
        """
        ids = range(first_id, first_id + len(texts)) if ids is None else [_plain(value) for value in ids]
        rows = [{}] * len(texts) if metadata is None else _records(metadata)
        for name, values in (("ids", ids), ("metadata", rows)):
            if len(values) != len(texts):
                raise ValueError(f"There are {len(texts)} texts and {len(values)} {name}: each text needs its own.")
        for row, value in enumerate(ids):
            if not isinstance(value, str | int):
                raise TypeError(f"ids has {value!r} of type {type(value).__name__} at row {row}: use str or int.")
        documents = cls(TextColumn.of(texts), TextColumn.of(map(_json, ids)), TextColumn.of(map(_json, rows)))
        documents._row_of  # noqa: B018, raises where two ids are the same
        return documents

    @classmethod
    def load(cls, folder: Path) -> "Documents":
        """Map documents that :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.

        Returns
        -------
        Documents
            The documents; nothing is read yet.
        """
        return cls(*(TextColumn.load(folder, name) for name in ("texts", "ids", "metadata")))

    def save(self, folder: Path) -> None:
        """Write the documents into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        """
        self.texts.save(folder, "texts")
        self.id_column.save(folder, "ids")
        self.metadata_column.save(folder, "metadata")

    def __len__(self) -> int:
        return len(self.texts)

    def id(self, row: int) -> str | int:
        """Return the id of a document.

        Parameters
        ----------
        row : int
            Its row.

        Returns
        -------
        str or int
            The id.
        """
        found: str | int = json.loads(self.id_column[row])
        return found

    def metadata(self, row: int) -> dict[str, Any]:
        """Return the metadata of a document.

        Parameters
        ----------
        row : int
            Its row.

        Returns
        -------
        dict
            The metadata.
        """
        found: dict[str, Any] = json.loads(self.metadata_column[row])
        return found

    def rows(self, ids: Iterable[Any]) -> NDArray[np.intp]:
        """Find documents by their ids.

        Parameters
        ----------
        ids : iterable of str or int
            Ids.

        Returns
        -------
        ndarray of int
            Their rows.

        Raises
        ------
        KeyError
            If there is no such document.
        """
        wanted = [_json(_plain(value)) for value in ids]
        missing = [value for value in wanted if value not in self._row_of]
        if missing:
            raise KeyError(f"There is no document with the id {', '.join(missing[:5])}.")
        return np.array([self._row_of[value] for value in wanted], dtype=np.intp)

    def matching(self, where: Where) -> NDArray[np.bool_]:
        """Tell which documents a filter lets through.

        Parameters
        ----------
        where : mapping or callable
            Fields with the value each must have, a collection of values it may have, or a function of the value; or a
            function of the whole metadata.

        Returns
        -------
        ndarray of bool, shape (n_documents,)
            True where every condition holds. A document without a field does not meet its condition.

        Raises
        ------
        ValueError
            If no document has a field of that name.
        """
        if callable(where):
            return np.fromiter((bool(where(row)) for row in self._records), dtype=bool, count=len(self))
        known = set().union(*self._records)
        unknown = sorted(set(where) - known)
        if unknown and len(self):
            raise ValueError(f"No document has the metadata {unknown}: there is {sorted(known)}.")
        return np.fromiter((_meets(row, where) for row in self._records), dtype=bool, count=len(self))

    def take(self, rows: NDArray[np.intp]) -> "Documents":
        """Choose documents.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        Documents
            Copies of them.
        """
        return Documents(self.texts.take(rows), self.id_column.take(rows), self.metadata_column.take(rows))

    def __add__(self, other: "Documents") -> "Documents":
        """Join two lists of documents, or name an id that both have."""
        both = [value for value in other.id_column if value in self._row_of]
        if both:
            raise ValueError(f"The id {both[0]} is already that of a document: remove it first, or use another.")
        return Documents(
            self.texts + other.texts, self.id_column + other.id_column, self.metadata_column + other.metadata_column
        )

    @property
    def next_id(self) -> int:
        """The first whole number above all ids that are numbers.

        Returns
        -------
        int
            The number.
        """
        numbers = (json.loads(value) for value in self.id_column)
        return max((value + 1 for value in numbers if isinstance(value, int)), default=0)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        found = {value: row for row, value in enumerate(self.id_column)}
        if len(found) < len(self):
            seen: set[str] = set()
            twice = next(value for value in self.id_column if value in seen or seen.add(value))  # type: ignore[func-returns-value]
            raise ValueError(f"The id {twice} is given to two documents: ids must differ.")
        return found

    @cached_property
    def _records(self) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self.metadata_column]


def _meets(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(field in row and _allows(condition, row[field]) for field, condition in where.items())


def _allows(condition: Any, value: Any) -> bool:
    if callable(condition):
        return bool(condition(value))
    if isinstance(condition, Collection) and not isinstance(condition, str | Mapping):
        return value in condition
    return bool(condition == value)


def _records(metadata: Any) -> list[Any]:
    if isinstance(metadata, pd.DataFrame):
        return metadata.to_dict(orient="records")
    rows = list(metadata)
    for row, value in enumerate(rows):
        if not isinstance(value, Mapping):
            raise TypeError(f"metadata has a {type(value).__name__} at row {row} where a mapping is expected.")
    return [dict(value) for value in rows]


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python has it."""
    return value.item() if isinstance(value, np.generic) else value


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain_or_fail)
    except ValueError as error:
        raise ValueError(f"Metadata and ids are kept as JSON, which has no {value!r:.60}: {error}.") from error


def _plain_or_fail(value: Any) -> Any:
    plain = _plain(value)
    if plain is value:
        raise TypeError(
            f"Metadata is kept as JSON, which has no {type(value).__name__}: use str, numbers, bool, None and lists."
        )
    return plain
