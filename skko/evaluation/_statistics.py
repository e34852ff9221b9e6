"""Scores that are no means over items: what they are computed from, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.metrics.sts import SIMILARITIES, judged_pair_scores, pearson, spearman


@dataclass(frozen=True)
class Statistic:
    """A score of columns of items.

    Attributes
    ----------
    items : tuple of str
        Names of the columns.
    compute : callable
        Columns in, score out.
    """

    items: tuple[str, ...]
    compute: Callable[..., float]


def _pairs(name: str, scores: NDArray[Any], true: NDArray[Any]) -> float:
    """A score of judged pairs; a resample without a true pair has none to find."""
    return float(getattr(judged_pair_scores(scores, true), name)) if true.any() else 0.0


def macro_f1(predicted: NDArray[Any], true: NDArray[Any]) -> float:
    """Mean F1 of the classes."""
    names, codes = np.unique(np.concatenate([predicted, true]), return_inverse=True)
    guess, truth = codes[: len(predicted)], codes[len(predicted) :]
    hits = np.bincount(truth[guess == truth], minlength=len(names))
    sizes = np.bincount(guess, minlength=len(names)) + np.bincount(truth, minlength=len(names))
    return float((2 * hits / sizes).mean())


STATISTICS = {
    **{f"pearson_{name}": Statistic((f"similarity_{name}", "judged"), pearson) for name in SIMILARITIES},
    **{f"spearman_{name}": Statistic((f"similarity_{name}", "judged"), spearman) for name in SIMILARITIES},
    **{
        name: Statistic(("score", "true"), partial(_pairs, name))
        for name in ("average_precision", "f1", "precision", "recall", "accuracy")
    },
    "macro_f1": Statistic(("predicted", "label"), macro_f1),
}
