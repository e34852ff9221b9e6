"""Vectors that were computed once, by digest: on disk for every process, in memory where there is no disk."""

from skko.embedding.cache.cache import EmbeddingCache, open_cache
from skko.embedding.cache.keys import Keys, embedding_keys

__all__ = ["EmbeddingCache", "Keys", "embedding_keys", "open_cache"]
