"""Metrics in plain NumPy."""

from skko.metrics.clustering import density_validity, topic_coherence, topic_diversity
from skko.metrics.pairs import PairScores, PairThreshold, group_codes, pair_scores, pair_threshold
from skko.metrics.ranks import JudgedRanks, judged_ranks
from skko.metrics.retrieval import RetrievalScores, retrieval_scores
from skko.metrics.sts import JudgedPairScores, judged_pair_scores, pair_similarities, sts_scores

__all__ = [
    "JudgedPairScores",
    "JudgedRanks",
    "PairScores",
    "PairThreshold",
    "RetrievalScores",
    "density_validity",
    "group_codes",
    "judged_pair_scores",
    "judged_ranks",
    "pair_scores",
    "pair_similarities",
    "pair_threshold",
    "retrieval_scores",
    "sts_scores",
    "topic_coherence",
    "topic_diversity",
]
