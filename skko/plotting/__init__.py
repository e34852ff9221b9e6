"""Pictures with Hangul, in scikit-learn's Display style."""

from skko.plotting.confusion import ConfusionDisplay
from skko.plotting.fonts import hangul_font, korean_text
from skko.plotting.topic_hierarchy import TopicHierarchyDisplay
from skko.plotting.topic_keywords import TopicKeywordsDisplay
from skko.plotting.topic_map import TopicMapDisplay
from skko.plotting.topic_timeline import TopicTimelineDisplay

__all__ = [
    "ConfusionDisplay",
    "TopicHierarchyDisplay",
    "TopicKeywordsDisplay",
    "TopicMapDisplay",
    "TopicTimelineDisplay",
    "hangul_font",
    "korean_text",
]
