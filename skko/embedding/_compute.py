"""Rows of texts to the devices: tokenised ahead, batched by tokens, halved where memory is short."""

import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skko.embedding._table import VectorTable
from skko.embedding.batching import plan_batches
from skko.exceptions import DeviceMemoryError, DeviceMemoryWarning
from skko.models.encoder import Encoder, Tokens

# Texts tokenised at a time: enough to sort well, few enough that memory does not grow with the corpus.
_CHUNK_TEXTS, _CHUNK_CHARACTERS = 16_384, 1 << 24

_locks: weakref.WeakKeyDictionary[Encoder, threading.Lock] = weakref.WeakKeyDictionary()
_tokens_that_fit: weakref.WeakKeyDictionary[Encoder, int] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class _Batch:
    """Some texts of a chunk, to be computed together."""

    rows: NDArray[np.intp]  # in the table
    members: NDArray[np.intp]  # in the tokens
    tokens: Tokens


def embed_rows(
    table: VectorTable,
    rows: NDArray[np.intp],
    encoders: Sequence[Encoder],
    prompt: str,
    max_length: int | None,
    batch_tokens: int | None,
) -> tuple[NDArray[np.intp], int]:
    """Embed rows of a table but for those that another thread or process is embedding.

    Parameters
    ----------
    table : VectorTable
        Where the vectors go. What was done stays in its cache if the rest is interrupted.
    rows : ndarray of int
        Rows to fill.
    encoders : sequence of Encoder
        One model, loaded on each device that shares the work.
    prompt : str
        Text to put before each.
    max_length : int or None
        Longest input in tokens.
    batch_tokens : int or None
        Most tokens in a batch; None is what suits the model and its device.

    Returns
    -------
    left : ndarray of int
        Rows that are being computed elsewhere.
    n_truncated : int
        Texts that were longer than ``max_length``.

    Raises
    ------
    DeviceMemoryError
        If one text alone does not fit.
    """
    left = [rows[:0]]
    n_truncated = 0

    def batches() -> Iterator[_Batch]:
        nonlocal n_truncated
        for chunk, tokens in _tokenised(table, rows, encoders[0], prompt, max_length):
            n_truncated += tokens.n_truncated
            for members in plan_batches(tokens.lengths, batch_tokens or encoders[0].batch_tokens):
                yield _Batch(chunk[members], members, tokens)

    def embed(encoder: Encoder, batch: _Batch) -> None:
        mine = table.claim(batch.rows)
        left.append(batch.rows[~mine])
        claimed = batch.rows[mine]
        try:
            for part, vectors in _embed_in_memory(encoder, batch.tokens, batch.members[mine]):
                table.keep(claimed[part], vectors)
        except BaseException:
            table.release(claimed)
            raise

    _share(batches(), encoders, embed)
    return np.concatenate(left), n_truncated


def _tokenised(
    table: VectorTable, rows: NDArray[np.intp], encoder: Encoder, prompt: str, max_length: int | None
) -> Iterator[tuple[NDArray[np.intp], Tokens]]:
    """Chunks of rows with their tokens; while the caller computes one, the next is being made."""

    def tokenise(chunk: NDArray[np.intp]) -> Tokens:
        return encoder.tokenise(table.texts(chunk), prompt=prompt, max_length=max_length)

    chunks = list(_chunks(table, rows))
    if len(chunks) == 1:  # not worth a thread
        yield chunks[0], tokenise(chunks[0])
        return
    with ThreadPoolExecutor(1, thread_name_prefix="skko-tokenise") as pool:
        following = pool.submit(tokenise, chunks[0])
        for chunk, after in zip(chunks, [*chunks[1:], None], strict=True):
            tokens = following.result()
            if after is not None:
                following = pool.submit(tokenise, after)
            yield chunk, tokens


def _chunks(table: VectorTable, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Runs of rows that are short enough in number and in characters."""
    for start in range(0, len(rows), _CHUNK_TEXTS):
        block = rows[start : start + _CHUNK_TEXTS]
        characters = np.cumsum([len(text) for text in table.texts(block)])
        yield from np.split(block, np.flatnonzero(np.diff(characters // _CHUNK_CHARACTERS)) + 1)


def _share(batches: Iterator[_Batch], encoders: Sequence[Encoder], embed: Callable[[Encoder, _Batch], None]) -> None:
    """Give each batch to the next device that is free."""
    if len(encoders) == 1:
        for batch in batches:
            embed(encoders[0], batch)
        return
    drawing, stop = threading.Lock(), threading.Event()

    def draw() -> _Batch | None:
        with drawing:
            return None if stop.is_set() else next(batches, None)

    def serve(encoder: Encoder) -> None:
        while (batch := draw()) is not None:
            embed(encoder, batch)

    with ThreadPoolExecutor(len(encoders), thread_name_prefix="skko-device") as pool:
        try:
            for served in [pool.submit(serve, encoder) for encoder in encoders]:
                served.result()
        finally:
            stop.set()  # after an error, Ctrl-C among them, nobody starts another batch


def _embed_in_memory(
    encoder: Encoder, tokens: Tokens, members: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Embed texts in as many parts as the memory of the device asks for; what fits is remembered."""
    lengths = tokens.lengths[members]
    pending = [np.arange(len(members))] if len(members) else []
    while pending:
        part = pending.pop()
        fits = _tokens_that_fit.get(encoder)
        cost = len(part) * int(lengths[part].max(initial=1))
        if fits is not None and cost > fits and len(part) > 1:
            pending += [part[batch] for batch in plan_batches(lengths[part], fits)]
            continue
        try:
            with _lock_of(encoder):
                vectors = encoder.embed(tokens, members[part])
        except DeviceMemoryError as error:
            if len(part) == 1:
                raise DeviceMemoryError(
                    f"A text of {cost:,} tokens does not fit into the memory of the device even alone ({error}). Cut "
                    "texts with max_length, or use another device or a smaller dtype."
                ) from error
            _halve(encoder, cost)
            pending.append(part)
            continue
        yield part, vectors


def _halve(encoder: Encoder, cost: int) -> None:
    """Note that a batch was too much, for the rest of this process."""
    _tokens_that_fit[encoder] = cost // 2
    warnings.warn(
        f"The memory of the device is too short for batches of {cost:,} tokens; going on with {cost // 2:,}. Pass "
        f"batch_tokens={cost // 2} to begin with that.",
        DeviceMemoryWarning,
        stacklevel=2,
    )


def _lock_of(encoder: Encoder) -> threading.Lock:
    """One lock a loaded model: two batches at once would want twice the memory."""
    return _locks.setdefault(encoder, threading.Lock())
