"""What is to be predicted: one label a row, or several."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import MultiLabelBinarizer

Form = Literal["label", "indicator", "lists"]


@dataclass(frozen=True)
class Targets:
    """Labels as zeros and ones, and the form that they came in.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    indicator : ndarray of float32, shape (n, n_classes)
        1 where a row has a label.
    form : {"label", "indicator", "lists"}
        One label a row, an indicator matrix, or a list of labels for each row.
    """

    classes: NDArray[Any]
    indicator: NDArray[np.float32]
    form: Form

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.form != "label"

    @classmethod
    def of_one_label(cls, y: Any) -> "Targets":
        """Read one label a row."""
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
        indicator = np.zeros((len(codes), len(classes)), dtype=np.float32)
        indicator[np.arange(len(codes)), codes.ravel()] = 1
        return cls(classes, indicator, "label")

    def columns(self) -> NDArray[np.float32]:
        """The questions to answer: two classes are one, whether it is the second."""
        return self.indicator[:, 1:] if self.form == "label" and len(self.classes) == 2 else self.indicator

    def take(self, rows: NDArray[np.intp]) -> "Targets":
        """Some of the rows."""
        return replace(self, indicator=self.indicator[rows])

    def empty(self) -> "Targets":
        """The same form without the rows."""
        return replace(self, indicator=self.indicator[:0])

    def labels_of(self, scores: NDArray[Any]) -> Any:
        """Turn scores into labels of the form that they came in; 0 is the boundary of a yes-or-no question."""
        if self.form == "label":
            codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
            return self.classes[codes]
        chosen = scores > 0
        if self.form == "indicator":
            return chosen.astype(np.int64)
        return [tuple(self.classes[row].tolist()) for row in chosen]


def read_targets(y: Any) -> Targets | None:
    """Read several labels a row; None if ``y`` has one."""
    if sparse.issparse(y):
        y = y.toarray()
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if getattr(y, "ndim", 1) == 2 and y.shape[1] > 1:
        return _of_indicator(np.asarray(y))
    if isinstance(y, np.ndarray) and y.dtype != object:
        return None
    rows = list(y) if y is not None and hasattr(y, "__len__") else []
    if not rows or not all(isinstance(row, (list, tuple, set, frozenset, np.ndarray)) for row in rows):
        return None
    if all(not isinstance(row, (set, frozenset)) and len(row) == 1 for row in rows) and np.ndim(y) == 2:
        return None  # a column
    if _is_indicator(rows):
        return _of_indicator(np.asarray([list(row) for row in rows]))
    binarizer = MultiLabelBinarizer()
    indicator = binarizer.fit_transform(rows).astype(np.float32)
    return Targets(np.asarray(binarizer.classes_), indicator, "lists")


def _is_indicator(rows: list[Any]) -> bool:
    """Rows of one length, above 1, that hold zeros and ones alone are an indicator matrix."""
    if any(isinstance(row, (set, frozenset)) for row in rows) or len({len(row) for row in rows}) != 1:
        return False
    values = [value for row in rows for value in row]
    return len(rows[0]) > 1 and all(isinstance(v, (int, np.integer)) and v in (0, 1) for v in values)


def _of_indicator(y: NDArray[Any]) -> Targets:
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"y has shape {y.shape} and other values than 0 and 1: an indicator matrix says which labels a row has. "
            "Pass one column for one label a row."
        )
    return Targets(np.arange(y.shape[1]), y.astype(np.float32), "indicator")
