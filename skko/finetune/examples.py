"""What a model is tuned on: five kinds of examples, told apart by their shape."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.validation import check_texts

Kind = Literal["texts", "labelled", "pairs", "triplets", "judged", "scored"]


@dataclass(frozen=True)
class Examples:
    """Texts in columns, and what is known of each row.

    Attributes
    ----------
    kind : {"texts", "labelled", "pairs", "triplets", "judged", "scored"}
        One column of texts, alone or with classes; or rows of an anchor and a positive, without and with negatives; or
        pairs that are judged as the same or not (1 or 0), or scored.
    columns : tuple of list of str
        The texts.
    y : ndarray or None
        Classes as whole numbers from 0, judgements, or scores.
    """

    kind: Kind
    columns: tuple[list[str], ...]
    y: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def digest(self) -> str:
        """Identify the examples by their content, rows in order.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        whole = hashlib.sha256(f"{self.kind}\0{len(self.columns)}\0{len(self)}\0".encode())
        for column in self.columns:
            for text in column:
                encoded = text.encode()
                whole.update(len(encoded).to_bytes(8, "big") + encoded)
        if self.y is not None:
            whole.update(self.y.astype(np.float64).tobytes())
        return whole.hexdigest()


def read_examples(X: Any, y: ArrayLike | None = None) -> Examples:
    """Tell from their shape what kind of examples these are.

    Parameters
    ----------
    X : array-like of str, shape (n,) or (n, 2 or more)
        Texts; or rows of texts: an anchor, a positive and any number of negatives. A list, tuple, array or data frame.
    y : array-like of shape (n,) or None, default=None
        Class of each text; or for each pair a judgement (1 the same, 0 not) or a score, more being more alike.

    Returns
    -------
    Examples
        The texts in columns.

    Raises
    ------
    TypeError, ValueError
        If a row is not texts, rows differ in length, ``y`` does not fit, or there are fewer than two examples.

    Examples
    --------
    >>> read_examples([("배송이 늦어요", "언제 와요?"), ("환불해 주세요", "돈을 돌려주세요")]).kind
    'pairs'
    >>> read_examples(["배송이 늦어요", "환불해 주세요"], ["배송", "환불"]).y
    array([0, 1])
    """
    columns = _columns(X)
    if len(columns[0]) < 2:
        raise ValueError(f"There are {len(columns[0])} examples, and a model needs at least 2 to compare.")
    if y is None:
        kinds: dict[int, Kind] = {1: "texts", 2: "pairs"}
        return Examples(kinds.get(len(columns), "triplets"), columns)
    known = np.asarray(y)
    if known.shape != (len(columns[0]),):
        raise ValueError(f"X has {len(columns[0])} examples and y has the shape {known.shape}.")
    if len(columns) == 1:
        return Examples("labelled", columns, _classes(known))
    if len(columns) > 2:
        raise ValueError(
            f"X has {len(columns)} columns, an anchor, a positive and negatives, which need no y. Leave y out, or pass "
            "pairs with their judgements or scores."
        )
    return Examples(*_scores(known, columns))


def _columns(X: Any) -> tuple[list[str], ...]:
    """The columns of whatever holds them."""
    width = _width(X)
    if width == 1:
        return (check_texts(X),)
    return tuple(check_texts(_column(X, place), name=f"Column {place} of X") for place in range(width))


def _width(X: Any) -> int:
    if hasattr(X, "columns") and hasattr(X, "shape"):  # a pandas, polars or pyarrow table
        return int(X.shape[1])
    if isinstance(X, np.ndarray):
        return int(X.shape[1]) if X.ndim == 2 else 1
    if not isinstance(X, (list, tuple)) or not X or not isinstance(X[0], (list, tuple, np.ndarray)):
        return 1
    width = len(X[0])
    for row, values in enumerate(X):
        if not isinstance(values, (list, tuple, np.ndarray)) or len(values) != width:
            raise ValueError(f"X has {values!r:.60} at row {row} where {width} texts are expected, as in row 0.")
    return width


def _column(X: Any, place: int) -> Any:
    if hasattr(X, "iloc"):
        return X.iloc[:, place]
    if hasattr(X, "columns"):
        return X.column(place) if hasattr(X, "column_names") else X.to_series(place)
    if isinstance(X, np.ndarray):
        return X[:, place]
    return [row[place] for row in X]


def _classes(labels: NDArray[Any]) -> NDArray[np.int64]:
    # Missing labels would otherwise become a class of their own.
    for row, label in enumerate(labels.tolist()):
        if label is None or label != label:
            raise ValueError(f"y has no label ({label}) at row {row}. Drop the row, or label it.")
    classes, codes = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y has one class, {classes.tolist()[0]!r}, and there is nothing to tell it from.")
    return codes.astype(np.int64)


def _scores(known: NDArray[Any], columns: tuple[list[str], ...]) -> tuple[Kind, tuple[list[str], ...], NDArray[Any]]:
    try:
        scores = known.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y of pairs must be numbers, judgements of 0 and 1 or scores ({error}).") from error
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise ValueError(f"y has {scores[row]} at row {row} where a score is expected. Drop the pair.")
    if len(np.unique(scores)) < 2:
        raise ValueError(f"Every pair of y has {scores[0]:g}: pass pairs that are the same without y.")
    return "judged" if np.isin(scores, (0, 1)).all() else "scored", columns, scores
