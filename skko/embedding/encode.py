"""The one place that asks a model for vectors: unique texts, cache, batches, counts."""

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.embedding._compute import embed_rows
from skko.embedding._table import VectorTable
from skko.embedding.cache import EmbeddingCache, embedding_keys
from skko.exceptions import TruncationWarning
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress, progress_bar

# Seconds between two looks at what another process or thread is computing.
_SHORTEST_WAIT, _LONGEST_WAIT = 0.005, 0.2


@dataclass(frozen=True)
class EncodeCounts:
    """What this process has asked of its models so far.

    Attributes
    ----------
    texts_requested : int
        Texts given to :func:`encode_texts`.
    texts_encoded : int
        Texts that a model had to read.
    model_loads : int
        Models loaded.

    Examples
    --------
    >>> before = encode_counts()
    >>> (encode_counts() - before).texts_encoded
    0
    """

    texts_requested: int = 0
    texts_encoded: int = 0
    model_loads: int = 0

    def __sub__(self, other: "EncodeCounts") -> "EncodeCounts":
        return EncodeCounts(**{name: value - asdict(other)[name] for name, value in asdict(self).items()})


_counts = {"texts_requested": 0, "texts_encoded": 0}
_counts_lock = threading.Lock()


def _count(name: str, number: int) -> None:
    with _counts_lock:
        _counts[name] += number


def encode_counts() -> EncodeCounts:
    """Return how many texts were requested and encoded, and models loaded, since the process began.

    Returns
    -------
    EncodeCounts
        Counts that can be subtracted from later ones.
    """
    return EncodeCounts(**_counts, model_loads=registry.n_loads)


def encode_texts(
    texts: Sequence[str],
    specs: Sequence[ModelSpec],
    *,
    prompt: str | None = None,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    cache: EmbeddingCache | None = None,
    show_progress: ShowProgress = "auto",
    on_batch: Callable[[int, int], Any] | None = None,
) -> NDArray[np.float32]:
    """Embed texts, each different one at most once.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    specs : sequence of ModelSpec
        The model, once for each device that shares the work; the devices exist.
    prompt : str or None, default=None
        Text to put before each; None is the model's own default.
    max_length : int or None, default=None
        Longest input in tokens; None is what the model reads.
    batch_tokens : int or None, default=None
        Most tokens in a batch; None is what suits the model and its device.
    cache : EmbeddingCache or None, default=None
        Where vectors are looked up and kept.
    show_progress : bool or "auto", default="auto"
        Whether to show a progress bar.
    on_batch : callable or None, default=None
        Called after each batch with the texts done and the texts to do.

    Returns
    -------
    ndarray of float32, shape (n_texts, dimension)
        Vectors in input order, as the model's last module gives them.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be loaded.
    DeviceMemoryError
        If a text does not fit into the memory of the device even alone.
    ValueError
        If ``max_length`` is more than the model reads.

    Warns
    -----
    TruncationWarning
        If texts were longer than ``max_length``, with their number.
    """
    facts = registry.facts(specs[0])
    prompt = facts.default_prompt if prompt is None else prompt
    if max_length is not None and facts.max_length is not None and max_length > facts.max_length:
        name = specs[0].name
        raise ValueError(f"max_length={max_length} is more than the {facts.max_length} tokens that {name} reads.")
    max_length = facts.max_length if max_length is None else max_length
    key = partial(embedding_keys, fingerprint=facts.fingerprint, prompt=prompt, max_length=max_length)
    table = VectorTable(texts, facts.dimension, cache, key)
    _count("texts_requested", len(texts))
    missing = table.look_up(table.rows)
    if len(missing):
        done = 0
        with progress_bar(len(missing), "embedding", show=show_progress) as bar:

            def report(n_rows: int) -> None:
                nonlocal done
                done += n_rows
                bar.update(n_rows)
                if on_batch is not None:
                    on_batch(done, len(missing))

            table.on_filled = report
            try:
                _fill(table, missing, specs, prompt, max_length, batch_tokens)
            finally:
                _count("texts_encoded", table.n_computed)
    return table.all_vectors()


def _fill(
    table: VectorTable,
    missing: NDArray[np.intp],
    specs: Sequence[ModelSpec],
    prompt: str,
    max_length: int | None,
    batch_tokens: int | None,
) -> None:
    """Embed rows; those that another thread or process is at are waited for, and embedded if it gives up."""
    encoders = [registry.get(spec) for spec in specs]
    left, n_truncated = embed_rows(table, missing, encoders, prompt, max_length, batch_tokens)
    wait = _SHORTEST_WAIT
    while len(left):
        n_left, left = len(left), table.look_up(left)
        table.on_filled(n_left - len(left))
        free = table.are_free(left)
        if free.any():
            taken, _ = embed_rows(table, left[free], encoders, prompt, max_length, batch_tokens)
            left = np.concatenate([left[~free], taken])
        elif len(left):
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
    if n_truncated:
        warnings.warn(
            f"{n_truncated:,} of {len(missing):,} texts are longer than {max_length:,} "
            "tokens and only their beginnings were embedded. Split long texts, or raise max_length if the model reads "
            "more.",
            TruncationWarning,
            stacklevel=2,
        )
