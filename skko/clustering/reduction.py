"""UMAPReducer: a few dimensions in which density means something."""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, fit_context
from skko.similarity import top_k, unit_rows

# torchdr wants 1 < n_neighbors < n - 1
_LEAST_ROWS = 4


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
    n_epochs : int, default=200
        Steps of the optimisation.
    random_state : int, RandomState instance or None, default=None
        Seed. With an int the result repeats bit for bit on one machine, and the global generators are left alone.

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
    The optimisation is TorchDR's [1]_ of the UMAP objective [2]_. ``transform`` gives a training row its coordinates
    of ``fit``, and a new row the mean of its nearest training rows, weighted by a kernel that falls with the distance
    beyond the nearest, as in UMAP's graph. So it depends on no other row, and repeats. Equal rows share a place. Fewer
    than 4 different rows make no graph and get their principal coordinates.

    References
    ----------
    .. [1] TorchDR, https://github.com/TorchDR/TorchDR
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
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 5,
        *,
        n_neighbors: int = 15,
        min_dist: float = 0.0,
        n_epochs: int = 200,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.n_epochs = n_epochs
        self.random_state = random_state

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
        self._rows, copy_of = np.unique(rows, axis=0, return_inverse=True)
        enough = len(self._rows) >= _LEAST_ROWS
        self._places = self._lay_out(self._rows, seed) if enough else self._axes(self._rows)
        self.embedding_ = self._places[copy_of.ravel()]
        self._position = {digest: position for position, digest in enumerate(_digests(self._rows))}
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
        neighbors, cosines = top_k(rows, self._rows, self.n_neighbors, show_progress=False)
        distances = np.sqrt(np.maximum(2 - 2 * cosines, 0))
        beyond = distances - distances[:, :1]
        weights = np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), np.finfo(np.float32).tiny))
        weights /= weights.sum(axis=1, keepdims=True)
        placed: NDArray[np.float32] = np.einsum("nk,nkd->nd", weights, self._places[neighbors]).astype(np.float32)
        # By value and not by nearest: among rows that are almost equal, rounding decides which is nearest.
        positions = np.array([self._position.get(digest, -1) for digest in _digests(unit_rows(rows))])
        placed[positions >= 0] = self._places[positions[positions >= 0]]
        return placed

    def _lay_out(self, rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        n_neighbors = min(self.n_neighbors, len(rows) - 2)
        enough_axes = self.n_components <= min(len(rows), rows.shape[1])
        with _generators_restored():
            umap = _umap_class()(
                n_components=self.n_components,
                n_neighbors=n_neighbors,
                min_dist=self.min_dist,
                max_iter=self.n_epochs,
                init="pca" if enough_axes else "normal",
                random_state=seed,
                backend=None,
                device="cpu",
            )
            return np.asarray(umap.fit_transform(rows), dtype=np.float32)

    def _axes(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Principal coordinates of a few rows, which are too few for a graph."""
        centred = rows - rows.mean(axis=0)
        left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
        places = np.zeros((len(rows), self.n_components), dtype=np.float32)
        width = min(self.n_components, len(lengths))
        places[:, :width] = (left * lengths)[:, :width]
        return places

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _digests(rows: NDArray[np.float32]) -> list[bytes]:
    """What stands for each row in a dictionary; adding 0 turns -0.0 into 0.0, which equals it."""
    return [blake2b(row, digest_size=16).digest() for row in rows + 0]


def _umap_class() -> Any:
    with warnings.catch_warnings():
        # torchdr recommends FAISS on import; the neighbours here are exact and need none.
        warnings.simplefilter("ignore", ImportWarning)
        from torchdr import UMAP
    return UMAP


@contextmanager
def _generators_restored() -> Iterator[None]:
    """Give the global generators back as they were: torchdr seeds Python's, NumPy's and torch's."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
