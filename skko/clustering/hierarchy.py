"""TopicHierarchy: which topics are nearest to each other, and what they are together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from skko.clustering.keywords import best_terms, class_tfidf


@dataclass(frozen=True)
class TopicHierarchy:
    """A tree whose leaves are topics.

    Attributes
    ----------
    linkage : ndarray of float, shape (n_topics - 1, 4)
        Joins in SciPy's form, nearest first: two nodes, their distance, the topics below. Node n_topics + i is join i.
    names : tuple of str
        What to write on each topic.
    keywords : tuple of tuple of str
        Words of each join.
    sizes : tuple of int
        Texts of each join.
    """

    linkage: NDArray[np.float64]
    names: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]

    def cut(self, n_groups: int) -> list[list[int]]:
        """Join the nearest topics until so many groups are left.

        Parameters
        ----------
        n_groups : int
            How many groups.

        Returns
        -------
        list of list of int
            Topics of each group, of one topic or more, ready for ``KoTopicModel.merge_topics``.

        Raises
        ------
        ValueError
            If there are not as many topics, or fewer than one group is asked for.
        """
        if not 1 <= n_groups <= len(self.names):
            raise ValueError(f"n_groups must be from 1 to the number of topics, {len(self.names)}, got {n_groups}.")
        n_joins = len(self.names) - n_groups
        joined = {node for left, right in self.linkage[:n_joins, :2].astype(int).tolist() for node in (left, right)}
        tops = [node for node in range(len(self.names) + n_joins) if node not in joined]
        return sorted(sorted(self._leaves(node)) for node in tops)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with the columns ``distance``, ``topics``, ``size`` and ``keywords``.

        Returns
        -------
        pandas.DataFrame
            One row a join, nearest first.
        """
        n_topics = len(self.names)
        return pd.DataFrame(
            {
                "distance": self.linkage[:, 2],
                "topics": [sorted(self._leaves(n_topics + row)) for row in range(len(self.linkage))],
                "size": self.sizes,
                "keywords": [" ".join(words) for words in self.keywords],
            }
        )

    def _leaves(self, node: int) -> Iterator[int]:
        stack = [node]
        while stack:
            top = stack.pop()
            if top < len(self.names):
                yield top
            else:
                stack.extend(self.linkage[top - len(self.names), :2].astype(int).tolist())


def topic_hierarchy(
    counts: csr_matrix, terms: NDArray[np.object_], names: tuple[str, ...], sizes: NDArray[np.int64], n_keywords: int
) -> TopicHierarchy:
    """Join topics by the words that they share.

    Parameters
    ----------
    counts : sparse matrix of int, shape (n_topics, n_terms)
        Counts of each topic.
    terms : ndarray of str, shape (n_terms,)
        The terms.
    names : tuple of str
        What to write on each topic.
    sizes : ndarray of int, shape (n_topics,)
        Texts of each.
    n_keywords : int
        Words of each join.

    Returns
    -------
    TopicHierarchy
        The tree: average linkage on the cosine distance of class-based TF-IDF.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    n_topics = len(names)
    if n_topics < 2:
        return TopicHierarchy(np.empty((0, 4)), names, (), ())
    weights = class_tfidf(counts)
    lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    cosines = (weights @ weights.T).toarray() / np.maximum(np.outer(lengths, lengths), np.finfo(float).tiny)
    distances = 1 - np.clip(cosines, 0, 1)
    np.fill_diagonal(distances, 0)
    joins = linkage(squareform(distances, checks=False), method="average")
    nodes = [counts[topic] for topic in range(n_topics)]
    texts = sizes.tolist()
    totals = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    rarity = np.log1p(totals.sum() / n_topics / np.maximum(totals, 1))
    words = []
    for left, right in joins[:, :2].astype(int).tolist():
        together = (nodes[left] + nodes[right]).astype(np.float64).tocsr()
        nodes.append(together)
        texts.append(texts[left] + texts[right])
        weighted = together.copy()
        weighted.data *= rarity[weighted.indices]
        words.append(tuple(terms[column] for column, _ in best_terms(weighted, terms, n_keywords)))
    return TopicHierarchy(joins, names, tuple(words), tuple(texts[n_topics:]))
