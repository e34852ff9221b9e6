"""TopicKeywordsDisplay: the words of each topic and what they weigh."""

from collections.abc import Sequence

from skko.clustering import KoTopicModel, Topic
from skko.plotting._display import Drawn, colours, short
from skko.plotting.fonts import korean_text

_ACROSS = 4


class TopicKeywordsDisplay(Drawn):
    """The words of topics as bars, a panel for each.

    Parameters
    ----------
    topics : sequence of Topic
        The topics, such as of ``KoTopicModel.topics_`` or :func:`~skko.clustering.topic_keywords`.

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes
        A panel for each topic, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Their figure.

    Examples
    --------
    >>> from skko.clustering import topic_keywords
    >>> from skko.plotting import TopicKeywordsDisplay
    >>> texts = ["배송이 늦어요", "배송은 언제 오나요", "카드 결제가 안 돼요", "결제를 취소하고 싶어요"]
    >>> display = TopicKeywordsDisplay(topic_keywords(texts, [0, 0, 1, 1])).plot()
    >>> len(display.axes_)
    2
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = topics

    @classmethod
    def from_estimator(
        cls, estimator: KoTopicModel, *, n_topics: int = 12, n_keywords: int = 8
    ) -> "TopicKeywordsDisplay":
        """Draw the words of a fitted topic model.

        Parameters
        ----------
        estimator : KoTopicModel
            The model.
        n_topics : int, default=12
            Most topics, the largest first.
        n_keywords : int, default=8
            Most words of each.

        Returns
        -------
        TopicKeywordsDisplay
            The drawn display.
        """
        return cls(estimator.topics_[:n_topics]).plot(n_keywords=n_keywords)

    def plot(self, *, n_keywords: int = 8) -> "TopicKeywordsDisplay":
        """Draw the panels.

        Parameters
        ----------
        n_keywords : int, default=8
            Most words of each topic.

        Returns
        -------
        TopicKeywordsDisplay
            The display itself.
        """
        from matplotlib import pyplot

        across = min(_ACROSS, max(1, len(self.topics)))
        down = max(1, -(-len(self.topics) // across))
        palette = colours(max((topic.label for topic in self.topics), default=0) + 1)
        with korean_text():
            size = (3.2 * across, 0.6 + (0.55 + 0.24 * n_keywords) * down)
            self.figure_, axes = pyplot.subplots(down, across, figsize=size, squeeze=False, layout="constrained")
            for topic, ax in zip(self.topics, axes.flat, strict=False):
                words, weights = topic.keywords[:n_keywords], topic.weights[:n_keywords]
                ax.barh(range(len(words)), weights, color=palette[topic.label], height=0.7)
                ax.set_yticks(range(len(words)), [short(word) for word in words])
                ax.set_ylim(n_keywords - 0.5, -0.5)  # the first word on top, and bars as thick in every panel
                ax.set_title(f"토픽 {topic.label} · {topic.size:,}개", fontsize=10)
                ax.set_xticks([])
                ax.spines[["top", "right", "bottom"]].set_visible(False)
            for ax in axes.flat[len(self.topics) :]:
                ax.remove()
        self.axes_ = axes.flat[: len(self.topics)]
        return self
