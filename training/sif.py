"""Smooth inverse frequency: turn word vectors into a table whose plain mean is a sentence vector.

Source: Arora, Liang and Ma (2017), "A simple but tough-to-beat baseline for sentence embeddings"; several components
are removed, after Mu and Viswanath (2018), "All-but-the-top".
"""

import numpy as np
import torch
from numpy.typing import NDArray

from training.bags import Bags

SMOOTHING = 1e-3
N_COMPONENTS = 4


def sif_table(vectors: NDArray[np.float32], bags: Bags, *, n_components: int = N_COMPONENTS) -> torch.Tensor:
    """Weigh, centre and strip vectors of their common directions.

    Weight, centre and projection are all linear in the mean over a text, so they fold into the table itself.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n_ids, dimension)
        One vector an id.
    bags : Bags
        The corpus that frequencies and directions are taken from.
    n_components : int, default=4
        Number of leading principal components of the sentence vectors to remove.

    Returns
    -------
    Tensor of float32, shape (n_ids, dimension)
        Table for :func:`training.bags.embed`.
    """
    counts = np.bincount(bags.ids, minlength=len(vectors))
    weights = SMOOTHING / (SMOOTHING + counts / counts.sum())
    table = torch.from_numpy(vectors * weights[:, None].astype(np.float32))
    ids, offsets = bags.take(np.flatnonzero(bags.lengths()))
    means = torch.nn.functional.embedding_bag(ids, table, offsets, mode="mean")
    centre = means.mean(dim=0)
    covariance = torch.cov((means - centre).T)
    leading = torch.linalg.eigh(covariance).eigenvectors[:, -n_components:]
    centred = table - centre
    stripped: torch.Tensor = centred - centred @ leading @ leading.T
    return stripped
