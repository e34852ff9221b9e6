"""ParaphraseMiner: pairs and groups of rows that mean the same."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context
from skko.exceptions import SkkoWarning
from skko.metrics import pair_scores
from skko.progress import ShowProgress
from skko.similarity import PAIR, best_first, join, self_join


class ParaphraseMiner(ClusterMixin, SkkoEstimator):
    """Mine pairs of rows whose cosine reaches a threshold, and the groups they form.

    The search is exact: every pair of rows is compared, in blocks of bounded memory.

    Parameters
    ----------
    threshold : float, default=0.8
        Least cosine of a pair, from -1 to 1.
    top_k : int or None, default=None
        Keep a pair only if one row is among the ``top_k`` nearest of the other. Copies of a row count as one
        neighbour, so that duplicates never crowd out the rest. None keeps every pair above the threshold.
    max_pairs : int or None, default=None
        Keep only so many pairs, the best ones, with a warning that says how many were left out.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Attributes
    ----------
    pairs_ : ndarray with fields i, j and score, shape (n_pairs,)
        Rows ``i < j`` and their cosine, best first, ties by ``i`` and then ``j``.
    labels_ : ndarray of int, shape (n_samples,)
        Group of each row: rows joined by a chain of pairs. Groups are numbered in order of their first row; -1 is a
        row without a pair.
    n_features_in_ : int
        Columns seen in ``fit``.

    See Also
    --------
    make_paraphrase_miner : The same for texts.

    Examples
    --------
    >>> from skko import ParaphraseMiner
    >>> miner = ParaphraseMiner(threshold=0.9).fit([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    >>> miner.pairs_.tolist()
    [(0, 2, 0.995...)]
    >>> miner.labels_
    array([ 0, -1,  0])
    """

    _parameter_constraints = {
        "threshold": [Interval(Real, -1, 1, closed="both")],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "max_pairs": [Interval(Integral, 1, None, closed="left"), None],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        threshold: float = 0.8,
        top_k: int | None = None,
        max_pairs: int | None = None,
        show_progress: ShowProgress = "auto",
    ) -> None:
        self.threshold = threshold
        self.top_k = top_k
        self.max_pairs = max_pairs
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> "ParaphraseMiner":
        """Mine the pairs among rows.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors, such as embeddings of texts.
        y : None
            Ignored.

        Returns
        -------
        ParaphraseMiner
            The fitted miner.

        Warns
        -----
        SkkoWarning
            If ``max_pairs`` left pairs out.
        """
        rows = validate_data(self, X, dtype=[np.float64, np.float32])
        self.pairs_ = self._bounded(self._mine(rows))
        self.labels_ = _groups(self.pairs_, len(rows))
        return self

    def mine(self, X: ArrayLike, Y: ArrayLike) -> NDArray[np.void]:
        """Mine the pairs between two lists, without fitting.

        Parameters
        ----------
        X : array-like of float, shape (n, n_features)
            Vectors.
        Y : array-like of float, shape (m, n_features)
            Vectors.

        Returns
        -------
        ndarray with fields i, j and score, shape (n_pairs,)
            ``i`` a row of ``X`` and ``j`` a row of ``Y``, best first.

        Raises
        ------
        ValueError
            If the lists differ in their number of columns.
        """
        left, right = check_array(X), check_array(Y)
        if left.shape[1] != right.shape[1]:
            raise ValueError(f"X has {left.shape[1]} columns and Y has {right.shape[1]}: they must be the same.")
        first_left, copies_left = _collapse(left)
        first_right, copies_right = _collapse(right)
        pairs = join(left[first_left], right[first_right], self.threshold, show_progress=self.show_progress)
        if self.top_k is not None:
            pairs = pairs[(_rank(pairs["i"]) < self.top_k) | (_rank(pairs["j"]) < self.top_k)]
        return self._bounded(_expand(pairs, copies_left, copies_right))

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Mine the given rows alone and compare with known groups.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors.
        y : array-like of shape (n_samples,)
            Group of each row; -1 is a row without a paraphrase.

        Returns
        -------
        float
            F1 of the pairs.

        Notes
        -----
        In cross-validation keep whole groups together (``GroupKFold`` with ``groups=y``): a group that is cut in two
        leaves nothing to find.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        if len(rows) != len(np.asarray(y)):
            raise ValueError(f"X has {len(rows)} rows and y has {len(np.asarray(y))} groups.")
        return pair_scores(self._mine(rows), y).f1

    def _mine(self, rows: NDArray[Any]) -> NDArray[np.void]:
        """All pairs, copies collapsed before the comparison and expanded after it."""
        first, copies = _collapse(rows)
        pairs = self_join(rows[first], self.threshold, show_progress=self.show_progress)
        if self.top_k is not None:
            pairs = _nearest(pairs, self.top_k)
        return best_first([_expand(pairs, copies, copies), _copy_pairs(rows, copies, self.threshold)])

    def _bounded(self, pairs: NDArray[np.void]) -> NDArray[np.void]:
        if self.max_pairs is None or len(pairs) <= self.max_pairs:
            return pairs
        warnings.warn(
            f"{len(pairs) - self.max_pairs:,} of {len(pairs):,} pairs were left out by max_pairs={self.max_pairs:,}; "
            f"the worst kept has cosine {pairs['score'][self.max_pairs - 1]:.3f}. Raise max_pairs, or the threshold.",
            SkkoWarning,
            stacklevel=3,
        )
        return pairs[: self.max_pairs]


def _collapse(rows: NDArray[Any]) -> tuple[NDArray[np.intp], list[NDArray[np.intp]]]:
    """First row of each set of equal rows, and all rows of each set."""
    position: dict[bytes, int] = {}
    # Adding 0 turns -0.0 into 0.0: equal values, other bytes.
    codes = np.array([position.setdefault(row.tobytes(), len(position)) for row in np.ascontiguousarray(rows + 0)])
    order = np.argsort(codes, kind="stable")
    copies = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return np.array([rows_of_one[0] for rows_of_one in copies]), copies


def _expand(
    pairs: NDArray[np.void], copies_i: list[NDArray[np.intp]], copies_j: list[NDArray[np.intp]]
) -> NDArray[np.void]:
    """Give every copy the pairs of its first, ordered within the pair where both sides are one list."""
    sizes_i, sizes_j = (np.array([len(rows) for rows in copies]) for copies in (copies_i, copies_j))
    n_made = sizes_i[pairs["i"]] * sizes_j[pairs["j"]]
    out = np.empty(int(n_made.sum()), dtype=PAIR)
    out["score"] = np.repeat(pairs["score"], n_made)
    if (n_made == 1).all():
        first_i, first_j = (np.array([rows[0] for rows in copies]) for copies in (copies_i, copies_j))
        out["i"], out["j"] = first_i[pairs["i"]], first_j[pairs["j"]]
    else:
        grids = [np.meshgrid(copies_i[pair["i"]], copies_j[pair["j"]], indexing="ij") for pair in pairs]
        out["i"] = np.concatenate([grid[0].ravel() for grid in grids])
        out["j"] = np.concatenate([grid[1].ravel() for grid in grids])
    if copies_i is copies_j:
        low, high = np.minimum(out["i"], out["j"]), np.maximum(out["i"], out["j"])
        out["i"], out["j"] = low, high
    return best_first([out])


def _copy_pairs(rows: NDArray[Any], copies: list[NDArray[np.intp]], threshold: float) -> NDArray[np.void]:
    """The pairs among equal rows: cosine 1, or 0 where the rows are zero."""
    made = [np.empty(0, dtype=PAIR)]
    for same in copies:
        score = 1.0 if rows[same[0]].any() else 0.0
        if len(same) > 1 and score >= threshold:
            i, j = np.triu_indices(len(same), k=1)
            pairs = np.empty(len(i), dtype=PAIR)
            pairs["i"], pairs["j"], pairs["score"] = same[i], same[j], score
            made.append(pairs)
    return np.concatenate(made)


def _nearest(pairs: NDArray[np.void], k: int) -> NDArray[np.void]:
    """Pairs in which one row is among the k nearest of the other, given pairs best first."""
    ends = np.stack([pairs["i"], pairs["j"]], axis=1).ravel()
    return pairs[(_rank(ends).reshape(-1, 2) < k).any(axis=1)]


def _rank(values: NDArray[np.int64]) -> NDArray[np.intp]:
    """How many equal values stand before each: 0 for its first."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0]) if len(values) else np.empty(0, np.intp)
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.r_[starts, len(values)]))
    return ranks


def _groups(pairs: NDArray[np.void], n_rows: int) -> NDArray[np.int64]:
    """Connected rows, numbered by their first; -1 for a row without a pair."""
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs["i"], pairs["j"])), shape=(n_rows, n_rows))
    _, component = connected_components(graph, directed=False)
    paired = np.zeros(n_rows, dtype=bool)
    paired[pairs["i"]] = paired[pairs["j"]] = True
    labels = np.full(n_rows, -1, dtype=np.int64)
    position: dict[int, int] = {}
    labels[paired] = [position.setdefault(c, len(position)) for c in component[paired].tolist()]
    return labels
