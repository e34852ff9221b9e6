"""TopicHierarchyDisplay: which topics are nearest to each other."""

from typing import Any

from skko.clustering import KoTopicModel, TopicHierarchy
from skko.plotting._display import Drawn, short
from skko.plotting.fonts import korean_text


class TopicHierarchyDisplay(Drawn):
    """A dendrogram of topics.

    Parameters
    ----------
    hierarchy : TopicHierarchy
        The tree, such as of ``KoTopicModel.hierarchy()``.

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
    >>> from skko.plotting import TopicHierarchyDisplay
    >>> model = KoTopicModel(make_topic_clusterer("skko-mini", random_state=0)).fit(datasets.load_inquiries().texts)
    >>> display = TopicHierarchyDisplay.from_estimator(model)
    >>> len(display.ax_.get_yticklabels()) == model.n_topics_
    True
    """

    def __init__(self, hierarchy: TopicHierarchy) -> None:
        self.hierarchy = hierarchy

    @classmethod
    def from_estimator(cls, estimator: KoTopicModel, *, ax: Any = None) -> "TopicHierarchyDisplay":
        """Draw the topics of a fitted topic model.

        Parameters
        ----------
        estimator : KoTopicModel
            The model.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicHierarchyDisplay
            The drawn display.
        """
        return cls(estimator.hierarchy()).plot(ax=ax)

    def plot(self, ax: Any = None) -> "TopicHierarchyDisplay":
        """Draw the tree.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        TopicHierarchyDisplay
            The display itself.
        """
        from matplotlib import pyplot
        from scipy.cluster.hierarchy import dendrogram

        names = [f"{short(name)} ({topic})" for topic, name in enumerate(self.hierarchy.names)]
        with korean_text():
            if ax is None:
                _, ax = pyplot.subplots(figsize=(9, max(2.0, 0.8 + 0.22 * len(names))), layout="constrained")
            if len(names) > 1:
                drawn = dendrogram(
                    self.hierarchy.linkage, orientation="right", no_plot=True, get_leaves=True, labels=names
                )
                for x, y in zip(drawn["dcoord"], drawn["icoord"], strict=True):
                    ax.plot(x, y, color="0.35", linewidth=1)
                # SciPy puts leaves ten apart, the first at five.
                ax.set_yticks([5 + 10 * place for place in range(len(names))], drawn["ivl"], fontsize=9)
                ax.set_ylim(0, 10 * len(names))
            else:
                ax.set_yticks(range(len(names)), names)
            ax.set_xlim(left=self._start())
            ax.set_xlabel("거리 (낱말의 코사인)")
            ax.spines[["top", "right", "left"]].set_visible(False)
            ax.tick_params(axis="y", length=0)
            self._hold(ax)
        return self

    def _start(self) -> float:
        """Where the axis begins: a little before the first join, for until then there is nothing to see."""
        joins = self.hierarchy.linkage[:, 2]
        return max(0.0, float(joins[0] - 0.15 * (joins[-1] - joins[0]))) if len(joins) > 1 else 0.0
