"""Pictures with Hangul, in scikit-learn's Display style."""

from skko.plotting.fonts import hangul_font, korean_text
from skko.plotting.topic_map import TopicMapDisplay

__all__ = ["TopicMapDisplay", "hangul_font", "korean_text"]
