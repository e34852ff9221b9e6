"""One engine for mining, search and neighbour graphs: exact, in tiles of bounded memory."""

from skko.similarity.approximate import ApproximateIndex
from skko.similarity.blocks import MEMORY, unit_rows
from skko.similarity.copies import Copies, collapse, row_digests
from skko.similarity.cosines import cosines, prepare
from skko.similarity.joins import PAIR, best_first, check_number, join, self_join
from skko.similarity.neighbors import near_pairs, top_k

__all__ = [
    "MEMORY",
    "PAIR",
    "ApproximateIndex",
    "Copies",
    "best_first",
    "check_number",
    "collapse",
    "cosines",
    "join",
    "near_pairs",
    "prepare",
    "row_digests",
    "self_join",
    "top_k",
    "unit_rows",
]
