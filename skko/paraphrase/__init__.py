"""Paraphrase mining."""

from skko.paraphrase.miner import ParaphraseMiner
from skko.paraphrase.pipeline import make_paraphrase_miner

__all__ = ["ParaphraseMiner", "make_paraphrase_miner"]
