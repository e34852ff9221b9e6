"""ConfusionDisplay: what was taken for what, with Hangul labels."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix

from skko.plotting._display import Drawn
from skko.plotting.fonts import korean_text

Normalize = Literal["true", "pred", "all"] | None


class ConfusionDisplay(Drawn):
    """True labels by predicted labels, the most confused pairs named.

    Parameters
    ----------
    matrix : ndarray of float, shape (n_labels, n_labels)
        Counts or shares: rows are true labels, columns predicted ones.
    labels : sequence of str
        What to write at rows and columns.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Its figure.

    Examples
    --------
    >>> from skko.plotting.confusion import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions(["환불", "배송", "배송"], ["환불", "환불", "배송"])
    >>> display.matrix.tolist(), display.confused()
    ([[1, 1], [0, 1]], [('배송', '환불', 1)])
    """

    def __init__(self, matrix: NDArray[Any], labels: list[str]) -> None:
        self.matrix = matrix
        self.labels = labels

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        normalize: Normalize = None,
        ax: Any = None,
    ) -> "ConfusionDisplay":
        """Draw from true and predicted labels.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n,)
            True and predicted labels.
        labels : array-like or None, default=None
            Which labels, in which order; None is all, sorted.
        sample_weight : array-like of shape (n,) or None, default=None
            Weight of each row.
        normalize : {"true", "pred", "all"} or None, default=None
            Shares of each row, each column or the whole, in place of counts.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConfusionDisplay
            The drawn display.
        """
        names = np.unique(np.concatenate([np.asarray(y_true), np.asarray(y_pred)])) if labels is None else labels
        options: dict[str, Any] = {"labels": names, "sample_weight": sample_weight, "normalize": normalize}
        matrix = confusion_matrix(y_true, y_pred, **options)
        return cls(matrix, [str(name) for name in np.asarray(names).tolist()]).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, *, normalize: Normalize = None, ax: Any = None
    ) -> "ConfusionDisplay":
        """Draw what a fitted classifier makes of texts.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier.
        X : array-like of str, shape (n,)
            Texts.
        y : array-like of shape (n,)
            Their labels.
        normalize : {"true", "pred", "all"} or None, default=None
            Shares of each row, each column or the whole, in place of counts.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConfusionDisplay
            The drawn display.
        """
        return cls.from_predictions(y, estimator.predict(X), normalize=normalize, ax=ax)

    def confused(self, n: int = 10) -> list[tuple[str, str, float]]:
        """List the most confused pairs.

        Parameters
        ----------
        n : int, default=10
            How many at most.

        Returns
        -------
        list of (str, str, float)
            True label, predicted label, and the count or share, largest first.
        """
        wrong = self.matrix.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:n]
        pairs = np.column_stack(np.unravel_index(order, wrong.shape)).tolist()
        return [(self.labels[i], self.labels[j], wrong[i, j].item()) for i, j in pairs if wrong[i, j] > 0]

    def plot(self, ax: Any = None) -> "ConfusionDisplay":
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConfusionDisplay
            The display itself.
        """
        from matplotlib import pyplot
        from sklearn.metrics import ConfusionMatrixDisplay

        n_labels = len(self.labels)
        with korean_text():
            if ax is None:
                side = float(np.clip(2.5 + 0.55 * n_labels, 4, 20))
                _, ax = pyplot.subplots(figsize=(side, side), layout="constrained")
            drawn = ConfusionMatrixDisplay(self.matrix, display_labels=self.labels)
            counts = self.matrix.dtype.kind in "iu"
            options: dict[str, Any] = {"values_format": "d" if counts else ".2f", "include_values": n_labels <= 40}
            drawn.plot(ax=ax, cmap="Blues", colorbar=False, xticks_rotation=90 if n_labels > 8 else 45, **options)
            ax.set_xlabel("예측")
            ax.set_ylabel("정답")
            self._hold(ax)
        return self
