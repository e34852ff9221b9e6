"""The torch backend: any model that sentence-transformers can load."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.config import get_config
from skko.exceptions import ModelNotAvailableError
from skko.models.fingerprint import directory_fingerprint
from skko.models.spec import MINI, ModelFacts, ModelSpec

DTYPES = ("float32", "float16", "bfloat16")
# Tokenisers report "no limit" as a number no text reaches.
_NO_LIMIT = 1 << 24
# Tokens a batch. On two CPU cores 512 was the fastest of 512, 1,024 and 4,096 for XLM-R of base shape
# (docs/decisions.md); accelerators want enough rows to be busy; models without attention hardly care.
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
        self._model = _load(spec)
        self._lock = threading.Lock()  # fast tokenisers keep their truncation as state
        self.facts = ModelFacts(
            fingerprint=_fingerprint(spec),
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
        """
        import torch

        with torch.inference_mode():
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

        def features(rows: NDArray[np.intp]) -> dict[str, Any]:
            chosen = {name: [values[row] for row in rows] for name, values in columns.items()}
            with self._lock:
                padded = tokenizer.pad(chosen, padding=True, return_tensors="pt")
            return {**padded, "modality": "text"}

        n_truncated = sum(bool(encoding.overflowing) for encoding in encoded.encodings)
        return _Prepared(lengths, n_truncated, features)

    def _leave_to_model(self, texts: list[str], prompt: str, max_length: int | None) -> _Prepared:
        """Let the model's first module prepare each batch; characters stand in for tokens."""
        if max_length is not None and max_length != self.facts.max_length:
            raise ValueError(
                f"max_length={max_length} cannot be applied: this model's {type(self._model[0]).__name__} module sets "
                "its own limit. Leave max_length=None."
            )
        lengths = np.fromiter((len(prompt) + len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))

        def features(rows: NDArray[np.intp]) -> dict[str, Any]:
            with self._lock:
                prepared = self._model.preprocess([texts[row] for row in rows], prompt=prompt or None)
            return dict(prepared)

        return _Prepared(lengths, 0, features)


def _load(spec: ModelSpec) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    if spec.dtype not in DTYPES:
        raise ValueError(f"dtype={spec.dtype!r} is not known to the torch backend: use one of {DTYPES}.")
    dtype = getattr(torch, spec.dtype)
    try:
        model = SentenceTransformer(
            str(spec.directory or spec.name),
            device=spec.device,
            revision=spec.revision,
            trust_remote_code=spec.trust_remote_code,
            local_files_only=spec.directory is not None or get_config()["offline"],
            # Checkpoints in half precision would otherwise run in half precision on a CPU, slowly.
            model_kwargs={"dtype": dtype},
        )
    except ImportError:
        raise
    except Exception as error:
        if not _is_about_files(error):
            raise
        raise ModelNotAvailableError(_not_available(spec, error)) from error
    return model.to(dtype).eval()


def _is_about_files(error: Exception) -> bool:
    """Whether a model failed to load because of its files or the way to them, and not of a bug."""
    import httpx
    from huggingface_hub.errors import HFValidationError
    from safetensors import SafetensorError

    return isinstance(error, (OSError, httpx.HTTPError, HFValidationError, SafetensorError, ValueError, KeyError))


def _not_available(spec: ModelSpec, error: Exception) -> str:
    cause = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
    if spec.name == MINI:
        return f"The bundled model skko-mini cannot be read ({cause}). Install skko again."
    if spec.directory is not None:
        return f"The model in {spec.directory} cannot be read ({cause}). It must be a sentence-transformers directory."
    offline = " skko is offline (SKKO_OFFLINE, or set_config(offline=True))." if get_config()["offline"] else ""
    return (
        f"The model {spec.name!r} is neither a directory here nor downloaded, and the hub did not give it.{offline} "
        f"Either download it while there is a network, with `hf download {spec.name}`, or use the "
        f'model that comes with skko: model="{MINI}". Cause: {cause}'
    )


def _fingerprint(spec: ModelSpec) -> str:
    """Digest of the weights and of everything else in the spec that changes a vector."""
    identity = asdict(spec)
    del identity["device"], identity["name"], identity["revision"]
    directory = spec.directory
    content = directory_fingerprint(directory) if directory else f"{spec.name}@{_commit(spec)}"
    return hashlib.sha256(repr((content, sorted(identity.items()))).encode()).hexdigest()


def _commit(spec: ModelSpec) -> str:
    """The commit that a hub model was loaded from: the name of its snapshot folder."""
    from huggingface_hub import try_to_load_from_cache

    for filename in ("modules.json", "config_sentence_transformers.json", "config.json"):
        path = try_to_load_from_cache(_hub_id(spec), filename, revision=spec.revision)
        if isinstance(path, str):
            parts = Path(path).parts
            return parts[parts.index("snapshots") + 1]
    raise ModelNotAvailableError(f"The model {spec.name!r} was loaded, but its files are not in the hub's cache.")


def _hub_id(spec: ModelSpec) -> str:
    # sentence-transformers' own rule for names without an owner
    return spec.name if "/" in spec.name else f"sentence-transformers/{spec.name}"


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
