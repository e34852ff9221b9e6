"""Metrics in plain NumPy."""

from skko.metrics.pairs import PairScores, group_codes, pair_scores

__all__ = ["PairScores", "group_codes", "pair_scores"]
