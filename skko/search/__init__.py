"""Semantic search: dense, lexical, and both together."""

from skko.search.results import Explanation, Hit, SearchResults
from skko.search.semantic_search import KoSemanticSearch

__all__ = ["Explanation", "Hit", "KoSemanticSearch", "SearchResults"]
