"""Models as sentence-transformers loads them, for every backend that begins there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skko.config import get_config
from skko.exceptions import ModelNotAvailableError
from skko.models.backends.quantisation import quantise_linears
from skko.models.fingerprint import directory_fingerprint
from skko.models.hub import describe, find_on_hub, verify_download
from skko.models.identity import model_fingerprint
from skko.models.presets import find_preset
from skko.models.spec import MINI, ModelFacts, ModelSpec

DTYPES = ("float32", "float16", "bfloat16", "int8")
# Tokenisers report "no limit" as a number no text reaches.
_NO_LIMIT = 1 << 24


def load_model(spec: ModelSpec) -> tuple[Any, str]:
    """Load a model by sentence-transformers.

    Parameters
    ----------
    spec : ModelSpec
        What to load, and where.

    Returns
    -------
    model : sentence_transformers.SentenceTransformer
        The model, in the wanted dtype.
    content : str
        Digest or commit of its files.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be found, reached or read.
    """
    import torch

    if spec.dtype not in DTYPES:
        raise ValueError(f"dtype={spec.dtype!r} is not known to the torch backend: use one of {DTYPES}.")
    if spec.dtype == "int8" and spec.device != "cpu":
        raise ValueError(f'dtype="int8" runs on the CPU alone, and the device is {spec.device!r}: use dtype="float16".')
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
    from sentence_transformers.sentence_transformer.modules import Pooling

    dtype = torch.float32 if spec.dtype == "int8" else getattr(torch, spec.dtype)
    with bars_as_set():
        model = SentenceTransformer(
            name,
            device=spec.device,
            revision=revision,
            trust_remote_code=spec.trust_remote_code,
            local_files_only=local,
            # Checkpoints in half precision would otherwise run in half precision on a CPU, slowly.
            model_kwargs={"dtype": dtype},
        )
    preset = find_preset(spec.name)
    if preset is not None and not preset.ships_pooling:
        # The repository does not say how to pool, and sentence-transformers has taken the mean.
        model[1] = Pooling(model.get_embedding_dimension(), pooling_mode=preset.pooling)
    model = model.to(dtype).eval()
    return quantise_linears(model) if spec.dtype == "int8" else model


@contextmanager
def bars_as_set() -> Iterator[None]:
    """Let bars of downloads and weights follow ``show_progress``; else they fill logs where there is no terminal.

    Yields
    ------
    None
        While it holds.
    """
    from transformers.utils import logging

    show = get_config()["show_progress"]
    if not logging.is_progress_bar_enabled() or (sys.stderr.isatty() if show == "auto" else show):
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


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


def facts_of(model: Any, spec: ModelSpec, content: str) -> ModelFacts:
    """Read off a loaded model what stays known of it.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        The model.
    spec : ModelSpec
        What was asked for.
    content : str
        Digest or commit of its files.

    Returns
    -------
    ModelFacts
        Its facts.
    """
    limit = model.max_seq_length
    return ModelFacts(
        fingerprint=model_fingerprint(spec, content),
        dimension=int(model.get_embedding_dimension()),
        max_length=None if limit is None or limit > _NO_LIMIT else int(limit),
        default_prompt=model.prompts.get(model.default_prompt_name or "", ""),
    )


def is_plain(model: Any) -> bool:
    """Tell whether the first module is a text transformer whose preparation is just its tokeniser.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        A model.

    Returns
    -------
    bool
        If not, only the model itself can make texts ready for it.
    """
    from sentence_transformers.base.modules import Transformer

    first = model[0]
    return bool(
        isinstance(first, Transformer)
        and list(first.modality_config) == ["text"]
        and getattr(first.tokenizer, "is_fast", False)
        and not getattr(first, "processing_kwargs", None)
    )


def hides_prompt(model: Any) -> bool:
    """Tell whether pooling leaves the prompt's tokens out, which only the model's own preparation arranges.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        A model.

    Returns
    -------
    bool
        Whether it does.
    """
    return any(getattr(module, "include_prompt", True) is False for module in model)
