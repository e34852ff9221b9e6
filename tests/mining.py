"""What the tests of the miner share: rows of vectors, and the pairs of brute force."""

from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# Whole numbers of few values: many copies, ties and zero rows. None of their cosines is near these thresholds.
WHOLE = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 10), st.just(2)), elements=st.sampled_from([-2, -1, -0.0, 0, 1])
)
THRESHOLD = st.sampled_from([-1.0, -0.5, 0.05, 0.5, 0.9])


def with_copies(seed, n_rows, n_different=8):
    """Rows of which some are equal and no two cosines are."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_different, 3))[rng.integers(0, n_different, size=n_rows)]


def as_set(pairs):
    return {(int(pair["i"]), int(pair["j"])) for pair in pairs}


def cosine(a, b):
    lengths = np.sqrt(a @ a) * np.sqrt(b @ b)
    return a @ b / lengths if lengths else 0.0


def different(X):
    """The first of each set of equal rows."""
    return [i for i in range(len(X)) if not any(np.array_equal(X[i], X[h]) for h in range(i))]


def among_nearest(a, b, others, top_k):
    """Whether ``b`` is among the ``top_k`` nearest of ``a`` in rows that are all different."""
    nearer = sum(cosine(a, other) > cosine(a, b) for other in others)
    return nearer < top_k


def brute_force(X, threshold, top_k=None):
    """Pairs by their definition: copies of a row are one neighbour, and one another's pairs."""
    rows = X[different(X)]

    def paired(a, b):
        if np.array_equal(a, b):
            return bool(a.any()) or threshold <= 0
        if cosine(a, b) < threshold - 1e-9:
            return False
        others_of_a, others_of_b = ([row for row in rows if not np.array_equal(row, own)] for own in (a, b))
        return top_k is None or among_nearest(a, b, others_of_a, top_k) or among_nearest(b, a, others_of_b, top_k)

    return {(i, j) for i, j in combinations(range(len(X)), 2) if paired(X[i], X[j])}


def groups_of_four(n_groups, spread, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(range(n_groups), 4)
    return rng.normal(size=(n_groups, 8))[y] + rng.normal(scale=spread, size=(4 * n_groups, 8)), y
