"""Tune a table of vectors on pairs of texts that belong together."""

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from training.bags import Bags, embed

SCALE = 20.0
BATCH_SIZE = 512
LEARNING_RATE = 1e-3
EPOCHS = 4
# All of the tuning is best for finding passages, none of it for topics: see blend.
SHARE_TUNED = 0.6


def tune(
    table: torch.Tensor,
    bags: Bags,
    pairs: NDArray[np.int64],
    *,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
) -> torch.Tensor:
    """Train a table with the multiple-negatives ranking loss, in both directions.

    Parameters
    ----------
    table : Tensor of float32, shape (n_ids, dimension)
        Where to start.
    bags : Bags
        Texts.
    pairs : ndarray of int64, shape (n_pairs, 2)
        Rows of texts that belong together; within a batch, all other texts serve as negatives.
    epochs : int, default=4
        Number of passes over the pairs.
    learning_rate : float, default=1e-3
        Of Adam.
    seed : int, default=0
        Seed of the order of the pairs.

    Returns
    -------
    Tensor of float32, shape (n_ids, dimension)
        The tuned table.
    """
    known = bags.lengths() > 0
    pairs = pairs[known[pairs].all(axis=1)]
    weights = torch.nn.Parameter(table.clone())
    optimiser = torch.optim.Adam([weights], lr=learning_rate, fused=True)
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    for epoch in range(epochs):
        losses = []
        order = rng.permutation(len(pairs))
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            batch = pairs[order[start : start + BATCH_SIZE]]
            loss = ranking_loss(embed(weights, bags, batch[:, 0]), embed(weights, bags, batch[:, 1]), batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.perf_counter() - started:.0f} s", flush=True)
    return weights.detach()


def ranking_loss(left: torch.Tensor, right: torch.Tensor, batch: NDArray[np.int64]) -> torch.Tensor:
    """Cross-entropy of finding each text's partner among all of a batch, averaged over both directions.

    Parameters
    ----------
    left, right : Tensor, shape (n_pairs, dimension)
        Unit vectors of the pairs' two sides.
    batch : ndarray of int64, shape (n_pairs, 2)
        Which texts they are.

    Returns
    -------
    Tensor
        The loss.
    """
    scores = SCALE * left @ right.T
    # The same text twice in a batch is no negative of its own partner (chatbots answer much alike).
    twins = (batch[:, :1] == batch[:, 0]) | (batch[:, 1:] == batch[:, 1])
    np.fill_diagonal(twins, False)
    scores = scores.masked_fill(torch.from_numpy(twins), float("-inf"))
    target = torch.arange(len(scores))
    return (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2


def blend(untuned: torch.Tensor, tuned: torch.Tensor, share: float = SHARE_TUNED) -> torch.Tensor:
    """Go only part of the way from one table to another.

    Tuning raises retrieval and similarity but lowers topic classification with few labels. A point between the two
    tables keeps most of both (Wortsman et al., 2022, "Robust fine-tuning of zero-shot models").

    Parameters
    ----------
    untuned, tuned : Tensor, shape (n_ids, dimension)
        The two tables.
    share : float, default=0.6
        How much of the way to go.

    Returns
    -------
    Tensor, shape (n_ids, dimension)
        The blend.
    """
    return torch.lerp(untuned, tuned, share)
