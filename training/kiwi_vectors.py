"""Recover the morpheme vectors of Kiwi's language model from the cosines that it gives out."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

DIMENSION = 256
# Rank 256 needs 256 landmarks; three times as many average the rounding of the cosines away.
N_LANDMARKS = 768
# Largest difference to Kiwi's own cosines that a build accepts; 768 landmarks reach 4e-5.
LARGEST_ERROR = 4e-4


def recover_vectors(kiwi: "Kiwi", *, n_landmarks: int = N_LANDMARKS, seed: int = 0) -> NDArray[np.float32]:
    """Recover every morpheme's unit vector, up to one rotation of them all.

    Kiwi has no accessor for the vectors, but gives the cosine of any two. The Gram matrix ``G`` of a few hundred
    landmark morphemes has rank 256, so with ``G = U diag(s) U'`` and the cosines ``C`` of all morphemes to the
    landmarks, ``C U diag(s) ** -0.5`` are coordinates with the same inner products (Nyström).

    Parameters
    ----------
    kiwi : Kiwi
        Kiwi with its CoNg model.
    n_landmarks : int, default=768
        Number of landmarks, at least 256.
    seed : int, default=0
        Seed of their choice.

    Returns
    -------
    ndarray of float32, shape (n_morphemes, 256)
        Row ``i`` is the morpheme with id ``i``.
    """
    n_morphemes = len(kiwi.most_similar_morphemes(0, top_n=1 << 20))
    rng = np.random.default_rng(seed)
    landmarks = np.sort(rng.choice(n_morphemes, n_landmarks, replace=False))
    cosines = np.stack([_cosines_to(kiwi, int(landmark), n_morphemes) for landmark in landmarks])
    gram = cosines[:, landmarks]
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    values, vectors = values[-DIMENSION:], vectors[:, -DIMENSION:]
    recovered: NDArray[np.float32] = (cosines.T @ (vectors / np.sqrt(values))).astype(np.float32)
    return recovered


def _cosines_to(kiwi: "Kiwi", morpheme: int, n_morphemes: int) -> NDArray[np.float64]:
    """Cosines of all morphemes to one, in the order of their ids."""
    row = np.zeros(n_morphemes)
    for other in kiwi.most_similar_morphemes(morpheme, top_n=n_morphemes):
        row[other.id] = other.score
    # Kiwi puts the morpheme itself last, with a score that means "left out".
    row[morpheme] = 1.0
    return row


def largest_error(kiwi: "Kiwi", vectors: NDArray[np.float32], *, n_pairs: int = 20_000, seed: int = 1) -> float:
    """Compare the vectors' inner products with Kiwi's own cosines.

    Parameters
    ----------
    kiwi : Kiwi
        The Kiwi that the vectors came from.
    vectors : ndarray of float32, shape (n_morphemes, 256)
        Recovered vectors.
    n_pairs : int, default=20000
        Number of random pairs to compare.
    seed : int, default=1
        Seed of their choice.

    Returns
    -------
    float
        Largest absolute difference.
    """
    left, right = np.random.default_rng(seed).integers(len(vectors), size=(2, n_pairs))
    mine = np.einsum("ij,ij->i", vectors[left], vectors[right])
    theirs = [kiwi.morpheme_similarity(int(i), int(j)) for i, j in zip(left, right, strict=True)]
    return float(np.abs(mine - np.array(theirs)).max())
