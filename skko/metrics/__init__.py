"""Metrics in plain NumPy."""

from skko.metrics.pairs import PairScores, PairThreshold, group_codes, pair_scores, pair_threshold

__all__ = ["PairScores", "PairThreshold", "group_codes", "pair_scores", "pair_threshold"]
