"""Cosines of chosen pairs of rows: exact, and the same whatever is asked beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.similarity.blocks import blocks, unit_rows

# Numbers of a chunk of pairs: small enough to stay in the processor's cache.
_NUMBERS = 1 << 17


@dataclass(frozen=True)
class Rows:
    """Rows ready to be compared.

    Attributes
    ----------
    unit : ndarray of float32, shape (n, dimension)
        Rows of unit length, as near as float32 comes.
    inverse : ndarray of float64, shape (n,)
        One over their true length; 0 for a zero row.
    """

    unit: NDArray[np.float32]
    inverse: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: NDArray[np.intp]) -> "Rows":
        """Choose rows.

        Parameters
        ----------
        rows : ndarray of int
            Which.

        Returns
        -------
        Rows
            Copies of them.
        """
        return Rows(self.unit[rows], self.inverse[rows])


def prepare(X: ArrayLike, name: str = "A") -> Rows:
    """Check rows and scale them to unit length.

    Parameters
    ----------
    X : array-like of float, shape (n, dimension)
        Vectors.
    name : str, default="A"
        What to call them in messages.

    Returns
    -------
    Rows
        The rows, as new arrays.

    Raises
    ------
    ValueError
        If ``X`` is not a matrix, or a row has NaN or infinity.
    """
    rows = np.asarray(X)
    if rows.ndim != 2:
        raise ValueError(f"{name} has shape {rows.shape} where (n, dimension) is expected.")
    with np.errstate(invalid="ignore", over="ignore"):
        unit = unit_rows(rows)
    squares = np.empty(len(unit))
    for part in _chunks(len(unit), unit.shape[1]):
        squares[part] = _dots(unit[part], unit[part])
    if not np.isfinite(squares).all():
        row = int(np.flatnonzero(~np.isfinite(squares))[0])
        raise ValueError(f"{name} has NaN or infinity at row {row}, which has no cosine. Drop the row or repair it.")
    inverse = np.zeros(len(unit))
    np.divide(1, np.sqrt(squares), out=inverse, where=squares > 0)
    return Rows(unit, inverse)


def cosines(left: Rows, right: Rows, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float32]:
    """Compute the cosines of pairs of rows.

    Parameters
    ----------
    left, right : Rows
        The rows.
    i, j : ndarray of int, shape (n_pairs,)
        Rows of ``left`` and of ``right``.

    Returns
    -------
    ndarray of float32, shape (n_pairs,)
        Cosines from -1 to 1, summed in double precision and rounded once.

    Notes
    -----
    The last bit of a matrix product depends on the shape of the matrices. Here each pair is summed by itself and always
    in the same order, so that its cosine depends on nothing but its two rows; equal rows have a cosine of 1 exactly.

    Examples
    --------
    >>> rows = prepare([[1.0, 0.0], [3.0, 4.0]])
    >>> cosines(rows, rows, np.array([0, 1]), np.array([1, 1]))
    array([0.6, 1. ], dtype=float32)
    """
    out = np.empty(len(i), dtype=np.float32)
    for part in _chunks(len(i), left.unit.shape[1]):
        at_i, at_j = i[part], j[part]
        exact = _dots(left.unit[at_i], right.unit[at_j]) * (left.inverse[at_i] * right.inverse[at_j])
        out[part] = np.clip(exact, -1, 1)
    return out


def _dots(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    dots: NDArray[np.float64] = np.add.reduce(np.multiply(a, b, dtype=np.float64), axis=1)
    return dots


def _chunks(n_pairs: int, dimension: int) -> Iterator[slice]:
    return blocks(0, n_pairs, max(1, _NUMBERS // max(1, dimension)))
