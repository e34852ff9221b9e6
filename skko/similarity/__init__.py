"""One engine for mining, search and neighbour graphs: exact, in blocks of bounded memory."""

from skko.similarity.blocks import MEMORY, unit_rows
from skko.similarity.joins import PAIR, best_first, join, self_join
from skko.similarity.neighbors import top_k

__all__ = ["MEMORY", "PAIR", "best_first", "join", "self_join", "top_k", "unit_rows"]
