"""Paraphrase mining."""

from skko.paraphrase.deduplication import Deduplicated, deduplicate
from skko.paraphrase.miner import ParaphraseMiner
from skko.paraphrase.overlap import lexical_overlap
from skko.paraphrase.pipeline import make_paraphrase_miner

__all__ = ["Deduplicated", "ParaphraseMiner", "deduplicate", "lexical_overlap", "make_paraphrase_miner"]
