"""Text classification."""

from skko.classification.pipeline import make_text_classifier

__all__ = ["make_text_classifier"]
