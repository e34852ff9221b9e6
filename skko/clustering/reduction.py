"""UMAPReducer: a few dimensions in which density means something."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context
from skko.clustering._layout import fuzzy_graph, lay_out, memberships, principal_axes
from skko.similarity import collapse, row_digests, top_k, unit_rows

_SMALL = 10_000  # rows, as in umap-learn, which takes 500 steps and 200


class UMAPReducer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SkkoEstimator):
    """Reduce vectors to a few dimensions with UMAP, by cosine, without a compiler.

    HDBSCAN is slow in a thousand dimensions and finds little there; five dimensions in which neighbours stayed
    neighbours are what it needs.

    Parameters
    ----------
    n_components : int, default=5
        Dimensions to keep: 5 for clustering, 2 for a map.
    n_neighbors : int, default=15
        Neighbours of each row in the graph; fewer show finer groups. Small data get as many as there are.
    min_dist : float, default=0.0
        Least distance between rows in the result; 0 packs groups tight, which suits clustering.
    n_epochs : int or None, default=None
        Steps of the optimisation. None is 200, and 150 of more than 10,000 rows.
    random_state : int, RandomState instance or None, default=None
        Seed. With an int the result repeats bit for bit on one machine, and the global generators are left alone.
    show_progress : bool or "auto", default="auto"
        Whether to show progress bars.

    Attributes
    ----------
    embedding_ : ndarray of float32, shape (n_samples, n_components)
        Coordinates of the training rows.
    n_features_in_ : int
        Columns seen in ``fit``.

    See Also
    --------
    make_topic_clusterer : Uses it as the step ``reduce``.

    Notes
    -----
    Neighbours are exact [1]_. The objective is that of UMAP [2]_, and all rows move at once, so that a step is a few
    operations on whole arrays: as fast as umap-learn's compiled loop, without the half minute of compiling it.
    ``transform`` gives a training row its coordinates of ``fit``, and a new row the mean of its nearest training rows,
    weighted as in UMAP's graph. So it depends on no other row, and repeats. Equal rows share a place.

    References
    ----------
    .. [1] :func:`skko.similarity.top_k`
    .. [2] McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
       2018, https://arxiv.org/abs/1802.03426

    Examples
    --------
    >>> import numpy as np
    >>> from skko.clustering import UMAPReducer
    >>> X = np.random.default_rng(0).normal(size=(50, 16))
    >>> UMAPReducer(n_components=2, random_state=0).fit_transform(X).shape
    (50, 2)
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "min_dist": [Interval(Real, 0, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        n_components: int = 5,
        *,
        n_neighbors: int = 15,
        min_dist: float = 0.0,
        n_epochs: int | None = None,
        random_state: Any = None,
        show_progress: Any = "auto",
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.n_epochs = n_epochs
        self.random_state = random_state
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> "UMAPReducer":
        """Lay out the training rows.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors.
        y : None
            Ignored.

        Returns
        -------
        UMAPReducer
            The fitted reducer.
        """
        rows = unit_rows(validate_data(self, X, dtype=[np.float32, np.float64]))
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        # Copies would fill a row's neighbourhood with itself; they get the place of the first.
        copies = collapse(rows)
        self._rows = rows[copies.first]
        self._places = self._lay_out(self._rows, np.random.default_rng(seed))
        self.embedding_ = self._places[copies.sets]
        self._digests = row_digests(self._rows)
        self._order = np.argsort(self._digests, kind="stable")
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> NDArray[np.float32]:
        """Lay out the training rows and return their coordinates.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors.
        y : None
            Ignored.
        **fit_params : dict
            Ignored; here for scikit-learn's signature.

        Returns
        -------
        ndarray of float32, shape (n_samples, n_components)
            Coordinates.
        """
        coordinates: NDArray[np.float32] = self.fit(X).embedding_.copy()
        return coordinates

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Place rows among the training rows.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.

        Returns
        -------
        ndarray of float32, shape (n, n_components)
            Coordinates; those of ``fit`` for a training row.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=[np.float32, np.float64], ensure_min_samples=0)
        if not len(rows):
            return np.empty((0, self.embedding_.shape[1]), dtype=np.float32)
        neighbors, cosines = top_k(rows, self._rows, self.n_neighbors, show_progress=self.show_progress)
        weights = memberships(1 - cosines.astype(np.float64))
        weights /= weights.sum(axis=1, keepdims=True)
        placed: NDArray[np.float32] = np.einsum("nk,nkd->nd", weights, self._places[neighbors]).astype(np.float32)
        # By value and not by nearest: among rows that are almost equal, rounding decides which is nearest.
        known = self._find(unit_rows(rows))
        placed[known >= 0] = self._places[known[known >= 0]]
        return placed

    def _lay_out(self, rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        start = principal_axes(rows, self.n_components)
        if len(rows) < 2:
            return start.astype(np.float32)
        neighbors, cosines = top_k(rows, rows, self.n_neighbors, show_progress=self.show_progress)
        others, distances = _without_itself(neighbors, 1 - cosines.astype(np.float64))
        return lay_out(
            start,
            fuzzy_graph(others, np.maximum(distances, 0)),
            min_dist=self.min_dist,
            n_epochs=self.n_epochs or (200 if len(rows) <= _SMALL else 150),
            rng=rng,
            show_progress=self.show_progress,
        )

    def _find(self, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        """Training row that equals each row, -1 where none does."""
        at = np.searchsorted(self._digests, row_digests(rows), sorter=self._order)
        found = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where((self._rows[found] == rows).all(axis=1), found, -1)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _without_itself(
    neighbors: NDArray[np.intp], distances: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Drop each row from its own neighbours, or the last one where rows almost equal to it stand before it."""
    itself = neighbors == np.arange(len(neighbors))[:, None]
    itself[~itself.any(axis=1), -1] = True
    shape = (len(neighbors), neighbors.shape[1] - 1)
    return neighbors[~itself].reshape(shape), distances[~itself].reshape(shape)
