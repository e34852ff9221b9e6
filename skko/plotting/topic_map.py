"""TopicMapDisplay: texts as points, topics as colours, keywords as labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skko.plotting.fonts import korean_text

_NOISE = "0.82"
_MOST_LABELLED = 30


class TopicMapDisplay:
    """A map of texts in two dimensions, coloured by topic.

    Parameters
    ----------
    coordinates : ndarray of float, shape (n_texts, 2)
        Place of each text.
    labels : ndarray of int, shape (n_texts,)
        Topic of each text; -1 is none, drawn in grey.
    names : mapping of int to str
        What to write on each topic.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Its figure.

    Examples
    --------
    >>> import numpy as np
    >>> from skko.plotting import TopicMapDisplay
    >>> display = TopicMapDisplay.from_predictions(np.eye(4)[:, :2], [0, 0, 1, -1], names={0: "배송", 1: "환불"})
    >>> [text.get_text() for text in display.ax_.texts]
    ['배송', '환불']
    """

    def __init__(self, coordinates: NDArray[Any], labels: NDArray[np.int64], names: Mapping[int, str]) -> None:
        self.coordinates = coordinates
        self.labels = labels
        self.names = names

    @classmethod
    def from_predictions(
        cls,
        coordinates: ArrayLike,
        labels: ArrayLike,
        *,
        names: Mapping[int, str] | None = None,
        ax: Any = None,
    ) -> "TopicMapDisplay":
        """Draw a map from places and topics.

        Parameters
        ----------
        coordinates : array-like of float, shape (n_texts, 2)
            Place of each text, such as from ``UMAPReducer(n_components=2)``.
        labels : array-like of int, shape (n_texts,)
            Topic of each text; -1 is none.
        names : mapping of int to str or None, default=None
            What to write on each topic; None writes its number.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicMapDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the shapes do not fit each other.
        """
        places, topics = np.asarray(coordinates), np.asarray(labels, dtype=np.int64)
        if places.ndim != 2 or places.shape[1] != 2 or len(places) != len(topics):
            raise ValueError(
                f"coordinates {places.shape} and labels {topics.shape} must be (n_texts, 2) and (n_texts,)."
            )
        known = np.unique(topics[topics >= 0]).tolist()
        return cls(places, topics, {t: (names or {}).get(t, str(t)) for t in known}).plot(ax=ax)

    def plot(self, ax: Any = None) -> "TopicMapDisplay":
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicMapDisplay
            The display itself.
        """
        from matplotlib import pyplot

        with korean_text():
            if ax is None:
                _, ax = pyplot.subplots(figsize=(11, 8), layout="constrained")
            size = float(np.clip(20_000 / max(len(self.labels), 1), 4, 40))
            noise = self.labels < 0
            ax.scatter(*self.coordinates[noise].T, s=size, color=_NOISE, linewidths=0)
            colours = pyplot.get_cmap("tab20")
            for topic in self.names:
                points = self.coordinates[self.labels == topic]
                ax.scatter(*points.T, s=size, color=colours(topic % 20), linewidths=0, alpha=0.8)
            self._write_names(ax)
            share = noise.mean() if len(noise) else 0.0
            ax.set_title(f"토픽 {len(self.names)}개, 문장 {len(self.labels):,}개 (토픽 없음 {share:.0%})")
            ax.set_xticks([])
            ax.set_yticks([])
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def save(self, path: Any, *, dpi: int = 150) -> None:
        """Write the map to an image file.

        Parameters
        ----------
        path : path-like
            The file; its ending decides the format.
        dpi : int, default=150
            Dots an inch.
        """
        with korean_text():
            self.figure_.savefig(path, dpi=dpi)

    def _write_names(self, ax: Any) -> None:
        """Write on the largest topics; more words than that nobody can read."""
        for topic, name in list(self.names.items())[:_MOST_LABELLED]:
            x, y = np.median(self.coordinates[self.labels == topic], axis=0)
            box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
            ax.text(x, y, name, fontsize=9, ha="center", va="center", bbox=box)
