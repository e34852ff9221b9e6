"""Exact joins: every pair of rows whose cosine reaches a threshold."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.progress import ShowProgress, progress_bar
from skko.similarity.blocks import MEMORY, blocks, tile_shape
from skko.similarity.cosines import Rows, cosines, prepare
from skko.similarity.products import Precision, products_of

PAIR = np.dtype([("i", np.int64), ("j", np.int64), ("score", np.float32)])
"""A pair of rows and their cosine."""

# 2.7 GB, and as much again to sort them. Whoever finds more asked for something else.
_MOST_PAIRS = 1 << 27


def self_join(
    A: ArrayLike,
    threshold: float,
    *,
    memory: int = MEMORY,
    device: str = "auto",
    precision: Precision = "auto",
    show_progress: ShowProgress = "auto",
) -> NDArray[np.void]:
    """Find every pair of different rows of ``A`` with a cosine of at least ``threshold``.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Vectors.
    threshold : float
        Least cosine.
    memory : int, default=MEMORY
        Bytes that the work may take, 512 MB unless told; the rows scaled to unit length and the pairs found come on
        top.
    device : str, default="auto"
        Where to multiply: ``"cpu"``, or a device of torch such as ``"cuda"``; ``"auto"`` is the setting ``device``,
        and takes a GPU only where the work is worth it.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Of the fast product; ``"auto"`` is float16 on CUDA, bfloat16 on a processor that multiplies it at least twice
        as fast, and float32 elsewhere.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_pairs,) with fields i, j and score
        Each pair once, ``i < j``; best first, ties by ``i`` and then ``j``.

    Raises
    ------
    ValueError
        If ``A`` is not a matrix or has NaN or infinity, the threshold is NaN, or more than 134,217,728 pairs reach it.

    Notes
    -----
    A fast product of the upper triangle proposes pairs, down to the threshold less all that rounding may have cost
    them; each is then scored in double precision by itself. So the answer is the same for every memory, device and
    precision, to the last bit.

    Examples
    --------
    >>> self_join([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], threshold=0.5).tolist()
    [(0, 2, 1.0)]
    """
    rows = prepare(A)
    return _reaching(rows, rows, threshold, memory, device, precision, show_progress)


def join(
    A: ArrayLike,
    B: ArrayLike,
    threshold: float,
    *,
    memory: int = MEMORY,
    device: str = "auto",
    precision: Precision = "auto",
    show_progress: ShowProgress = "auto",
) -> NDArray[np.void]:
    """Find every row of ``A`` and row of ``B`` with a cosine of at least ``threshold``.

    Parameters
    ----------
    A : array-like of float, shape (n, dimension)
        Vectors.
    B : array-like of float, shape (m, dimension)
        Vectors.
    threshold : float
        Least cosine.
    memory : int, default=MEMORY
        Bytes that the work may take, 512 MB unless told; the rows scaled to unit length and the pairs found come on
        top.
    device : str, default="auto"
        Where to multiply, as in :func:`self_join`.
    precision : {"auto", "float32", "float16", "bfloat16"}, default="auto"
        Of the fast product, as in :func:`self_join`.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of shape (n_pairs,) with fields i, j and score
        ``i`` a row of ``A``, ``j`` a row of ``B``; best first, ties by ``i`` and then ``j``.

    Raises
    ------
    ValueError
        If ``A`` and ``B`` are not matrices of one width or have NaN or infinity, the threshold is NaN, or more than
        134,217,728 pairs reach it.

    Examples
    --------
    >>> join([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]], threshold=0.5).tolist()
    [(0, 1, 1.0)]
    """
    return _reaching(prepare(A), prepare(B, "B"), threshold, memory, device, precision, show_progress)


def _reaching(
    left: Rows,
    right: Rows,
    threshold: float,
    memory: int,
    device: str,
    precision: Precision,
    show_progress: ShowProgress,
) -> NDArray[np.void]:
    if math.isnan(threshold):
        raise ValueError("threshold is NaN, which no cosine reaches.")
    upper = right is left
    products = products_of(left, right, device, precision)
    height, width = tile_shape(memory)
    least = np.full(height, threshold - products.slack, dtype=np.float32)
    found, n_found = [], 0
    with progress_bar(len(left), "comparing", unit="row", show=show_progress) as bar:
        for rows in blocks(0, len(left), height):
            for columns in blocks(rows.start if upper else 0, len(right), width):
                products.compute(rows, columns)
                i, j, _ = products.reaching(least[: rows.stop - rows.start])
                i += rows.start
                j += columns.start
                if upper and columns.start < rows.stop:
                    i, j = i[above := i < j], j[above]
                found.append(_scored(left, right, i, j, threshold))
                n_found += len(found[-1])
                check_number(n_found)
            bar.update(rows.stop - rows.start)
    return best_first(found)


def _scored(left: Rows, right: Rows, i: NDArray[np.int64], j: NDArray[np.int64], threshold: float) -> NDArray[np.void]:
    scores = cosines(left, right, i, j)
    kept = scores >= np.float32(threshold)
    pairs = np.empty(int(kept.sum()), dtype=PAIR)
    pairs["i"], pairs["j"], pairs["score"] = i[kept], j[kept], scores[kept]
    return pairs


def check_number(n_pairs: int) -> None:
    """Refuse more pairs than can be held in memory.

    Parameters
    ----------
    n_pairs : int
        How many there are so far.

    Raises
    ------
    ValueError
        If there are too many.
    """
    if n_pairs > _MOST_PAIRS:
        raise ValueError(
            f"There are more than {_MOST_PAIRS:,} pairs, too many for memory. Raise the threshold, ask for the nearest "
            "only (top_k), or drop copies of one text first."
        )


def best_first(found: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Join lists of pairs into one, best first, ties by ``i`` and then ``j``.

    Parameters
    ----------
    found : list of ndarray with fields i, j and score
        Pairs.

    Returns
    -------
    ndarray with fields i, j and score
        All of them, sorted.

    Examples
    --------
    >>> best_first([np.array([(0, 2, 0.5), (1, 2, 0.9)], PAIR), np.array([(0, 1, 0.5)], PAIR)])[["i", "j"]].tolist()
    [(1, 2), (0, 1), (0, 2)]
    """
    pairs = np.concatenate(found) if found else np.empty(0, dtype=PAIR)
    if not len(pairs):
        return pairs
    by_row = np.argsort(pairs["i"] * (pairs["j"].max() + 1) + pairs["j"], kind="stable")
    # Floats read as whole numbers sort alike, but negative ones backwards; adding 0 turns -0.0 into 0.0. Score and
    # place in one number sort many times faster than one after the other.
    bits = (pairs["score"][by_row] + np.float32(0)).view(np.int32).astype(np.int64)
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys = (-bits << 32) | np.arange(len(pairs))
    keys.sort()
    ordered: NDArray[np.void] = pairs[by_row[keys & 0xFFFFFFFF]]
    return ordered
