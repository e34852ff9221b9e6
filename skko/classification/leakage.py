"""Texts on both sides of a split: what makes a score better than the classifier."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import SkkoWarning
from skko.text.normalization import normalise


@dataclass(frozen=True)
class Leaks:
    """Test texts that stand in the training texts of the same fold.

    Attributes
    ----------
    rows : ndarray of int
        Rows that are a test text of some fold and a training text of it in another row, ascending.
    n_tested : int
        Rows that are a test text of some fold.
    n_folds : int
        Folds in which there is one.
    """

    rows: NDArray[np.intp]
    n_tested: int
    n_folds: int


def count_leaks(texts: Any, splits: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Leaks:
    """Find test texts that stand in the training texts, too.

    Parameters
    ----------
    texts : array-like of str, shape (n_texts,)
        Texts; those that differ in spaces or Unicode form alone are equal.
    splits : iterable of (ndarray of int, ndarray of int)
        Training and test rows of each fold, as ``cv.split`` gives them.

    Returns
    -------
    Leaks
        What was found.

    Examples
    --------
    >>> import numpy as np
    >>> leaks = count_leaks(["환불해 주세요", "배송이 늦어요", "환불해  주세요"], [(np.array([0, 1]), np.array([2]))])
    >>> leaks.rows.tolist(), leaks.n_tested
    ([2], 1)
    """
    numbers: dict[str, int] = {}
    normalized = normalise(texts, name="texts")
    keys = np.array([numbers.setdefault(text, len(numbers)) for text in normalized], dtype=np.intp)
    leaked, tested = np.zeros(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
    n_folds = 0
    for train, test in splits:
        found = test[np.isin(keys[test], keys[train])]
        leaked[found], tested[test] = True, True
        n_folds += bool(len(found))
    return Leaks(np.flatnonzero(leaked), int(tested.sum()), n_folds)


def warn_of_leaks(leaks: Leaks, *, stacklevel: int = 3) -> None:
    """Warn if there are any.

    Parameters
    ----------
    leaks : Leaks
        What :func:`count_leaks` found.
    stacklevel : int, default=3
        Whose call the warning points at.

    Warns
    -----
    SkkoWarning
        If a test text stands in the training texts.
    """
    if len(leaks.rows):
        warnings.warn(
            f"{len(leaks.rows):,} of {leaks.n_tested:,} test texts stand in the training texts of their fold, too (row "
            f"{leaks.rows[0]} is the first), which makes every score too good. Leave the copies out, or split with "
            "GroupKFold and one group for each different text.",
            SkkoWarning,
            stacklevel=stacklevel,
        )
