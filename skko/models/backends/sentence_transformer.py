"""The torch backend: any model that sentence-transformers can load."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import DeviceMemoryError
from skko.models.backends.loading import facts_of, hides_prompt, is_plain, load_model
from skko.models.backends.tokenisation import Tokeniser
from skko.models.hub import describe
from skko.models.spec import ModelSpec

# Tokens a batch. On two CPU cores 512 was the fastest of 256, 512, 1,024 and 4,096 (docs/decisions.md); accelerators
# want enough rows to be busy; models without attention hardly care.
_BATCH_TOKENS_CPU = 512
_BATCH_TOKENS_ACCELERATOR = 16_384
_BATCH_CHARACTERS = 1 << 18


@dataclass(frozen=True)
class _Prepared:
    """Texts with their costs, and how to turn some of them into the features of one batch."""

    lengths: NDArray[np.int64]
    n_truncated: int
    features: Callable[[NDArray[np.intp]], dict[str, Any]]


class SentenceTransformerEncoder:
    """A model loaded by sentence-transformers.

    Parameters
    ----------
    spec : ModelSpec
        What to load, and where.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be found, reached or read.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._model, content = load_model(spec)
        self._tokeniser = Tokeniser.of_transformers(self._model.tokenizer) if is_plain(self._model) else None
        self._lock = threading.Lock()  # a model's own preparation may keep state
        self.facts = facts_of(self._model, spec, content)
        self.batch_tokens = _BATCH_TOKENS_CPU if spec.device == "cpu" else _BATCH_TOKENS_ACCELERATOR
        if self._model.transformers_model is None:
            self.batch_tokens = _BATCH_CHARACTERS

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> _Prepared:
        """Make texts ready, each behind the prompt and cut at ``max_length`` tokens.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts.
        prompt : str
            Text to put before each.
        max_length : int or None
            Longest input in tokens; None is what the model reads.

        Returns
        -------
        Tokens
            The texts with their lengths.
        """
        if self._tokeniser is not None and not (prompt and hides_prompt(self._model)):
            texts = [prompt + text for text in texts]
            return self._tokenise_once(self._tokeniser, texts, max_length or self.facts.max_length)
        return self._leave_to_model(list(texts), prompt, max_length)

    def embed(self, tokens: _Prepared, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Embed some rows as one batch.

        Parameters
        ----------
        tokens : Tokens
            What :meth:`tokenise` returned.
        rows : ndarray of int, shape (n_rows,)
            Which of its texts.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            What the model's last module gives.

        Raises
        ------
        DeviceMemoryError
            If the batch does not fit into the memory of the device.
        """
        import torch

        with torch.inference_mode(), _memory_errors():
            features = tokens.features(rows)
            device = self._model.device
            features = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
            vectors = self._model(features)["sentence_embedding"]
            return vectors.float().cpu().numpy()  # type: ignore[no-any-return]

    def _tokenise_once(self, tokeniser: Tokeniser, texts: list[str], max_length: int | None) -> _Prepared:
        """Tokenise all texts now, so that batches can be cut by tokens and padded little."""
        import torch

        table = tokeniser(texts, max_length)

        def pad(rows: NDArray[np.intp]) -> dict[str, Any]:
            """Pad some rows to the longest of them."""
            features = {name: torch.from_numpy(values) for name, values in table.padded(rows).items()}
            return {**features, "modality": "text"}

        return _Prepared(table.lengths, table.n_truncated, pad)

    def _leave_to_model(self, texts: list[str], prompt: str, max_length: int | None) -> _Prepared:
        """Let the model's first module prepare each batch; characters stand in for tokens."""
        if max_length is not None and max_length != self.facts.max_length:
            raise ValueError(
                f"max_length={max_length} cannot be applied: this model's {type(self._model[0]).__name__} module sets "
                "its own limit. Leave max_length=None."
            )
        lengths = np.fromiter((len(prompt) + len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))

        def prepare(rows: NDArray[np.intp]) -> dict[str, Any]:
            """Give some rows to the first module."""
            with self._lock:
                prepared = self._model.preprocess([texts[row] for row in rows], prompt=prompt or None)
            return dict(prepared)

        return _Prepared(lengths, 0, prepare)


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Give the many ways in which torch says that memory is short one name, and let go of what it holds in reserve."""
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is the first; a CPU raises the first bare
        short = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error)
        if not short:
            raise
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        raise DeviceMemoryError(describe(error)) from error
