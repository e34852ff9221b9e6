"""Text classification."""

from skko.classification.active import suggest
from skko.classification.comparison import Comparison, compare_models
from skko.classification.explanation import Explanation, explain
from skko.classification.features import KoTextFeatures
from skko.classification.few_labels import LabelSpreader, NearestMeanClassifier
from skko.classification.leakage import Leaks, count_leaks
from skko.classification.linear import CalibratedLogisticRegression
from skko.classification.pipeline import make_text_classifier
from skko.classification.saving import load_classifier, save_classifier
from skko.classification.zero_shot import KoZeroShotClassifier

__all__ = [
    "CalibratedLogisticRegression",
    "Comparison",
    "Explanation",
    "KoTextFeatures",
    "KoZeroShotClassifier",
    "LabelSpreader",
    "Leaks",
    "NearestMeanClassifier",
    "compare_models",
    "count_leaks",
    "explain",
    "load_classifier",
    "make_text_classifier",
    "save_classifier",
    "suggest",
]
