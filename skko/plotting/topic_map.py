"""TopicMapDisplay: texts as points, topics as colours, keywords as labels."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from skko.clustering import KoTopicModel, UMAPReducer
from skko.plotting._display import Drawn, colours, short
from skko.plotting._html import write_map
from skko.plotting.fonts import korean_text
from skko.validation import check_texts

_NOISE = "0.82"
_MOST_LABELLED = 30
_POINTS = 9  # size of a name
_PAD = 0.25  # around it, of its size
_ASIDE = (0, 1, -1, 2, -2, 3, -3)  # lines up or down


class TopicMapDisplay(Drawn):
    """A map of texts in two dimensions, coloured by topic.

    Parameters
    ----------
    coordinates : ndarray of float, shape (n_texts, 2)
        Place of each text.
    labels : ndarray of int, shape (n_texts,)
        Topic of each text; -1 is none, drawn in grey.
    names : mapping of int to str
        What to write on each topic.
    texts : sequence of str or None, default=None
        The texts, which :meth:`save_html` shows.

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

    def __init__(
        self,
        coordinates: NDArray[Any],
        labels: NDArray[np.int64],
        names: Mapping[int, str],
        texts: Sequence[str] | None = None,
    ) -> None:
        self.coordinates = coordinates
        self.labels = labels
        self.names = names
        self.texts = texts

    @classmethod
    def from_estimator(
        cls, estimator: KoTopicModel, X: Any, *, random_state: Any = 0, ax: Any = None
    ) -> "TopicMapDisplay":
        """Draw the map of a fitted topic model.

        Parameters
        ----------
        estimator : KoTopicModel
            The model; its clusterer is a pipeline with the step ``embed``, as of :func:`~skko.make_topic_clusterer`.
        X : array-like of str, shape (n_texts,)
            The texts of ``fit``, or others.
        random_state : int, RandomState instance or None, default=0
            Seed of the layout.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicMapDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the clusterer has no step ``embed``: reduce the vectors yourself and use :meth:`from_predictions`.
        """
        texts = check_texts(X)
        pipeline = estimator.clusterer_
        if not isinstance(pipeline, Pipeline) or "embed" not in pipeline.named_steps:
            raise ValueError("The model's clusterer has no step 'embed'. Use TopicMapDisplay.from_predictions.")
        last = list(pipeline.named_steps).index("embed") + 1
        vectors = pipeline[:last].transform(texts)
        places = UMAPReducer(2, min_dist=0.1, random_state=random_state).fit_transform(vectors)
        names = estimator.topics_.names()
        return cls.from_predictions(places, estimator.predict(texts), names=names, texts=texts, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        coordinates: ArrayLike,
        labels: ArrayLike,
        *,
        names: Mapping[int, str] | None = None,
        texts: Sequence[str] | None = None,
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
        texts : sequence of str or None, default=None
            The texts, for :meth:`save_html`.
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
        if texts is not None and len(texts) != len(topics):
            raise ValueError(f"There are {len(texts)} texts and {len(topics)} labels: they must be as many.")
        known = np.unique(topics[topics >= 0]).tolist()
        return cls(places, topics, {t: (names or {}).get(t, str(t)) for t in known}, texts).plot(ax=ax)

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
            # One call for all topics: a thousand of them would take a thousand times as long.
            inside = np.flatnonzero(~noise)
            palette = colours(int(self.labels.max(initial=-1)) + 1)
            places, shades = self.coordinates[inside], palette[self.labels[inside]]
            ax.scatter(*places.T, s=size, c=shades, linewidths=0, alpha=0.8)
            share = noise.mean() if len(noise) else 0.0
            ax.set_title(f"토픽 {len(self.names)}개, 문장 {len(self.labels):,}개 (토픽 없음 {share:.0%})")
            ax.set_xticks([])
            ax.set_yticks([])
            self._hold(ax)
            self._write_names(ax, palette)
        return self

    def save_html(self, path: str | PathLike[str], *, title: str = "토픽 지도") -> None:
        """Write an interactive map as one file that needs nothing else.

        It shows a text where the pointer is, marks what a search finds, and shows and hides topics.

        Parameters
        ----------
        path : path-like
            The file.
        title : str, default="토픽 지도"
            Its title.

        Raises
        ------
        ValueError
            If the display was made without texts.
        """
        if self.texts is None:
            raise ValueError("The display has no texts to show. Pass texts= to TopicMapDisplay.from_predictions.")
        write_map(path, self.coordinates, self.labels, self.names, self.texts, title=title)

    def _write_names(self, ax: Any, palette: NDArray[np.float64]) -> None:
        """Write on the largest topics, framed in their colour, a line or more aside where another name stands.

        A name with no room, among larger topics, is left out: of two that cross, nobody can read either.
        """
        self.figure_.draw_without_rendering()  # from here on places in pixels are final
        taken: list[Any] = []
        to_pixels = ax.transData
        for topic, name in list(self.names.items())[:_MOST_LABELLED]:
            x, y = np.median(self.coordinates[self.labels == topic], axis=0)
            box = {"boxstyle": f"round,pad={_PAD}", "facecolor": (1, 1, 1, 0.75), "edgecolor": palette[topic]}
            text = ax.text(x, y, short(name), fontsize=_POINTS, ha="center", va="center", bbox=box)
            # The box counts too: it would hide what is under it.
            extent = text.get_window_extent().padded(_PAD * _POINTS * self.figure_.dpi / 72)
            # A pixel apart: boxes that touch overlap.
            places = (extent.translated(0, lines * (extent.height + 1)) for lines in _ASIDE)
            free = next((place for place in places if not any(place.overlaps(other) for other in taken)), None)
            if free is None:
                text.remove()
                continue
            taken.append(free)
            across, up = to_pixels.transform((x, y))
            text.set_y(to_pixels.inverted().transform((across, up + free.y0 - extent.y0))[1])
