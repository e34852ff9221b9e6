"""Regularised logistic regression by truncated Newton steps, on dense and sparse columns side by side."""

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Link = Literal["softmax", "sigmoid"]

# Of the gradient's length. On 20,000 headlines 0.5, 0.2 and one that shrinks took 65, 73 and 114 products.
_INNER_TOLERANCE = 0.3
_MOST_INNER = 200
_MOST_HALVINGS = 30
# C times the sum of weights, above which the steps are preconditioned by a share of the Hessian's diagonal. On 16,000
# headlines: with C=1 108 products and not 49, with C=10 133 and not 223, with C=100 175 and not 588.
_STIFF = 50_000
_DIAGONAL = 0.1


class Columns:
    """A matrix whose full columns are held as an array and whose other columns stay sparse.

    An embedding beside TF-IDF in one sparse matrix makes each product several times as slow as in two.

    Parameters
    ----------
    X : ndarray or sparse matrix of float32 or float64, shape (n, n_features)
        The matrix; all is computed in its precision.
    """

    def __init__(self, X: Any) -> None:
        self.shape, self.dtype = X.shape, X.dtype
        if sparse.issparse(X):
            columns = sparse.csc_array(X)
            full = np.diff(columns.indptr) > X.shape[0] / 2
            self.dense = np.ascontiguousarray(columns[:, full].toarray())
            self.sparse = columns[:, ~full].tocsr()
        else:
            full = np.ones(X.shape[1], dtype=bool)
            self.dense = np.ascontiguousarray(X)
            self.sparse = sparse.csr_array((X.shape[0], 0), dtype=X.dtype)
        self.order = np.concatenate([np.flatnonzero(full), np.flatnonzero(~full)])
        # Rows of the transpose are read one after the other; the transposed view would jump about in the result.
        self._transposed = self.sparse.T.tocsr()

    def dot(self, W: NDArray[Any]) -> NDArray[Any]:
        """Multiply with coefficients, the last row of which is added to every row."""
        n_dense = self.dense.shape[1]
        scores = self.dense @ W[:n_dense]
        if self.sparse.shape[1]:
            scores += self.sparse @ W[n_dense:-1]
        scores += W[-1]
        return np.asarray(scores)

    def back(self, G: NDArray[Any]) -> NDArray[Any]:
        """Multiply the transpose, under which is a row of ones."""
        parts = [self.dense.T @ G]
        if self.sparse.shape[1]:
            parts.append(self._transposed @ G)
        return np.concatenate([*parts, G.sum(axis=0, keepdims=True)])

    def squared(self) -> "Columns":
        """Square every entry, for the diagonal of the Hessian."""
        found = copy(self)
        found.dense, found._transposed = self.dense**2, self._transposed.power(2)
        return found


@dataclass(frozen=True)
class Fit:
    """Coefficients in the order of the columns.

    Attributes
    ----------
    coef : ndarray of float, shape (n_outputs, n_features)
        Coefficients.
    intercept : ndarray of float, shape (n_outputs,)
        Intercepts.
    n_iter : int
        Newton steps taken.
    converged : bool
        Whether the gradient fell below the tolerance, or as far as the precision tells.
    """

    coef: NDArray[Any]
    intercept: NDArray[Any]
    n_iter: int
    converged: bool


def fit_logistic(
    X: Columns,
    Y: NDArray[Any],
    *,
    C: float,
    link: Link,
    weights: NDArray[Any],
    max_iter: int,
    tol: float,
    start: Fit | None = None,
) -> Fit:
    """Minimise ``C * sum(weights * loss) + 0.5 * ||coef||²``.

    Parameters
    ----------
    X : Columns
        Features.
    Y : ndarray of float, shape (n, n_outputs)
        Ones and zeros: one 1 a row for softmax, any number for sigmoid.
    C : float
        Inverse of the penalty.
    link : {"softmax", "sigmoid"}
        One distribution over all outputs, or each output by itself.
    weights : ndarray of float, shape (n,)
        Weight of each row.
    max_iter : int
        Most Newton steps.
    tol : float
        Largest gradient, of the objective divided by C and the sum of weights, that counts as converged.
    start : Fit or None, default=None
        Where to begin; None begins at zero.

    Returns
    -------
    Fit
        The optimum, or where it was after ``max_iter`` steps.
    """
    total = weights.sum(dtype=np.float64)
    share = (weights / total).astype(X.dtype)[:, None]
    Y, penalty = Y.astype(X.dtype, copy=False), X.dtype.type(1 / (C * total))
    W = np.zeros((X.shape[1] + 1, Y.shape[1]), dtype=X.dtype)
    if start is not None:
        W[:-1], W[-1] = start.coef.T[X.order], start.intercept
    scores = X.dot(W)
    value = _loss(scores, Y, share, link)
    squared = X.squared() if C * total > _STIFF else None
    n_iter, converged, largest = 0, False, np.inf
    while True:
        P = probabilities(scores, link)
        gradient = X.back(share * (P - Y))
        gradient[:-1] += penalty * W[:-1]
        before, largest = largest, float(np.abs(gradient).max())
        converged = largest <= tol
        if converged or n_iter == max_iter:
            break
        scale = None if squared is None else _diagonal(squared, P, share, penalty)
        step = _newton_step(X, P, share, penalty, gradient, link, scale)
        slope = float(np.vdot(gradient, step))
        # Where a step gains less than rounding takes, the objective tells nothing any more, and the gradient decides.
        if -slope <= np.finfo(X.dtype).eps * value and largest >= before:
            converged = True
            break
        along = X.dot(step)
        length, found = _line_search(W, step, scores, along, Y, share, penalty, value, slope, link)
        if not length:  # nothing better can be told apart
            converged = True
            break
        W += length * step
        scores += length * along
        value, n_iter = found, n_iter + 1
    coef = np.empty((Y.shape[1], X.shape[1]), dtype=X.dtype)
    coef[:, X.order] = W[:-1].T
    return Fit(coef, W[-1].copy(), n_iter, converged)


def probabilities(scores: NDArray[Any], link: Link) -> NDArray[Any]:
    """Turn scores into probabilities.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_outputs)
        Scores.
    link : {"softmax", "sigmoid"}
        One distribution over all outputs, or each output by itself.

    Returns
    -------
    ndarray of float, shape (n, n_outputs)
        Probabilities.
    """
    if link == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(scores / 2)), dtype=scores.dtype)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def losses(scores: NDArray[Any], Y: NDArray[Any], link: Link) -> NDArray[Any]:
    """Return the negative log likelihood of each row.

    Parameters
    ----------
    scores : ndarray of float, shape (n, n_outputs)
        Scores.
    Y : ndarray of float, shape (n, n_outputs)
        Ones and zeros.
    link : {"softmax", "sigmoid"}
        One distribution over all outputs, or each output by itself.

    Returns
    -------
    ndarray of float, shape (n,)
        Losses.
    """
    if link == "sigmoid":
        return np.asarray((np.logaddexp(0, scores) - scores * Y).sum(axis=1))
    highest = scores.max(axis=1)
    total = np.log(np.exp(scores - highest[:, None]).sum(axis=1)) + highest
    return np.asarray(total - (scores * Y).sum(axis=1))


def _loss(scores: NDArray[Any], Y: NDArray[Any], share: NDArray[Any], link: Link) -> float:
    """Weighted mean of the losses, summed in double precision."""
    return float(np.dot(losses(scores, Y, link), share[:, 0].astype(np.float64)))


def _diagonal(squared: Columns, P: NDArray[Any], share: NDArray[Any], penalty: Any) -> NDArray[Any]:
    """The penalty and a share of the Hessian's diagonal: whole, it would slow steps down where the penalty rules."""
    curvature = squared.back(share * P * (1 - P))
    return np.asarray(curvature * curvature.dtype.type(_DIAGONAL) + penalty)


def _newton_step(
    X: Columns,
    P: NDArray[Any],
    share: NDArray[Any],
    penalty: Any,
    gradient: NDArray[Any],
    link: Link,
    scale: NDArray[Any] | None,
) -> NDArray[Any]:
    """Solve for the Newton step by conjugate gradients, roughly: more steps cost less than exact ones."""

    def curved(V: NDArray[Any]) -> NDArray[Any]:
        moved = X.dot(V)
        if link == "sigmoid":
            moved *= share * P * (1 - P)
        else:
            moved = share * P * (moved - (P * moved).sum(axis=1, keepdims=True))
        out = X.back(moved)
        out[:-1] += penalty * V[:-1]
        return out

    step = np.zeros_like(gradient)
    residual = -gradient
    scaled = residual if scale is None else residual / scale
    direction = scaled.copy()
    square = float(np.vdot(residual, scaled))
    enough = _INNER_TOLERANCE**2 * square
    for _ in range(_MOST_INNER):
        if square <= enough:
            break
        image = curved(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 1e-12 * float(np.vdot(direction, direction)):
            break
        length = X.dtype.type(square / curvature)
        step += length * direction
        residual -= length * image
        scaled = residual if scale is None else residual / scale
        before, square = square, float(np.vdot(residual, scaled))
        direction = scaled + X.dtype.type(square / before) * direction
    return step if step.any() else -gradient


def _line_search(
    W: NDArray[Any],
    step: NDArray[Any],
    scores: NDArray[Any],
    along: NDArray[Any],
    Y: NDArray[Any],
    share: NDArray[Any],
    penalty: Any,
    value: float,
    slope: float,
    link: Link,
) -> tuple[float, float]:
    """Halve the step until the objective falls; scores move in proportion, so that no product is needed."""
    cross = float(penalty) * float(np.vdot(W[:-1], step[:-1]))
    square = float(penalty) * float(np.vdot(step[:-1], step[:-1]))
    length = 1.0
    for _ in range(_MOST_HALVINGS):
        found = _loss(scores + length * along, Y, share, link)
        change = found - value + length * cross + 0.5 * length**2 * square
        if change <= 1e-4 * length * slope:
            return length, found
        length /= 2
    return 0.0, value
