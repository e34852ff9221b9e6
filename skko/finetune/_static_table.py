"""Static models: only the vectors of tokens that the examples have move, so only they are trained."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch import Tensor, nn

_CHUNK = 16_384


@contextmanager
def rows_in_use(model: Any, columns: Sequence[Sequence[str]], prompt: str) -> Iterator[None]:
    """Put the part of a static model's table that some texts need in the place of the table, and back in the end.

    The gradient of all other rows is zero in every step, and AdamW without weight decay leaves such rows as they are:
    the same weights, without a pass over the whole table in each step.

    Parameters
    ----------
    model : SentenceTransformer
        The model, which is changed in place. One that does not begin with a table is left alone.
    columns : sequence of sequence of str
        Every text that the model will read until the table is back.
    prompt : str
        What stands before each text.

    Yields
    ------
    None
        While the model has its small table.
    """
    module = model[0]
    if not isinstance(module, StaticEmbedding):
        yield
        return
    whole = module.embedding.weight.detach()
    rows = _token_ids(module, columns, prompt)
    place = torch.full((len(whole),), -1)  # a token that nobody announced is an error of the look-up
    place[rows] = torch.arange(len(rows))
    module.embedding = nn.EmbeddingBag.from_pretrained(whole[rows.to(whole.device)], freeze=False)

    def look_up(_: Any, inputs: tuple[dict[str, Tensor]]) -> tuple[dict[str, Tensor]]:
        ids = inputs[0]["input_ids"]
        return ({**inputs[0], "input_ids": place.to(ids.device)[ids]},)

    hook = module.register_forward_pre_hook(look_up)
    yield
    hook.remove()
    learned = module.embedding.weight.detach()
    whole = whole.to(learned.device)
    whole[rows.to(learned.device)] = learned
    module.embedding = nn.EmbeddingBag.from_pretrained(whole, freeze=False)


def _token_ids(module: Any, columns: Sequence[Sequence[str]], prompt: str) -> Tensor:
    """Numbers of the different tokens, in order."""
    found = torch.zeros(module.embedding.num_embeddings, dtype=torch.bool)
    for column in columns:
        texts = list(dict.fromkeys(column))
        for start in range(0, len(texts), _CHUNK):
            found[module.preprocess(texts[start : start + _CHUNK], prompt=prompt or None)["input_ids"]] = True
    return found.nonzero().squeeze(1)
