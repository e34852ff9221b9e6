"""A column of texts as bytes: in memory or mapped from files, so that a million open at once."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class TextColumn(Sequence[str]):
    """Texts in UTF-8, one after another, decoded one at a time.

    Parameters
    ----------
    data : ndarray of uint8, shape (n_bytes,)
        The bytes.
    ends : ndarray of int64, shape (n_texts,)
        Where each text ends.

    Examples
    --------
    >>> column = TextColumn.of(["배송이 늦어요", "", "환불"])
    >>> column[2], len(column), column.take(np.array([2, 0]))[1]
    ('환불', 3, '배송이 늦어요')
    """

    def __init__(self, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self._data, self._ends = data, ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> "TextColumn":
        """Make a column of texts.

        Parameters
        ----------
        texts : iterable of str
            The texts.

        Returns
        -------
        TextColumn
            The column.
        """
        return cls._of_pieces([text.encode() for text in texts])

    @classmethod
    def load(cls, folder: Path, name: str) -> "TextColumn":
        """Map a column that :meth:`save` wrote.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        name : str
            Its name.

        Returns
        -------
        TextColumn
            The column; nothing of it is read yet.
        """
        data, ends = (np.load(folder / f"{name}_{part}.npy", mmap_mode="r") for part in ("bytes", "ends"))
        return cls(data, ends)

    def save(self, folder: Path, name: str) -> None:
        """Write the column into a folder.

        Parameters
        ----------
        folder : pathlib.Path
            Where.
        name : str
            Its name.
        """
        np.save(folder / f"{name}_bytes.npy", self._data)
        np.save(folder / f"{name}_ends.npy", self._ends)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> str:  # type: ignore[override]
        return self._bytes(range(len(self))[row]).decode()

    def take(self, rows: NDArray[np.intp]) -> "TextColumn":
        """Choose texts.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        TextColumn
            A copy of them.
        """
        return self._of_pieces([self._bytes(row) for row in rows.tolist()])

    def __add__(self, other: "TextColumn") -> "TextColumn":
        ends = np.concatenate([self._ends, other._ends + len(self._data)])
        return TextColumn(np.concatenate([self._data, other._data]), ends)

    @classmethod
    def _of_pieces(cls, pieces: list[bytes]) -> "TextColumn":
        ends = np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)))
        return cls(np.frombuffer(b"".join(pieces), dtype=np.uint8), ends)

    def _bytes(self, row: int) -> bytes:
        start = int(self._ends[row - 1]) if row else 0
        return self._data[start : int(self._ends[row])].tobytes()
