"""The torch backend: any model that sentence-transformers can load."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import DeviceMemoryError, ModelNotAvailableError
from skko.models.fingerprint import directory_fingerprint
from skko.models.hub import describe, find_on_hub, verify_download
from skko.models.spec import MINI, ModelFacts, ModelSpec

DTYPES = ("float32", "float16", "bfloat16")
# Tokenisers report "no limit" as a number no text reaches.
_NO_LIMIT = 1 << 24
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
        self._model, content = _load(spec)
        self._lock = threading.Lock()  # fast tokenisers keep their truncation as state
        self.facts = ModelFacts(
            fingerprint=_fingerprint(spec, content),
            dimension=int(self._model.get_embedding_dimension()),
            max_length=_limit(self._model.max_seq_length),
            default_prompt=self._model.prompts.get(self._model.default_prompt_name or "", ""),
        )
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
        if _has_plain_tokeniser(self._model) and not (prompt and _hides_prompt(self._model)):
            return self._tokenise_once([prompt + text for text in texts], max_length or self.facts.max_length)
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

    def _tokenise_once(self, texts: list[str], max_length: int | None) -> _Prepared:
        """Tokenise all texts now, so that batches can be cut by tokens and padded little."""
        tokenizer = self._model.tokenizer
        with self._lock:
            encoded = tokenizer(texts, truncation=max_length is not None, max_length=max_length, padding=False)
        columns = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
        lengths = np.fromiter((len(ids) for ids in encoded["input_ids"]), dtype=np.int64, count=len(texts))

        def pad(rows: NDArray[np.intp]) -> dict[str, Any]:
            """Pad some rows to the longest of them."""
            chosen = {name: [values[row] for row in rows] for name, values in columns.items()}
            with self._lock:
                padded = tokenizer.pad(chosen, padding=True, return_tensors="pt")
            return {**padded, "modality": "text"}

        n_truncated = sum(bool(encoding.overflowing) for encoding in encoded.encodings)
        return _Prepared(lengths, n_truncated, pad)

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


def _load(spec: ModelSpec) -> tuple[Any, str]:
    """The model, and a digest or commit of its content."""
    import torch

    if spec.dtype not in DTYPES:
        raise ValueError(f"dtype={spec.dtype!r} is not known to the torch backend: use one of {DTYPES}.")
    try:
        if spec.directory is not None:
            return _read(spec, str(spec.directory), None, local=True), directory_fingerprint(spec.directory)
        found = find_on_hub(spec)
        model = _read(spec, found.name, found.commit, local=found.downloaded)
        verify_download(found)
        return model, f"{found.name}@{found.commit}"
    except (ImportError, MemoryError, ModelNotAvailableError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a missing or broken file surfaces as almost anything
        raise ModelNotAvailableError(_unreadable(spec, error)) from error


def _read(spec: ModelSpec, name: str, revision: str | None, *, local: bool) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    dtype = getattr(torch, spec.dtype)
    model = SentenceTransformer(
        name,
        device=spec.device,
        revision=revision,
        trust_remote_code=spec.trust_remote_code,
        local_files_only=local,
        # Checkpoints in half precision would otherwise run in half precision on a CPU, slowly.
        model_kwargs={"dtype": dtype},
    )
    return model.to(dtype).eval()


def _unreadable(spec: ModelSpec, error: Exception) -> str:
    if spec.name == MINI:
        return f"The bundled model skko-mini cannot be read ({describe(error)}). Install skko again."
    if "trust_remote_code" in str(error):
        return (
            f"The model {spec.name!r} runs Python code of its own repository. If you have read that code and trust it, "
            f"pass model=ModelSpec({spec.name!r}, trust_remote_code=True)."
        )
    if spec.directory is not None:
        return f"The model in {spec.directory} cannot be read ({describe(error)}): is it a sentence-transformers model?"
    return (
        f"The model {spec.name!r} was found but cannot be read ({describe(error)}). Its download may be incomplete: "
        f'run `hf download {spec.name}`, or use the model that comes with skko: model="{MINI}".'
    )


def _fingerprint(spec: ModelSpec, content: str) -> str:
    """Digest of the weights and of everything in the spec that changes a vector."""
    return hashlib.sha256(repr((content, spec.backend, spec.dtype, spec.trust_remote_code)).encode()).hexdigest()


def _limit(max_seq_length: float | None) -> int | None:
    return None if max_seq_length is None or max_seq_length > _NO_LIMIT else int(max_seq_length)


def _has_plain_tokeniser(model: Any) -> bool:
    """Whether the first module is a text transformer whose preparation is just its tokeniser."""
    from sentence_transformers.base.modules import Transformer

    first = model[0]
    return (
        isinstance(first, Transformer)
        and list(first.modality_config) == ["text"]
        and getattr(first.tokenizer, "is_fast", False)
        and not getattr(first, "processing_kwargs", None)
    )


def _hides_prompt(model: Any) -> bool:
    """Whether pooling leaves the prompt's tokens out, which only the model's own preparation arranges."""
    return any(getattr(module, "include_prompt", True) is False for module in model)
