"""The torch backend: any model that sentence-transformers can load."""

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import DeviceMemoryError
from skko.models.backends.linears import pack_linears
from skko.models.backends.loading import facts_of, hides_prompt, is_plain, load_model
from skko.models.backends.packing import make_packer
from skko.models.backends.tokenisation import Tokeniser, TokenTable
from skko.models.hub import describe
from skko.models.spec import ModelSpec

# Tokens a batch. On two CPU cores 512 was the fastest of 256, 512, 1,024 and 4,096 (docs/decisions.md); accelerators
# want enough rows to be busy; models without attention hardly care.
_BATCH_TOKENS_CPU = 512
_BATCH_TOKENS_ACCELERATOR = 16_384
_BATCH_CHARACTERS = 1 << 18
# What a RuntimeError says for want of memory: accelerators, the CPU on Linux and on Windows, matrix libraries, C++.
_SHORT_OF_MEMORY = ("out of memory", "allocate memory", "not enough memory", "ALLOC_FAILED", "bad_alloc")


@dataclass(frozen=True)
class _Prepared:
    """Texts that only the model itself can make ready, with their costs, and how to do so for one batch."""

    lengths: NDArray[np.int64]
    n_truncated: int
    features: Callable[[NDArray[np.intp]], dict[str, Any]]


class SentenceTransformerEncoder:
    """A model loaded by sentence-transformers.

    Parameters
    ----------
    spec : ModelSpec
        What to load, and where.

    Attributes
    ----------
    facts : ModelFacts
        What is known of the model without running it.
    batch_tokens : int
        Cost of a batch, padding included, that suits the model on its device.
    why_padded : str or None
        Why batches are padded; None where texts are packed one behind another instead. The vectors are the same.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be found, reached or read.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._model, content = load_model(spec)
        if spec.device == "cpu" and spec.dtype == "float32":
            pack_linears(self._model)
        self._tokeniser = Tokeniser.of_transformers(self._model.tokenizer) if is_plain(self._model) else None
        # A model's own preparation may keep state, that of the tokeniser among it.
        self._lock = threading.Lock() if self._tokeniser is None else self._tokeniser.lock
        self.facts = facts_of(self._model, spec, content)
        self._packer, self.why_padded = make_packer(self._model, self._tokeniser, spec.dtype)
        self.batch_tokens = _BATCH_TOKENS_CPU if spec.device == "cpu" else _BATCH_TOKENS_ACCELERATOR
        if self._model.transformers_model is None:
            self.batch_tokens = _BATCH_CHARACTERS

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> TokenTable | _Prepared:
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
            # All texts now, so that batches can be cut by tokens and padded little.
            return self._tokeniser([prompt + text for text in texts], max_length or self.facts.max_length)
        return self._leave_to_model(list(texts), prompt, max_length)

    def embed(self, tokens: TokenTable | _Prepared, rows: NDArray[np.intp]) -> NDArray[np.float32]:
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

        with torch.inference_mode(), _memory_errors(self._model.device):
            return self._vectors(tokens, rows).float().cpu().numpy()  # type: ignore[no-any-return]

    def _vectors(self, tokens: TokenTable | _Prepared, rows: NDArray[np.intp]) -> Any:
        import torch

        if not isinstance(tokens, TokenTable):
            features = tokens.features(rows)
        elif self._packer is not None and tokens.lengths[rows].all():
            return self._packer.embed(tokens, rows)
        else:
            features = {name: torch.from_numpy(values) for name, values in tokens.padded(rows).items()}
            features["modality"] = "text"
        device = self._model.device
        features = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in features.items()}
        return self._model(features)["sentence_embedding"]

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
def _memory_errors(device: Any) -> Iterator[None]:
    """Give the many ways in which torch says that memory is short one name, and let go of what it holds in reserve."""
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in _SHORT_OF_MEMORY):
            raise
        # Its frames hold the tensors of the layers that were reached, and with them the memory to be freed.
        traceback.clear_frames(error.__traceback__)
        if device.type != "cpu":
            torch.get_device_module(device.type).empty_cache()
        raise DeviceMemoryError(describe(error)) from error
