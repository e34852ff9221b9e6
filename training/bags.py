"""Many texts as bags of integer ids, in two flat arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bags:
    """Ids of many texts: those of text ``i`` are ``ids[offsets[i]:offsets[i + 1]]``."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def from_lists(cls, lists: Iterable[Sequence[int] | NDArray[np.int32]]) -> Self:
        """Make bags of one list of ids a text, holding one list at a time."""
        arrays = [np.asarray(ids, dtype=np.int32) for ids in lists]
        offsets = np.cumsum([0, *map(len, arrays)], dtype=np.int64)
        return cls(np.concatenate(arrays) if arrays else np.empty(0, np.int32), offsets)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["ids"], arrays["offsets"])

    def save(self, path: Path) -> None:
        """Write both arrays to one file."""
        np.savez(path, ids=self.ids, offsets=self.offsets)

    def lengths(self) -> NDArray[np.int64]:
        """Number of ids of each text."""
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.integer]) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather some texts as the input of an embedding bag.

        Parameters
        ----------
        rows : ndarray of int, shape (n_rows,)
            Which texts.

        Returns
        -------
        ids : Tensor of int64
            Their ids, one text after the other.
        offsets : Tensor of int64, shape (n_rows,)
            Where each text starts.
        """
        starts, lengths = self.offsets[rows], self.lengths()[rows]
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        ids = torch.from_numpy(self.ids[positions].astype(np.int64))
        return ids, torch.from_numpy(ends - lengths)


def embed(table: torch.Tensor, bags: Bags, rows: NDArray[np.integer] | None = None) -> torch.Tensor:
    """Mean of each text's rows of a table, as a unit vector.

    Parameters
    ----------
    table : Tensor, shape (n_ids, dimension)
        One vector an id.
    bags : Bags
        Texts.
    rows : ndarray of int or None, default=None
        Which texts; None is all.

    Returns
    -------
    Tensor, shape (n_rows, dimension)
        Unit vectors; zeros for texts without ids.
    """
    ids, offsets = bags.take(np.arange(len(bags)) if rows is None else rows)
    means = torch.nn.functional.embedding_bag(ids, table, offsets, mode="mean")
    return torch.nn.functional.normalize(means, dim=-1)
