"""UMAP's graph and its layout, in NumPy: nothing to compile, and the same bits for the same seed."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.sparse import csr_matrix

from skko.progress import ShowProgress, progress_bar
from skko.threads import n_threads, one_blas_thread

_BISECTIONS = 40
_NEGATIVES = 5
_EXTENT = 10.0  # of the first layout, as in umap-learn
_STRONGEST = 4.0  # of one repulsion along one axis, as in umap-learn
_NEAR = np.float32(0.001)
_LEAST_ROWS = 4_000  # of a thread: fewer are moved sooner than a thread is woken


def memberships(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the distances of neighbours into weights of which the nearest has 1 and whose sum is log2 of their number.

    Parameters
    ----------
    distances : ndarray of float, shape (n, k)
        Distances, ascending in each row.

    Returns
    -------
    ndarray of float, shape (n, k)
        Weights from 0 to 1: exp(-(d - nearest) / scale), with a scale for each row.
    """
    beyond = distances - distances[:, :1]
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    scale = np.ones(len(beyond))
    # Neighbours that are all as near would shrink the scale to nothing.
    least = 1e-3 * np.where(distances.mean(axis=1) > 0, distances.mean(axis=1), 1)
    for _ in range(_BISECTIONS):
        too_wide = np.exp(-beyond / scale[:, None]).sum(axis=1) > np.log2(beyond.shape[1] + 1)
        high, low = np.where(too_wide, scale, high), np.where(too_wide, low, scale)
        scale = np.where(np.isinf(high), 2 * scale, (low + high) / 2)
        scale = np.clip(scale, least, np.finfo(np.float32).max)
    weights: NDArray[np.float64] = np.exp(-beyond / scale[:, None])
    return weights


def fuzzy_graph(neighbors: NDArray[np.intp], distances: NDArray[np.float64]) -> csr_matrix:
    """Join the neighbourhoods of rows into one symmetric graph.

    Parameters
    ----------
    neighbors : ndarray of int, shape (n, k)
        Neighbours of each row, the nearest first, without itself.
    distances : ndarray of float, shape (n, k)
        Their distances.

    Returns
    -------
    sparse matrix of shape (n, n)
        Weights: w_ij + w_ji - w_ij * w_ji, the fuzzy union.
    """
    n_rows, k = neighbors.shape
    starts = np.arange(0, n_rows * k + 1, k)
    directed = csr_matrix((memberships(distances).ravel(), neighbors.ravel(), starts), shape=(n_rows, n_rows))
    reverse = directed.T.tocsr()
    graph = (directed + reverse - directed.multiply(reverse)).tocsr()
    graph.sort_indices()
    return graph


def principal_axes(X: NDArray[np.float32], n_components: int) -> NDArray[np.float64]:
    """Project rows on their principal axes.

    Parameters
    ----------
    X : ndarray of float, shape (n, dimension)
        Rows.
    n_components : int
        How many axes; those beyond the rank are zero.

    Returns
    -------
    ndarray of float, shape (n, n_components)
        Coordinates.
    """
    centred = X - X.mean(axis=0, dtype=np.float64)
    square = centred.T @ centred
    with one_blas_thread():  # of 256 dimensions: 0.02 s, and 0.1 to 1.6 in two threads beside other work
        _, axes = np.linalg.eigh(square)
    axes = axes[:, ::-1][:, :n_components]
    # An axis may point either way; its largest entry is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    places = np.zeros((len(X), n_components))
    places[:, : axes.shape[1]] = centred @ axes
    return places


def lay_out(
    start: NDArray[np.float64],
    graph: csr_matrix,
    *,
    min_dist: float,
    n_epochs: int,
    rng: np.random.Generator,
    show_progress: ShowProgress = "auto",
) -> NDArray[np.float32]:
    """Move rows until those that the graph joins are near each other and others are not.

    Parameters
    ----------
    start : ndarray of float, shape (n, n_components)
        Where they begin.
    graph : sparse matrix of shape (n, n)
        Symmetric weights.
    min_dist : float
        Least distance that is aimed at.
    n_epochs : int
        Steps.
    rng : numpy.random.Generator
        Decides with whom each row is compared.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.

    Returns
    -------
    ndarray of float32, shape (n, n_components)
        Coordinates.

    Notes
    -----
    The objective is UMAP's, and as there an edge is used in a share of the steps that is its weight. Where umap-learn
    moves one pair after the other, here all rows move at once by the sum of their forces: attraction is one sparse
    product a step, and the random rows that push a row away are few and weighted, as many as umap-learn has in all.
    """
    places = _scaled(start, rng)
    curve = _curve(min_dist)
    springs = _springs(graph, n_epochs, rng)
    bar = progress_bar(n_epochs, "laying out", unit="step", show=show_progress)
    with ThreadPoolExecutor(len(springs)) as pool, bar:
        for epoch in range(n_epochs):
            others = rng.integers(len(places), size=(_NEGATIVES, len(places)))
            forces = list(pool.map(_Springs.force, springs, *map(repeat, (places, epoch, others, curve))))
            places += np.float32(1 - epoch / n_epochs) * np.concatenate(forces)
            bar.update()
    return places


def _springs(graph: csr_matrix, n_epochs: int, rng: np.random.Generator) -> list["_Springs"]:
    """Share the rows among threads; what moves a row does not depend on who computes it."""
    share = (graph.data / graph.data.max(initial=0)).astype(np.float32) if graph.nnz else np.empty(0, np.float32)
    head = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    used = share * n_epochs >= 1
    head, tail, share = head[used], graph.indices[used], share[used]
    due = rng.random(len(share), dtype=np.float32) / share
    n_parts = min(n_threads(), max(1, graph.shape[0] // _LEAST_ROWS))
    bounds = np.linspace(0, graph.shape[0], n_parts + 1).astype(np.intp).tolist()
    cuts = np.searchsorted(head, bounds).tolist()
    parts = zip(pairwise(bounds), pairwise(cuts), strict=True)
    return [
        _Springs(slice(*rows), head[slice(*at)], tail[slice(*at)], share[slice(*at)], due[slice(*at)])
        for rows, at in parts
    ]


class _Springs:
    """The edges of some rows, each used in a share of the steps that is its weight."""

    def __init__(
        self,
        rows: slice,
        head: NDArray[np.intp],
        tail: NDArray[np.intp],
        share: NDArray[np.float32],
        due: NDArray[np.float32],
    ) -> None:
        self._rows, self._head, self._tail = rows, head - rows.start, tail
        # An edge is due each time its share has added up to one more.
        self._wait, self._due = 1 / share, due

    def force(
        self,
        places: NDArray[np.float32],
        epoch: int,
        others: NDArray[np.intp],
        curve: tuple[np.float32, np.float32],
    ) -> NDArray[np.float32]:
        """Add up what pulls and pushes each of the rows in one step."""
        active = np.flatnonzero(self._due <= epoch)
        self._due[active] += self._wait.take(active)
        head, tail, here = self._head.take(active), self._tail.take(active), places[self._rows]
        counts = np.bincount(head, minlength=len(here))
        force = _attraction(places, here, head, tail, counts, curve)
        weights = counts.astype(np.float32)
        for row in others[:, self._rows]:
            force += _repulsion(here, places.take(row, axis=0), weights, curve)
        return force


def _scaled(start: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """The first layout at the extent that the rates are made for; noise parts rows that stand at one place."""
    extent = np.abs(start).max(initial=0)
    places = start * (_EXTENT / extent) if extent > 0 else start
    return (places + rng.normal(scale=1e-4, size=start.shape)).astype(np.float32)


def _curve(min_dist: float) -> tuple[np.float32, np.float32]:
    """The a and b for which 1 / (1 + a d^2b) is nearest to 1 within min_dist and exp(min_dist - d) beyond."""
    distances = np.linspace(0, 3, 300)
    wanted = np.where(distances < min_dist, 1, np.exp(min_dist - distances))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), distances, wanted)
    return np.float32(a), np.float32(b)


def _attraction(
    places: NDArray[np.float32],
    here: NDArray[np.float32],
    head: NDArray[np.intp],
    tail: NDArray[np.intp],
    counts: NDArray[np.intp],
    curve: tuple[np.float32, np.float32],
) -> NDArray[np.float32]:
    a, b = curve
    apart = here.take(head, axis=0)
    apart -= places.take(tail, axis=0)
    squares = _squares(apart)
    power = squares**b
    pull = np.divide(4 * a * b * power, squares * (1 + a * power), out=np.zeros_like(squares), where=squares > 0)
    starts = np.concatenate([[0], np.cumsum(counts)])
    pulled = csr_matrix((pull, tail, starts), shape=(len(here), len(places))) @ places
    total = np.bincount(head, pull, minlength=len(here)).astype(np.float32)
    force: NDArray[np.float32] = pulled - total[:, None] * here
    return force


def _repulsion(
    here: NDArray[np.float32],
    others: NDArray[np.float32],
    counts: NDArray[np.float32],
    curve: tuple[np.float32, np.float32],
) -> NDArray[np.float32]:
    a, b = curve
    apart = here - others
    squares = _squares(apart)
    # Bounded after it is weighted: two rows that happen to meet would be thrown out of the map.
    push = counts * 2 * b / ((_NEAR + squares) * (1 + a * squares**b))
    return np.clip(push[:, None] * apart, -_STRONGEST, _STRONGEST)


def _squares(apart: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", apart, apart)
    return squares
