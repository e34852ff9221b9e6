"""Batches of about the same token count, so that little is computed on padding."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def plan_batches(lengths: ArrayLike, budget: int) -> list[NDArray[np.intp]]:
    """Cut texts into batches whose padded size stays within a budget.

    Parameters
    ----------
    lengths : array-like of int, shape (n_texts,)
        Tokens of each text.
    budget : int
        Most tokens in a batch once every text is padded to the longest. A text that is longer makes a batch alone.

    Returns
    -------
    list of ndarray of int
        Row numbers of each batch. Longest texts first, so that running out of memory shows at once and the time left
        is never underestimated.

    Examples
    --------
    >>> [batch.tolist() for batch in plan_batches([3, 9, 4, 1], budget=9)]
    [[1], [2, 0], [3]]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        count = max(1, budget // max(1, int(lengths[order[start]])))  # a text may have no tokens at all
        batches.append(order[start : start + count])
        start += count
    return batches
