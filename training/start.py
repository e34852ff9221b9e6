"""Where the table starts: each piece where the teacher sees it."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import embedding_bag, normalize

from training.bags import Bags
from training.morphemes import content_ids
from training.sif import SMOOTHING

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

_BLOCK_TEXTS = 50_000
_LEAST_WEIGHT = 1e-3


def tokenise(tokenizer: Tokenizer, texts: list[str]) -> Bags:
    """Cut texts into pieces.

    Parameters
    ----------
    tokenizer : Tokenizer
        The tokeniser.
    texts : list of str, length n_texts
        Texts.

    Returns
    -------
    Bags, length n_texts
        Ids of pieces.
    """
    blocks = (texts[start : start + _BLOCK_TEXTS] for start in range(0, len(texts), _BLOCK_TEXTS))
    return Bags.from_lists(
        np.array(encoding.ids, dtype=np.int32)
        for block in blocks
        for encoding in tokenizer.encode_batch_fast(block, add_special_tokens=False)
    )


def start_table(
    teacher: torch.Tensor, kiwi: "Kiwi", tokenizer: Tokenizer, bags: Bags, *, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Start each piece at the mean of its morphemes; in a random direction where the teacher knows none.

    Parameters
    ----------
    teacher : Tensor of float32, shape (n_morphemes, dimension)
        The teacher's table.
    kiwi : Kiwi
        The analyser.
    tokenizer : Tokenizer
        The tokeniser of the pieces.
    bags : Bags
        The corpus as pieces, for their frequency.
    seed : int, default=0
        Seed of the random directions.

    Returns
    -------
    directions : Tensor of float32, shape (n_pieces, dimension)
        Unit vectors.
    weights : Tensor of float32, shape (n_pieces,)
        Their lengths in the table: the teacher's where it knows the piece, else by smooth inverse frequency.
    """
    pieces = [tokenizer.id_to_token(piece) for piece in range(tokenizer.get_vocab_size())]
    morphemes = Bags.from_lists(content_ids(tokens, len(teacher)) for tokens in kiwi.tokenize(pieces))
    ids, offsets = morphemes.take(np.arange(len(morphemes)))
    rows = embedding_bag(ids, teacher, offsets, mode="mean")
    known = torch.from_numpy(morphemes.lengths() > 0)
    lengths = rows.norm(dim=-1) / rows[known].norm(dim=-1).median()
    random = torch.randn(rows.shape, generator=torch.Generator().manual_seed(seed))
    counts = np.bincount(bags.ids, minlength=len(pieces))
    rarity = torch.from_numpy(SMOOTHING / (SMOOTHING + counts / counts.sum())).float()
    directions = normalize(torch.where(known[:, None], rows, random), dim=-1)
    return directions, torch.where(known, lengths, rarity).clamp_min(_LEAST_WEIGHT)
