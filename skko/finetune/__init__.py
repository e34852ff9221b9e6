"""Fine-tuning: a model learns from pairs, triplets, scores, labels or plain texts, as a scikit-learn step."""

from skko.finetune.few_shot import make_few_shot_classifier
from skko.finetune.negatives import mine_hard_negatives
from skko.finetune.tuner import KoEmbeddingFineTuner

__all__ = ["KoEmbeddingFineTuner", "make_few_shot_classifier", "mine_hard_negatives"]
