"""Corpora of any size: streamed, sharded, resumed, on one machine or on a Ray cluster."""

from skko.distributed.embed import embed_corpus
from skko.distributed.embeddings import CorpusEmbeddings, open_embeddings

__all__ = ["CorpusEmbeddings", "embed_corpus", "open_embeddings"]
