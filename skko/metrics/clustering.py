"""Metrics of clusters that need no labels, and of the words of topics."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.spatial.distance import cdist

_EPSILON = 1e-12  # added to the probability of a pair, as in gensim
_CELLS = 1 << 22  # of what is held at once
_CLOSE = 1e-5  # relative difference of distances that count as equal, as in hdbscan's validity
_NAMES = {"euclidean": "euclidean", "manhattan": "cityblock", "chebyshev": "chebyshev"}


def density_validity(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> float:
    """Density-based validity of clusters, which needs no true labels.

    Parameters
    ----------
    X : array-like of float, shape (n_samples, n_features)
        Rows.
    labels : array-like of int, shape (n_samples,)
        Cluster of each row, -1 for noise. Clusters of one or two rows have no inside and count as noise.
    metric : {"euclidean", "manhattan", "chebyshev"}, default="euclidean"
        Distance.

    Returns
    -------
    float
        From -1 (fewer than two clusters, or clusters that overlap) to 1 (dense clusters far apart), each cluster
        weighted by its size. Noise counts against it.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, or the metric is unknown.

    Notes
    -----
    The index is that of [1]_ and the figure that of ``hdbscan.validity.validity_index``, whose memory grows with the
    square of the largest cluster; here it is bounded. The time grows with the square of the rows in clusters.

    References
    ----------
    .. [1] Moulavi et al., "Density-Based Clustering Validation", 2014.

    Examples
    --------
    >>> from skko.metrics import density_validity
    >>> X = [[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]
    >>> round(density_validity(X, [0, 0, 0, 1, 1, 1]), 3)
    0.985
    >>> density_validity(X, [0, 0, 0, 0, 0, 0])
    -1.0
    """
    rows, names = np.asarray(X, dtype=np.float64), np.asarray(labels)
    if rows.ndim != 2 or names.shape != (len(rows),):
        raise ValueError(f"X {rows.shape} and labels {names.shape} must be (n_samples, n_features) and (n_samples,).")
    if metric not in _NAMES:
        raise ValueError(f"metric must be one of {sorted(_NAMES)}, got {metric!r}.")
    found, sizes = np.unique(names[names >= 0], return_counts=True)
    clusters = [rows[names == name] for name, size in zip(found, sizes, strict=True) if size > 2]
    if len(clusters) < 2:
        return -1.0
    inner, cores, sparseness = [], [], np.zeros(len(clusters))
    for i, cluster in enumerate(clusters):
        core = _core_distances(cluster, metric)
        inside, sparseness[i] = _spanning_tree(cluster, core, metric)
        inner.append(cluster[inside])
        cores.append(core[inside])
    separation = _separations(inner, cores, metric)
    largest = np.maximum(separation, sparseness)
    validity = np.divide(separation - sparseness, largest, out=np.zeros(len(clusters)), where=largest > 0)
    return float(validity @ [len(cluster) for cluster in clusters] / len(rows))


def topic_coherence(
    topics: Sequence[Sequence[str]], documents: Sequence[Sequence[str]], *, window: int | None = 10
) -> NDArray[np.float64]:
    """Measure how often the words of each topic stand together: mean normalised pointwise mutual information.

    Parameters
    ----------
    topics : sequence of sequence of str
        Words of each topic.
    documents : sequence of sequence of str
        Texts as words, such as ``skko.text.tokenise`` gives.
    window : int or None, default=10
        Words that stand together are at most this far apart, counting both; None takes whole texts.

    Returns
    -------
    ndarray of float, shape (n_topics,)
        From -1 (never together) over 0 (as chance has it) to 1 (always together); NaN for a topic of fewer than two
        words.

    Raises
    ------
    ValueError
        If the window is less than 1, or there are no documents.

    Notes
    -----
    That of [1]_ as ``gensim.models.CoherenceModel(coherence="c_npmi")`` computes it, but that gensim drops a word that
    leaves the window even while it stands in it a second time. The figures depend on what is counted as a word: compare
    only topics measured on the same documents.

    References
    ----------
    .. [1] Röder, Both and Hinneburg, "Exploring the Space of Topic Coherence Measures", 2015.

    Examples
    --------
    >>> from skko.metrics import topic_coherence
    >>> documents = [["배송", "택배"], ["배송", "택배"], ["결제", "카드"], ["결제", "배송"]]
    >>> topic_coherence([["배송", "택배"], ["카드", "택배"]], documents).round(3).tolist()
    [0.415, -0.9...]
    """
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1 or None, got {window}.")
    if not len(documents):
        raise ValueError("There are no documents to count words in.")
    words = {word: column for column, word in enumerate(dict.fromkeys(word for topic in topics for word in topic))}
    together, n_windows = _counts(documents, words, window)
    alone = together.diagonal() / n_windows
    out = np.full(len(topics), np.nan)
    for i, topic in enumerate(topics):
        columns = np.array([words[word] for word in dict.fromkeys(topic)], dtype=np.intp)
        if len(columns) < 2:
            continue
        left, right = np.triu_indices(len(columns), k=1)
        left, right = columns[left], columns[right]
        pair = np.asarray(together[left, right]).ravel() / n_windows
        chance = alone[left] * alone[right]
        likely = np.log(np.where(chance > 0, (pair + _EPSILON) / np.where(chance > 0, chance, 1), _EPSILON))
        always = pair >= 1  # the logarithm of certainty is 0, and what is always together is so to the full
        out[i] = np.where(
            always, 1, likely / np.where(always, 1, -np.log(np.minimum(pair, 1 - 1e-15) + _EPSILON))
        ).mean()
    return out


def topic_diversity(topics: Sequence[Sequence[str]]) -> float:
    """Share of different words among the words of all topics.

    Parameters
    ----------
    topics : sequence of sequence of str
        Words of each topic.

    Returns
    -------
    float
        From 0 to 1; 1 if no word is in two topics, 0 if there are no words.

    Notes
    -----
    Dieng, Ruiz and Blei, "Topic Modeling in Embedding Spaces", 2020.

    Examples
    --------
    >>> from skko.metrics import topic_diversity
    >>> topic_diversity([["배송", "택배"], ["배송", "결제"]])
    0.75
    """
    words = [word for topic in topics for word in topic]
    return len(set(words)) / len(words) if words else 0.0


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, n_columns))
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def _core_distances(rows: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    """Mean density around each row, as a distance: the power mean of all distances, copies left out."""
    dimension = rows.shape[1]
    core = np.zeros(len(rows))
    for part in _blocks(len(rows), len(rows)):
        distances = cdist(rows[part], rows, _NAMES[metric])
        density = np.divide(1, distances, out=np.zeros_like(distances), where=distances > 0)
        with np.errstate(over="ignore"):
            core[part] = (density**dimension).sum(axis=1) / (len(rows) - 1)
    with np.errstate(divide="ignore"):
        return core ** (-1 / dimension) if core.any() else core


def _spanning_tree(rows: NDArray[np.float64], core: NDArray[np.float64], metric: str) -> tuple[NDArray[np.intp], float]:
    """Rows inside the minimum spanning tree by mutual reachability, and the longest edge between two of them."""
    n_rows = len(rows)
    reached = np.zeros(n_rows, dtype=bool)
    shortest = np.full(n_rows, np.inf)
    edges, lengths = np.zeros((n_rows - 1, 2), dtype=np.intp), np.zeros(n_rows - 1)
    newest, reach = 0, _reach(rows, core, 0, metric)
    for step in range(n_rows - 1):
        reached[newest] = True
        shortest = np.where(reached, np.inf, np.minimum(shortest, reach))
        newest = int(shortest.argmin())
        reach = _reach(rows, core, newest, metric)
        # Many edges are as long, as the core distance of a row is in all of them: the first row decides.
        length = shortest[newest]
        with np.errstate(invalid="ignore"):
            same = np.abs(reach - length) <= 1e-8 + _CLOSE * abs(length)
        edges[step] = np.flatnonzero(reached & (same | (reach == length)))[0], newest
        lengths[step] = length
    degree = np.bincount(edges.ravel(), minlength=n_rows)
    inside = np.flatnonzero(degree > 1)
    inner = (degree[edges] > 1).all(axis=1)
    return inside, float(lengths[inner].max() if inner.any() else lengths.max())


def _reach(rows: NDArray[np.float64], core: NDArray[np.float64], row: int, metric: str) -> NDArray[np.float64]:
    distances = cdist(rows[row : row + 1], rows, _NAMES[metric])[0]
    reach: NDArray[np.float64] = np.maximum(np.maximum(distances, core), core[row])
    return reach


def _separations(
    inner: list[NDArray[np.float64]], cores: list[NDArray[np.float64]], metric: str
) -> NDArray[np.float64]:
    """Least mutual reachability between the inside of each cluster and that of any other."""
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in inner])])
    rows, core = np.concatenate(inner), np.concatenate(cores)
    out = np.full(len(inner), np.inf)
    for i in range(len(inner)):
        # Every pair of clusters once: those before have met this one.
        after = slice(starts[i + 1], len(rows))
        nearest = np.full(len(rows) - starts[i + 1], np.inf)
        for part in _blocks(len(inner[i]), len(nearest)) if len(nearest) else ():
            reach = cdist(inner[i][part], rows[after], _NAMES[metric])
            np.maximum(reach, core[after], out=reach)
            np.maximum(reach, cores[i][part][:, None], out=reach)
            np.minimum(nearest, reach.min(axis=0), out=nearest)
        if len(nearest):
            by_cluster = np.minimum.reduceat(nearest, starts[i + 1 : -1] - starts[i + 1])
            out[i] = min(out[i], by_cluster.min())
            out[i + 1 :] = np.minimum(out[i + 1 :], by_cluster)
    return out


def _counts(documents: Sequence[Sequence[str]], words: dict[str, int], window: int | None) -> tuple[csr_matrix, int]:
    """In how many windows each two words stand together, and how many windows there are."""
    together = csr_matrix((len(words), len(words)), dtype=np.int64)
    n_windows = 0
    at: list[int] = []
    column: list[int] = []
    for document in documents:
        width = min(window or len(document), len(document)) or 1
        last = n_windows + len(document) - width if len(document) else n_windows
        for place, word in enumerate(document):
            found = words.get(word)
            if found is None:
                continue
            first = max(n_windows, n_windows + place - width + 1)
            until = min(last, n_windows + place) + 1
            at.extend(range(first, until))
            column.extend([found] * (until - first))
        n_windows = last + 1
        if len(at) > _CELLS:
            together = together + _products(at, column, len(words))
            at, column = [], []
    return together + _products(at, column, len(words)), n_windows


def _products(at: list[int], column: list[int], n_words: int) -> csr_matrix:
    if not at:
        return csr_matrix((n_words, n_words), dtype=np.int64)
    window = np.asarray(at) - min(at)
    entries = coo_matrix((np.ones(len(window), dtype=np.int64), (window, column)), shape=(window.max() + 1, n_words))
    seen = entries.tocsr()
    seen.data[:] = 1  # a word that stands twice in a window is in it once
    return seen.T @ seen
