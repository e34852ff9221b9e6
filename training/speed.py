"""How fast a static model embeds."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training import sources

N_RUNS = 3


def headlines_per_second(model: Any, data: Path) -> dict[str, float]:
    """Time a model on 25,000 headlines, with and without sentence-transformers around it; the best of three runs.

    Parameters
    ----------
    model : SentenceTransformer
        Its first module is a ``StaticEmbedding``.
    data : Path
        Folder of the data sets.

    Returns
    -------
    dict of str to float
        Headlines a second by the way they are embedded.
    """
    texts = sources.headlines(data)["title"].tolist()
    return {
        "headlines a second, tokeniser and embedding bag": len(texts) / _best_time(lambda: embed_bare(model[0], texts)),
        "headlines a second, SentenceTransformer.encode": len(texts) / _best_time(lambda: model.encode(texts)),
    }


def embed_bare(static: Any, texts: list[str]) -> torch.Tensor:
    """Embed texts with only the tokeniser and the embedding bag of a ``StaticEmbedding`` module.

    Parameters
    ----------
    static : StaticEmbedding
        The module.
    texts : list of str, length n_texts
        Texts.

    Returns
    -------
    Tensor of float32, shape (n_texts, dimension)
        Unit vectors.
    """
    bags = [encoding.ids for encoding in static.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    lengths = [len(bag) for bag in bags]
    ids = np.fromiter((piece for bag in bags for piece in bag), dtype=np.int64, count=sum(lengths))
    offsets = np.cumsum([0, *lengths[:-1]])
    with torch.inference_mode():
        means = static.embedding(torch.from_numpy(ids), torch.from_numpy(offsets))
        return torch.nn.functional.normalize(means, dim=-1)


def _best_time(call: Callable[[], object]) -> float:
    times = []
    for _ in range(N_RUNS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)
