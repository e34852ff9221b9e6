"""What the tests of the similarity engine share: matrices, and cosines of all."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def matrices(elements, width):
    return hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(width)), elements=elements)


# Whole numbers of few values: many ties, duplicates and zero rows.
WHOLE = matrices(st.integers(-2, 2).map(float), 3)


# Multiples of the axes: every cosine is exactly -1, 0 or 1 whatever the order of the sum, so ties are exact.
AXES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-2.0, 0.0, 1.0, 4.0])), max_size=12).map(
    lambda rows: np.array([length * np.eye(4, dtype=np.float32)[axis] for axis, length in rows]).reshape(-1, 4)
)
MEMORY = st.sampled_from([1, 64, 200, 1 << 20])
NEAR = 1e-6


def all_cosines(A, B):
    """Cosines by their definition, in double precision; 0 with a zero row."""
    A, B = np.asarray(A, np.float64), np.asarray(B, np.float64)
    out = np.zeros((len(A), len(B)))
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            lengths = np.sqrt(a @ a) * np.sqrt(b @ b)
            out[i, j] = a @ b / lengths if lengths else 0.0
    return out


def as_tuples(pairs):
    return list(zip(pairs["i"].tolist(), pairs["j"].tolist(), strict=True))


A = np.random.default_rng(0).normal(size=(2000, 8)).astype(np.float32)
