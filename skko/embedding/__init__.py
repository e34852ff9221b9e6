"""Texts to vectors: deduplicated, cached, batched, counted."""

from skko.embedding.cache import EmbeddingCache
from skko.embedding.device import resolve_device, resolve_devices
from skko.embedding.encode import EncodeCounts, encode_counts
from skko.embedding.transformer import KoEmbeddingTransformer

__all__ = [
    "EmbeddingCache",
    "EncodeCounts",
    "KoEmbeddingTransformer",
    "encode_counts",
    "resolve_device",
    "resolve_devices",
]
