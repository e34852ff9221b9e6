"""HDBSCANClusterer: density clusters as a scikit-learn estimator with predict and score."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context
from skko.clustering._density import density_tree, nearest_exemplars
from skko.metrics.clustering import density_validity
from skko.similarity import row_digests

_METRICS = {"euclidean", "manhattan", "chebyshev"}


class HDBSCANClusterer(ClusterMixin, SkkoEstimator):
    """Clusters of high density, any number of them, with the rest left as noise.

    Parameters
    ----------
    min_cluster_size : int, default=5
        Fewest rows that make a cluster.
    min_samples : int or None, default=None
        Neighbours that a row in the core of a cluster has; larger leaves more noise. None is ``min_cluster_size``.
    max_cluster_size : int or None, default=None
        Most rows of a cluster; a larger one is split where it can be.
    cluster_selection_epsilon : float, default=0.0
        Clusters nearer to each other than this are one.
    cluster_selection_persistence : float, default=0.0
        Clusters that persist over a smaller range of densities are not told apart.
    cluster_selection_method : {"eom", "leaf"}, default="eom"
        ``"eom"`` keeps the most persistent clusters, ``"leaf"`` the finest.
    alpha : float, default=1.0
        Distances are divided by it while clusters are linked.
    metric : {"euclidean", "manhattan", "chebyshev"}, default="euclidean"
        Distance. For cosine, scale rows to unit length and use ``"euclidean"``.
    allow_single_cluster : bool, default=False
        Whether all rows may be one cluster.
    noise_policy : {"keep", "nearest"} or float, default="keep"
        What becomes of rows in no cluster: ``"keep"`` leaves them -1, ``"nearest"`` gives them to the cluster with the
        nearest exemplar, and a number does so where their memberships add up to at least that.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_samples,)
        Cluster of each row, -1 for noise. Clusters are numbered by size, the largest first, ties by their first row.
    probabilities_ : ndarray of float64, shape (n_samples,)
        How firmly each row belongs to its cluster, from 0 to 1.
    exemplars_ : list of ndarray of float, shape (n_exemplars, n_features)
        The rows at the densest places of each cluster.
    exemplar_indices_ : list of ndarray of int
        Which rows of ``X`` these are.
    n_clusters_ : int
        Number of clusters.
    n_features_in_ : int
        Columns seen in ``fit``.

    See Also
    --------
    make_topic_clusterer : Topics of texts, with this as its last step.

    Notes
    -----
    The algorithm is that of [1]_ as the library hdbscan implements it; ``predict`` places a new row as its
    ``approximate_predict`` does, for all rows at once. ``score`` is density-based validity [2]_.

    The membership of a row in a cluster falls with its distance from the cluster's nearest exemplar. A row with label c
    and probability p has p in c and shares 1 - p among all clusters by the inverse of those distances, c getting the
    largest part. A row of noise shares r / (r + d), where d is its distance from the nearest cluster and r that
    cluster's radius, the largest such distance of its own rows, or core distance; what is missing to 1 is noise.

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
        "max_cluster_size": [Interval(Integral, 2, None, closed="left"), None],
        "cluster_selection_epsilon": [Interval(Real, 0, None, closed="left")],
        "cluster_selection_persistence": [Interval(Real, 0, None, closed="left")],
        "cluster_selection_method": [StrOptions({"eom", "leaf"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "metric": [StrOptions(_METRICS)],
        "allow_single_cluster": ["boolean"],
        "noise_policy": [StrOptions({"keep", "nearest"}), Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        *,
        min_cluster_size: int = 5,
        min_samples: int | None = None,
        max_cluster_size: int | None = None,
        cluster_selection_epsilon: float = 0.0,
        cluster_selection_persistence: float = 0.0,
        cluster_selection_method: str = "eom",
        alpha: float = 1.0,
        metric: str = "euclidean",
        allow_single_cluster: bool = False,
        noise_policy: str | float = "keep",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.max_cluster_size = max_cluster_size
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.cluster_selection_persistence = cluster_selection_persistence
        self.cluster_selection_method = cluster_selection_method
        self.alpha = alpha
        self.metric = metric
        self.allow_single_cluster = allow_single_cluster
        self.noise_policy = noise_policy

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
        # The library fails where there are fewer rows than this.
        min_samples = min(self.min_samples or self.min_cluster_size, len(rows) - 1)
        model = hdbscan.HDBSCAN(
            min_cluster_size=self.min_cluster_size,
            min_samples=min_samples,
            max_cluster_size=self.max_cluster_size or 0,
            cluster_selection_epsilon=float(self.cluster_selection_epsilon),
            cluster_selection_persistence=float(self.cluster_selection_persistence),
            cluster_selection_method=self.cluster_selection_method,
            alpha=float(self.alpha),
            metric=self.metric,
            allow_single_cluster=self.allow_single_cluster,
            core_dist_n_jobs=1,  # a few seconds of work, against the start of processes
        ).fit(rows)
        found = model.labels_.astype(np.int64)
        self._tree = density_tree(
            model.condensed_tree_._raw_tree, found, rows, min_samples=min_samples, metric=self.metric
        )
        indices = self._tree.exemplars()
        self._set_clusters(found, model.probabilities_.copy(), rows, indices)
        # A training row keeps its label in predict; placing it as a new one may move it.
        self._digests = row_digests(rows)
        self._order = np.argsort(self._digests, kind="stable")
        return self

    def _set_clusters(
        self,
        found: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        rows: NDArray[np.float64],
        indices: list[NDArray[np.int64]],
    ) -> None:
        """Give noise away, number the clusters by size, and keep what their membership needs."""
        exemplars = [rows[index] for index in indices]
        self._radii = np.zeros(len(exemplars))
        for cluster, ends in enumerate(exemplars):
            members = np.flatnonzero(found == cluster)
            apart = nearest_exemplars(rows[members], [ends], self.metric)[:, 0]
            # Where every row is an exemplar none is away from one: a cluster reaches as far as neighbourhoods do.
            self._radii[cluster] = np.maximum(apart, self._tree.core[members]).max()
        self.exemplars_ = exemplars
        labels, probabilities = self._without_noise(rows, found, probabilities)
        self._numbers = by_size(labels, len(exemplars))
        order = np.argsort(self._numbers[:-1])
        self.exemplars_ = [exemplars[cluster] for cluster in order]
        self.exemplar_indices_ = [indices[cluster] for cluster in order]
        self._radii = self._radii[order]
        self.labels_ = self._numbers[labels]
        self.probabilities_ = probabilities
        self.n_clusters_ = len(exemplars)

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
        return self._assign(self._check(X))[0]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Membership of rows in every cluster.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Rows.

        Returns
        -------
        ndarray of float, shape (n, n_clusters)
            Memberships. The largest of a row is that of its label in ``predict``; what is missing to 1 is noise.
        """
        rows = self._check(X)
        labels, probabilities = self._assign(rows)
        shares = self._shares(rows)
        if not self.n_clusters_:
            return shares
        inside = np.flatnonzero(labels >= 0)
        at = labels[inside]
        # What other clusters are nearer than its own gives its place to it.
        nearest = shares[inside].argmax(axis=1)
        largest, own = shares[inside, nearest].copy(), shares[inside, at].copy()
        shares[inside, nearest], shares[inside, at] = own, largest
        shares[inside] *= (1 - probabilities[inside])[:, None]
        shares[inside, at] += probabilities[inside]
        outside = np.flatnonzero(labels < 0)
        shares[outside] *= self._belonging(rows[outside])[:, None]
        return shares

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
        rows = self._check(X)
        return density_validity(rows, self._assign(rows)[0], metric=self.metric)

    def _check(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        rows: NDArray[np.float64] = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        return rows

    def _assign(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Label and probability of each row, after the noise policy."""
        labels, probabilities = self._place(rows)
        return self._without_noise(rows, labels, probabilities)

    def _place(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Label and probability of each row: those of fit for a training row."""
        at = np.searchsorted(self._digests, row_digests(rows), sorter=self._order)
        known = self._order[np.minimum(at, len(self._order) - 1)]
        labels, probabilities = self.labels_[known], self.probabilities_[known]
        new = np.flatnonzero((self._tree.rows[known] != rows).any(axis=1))
        found, probabilities[new] = self._tree.assign(rows[new])
        labels[new] = self._numbers[found]
        return labels, probabilities

    def _without_noise(
        self, rows: NDArray[np.float64], labels: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give rows of noise to clusters, as far as the policy says so."""
        outside = np.flatnonzero(labels < 0)
        if self.noise_policy == "keep" or not len(self.exemplars_) or not len(outside):
            return labels, probabilities
        nearest, belonging = self._shares(rows[outside]).argmax(axis=1), self._belonging(rows[outside])
        least = 0.0 if isinstance(self.noise_policy, str) else self.noise_policy  # of "nearest", nothing is too far
        given = belonging >= least
        labels, probabilities = labels.copy(), probabilities.copy()
        labels[outside[given]], probabilities[outside[given]] = nearest[given], belonging[given]
        return labels, probabilities

    def _shares(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse distances from the clusters, as shares of 1."""
        distances = nearest_exemplars(rows, self.exemplars_, self.metric)
        closeness = 1 / np.maximum(distances, np.finfo(np.float64).tiny ** 0.5)
        shares: NDArray[np.float64] = closeness / np.maximum(closeness.sum(axis=1, keepdims=True), 1e-300)
        return shares

    def _belonging(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much of a row of noise is in any cluster."""
        if not len(self._radii):
            return np.zeros(len(rows))
        distances = nearest_exemplars(rows, self.exemplars_, self.metric)
        radii = self._radii[distances.argmin(axis=1)]
        total = radii + distances.min(axis=1)
        share: NDArray[np.float64] = np.divide(radii, total, out=np.zeros(len(rows)), where=total > 0)
        return share


def by_size(labels: NDArray[np.int64], n_clusters: int) -> NDArray[np.int64]:
    """Number clusters by size, the largest 0, ties by their first row.

    Parameters
    ----------
    labels : ndarray of int, shape (n_samples,)
        Old numbers from 0, -1 for noise.
    n_clusters : int
        How many there are; those without rows come last.

    Returns
    -------
    ndarray of int, shape (n_clusters + 1,)
        New number of each old one; the last entry maps noise to itself.
    """
    clusters = labels[labels >= 0]
    first = np.full(n_clusters, len(labels))
    np.minimum.at(first, clusters, np.flatnonzero(labels >= 0))
    numbers = np.full(n_clusters + 1, -1, dtype=np.int64)
    numbers[np.lexsort((first, -np.bincount(clusters, minlength=n_clusters)))] = np.arange(n_clusters)
    return numbers
