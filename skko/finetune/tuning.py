"""Tuned weights by content: trained once for the same model, data and settings, and found again after that."""

import json
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from skko._version import __version__
from skko.config import get_config
from skko.finetune._folder import one_at_a_time, rank, writing_to
from skko.finetune.examples import Examples
from skko.finetune.losses import Rows
from skko.finetune.settings import OnStep, Settings
from skko.folders import private_folder
from skko.models.backends.loading import bars_as_set, load_model
from skko.models.identity import local_content
from skko.models.registry import registry
from skko.models.spec import ModelSpec

_RESULT, _MODEL, _TRAINING = "result.json", "model", "training"


@dataclass(frozen=True)
class Tuned:
    """Weights that training made, and how.

    Attributes
    ----------
    directory : pathlib.Path
        A plain sentence-transformers directory.
    facts : dict
        Base, data, settings, scores, history and versions, as the model card states them.
    """

    directory: Path
    facts: dict[str, Any]


def tune(
    spec: ModelSpec, examples: Examples, rows: Rows, held_out: Examples | None, settings: Settings, on_step: OnStep
) -> Tuned:
    """Tune a model, go on with what was interrupted, or find what was done before.

    Parameters
    ----------
    spec : ModelSpec
        The base model on the device that trains.
    examples : Examples
        What to learn from.
    rows : Rows
        The same as the loss reads it.
    held_out : Examples or None
        What to choose the best weights by.
    settings : Settings
        How.
    on_step : callable
        Called after each step with the steps done and the steps to do.

    Returns
    -------
    Tuned
        The weights.
    """
    digests = [examples.digest, *([] if held_out is None else [held_out.digest])]
    folder = tuned_folder(settings.key(_content(spec), *digests))
    if not (folder / _MODEL).is_dir():  # it appears whole, so that it can be found without a lock, and read only
        with one_at_a_time(folder):
            if not (folder / _MODEL).is_dir():
                facts = _facts(spec, examples, rows, held_out, settings)
                _train(spec, rows, held_out, settings, folder, facts, on_step)
    return Tuned(folder / _MODEL, json.loads((folder / _RESULT).read_text(encoding="utf-8")))


def tuned_folder(key: str) -> Path:
    """Return where tuned weights are kept.

    Parameters
    ----------
    key : str
        Their name.

    Returns
    -------
    pathlib.Path
        A folder under the setting ``cache_dir``.
    """
    return Path(get_config()["cache_dir"]) / "finetuned" / key


def _facts(
    spec: ModelSpec, examples: Examples, rows: Rows, held_out: Examples | None, settings: Settings
) -> dict[str, Any]:
    facts = {
        "base": spec.name,
        "data": {**_named(examples), "rows": len(rows)},
        "settings": settings.deciding(),
    }
    return facts if held_out is None else {**facts, "held_out": _named(held_out)}


def _named(examples: Examples) -> dict[str, Any]:
    return {"kind": examples.kind, "examples": len(examples), "sha256": examples.digest}


def _content(spec: ModelSpec) -> str:
    content = local_content(spec)
    if content is None:  # not on this machine: loading it once brings it here
        registry.facts(spec)
        content = local_content(spec)
    return content or spec.name


def _train(
    spec: ModelSpec,
    rows: Rows,
    held_out: Examples | None,
    settings: Settings,
    folder: Path,
    facts: dict[str, Any],
    on_step: OnStep,
) -> None:
    from skko.finetune._static_table import rows_in_use
    from skko.finetune._trainer import train

    started = time.time()
    model, _ = load_model(spec)
    if facts["data"]["kind"] == "texts":
        _check_dropout(model, spec)
    longest = model.max_seq_length
    if settings.max_length is not None:
        _limit(model, settings.max_length)
    if settings.lora is not None:
        from skko.finetune._adapters import add_adapters

        add_adapters(model, settings.lora)
    read = [*rows.columns.values(), *(() if held_out is None else held_out.columns)]
    with rows_in_use(model, read, settings.prompt):
        history = train(model, rows, held_out, settings, private_folder(folder / _TRAINING), on_step)
    _check_finite(model, settings)
    if settings.lora is not None:
        from skko.finetune._adapters import merge_adapters

        merge_adapters(model)
    if settings.max_length is not None:
        model.max_seq_length = longest
    if rank() == 0:
        packages = ("sentence-transformers", "transformers", "torch")
        facts |= {
            "history": history,
            "seconds": round(time.time() - started, 1),
            "versions": {"skko": __version__, **{name: version(name) for name in packages}},
        }
        _write(model, facts, folder)
    _wait_for_first()


def _check_dropout(model: Any, spec: ModelSpec) -> None:
    import torch

    if not any(isinstance(module, torch.nn.Dropout) and module.p > 0 for module in model.modules()):
        raise ValueError(
            f"{spec.name} has no dropout, so that the two vectors of a text would be the same and it would learn "
            "nothing from texts alone. Pass pairs or labels, or tune a transformer with dropout."
        )


def _limit(model: Any, max_length: int) -> None:
    if model.transformers_model is None or max_length > model.max_seq_length:
        limit = "no limit that could be set" if model.transformers_model is None else f"{model.max_seq_length} tokens"
        raise ValueError(f"max_length={max_length} cannot be applied: the model reads {limit}.")
    model.max_seq_length = max_length


def _check_finite(model: Any, settings: Settings) -> None:
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise ValueError(
                f"Training diverged: {name} is no longer finite. Lower learning_rate={settings.learning_rate:g}, or "
                "raise warmup_ratio, and call fit again."
            )


def _write(model: Any, facts: dict[str, Any], folder: Path) -> None:
    """Write the weights, whole or not at all, and let go of the checkpoints."""
    part = folder / f"{_MODEL}.part"
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed here
    with writing_to(folder), bars_as_set():
        model.cpu().eval().save(str(private_folder(part)), create_model_card=False)
        (folder / _RESULT).write_text(json.dumps(facts, ensure_ascii=False, indent=2), encoding="utf-8")
        part.rename(folder / _MODEL)
    shutil.rmtree(folder / _TRAINING)


def _wait_for_first() -> None:
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
