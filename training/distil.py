"""Distil the teacher, which needs Kiwi, into a table of subword vectors, which needs nothing."""

import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.bags import Bags, embed
from training.morphemes import content_ids
from training.tune import ranking_loss

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

BATCH_SIZE = 1024
PAIR_BATCH_SIZE = 1024
LEARNING_RATE = 2e-3
EPOCHS = 3
# Of the ranking loss beside the distillation loss.
PAIR_WEIGHT = 0.1


def tokenise(tokenizer: Tokenizer, texts: list[str]) -> Bags:
    """Tokenise texts into bags of pieces.

    Parameters
    ----------
    tokenizer : Tokenizer
        The student's tokeniser.
    texts : list of str, length n_texts
        Texts.

    Returns
    -------
    Bags, length n_texts
        Ids of pieces.
    """
    return Bags.from_lists(encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False))


def initial_table(teacher: torch.Tensor, kiwi: "Kiwi", tokenizer: Tokenizer) -> torch.Tensor:
    """Start each piece where the teacher sees it: at the mean of its morphemes.

    Parameters
    ----------
    teacher : Tensor of float32, shape (n_morphemes, dimension)
        The teacher's table.
    kiwi : Kiwi
        The analyser.
    tokenizer : Tokenizer
        The student's tokeniser.

    Returns
    -------
    Tensor of float32, shape (n_pieces, dimension)
        The student's table before training; zeros for pieces without a content morpheme.
    """
    pieces = [tokenizer.id_to_token(piece) for piece in range(tokenizer.get_vocab_size())]
    bags = Bags.from_lists(content_ids(tokens, len(teacher)) for tokens in kiwi.tokenize(pieces))
    ids, offsets = bags.take(np.arange(len(bags)))
    return torch.nn.functional.embedding_bag(ids, teacher, offsets, mode="mean")


def distil(
    table: torch.Tensor,
    bags: Bags,
    targets: torch.Tensor,
    pairs: NDArray[np.int64],
    *,
    pair_weight: float = PAIR_WEIGHT,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
) -> torch.Tensor:
    """Train a table of pieces to give the teacher's vectors.

    Parameters
    ----------
    table : Tensor of float32, shape (n_pieces, dimension)
        Where to start.
    bags : Bags, length n_texts
        The texts as pieces.
    targets : Tensor of float32, shape (n_texts, dimension)
        The teacher's unit vectors; zeros where it has none.
    pairs : ndarray of int64, shape (n_pairs, 2)
        Rows of texts that belong together. They teach what the teacher cannot: names and words that Kiwi's language
        model has no vector for.
    pair_weight : float, default=0.1
        Weight of the ranking loss on the pairs; 0 leaves it out.
    epochs : int, default=6
        Number of passes over the texts.
    learning_rate : float, default=2e-3
        Of Adam at the start; it falls linearly to 0.
    seed : int, default=0
        Seed of the order of the texts.

    Returns
    -------
    Tensor of float32, shape (n_pieces, dimension)
        The trained table.
    """
    rows = np.flatnonzero((bags.lengths() > 0) & (targets.norm(dim=-1) > 0).numpy())
    weights = torch.nn.Parameter(table.clone())
    optimiser = torch.optim.Adam([weights], lr=learning_rate, fused=True)
    n_batches = len(rows) // BATCH_SIZE
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=epochs * n_batches)
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    for epoch in range(epochs):
        losses = []
        order = rng.permutation(rows)[: n_batches * BATCH_SIZE].reshape(n_batches, BATCH_SIZE)
        for batch in order:
            loss = distillation_loss(embed(weights, bags, batch), targets[batch])
            if pair_weight:
                drawn = pairs[rng.integers(len(pairs), size=PAIR_BATCH_SIZE)]
                left, right = (embed(weights, bags, drawn[:, side]) for side in (0, 1))
                loss = loss + pair_weight * ranking_loss(left, right, drawn)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"  epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.perf_counter() - started:.0f} s", flush=True)
    return weights.detach()


def distillation_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """One minus the cosine to the teacher, plus the squared error of the similarities within the batch.

    Parameters
    ----------
    student, teacher : Tensor, shape (n_texts, dimension)
        Unit vectors.

    Returns
    -------
    Tensor
        The loss.
    """
    cosine = (student * teacher).sum(dim=-1)
    return (1 - cosine).mean() + (student @ student.T - teacher @ teacher.T).square().mean()
