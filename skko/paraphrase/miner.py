"""ParaphraseMiner: pairs and groups of rows that mean the same."""

import warnings
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from skko.base import Interval, SkkoEstimator, StrOptions, fit_context
from skko.exceptions import SkkoWarning
from skko.metrics import group_codes, pair_scores
from skko.paraphrase.groups import communities, components
from skko.paraphrase.neighbors import pairs_between, pairs_within
from skko.paraphrase.overlap import lexical_overlap
from skko.paraphrase.threshold import threshold_from_groups, threshold_from_pairs
from skko.progress import ShowProgress
from skko.similarity import row_digests
from skko.validation import check_texts

_GROUPINGS = {"components": components, "communities": communities}


class ParaphraseMiner(ClusterMixin, SkkoEstimator):
    """Mine pairs of rows whose cosine reaches a threshold, and the groups they form.

    The search is exact: every pair of rows is compared, in tiles of bounded memory.

    Parameters
    ----------
    threshold : float, "auto" or None, default=0.8
        Least cosine of a pair, from -1 to 1. ``"auto"`` learns it in ``fit(X, y)``. None is no threshold, and needs
        ``top_k``.
    top_k : int or None, default=None
        Keep a pair only if one row is among the ``top_k`` nearest of the other. Copies of a row count as one
        neighbour, so that duplicates never crowd out the rest. None keeps every pair above the threshold.
    max_pairs : int or None, default=None
        Keep only so many pairs, the best ones, with a warning that says how many were left out.
    precision : float or None, default=None
        What ``threshold="auto"`` looks for: None the best F1, a number the most pairs at this precision.
    grouping : {"components", "communities"}, default="components"
        Groups are rows joined by a chain of pairs, or rows that are each a pair with the centre of their group, so
        that they do not chain.
    scoring : {"f1", "average_precision"}, default="f1"
        What ``score`` returns.
    device : str, default="auto"
        Where rows are compared: ``"cpu"``, or a device of torch such as ``"cuda"``; ``"auto"`` is the setting
        ``device``, and takes a GPU only where the work is worth it. The pairs are the same.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Attributes
    ----------
    pairs_ : ndarray with fields i, j and score, shape (n_pairs,)
        Rows ``i < j`` and their cosine, best first, ties by ``i`` and then ``j``.
    labels_ : ndarray of int, shape (n_samples,)
        Group of each row, numbered in order of their first row; -1 is a row without a group.
    threshold_ : float
        The threshold in force: as given or learned; -1 if there is none.
    n_features_in_ : int
        Columns seen in ``fit``.

    See Also
    --------
    make_paraphrase_miner : The same for texts.

    Notes
    -----
    To choose parameters by ``GridSearchCV``, keep whole groups together: ``cv=GroupKFold(5)`` and
    ``fit(X, y, groups=y)``. A fold is mined alone, and a group that is cut in two leaves nothing to find.

    Examples
    --------
    >>> from skko import ParaphraseMiner
    >>> miner = ParaphraseMiner(threshold=0.9).fit([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    >>> miner.pairs_.tolist()
    [(0, 2, 0.995...)]
    >>> miner.labels_
    array([ 0, -1,  0])
    >>> miner = ParaphraseMiner(threshold="auto").fit([[1.0, 0.0], [0.0, 1.0], [1.0, 0.9]], y=[0, 1, 0])
    >>> round(miner.threshold_, 3), len(miner.pairs_)
    (0.706, 1)
    """

    _parameter_constraints = {
        "threshold": [Interval(Real, -1, 1, closed="both"), StrOptions({"auto"}), None],
        "top_k": [Interval(Integral, 1, None, closed="left"), None],
        "max_pairs": [Interval(Integral, 1, None, closed="left"), None],
        "precision": [Interval(Real, 0, 1, closed="right"), None],
        "grouping": [StrOptions(set(_GROUPINGS))],
        "scoring": [StrOptions({"f1", "average_precision"})],
        "device": [str],
        "show_progress": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        threshold: float | Literal["auto"] | None = 0.8,
        top_k: int | None = None,
        max_pairs: int | None = None,
        precision: float | None = None,
        grouping: Literal["components", "communities"] = "components",
        scoring: Literal["f1", "average_precision"] = "f1",
        device: str = "auto",
        show_progress: ShowProgress = "auto",
    ) -> None:
        self.threshold = threshold
        self.top_k = top_k
        self.max_pairs = max_pairs
        self.precision = precision
        self.grouping = grouping
        self.scoring = scoring
        self.device = device
        self.show_progress = show_progress

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> "ParaphraseMiner":
        """Mine the pairs among rows.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors, such as embeddings of texts.
        y : array-like of shape (n_samples,) or (n_pairs, 3), or None, default=None
            What ``threshold="auto"`` learns from: the group of each row, where -1 is a row without a paraphrase; or
            judged pairs, as two rows of ``X`` and whether they are paraphrases (1 or 0). Needed for nothing else.

        Returns
        -------
        ParaphraseMiner
            The fitted miner.

        Raises
        ------
        ValueError
            If ``threshold="auto"`` and ``y`` is missing or has no true pair, or there is neither threshold nor
            ``top_k``.

        Warns
        -----
        SkkoWarning
            If ``max_pairs`` left pairs out, or no threshold has the wanted precision.
        """
        rows = validate_data(self, X, dtype=[np.float64, np.float32])
        self.threshold_ = self._learned(rows, y) if self.threshold == "auto" else self._given()
        self.pairs_ = self._bounded(self._mine(rows, self.threshold_))
        self.labels_ = _GROUPINGS[self.grouping](self.pairs_, len(rows))
        self._seen = None if y is None or np.ndim(y) != 1 else (row_digests(rows), np.unique(np.asarray(y)))
        return self

    def fit_predict(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.int64]:
        """Mine the pairs among rows and return their groups.

        Parameters
        ----------
        X : array-like of float, shape (n_samples, n_features)
            Vectors.
        y : array-like or None, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of int, shape (n_samples,)
            Group of each row; -1 is a row without a group.
        """
        labels: NDArray[np.int64] = self.fit(X, y).labels_
        return labels

    def mine(self, X: ArrayLike, Y: ArrayLike) -> NDArray[np.void]:
        """Mine the pairs between two lists, without fitting unless the threshold is learned.

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
        if self.threshold == "auto":
            check_is_fitted(self, msg='threshold="auto" is learned in fit(X, y): fit the miner first.')
        threshold = self.threshold_ if self.threshold == "auto" else self._given()
        options: dict[str, Any] = {"device": self.device, "show_progress": self.show_progress}
        return self._bounded(pairs_between(left, right, threshold, self.top_k, **options))

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
            F1 or average precision of the pairs, as ``scoring`` says. ``max_pairs`` does not count here.

        Warns
        -----
        SkkoWarning
            If every group of ``y`` is split between these rows and other ones that were fitted.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        groups = np.asarray(y)
        if len(rows) != len(groups):
            raise ValueError(f"X has {len(rows)} rows and y has {len(groups)} groups.")
        self._warn_of_split_groups(rows, groups)
        scores = pair_scores(self._mine(rows, self.threshold_), groups)
        return scores.f1 if self.scoring == "f1" else scores.average_precision

    def to_frame(self, texts: Any = None, *, max_overlap: float | None = None) -> pd.DataFrame:
        """Make a table of the pairs.

        Parameters
        ----------
        texts : array-like of str, shape (n_samples,), or None, default=None
            The texts that the rows are vectors of.
        max_overlap : float or None, default=None
            Leave out near-copies: pairs of texts that share more of their letters than this, from 0 to 1, as
            :func:`~skko.paraphrase.lexical_overlap` measures it. None keeps them.

        Returns
        -------
        pandas.DataFrame
            Columns ``i``, ``j`` and ``score``, best first; with texts also ``text_i``, ``text_j`` and ``overlap``.

        Raises
        ------
        ValueError
            If there is not one text for each row, or ``max_overlap`` is given without texts.
        """
        check_is_fitted(self)
        table = pd.DataFrame({name: self.pairs_[name] for name in ("i", "j", "score")})
        if texts is None:
            if max_overlap is not None:
                raise ValueError("max_overlap compares the letters of texts: pass the texts too.")
            return table
        rows = check_texts(texts, name="texts")
        if len(rows) != len(self.labels_):
            raise ValueError(f"There are {len(rows)} texts and {len(self.labels_)} rows were fitted.")
        for side in ("i", "j"):
            table[f"text_{side}"] = [rows[row] for row in self.pairs_[side]]
        table["overlap"] = lexical_overlap(rows, self.pairs_)
        return table if max_overlap is None else table[table["overlap"] <= max_overlap].reset_index(drop=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.threshold == "auto"
        return tags

    def _given(self) -> float:
        if self.threshold is None and self.top_k is None:
            raise ValueError("threshold=None keeps every pair there is: set top_k, or a threshold.")
        return -1.0 if self.threshold is None else float(self.threshold)

    def _learned(self, rows: NDArray[Any], y: ArrayLike | None) -> float:
        if y is None:
            raise ValueError('threshold="auto" requires y to be passed, but the target y is None.')
        target = np.asarray(y)
        if target.ndim == 2 and target.shape[1] == 3:
            found = threshold_from_pairs(rows, target, precision=self.precision)
        else:
            target = target.ravel()
            check_consistent_length(rows, target)
            found = threshold_from_groups(rows, target, lambda t: self._mine(rows, t), precision=self.precision)
        if self.precision is not None and found.precision < self.precision:
            warnings.warn(
                f"No threshold has a precision of {self.precision:.3f}; the best, {found.precision:.3f}, is reached at "
                f"{found.threshold:.3f}, which is used.",
                SkkoWarning,
                stacklevel=4,
            )
        return found.threshold

    def _mine(self, rows: NDArray[Any], threshold: float) -> NDArray[np.void]:
        return pairs_within(rows, threshold, self.top_k, device=self.device, show_progress=self.show_progress)

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

    def _warn_of_split_groups(self, rows: NDArray[Any], groups: NDArray[Any]) -> None:
        """Warn where these rows are new and all their groups are not."""
        if self._seen is None:
            return
        digests, fitted = self._seen
        named = groups[group_codes(groups) >= 0]
        if len(named) and np.isin(named, fitted).all() and np.isin(row_digests(rows), digests).mean() < 0.5:
            warnings.warn(
                "Every group of y was fitted with other rows than these: the folds cut each group, and what was cut "
                "cannot be found. Keep groups together, e.g. cv=GroupKFold(5) with groups=y.",
                SkkoWarning,
                stacklevel=3,
            )
