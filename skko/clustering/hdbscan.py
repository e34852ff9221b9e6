"""HDBSCANClusterer: density clusters as a scikit-learn estimator with predict and score."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context

_METRICS = {"euclidean", "manhattan", "chebyshev"}


class HDBSCANClusterer(ClusterMixin, SkkoEstimator):
    """Clusters of high density, any number of them, with the rest left as noise.

    Parameters
    ----------
    min_cluster_size : int, default=5
        Fewest rows that make a cluster.
    min_samples : int or None, default=None
        Neighbours that a row in the core of a cluster has; larger leaves more noise. None is ``min_cluster_size``.
    cluster_selection_epsilon : float, default=0.0
        Clusters nearer to each other than this are one.
    cluster_selection_method : {"eom", "leaf"}, default="eom"
        ``"eom"`` keeps the most persistent clusters, ``"leaf"`` the finest.
    metric : {"euclidean", "manhattan", "chebyshev"}, default="euclidean"
        Distance. For cosine, scale rows to unit length and use ``"euclidean"``.
    allow_single_cluster : bool, default=False
        Whether all rows may be one cluster.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_samples,)
        Cluster of each row, -1 for noise. Clusters are numbered by size, the largest first, ties by their first row.
    probabilities_ : ndarray of float64, shape (n_samples,)
        How firmly each row belongs to its cluster, from 0 to 1.
    n_clusters_ : int
        Number of clusters.
    n_features_in_ : int
        Columns seen in ``fit``.

    See Also
    --------
    make_topic_clusterer : Topics of texts, with this as its last step.

    Notes
    -----
    The algorithm is that of [1]_ as the library hdbscan implements it. ``score`` is density-based validity [2]_.

    References
    ----------
    .. [1] Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", 2013.
    .. [2] Moulavi et al., "Density-Based Clustering Validation", 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from skko import HDBSCANClusterer
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 0.1, (20, 2)), rng.normal(5, 0.1, (30, 2))])
    >>> clusterer = HDBSCANClusterer().fit(X)
    >>> np.bincount(clusterer.labels_ + 1).tolist()
    [0, 30, 20]
    >>> clusterer.predict([[5.0, 5.0], [0.0, 0.0], [99.0, 0.0]])
    array([ 0,  1, -1])
    """

    _parameter_constraints = {
        "min_cluster_size": [Interval(Integral, 2, None, closed="left")],
        "min_samples": [Interval(Integral, 1, None, closed="left"), None],
        "cluster_selection_epsilon": [Interval(Real, 0, None, closed="left")],
        "cluster_selection_method": [StrOptions({"eom", "leaf"})],
        "metric": [StrOptions(_METRICS)],
        "allow_single_cluster": ["boolean"],
    }

    def __init__(
        self,
        *,
        min_cluster_size: int = 5,
        min_samples: int | None = None,
        cluster_selection_epsilon: float = 0.0,
        cluster_selection_method: str = "eom",
        metric: str = "euclidean",
        allow_single_cluster: bool = False,
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.cluster_selection_method = cluster_selection_method
        self.metric = metric
        self.allow_single_cluster = allow_single_cluster

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> "HDBSCANClusterer":
        """Find the clusters.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Rows, at least 2.
        y : None
            Ignored.

        Returns
        -------
        HDBSCANClusterer
            The fitted clusterer.
        """
        import hdbscan

        rows = validate_data(self, X, dtype=np.float64, order="C", ensure_min_samples=2)
        rows = np.require(rows, requirements="W")  # the library asks for memory it could write to
        self._model = hdbscan.HDBSCAN(
            min_cluster_size=self.min_cluster_size,
            # The library fails where there are fewer rows than this.
            min_samples=min(self.min_samples or self.min_cluster_size, len(rows) - 1),
            cluster_selection_epsilon=float(self.cluster_selection_epsilon),
            cluster_selection_method=self.cluster_selection_method,
            metric=self.metric,
            allow_single_cluster=self.allow_single_cluster,
            prediction_data=True,
        ).fit(rows)
        self._numbers = _by_size(self._model.labels_)
        self.labels_ = self._numbers[self._model.labels_]
        self.probabilities_ = self._model.probabilities_
        self.n_clusters_ = len(self._numbers) - 1
        # A training row keeps its label in predict; the library's own prediction may move it.
        self._known = {row.tobytes(): label for row, label in zip(rows, self.labels_.tolist(), strict=True)}
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Assign rows to the clusters found in ``fit``, which stay as they are.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Rows.

        Returns
        -------
        ndarray of int, shape (n,)
            Cluster of each row, -1 for noise; that of ``labels_`` for a training row.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        labels = np.array([self._known.get(row.tobytes(), -2) for row in rows], dtype=np.int64)
        new = np.flatnonzero(labels == -2)
        if len(new) and self.n_clusters_:
            import hdbscan

            labels[new] = self._numbers[hdbscan.approximate_predict(self._model, rows[new])[0]]
        return np.maximum(labels, -1)

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Density-based validity of the clusters that ``predict`` finds in ``X``.

        It needs no labels, so ``GridSearchCV`` can choose ``min_cluster_size`` by it.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        float
            From -1 (nothing found, or clusters that overlap) to 1 (dense clusters far apart). Noise counts against
            it.
        """
        labels = self.predict(X)
        rows = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        sizes = np.bincount(labels + 1)[1:]
        # The definition speaks of clusters with an inside: two rows have none.
        labels = np.where(np.isin(labels, np.flatnonzero(sizes > 2)), labels, -1)
        if len(np.unique(labels[labels >= 0])) < 2:
            return -1.0
        from hdbscan.validity import validity_index

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # equal rows have infinite density, which it means to use
            value = validity_index(rows, _consecutive(labels), metric=self.metric)
        return float(value) if np.isfinite(value) else -1.0


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """New number of each old label, the largest cluster 0; the last entry maps noise to itself."""
    clusters = labels[labels >= 0]
    names, first = np.unique(clusters, return_index=True)
    sizes = np.bincount(clusters, minlength=len(names))
    numbers = np.full(len(names) + 1, -1, dtype=np.int64)
    numbers[np.lexsort((first, -sizes))] = np.arange(len(names))
    return numbers


def _consecutive(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the clusters that occur from 0 without gaps; noise stays -1."""
    names = np.unique(labels[labels >= 0])
    return np.where(labels >= 0, np.searchsorted(names, labels), -1)
