"""The temperature: one number that makes probabilities as sure as they are right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar

from skko.classification._newton import Link, losses
from skko.similarity import row_digests

_FOLDS = 5
# So many different rows are held out fold by fold; of more, one fold is enough to learn one number.
_FEW = 1_000
_COLDEST, _HOTTEST = np.log(0.01), np.log(100)


def held_out_folds(X: Any, Y: NDArray[np.float32], *, stratify: bool) -> list[NDArray[np.bool_]]:
    """Choose rows to hold out, equal rows together.

    Parameters
    ----------
    X : ndarray or csr matrix of float32, shape (n, n_features)
        Features.
    Y : ndarray of float32, shape (n, n_outputs)
        Ones and zeros.
    stratify : bool
        Whether each fold has the labels in proportion.

    Returns
    -------
    list of ndarray of bool, shape (n,)
        Which rows each fold holds out; none where a label has a single row, or only copies of it.
    """
    keys, copies = np.unique(_digests(X), return_inverse=True)
    # The digest decides the fold: the order of the rows, and how often a row comes, do not.
    first = np.unique(copies, return_index=True)[1]
    labels = np.unique(Y[first], axis=0, return_inverse=True)[1].ravel() if stratify else np.zeros(len(first), int)
    if np.bincount(labels).min() < 2:
        return []
    order = np.argsort(labels, kind="stable")
    within = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    fold = np.empty(len(labels), dtype=np.intp)
    fold[order] = within % _FOLDS
    n_folds = _FOLDS if len(keys) <= _FEW else 1
    held = [fold[copies] == number for number in range(n_folds)]
    return [rows for rows in held if rows.any()]


def best_temperature(scores: NDArray[Any], Y: NDArray[Any], weights: NDArray[Any], link: Link) -> float:
    """Find what scores should be divided by to be most likely.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_outputs)
        Scores of rows that were held out.
    Y : ndarray of float, shape (n, n_outputs)
        Ones and zeros.
    weights : ndarray of float, shape (n,)
        Weight of each row.
    link : {"softmax", "sigmoid"}
        One distribution over all outputs, or each output by itself.

    Returns
    -------
    float
        The temperature, from 0.01 to 100.
    """

    def loss(log_temperature: float) -> float:
        return float(losses(scores / np.exp(log_temperature), Y, link) @ weights)

    found = minimize_scalar(loss, bounds=(_COLDEST, _HOTTEST), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def _digests(X: Any) -> NDArray[Any]:
    """One value a row, equal for equal rows."""
    if not sparse.issparse(X):
        return np.asarray(row_digests(X))
    # A random projection in double precision: equal rows are equal, and different ones differ.
    rng = np.random.default_rng(0)
    return np.asarray(X.astype(np.float64) @ rng.standard_normal(X.shape[1]))
