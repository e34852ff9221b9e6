"""What is kept of HDBSCAN's tree of clusters, to place new rows in it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KDTree

from skko.similarity.blocks import blocks

_NUMBERS = 1 << 22  # distances held at once


@dataclass(frozen=True)
class DensityTree:
    """The condensed tree of a fit as arrays, and the rows that it is of.

    Attributes
    ----------
    rows : ndarray of float, shape (n_rows, n_features)
        Training rows.
    metric : str
        Distance between them.
    core : ndarray of float, shape (n_rows,)
        Distance of each to its ``min_samples``-th neighbour.
    min_samples : int
        That number.
    row_parent : ndarray of int, shape (n_rows,)
        Node that each row fell out of.
    row_density : ndarray of float, shape (n_rows,)
        Density (one over distance) at which it did.
    parent : ndarray of int, shape (n_nodes,)
        Node above each; the root is its own.
    birth : ndarray of float, shape (n_nodes,)
        Density at which each split from its parent.
    cluster : ndarray of int, shape (n_nodes,)
        Chosen cluster that each belongs to, -1 for none.
    peak : ndarray of float, shape (n_clusters,)
        Density at which the last row fell out of each chosen cluster itself.
    """

    rows: NDArray[np.float64]
    metric: str
    core: NDArray[np.float64]
    min_samples: int
    row_parent: NDArray[np.int64]
    row_density: NDArray[np.float64]
    parent: NDArray[np.int64]
    birth: NDArray[np.float64]
    cluster: NDArray[np.int64]
    peak: NDArray[np.float64]

    @cached_property
    def _index(self) -> KDTree:
        return KDTree(self.rows, metric=self.metric)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_index"}  # quickly made again

    def assign(self, X: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Place new rows: each joins the tree where its nearest row by mutual reachability is.

        Parameters
        ----------
        X : ndarray of float, shape (n, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of int, shape (n,)
            Chosen cluster of each, -1 for none.
        probabilities : ndarray of float, shape (n,)
            How deep in it, from 0 to 1.
        """
        if not len(X):
            return np.empty(0, dtype=np.int64), np.empty(0)
        k = min(2 * self.min_samples, len(self.core))
        distances, neighbors = self._index.query(X, k=k)
        own_core = distances[:, min(self.min_samples, k - 1)]
        reach = np.maximum(np.maximum(distances, self.core[neighbors]), own_core[:, None])
        best = reach.argmin(axis=1)
        nearest = neighbors[np.arange(len(X)), best]
        with np.errstate(divide="ignore"):
            density = 1 / reach[np.arange(len(X)), best]
        node = self.row_parent[nearest]
        outside = (self.row_density[nearest] > density) & (self.parent[node] != node) & (self.birth[node] >= density)
        while outside.any():
            node = np.where(outside, self.parent[node], node)
            outside &= (self.parent[node] != node) & (self.birth[node] >= density)
        labels = self.cluster[node]
        return labels, np.where(labels >= 0, _share(density, self.peak[labels]), 0.0) if len(self.peak) else density * 0

    def exemplars(self) -> list[NDArray[np.int64]]:
        """Find the rows at the densest places of each chosen cluster.

        Returns
        -------
        list of ndarray of int
            Training rows of each cluster, ascending: those that last as long as any in a leaf of the tree.
        """
        leaf = np.ones(len(self.parent), dtype=bool)
        leaf[self.parent[self.parent != np.arange(len(self.parent))]] = False
        densest = np.zeros(len(self.parent))
        np.maximum.at(densest, self.row_parent, self.row_density)
        chosen = leaf[self.row_parent] & (self.row_density == densest[self.row_parent])
        of = np.where(chosen, self.cluster[self.row_parent], -1)
        return [np.flatnonzero(of == cluster) for cluster in range(len(self.peak))]


def density_tree(
    condensed: NDArray[Any], labels: NDArray[np.int64], rows: NDArray[np.float64], *, min_samples: int, metric: str
) -> DensityTree:
    """Read the tree of a fit.

    Parameters
    ----------
    condensed : structured ndarray
        The library's condensed tree: ``parent``, ``child``, ``lambda_val``, ``child_size``; nodes follow the rows.
    labels : ndarray of int, shape (n_rows,)
        The library's labels.
    rows : ndarray of float, shape (n_rows, n_features)
        What was clustered.
    min_samples : int
        As in the fit.
    metric : str
        As in the fit.

    Returns
    -------
    DensityTree
        The tree.
    """
    n_rows = len(rows)
    n_nodes = max(int(condensed["parent"].max(initial=n_rows)) - n_rows + 1, 1)
    single = condensed["child"] < n_rows
    row_parent, row_density = np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows)
    row_parent[condensed["child"][single]] = condensed["parent"][single] - n_rows
    row_density[condensed["child"][single]] = condensed["lambda_val"][single]
    parent, birth = np.arange(n_nodes), np.zeros(n_nodes)
    parent[condensed["child"][~single] - n_rows] = condensed["parent"][~single] - n_rows
    birth[condensed["child"][~single] - n_rows] = condensed["lambda_val"][~single]
    n_clusters = int(labels.max(initial=-1)) + 1
    tops = [_common_ancestor(np.unique(row_parent[labels == cluster]), parent) for cluster in range(n_clusters)]
    cluster = np.full(n_nodes, -1, dtype=np.int64)
    cluster[tops] = np.arange(n_clusters)
    for node in range(n_nodes):  # parents stand before their children
        if cluster[node] < 0:
            cluster[node] = cluster[parent[node]]
    densest = np.zeros(n_nodes)
    np.maximum.at(densest, condensed["parent"] - n_rows, condensed["lambda_val"])
    core = KDTree(rows, metric=metric).query(rows, k=min_samples)[0][:, -1]
    return DensityTree(rows, metric, core, min_samples, row_parent, row_density, parent, birth, cluster, densest[tops])


def nearest_exemplars(X: NDArray[np.float64], exemplars: list[NDArray[np.float64]], metric: str) -> NDArray[np.float64]:
    """Measure how far rows are from clusters.

    Parameters
    ----------
    X : ndarray of float, shape (n, n_features)
        Rows.
    exemplars : list of ndarray of float, shape (n_exemplars, n_features)
        Exemplars of each cluster.
    metric : {"euclidean", "manhattan", "chebyshev"}
        Distance.

    Returns
    -------
    ndarray of float, shape (n, n_clusters)
        Distance to the nearest exemplar of each.
    """
    from scipy.spatial.distance import cdist

    out = np.empty((len(X), len(exemplars)))
    if not len(exemplars):
        return out
    together = np.concatenate(exemplars)
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in exemplars])[:-1]])
    name = {"manhattan": "cityblock"}.get(metric, metric)
    for part in blocks(0, len(X), max(1, _NUMBERS // len(together))):
        out[part] = np.minimum.reduceat(cdist(X[part], together, name), starts, axis=1)
    return out


def _share(density: NDArray[np.float64], peak: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density as a share of its peak; where equal rows made the peak infinite, all that is in the cluster is firm."""
    bounded = np.minimum(density, peak)
    return np.divide(bounded, peak, out=np.ones_like(bounded), where=np.isfinite(peak) & (peak > 0))


def _common_ancestor(nodes: NDArray[np.int64], parent: NDArray[np.int64]) -> int:
    """The deepest node above them all: numbers grow downwards, so the largest goes up until one is left."""
    left = set(nodes.tolist())
    while len(left) > 1:
        deepest = max(left)
        left.remove(deepest)
        left.add(int(parent[deepest]))
    return int(left.pop())
