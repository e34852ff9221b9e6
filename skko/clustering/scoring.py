"""Figures that choose the settings of a clusterer, with labels or without."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.pipeline import Pipeline

from skko.metrics.clustering import density_validity

_SAMPLE = 10_000  # of the silhouette, whose time grows with the square of the rows


def clustering_scores(estimator: Any, X: ArrayLike, y: ArrayLike | None = None) -> dict[str, float]:
    """Score the clusters that a fitted clusterer finds, for ``GridSearchCV(scoring=clustering_scores, refit=...)``.

    Parameters
    ----------
    estimator : estimator
        A fitted clusterer with ``predict``, or a pipeline that ends in one, such as of
        :func:`~skko.make_topic_clusterer`.
    X : array-like of shape (n, ...)
        What it takes.
    y : array-like of shape (n,) or None, default=None
        True groups, where they are known.

    Returns
    -------
    dict of str to float
        ``validity``, density-based; ``silhouette`` of the rows in clusters, -1 where there are fewer than two clusters;
        ``noise``, the share of rows in none; ``n_clusters``; with ``y`` also ``nmi`` and ``ari``, noise being a
        cluster. Distances are those of what the last step of a pipeline is given.

    See Also
    --------
    HDBSCANClusterer.score : The validity alone.

    Notes
    -----
    ``noise`` and ``n_clusters`` stand beside the others because clusters look the better the more rows are left out,
    and two that share all rows among them may look best: read them before you believe a validity or a silhouette. For
    the silhouette at most 10,000 rows are drawn, the same each time.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skko import HDBSCANClusterer
    >>> from skko.clustering import clustering_scores
    >>> X, y = make_blobs(200, centers=5, cluster_std=0.3, random_state=0)
    >>> grid = {"min_cluster_size": [5, 60]}
    >>> search = GridSearchCV(HDBSCANClusterer(), grid, scoring=clustering_scores, refit="validity").fit(X)
    >>> search.best_params_
    {'min_cluster_size': 5}
    """
    features: Any = X
    last = estimator
    if isinstance(estimator, Pipeline):
        features, last = estimator[:-1].transform(X), estimator[-1]
    rows = np.asarray(features, dtype=np.float64)
    labels = np.asarray(last.predict(features))
    inside = labels >= 0
    n_clusters = len(np.unique(labels[inside]))
    silhouette = -1.0
    if 1 < n_clusters < inside.sum():
        sample = min(_SAMPLE, int(inside.sum()))
        drawn = np.random.default_rng(0).permutation(np.flatnonzero(inside))[:sample]
        if 1 < len(np.unique(labels[drawn])) < sample:
            silhouette = float(silhouette_score(rows[drawn], labels[drawn]))
    scores = {
        "validity": density_validity(rows, labels),
        "silhouette": silhouette,
        "noise": float((~inside).mean()),
        "n_clusters": float(n_clusters),
    }
    if y is not None:
        scores["nmi"] = float(normalized_mutual_info_score(y, labels))
        scores["ari"] = float(adjusted_rand_score(y, labels))
    return scores
