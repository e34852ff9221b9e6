"""TopicTimelineDisplay: how many texts each topic has over time, or over any column."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from skko.clustering import KoTopicModel
from skko.plotting._display import Drawn, colours, short
from skko.plotting.fonts import korean_text


class TopicTimelineDisplay(Drawn):
    """Topics over a column: lines over numbers and dates, bars over names.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``KoTopicModel.topics_over`` gives.
    names : mapping of int to str
        Name of each topic.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Its figure.

    Examples
    --------
    >>> from skko import datasets, make_topic_clusterer
    >>> from skko.clustering import KoTopicModel
    >>> from skko.plotting import TopicTimelineDisplay
    >>> inquiries = datasets.load_inquiries()
    >>> model = KoTopicModel(make_topic_clusterer("skko-mini", random_state=0)).fit(inquiries.texts)
    >>> display = TopicTimelineDisplay.from_estimator(model, inquiries.topics, n_topics=3)
    >>> len(display.ax_.get_legend().get_texts())
    3
    """

    def __init__(self, table: pd.DataFrame, names: Mapping[int, str]) -> None:
        self.table = table
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator: KoTopicModel, values: ArrayLike, *, n_topics: int = 8, share: bool = False, ax: Any = None
    ) -> "TopicTimelineDisplay":
        """Draw the topics of a fitted topic model.

        Parameters
        ----------
        estimator : KoTopicModel
            The model.
        values : array-like of shape (n_texts,)
            Value of each text of ``fit``.
        n_topics : int, default=8
            Most topics, the largest first.
        share : bool, default=False
            Draw shares of the texts with each value in place of counts.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicTimelineDisplay
            The drawn display.
        """
        names = estimator.topics_[:n_topics].names()
        return cls(estimator.topics_over(values), names).plot(share=share, ax=ax)

    def plot(self, *, share: bool = False, ax: Any = None) -> "TopicTimelineDisplay":
        """Draw the topics that have names.

        Parameters
        ----------
        share : bool, default=False
            Draw shares in place of counts.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicTimelineDisplay
            The display itself.
        """
        from matplotlib import pyplot

        figures = self.table.pivot(index="value", columns="topic", values="share" if share else "count")
        values = figures.index
        ordered = pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype)
        palette = colours(max(self.names, default=0) + 1)
        with korean_text():
            if ax is None:
                _, ax = pyplot.subplots(figsize=(10, 5), layout="constrained")
            width = 0.8 / max(1, len(self.names))
            for place, (topic, name) in enumerate(self.names.items()):
                heights = figures[topic].to_numpy() if topic in figures else [0] * len(values)
                label = f"{short(name)} ({topic})"
                if ordered:
                    ax.plot(values, heights, color=palette[topic], label=label, marker="o", markersize=3)
                else:
                    at = [i - 0.4 + width * (place + 0.5) for i in range(len(values))]
                    ax.bar(at, heights, width, color=palette[topic], label=label)
            if not ordered:
                names = [short(str(value)) for value in values]
                ax.set_xticks(range(len(values)), names, rotation=0 if len(names) <= 8 else 90)
            ax.set_ylim(bottom=0)
            ax.set_ylabel("문장의 비율" if share else "문장 수")
            ax.spines[["top", "right"]].set_visible(False)
            ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
            self._hold(ax)
        return self
