"""The one place that asks a model for vectors: unique texts, cache, batches, counts."""

import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.embedding.batching import plan_batches
from skko.embedding.cache import EmbeddingCache, embedding_keys
from skko.exceptions import TruncationWarning
from skko.models.encoder import Encoder
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from skko.progress import ShowProgress, progress_bar

# Texts tokenised at a time: enough to sort well, few enough that memory does not grow with the corpus.
_CHUNK = 16_384


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
_model_locks: weakref.WeakKeyDictionary[Encoder, threading.Lock] = weakref.WeakKeyDictionary()


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
    spec: ModelSpec,
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
    spec : ModelSpec
        The model, with a device that exists.
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
    ValueError
        If ``max_length`` is more than the model reads.

    Warns
    -----
    TruncationWarning
        If texts were longer than ``max_length``, with their number.
    """
    facts = registry.facts(spec)
    prompt = facts.default_prompt if prompt is None else prompt
    if max_length is not None and facts.max_length is not None and max_length > facts.max_length:
        raise ValueError(f"max_length={max_length} is more than the {facts.max_length} tokens that {spec.name} reads.")
    max_length = facts.max_length if max_length is None else max_length
    position: dict[str, int] = {}
    gather = np.fromiter((position.setdefault(text, len(position)) for text in texts), np.intp, count=len(texts))
    keys: list[bytes] = []
    if cache is not None:
        keys = embedding_keys(position, fingerprint=facts.fingerprint, prompt=prompt, max_length=max_length)
    table = _Table(list(position), keys, cache, facts.dimension)
    if len(table.look_up()):
        encoder = registry.get(spec)
        with _lock_of(encoder):
            # Looked up again: another thread may have embedded them while this one waited.
            _embed(table, table.look_up(), encoder, prompt, max_length, batch_tokens, show_progress, on_batch)
    with _counts_lock:
        _counts["texts_requested"] += len(texts)
    return table.vectors if len(position) == len(texts) else table.vectors[gather]


class _Table:
    """Unique texts and their vectors, filled from the cache first and by the model then."""

    def __init__(self, texts: list[str], keys: list[bytes], cache: EmbeddingCache | None, dimension: int) -> None:
        self.texts, self.keys, self.cache = texts, keys, cache
        self.vectors = np.empty((len(texts), dimension), dtype=np.float32)

    def look_up(self) -> NDArray[np.intp]:
        """Fill rows from the cache and return the numbers of those it does not know."""
        if self.cache is None:
            return np.arange(len(self.texts))
        return np.flatnonzero(~self.cache.get_many(self.keys, self.vectors))

    def keep(self, rows: NDArray[np.intp], vectors: NDArray[np.float32]) -> None:
        """Fill rows with what the model gave, and remember them."""
        self.vectors[rows] = vectors
        if self.cache is not None:
            self.cache.put_many([self.keys[row] for row in rows], vectors)
        with _counts_lock:
            _counts["texts_encoded"] += len(rows)


def _embed(
    table: _Table,
    missing: NDArray[np.intp],
    encoder: Encoder,
    prompt: str,
    max_length: int | None,
    batch_tokens: int | None,
    show_progress: ShowProgress,
    on_batch: Callable[[int, int], Any] | None,
) -> None:
    """Embed rows chunk by chunk; the cache keeps what was done if the rest is interrupted."""
    done = n_truncated = 0
    with progress_bar(len(missing), "embedding", show=show_progress) as bar:
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            tokens = encoder.tokenise([table.texts[row] for row in chunk], prompt=prompt, max_length=max_length)
            n_truncated += tokens.n_truncated
            for batch in plan_batches(tokens.lengths, batch_tokens or encoder.batch_tokens):
                table.keep(chunk[batch], encoder.embed(tokens, batch))
                done += len(batch)
                bar.update(len(batch))
                if on_batch is not None:
                    on_batch(done, len(missing))
    if n_truncated:
        warnings.warn(
            f"{n_truncated:,} of {len(missing):,} texts are longer than {max_length:,} "
            "tokens and only their beginnings were embedded. Split long texts, or raise max_length if the model reads "
            "more.",
            TruncationWarning,
            stacklevel=2,
        )


def _lock_of(encoder: Encoder) -> threading.Lock:
    """One lock a loaded model: a second thread waits for the vectors and does not compute them again."""
    with _counts_lock:
        return _model_locks.setdefault(encoder, threading.Lock())
