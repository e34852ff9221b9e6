"""How a model is tuned, resolved: what decides its weights, and what only decides how they are computed."""

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from skko.exceptions import SkkoWarning
from skko.finetune.examples import Examples
from skko.finetune.losses import LOSSES, Rows
from skko.finetune.scoring import find_metric
from skko.models import ModelSpec
from skko.models.backends import is_static
from skko.models.registry import registry
from skko.progress import ShowProgress

OnStep = Callable[[int, int], Any]

# Raised when the same settings come to mean other weights, so that none of an older version is taken for them.
_VERSION = 2
# Of those that change no weight but by rounding.
_COSTS_ONLY = ("device", "mini_batch_size", "checkpoint_minutes", "show_progress")
# Where a batch would hold all rows: so many steps an epoch instead.
_STEPS = 10
# Below this the vectors of a static model, which are its weights, move less in a training than they differ.
_STATIC_RATE = 1e-3


@dataclass(frozen=True)
class Settings:
    """Parameters of one training, with nothing left to ``"auto"``.

    Attributes
    ----------
    loss : str
        Name of the loss.
    loss_params : dict
        Its parameters where they are not the defaults.
    epochs, batch_size : int
        Passes over the rows, and rows a step.
    learning_rate, warmup_ratio : float
        Of AdamW; the rate rises over the warm-up and falls linearly to 0.
    batch_sampler : str
        How batches are drawn.
    pairs_per_text : int
        Partners of each labelled text.
    matryoshka_dims : tuple of int or None
        Dimensions that are trained to stand alone.
    lora : dict or None
        Parameters of the adapters.
    max_length : int or None
        Longest input in training.
    prompt : str
        What stands before each text.
    dtype : str
        Arithmetic of the model's forward and backward pass.
    metric : str
        What the best weights are chosen by.
    patience, eval_steps : int or None
        Evaluations without gain before training stops, and steps between two.
    seed : int
        Seed of every draw.
    device : str
        Where it runs.
    mini_batch_size : int
        Texts that go through the model at once.
    checkpoint_minutes : float
        Minutes between two checkpoints.
    show_progress : bool or "auto"
        Whether to show a bar.
    """

    loss: str
    epochs: int
    batch_size: int
    learning_rate: float
    warmup_ratio: float
    batch_sampler: str
    pairs_per_text: int
    matryoshka_dims: tuple[int, ...] | None
    lora: dict[str, Any] | None
    max_length: int | None
    prompt: str
    dtype: str
    metric: str
    patience: int | None
    eval_steps: int | None
    seed: int
    device: str
    mini_batch_size: int
    checkpoint_minutes: float
    show_progress: ShowProgress
    loss_params: dict[str, Any] = field(default_factory=dict)

    def deciding(self) -> dict[str, Any]:
        """Return those settings that decide the weights.

        Returns
        -------
        dict
            Names and values.
        """
        return {name: value for name, value in asdict(self).items() if name not in _COSTS_ONLY}

    def key(self, base: str, *data: str) -> str:
        """Name the weights that these settings make of a model and data.

        Parameters
        ----------
        base : str
            What identifies the base model's content.
        *data : str
            Digests of the examples.

        Returns
        -------
        str
            32 hexadecimal digits.

        Raises
        ------
        ValueError
            If a parameter is of a kind that has no fixed content, such as a function.
        """
        try:
            content = json.dumps([_VERSION, base, data, self.deciding()], sort_keys=True)
        except TypeError as error:
            raise ValueError(
                f"loss_params and lora must hold numbers, strings, booleans and lists of them, as they are part of the "
                f"name under which the weights are kept ({error})."
            ) from error
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def resolve_settings(
    params: dict[str, Any], loss: str, rows: Rows, spec: ModelSpec, held_out: Examples | None
) -> Settings:
    """Leave nothing to ``"auto"``.

    Parameters
    ----------
    params : dict
        Parameters of the fine-tuner.
    loss : str
        The loss in force.
    rows : Rows
        What it reads.
    spec : ModelSpec
        The base model on the device that trains.
    held_out : Examples or None
        What the best weights are chosen by.

    Returns
    -------
    Settings
        How to train.

    Raises
    ------
    ValueError
        If no two rows can be in a batch.

    Warns
    -----
    SkkoWarning
        If the batch is another than was asked for, or the learning rate does little to a static model.
    """
    if is_static(spec) and params["learning_rate"] < _STATIC_RATE:
        warnings.warn(
            f"learning_rate={params['learning_rate']:g} does little to {spec.name}, a static model: 0.01 is usual.",
            SkkoWarning,
            stacklevel=2,
        )
    chooses = held_out is not None
    lora, dims, prompt = params["lora"], params["matryoshka_dims"], params["prompt"]
    return Settings(
        loss=loss,
        loss_params=dict(params["loss_params"] or {}),
        epochs=params["epochs"],
        batch_size=_batch_size(params["batch_size"], rows, loss, exclusive=params["batch_sampler"] == "no_duplicates"),
        learning_rate=float(params["learning_rate"]),
        warmup_ratio=float(params["warmup_ratio"]),
        batch_sampler=params["batch_sampler"],
        pairs_per_text=params["pairs_per_text"],
        matryoshka_dims=None if dims is None else tuple(map(int, dims)),
        lora={} if lora is True else (lora or None),
        max_length=params["max_length"],
        prompt=registry.facts(spec).default_prompt if prompt is None else prompt,
        dtype=_arithmetic(spec.device) if params["dtype"] == "auto" else params["dtype"],
        metric="auto" if held_out is None else find_metric(params["metric"], held_out.kind),
        patience=params["patience"] if chooses else None,
        eval_steps=params["eval_steps"] if chooses else None,
        seed=params["random_state"],
        device=spec.device,
        mini_batch_size=params["mini_batch_size"],
        checkpoint_minutes=float(params["checkpoint_minutes"]),
        show_progress=params["show_progress"],
    )


def _batch_size(asked: int, rows: Rows, loss: str, *, exclusive: bool) -> int:
    room, usual = len(rows), len(rows) // _STEPS
    if exclusive and rows.codes is not None:
        counts = [np.unique(column, return_counts=True)[1] for column in rows.codes.T]
        # No batch can hold two rows of a code, so that there are at most as many as the rarest column has codes. In
        # batches of the second number each row has a place, those of the commonest code in one batch each.
        room, fitting = min(map(len, counts)), min(len(rows) // int(count.max()) for count in counts)
        if room < 2:
            raise ValueError(
                f"All {len(rows):,} rows share a text or a label, so that no two can be in a batch: each would be a "
                'false negative of the other. Pass other examples, or batch_sampler="random".'
            )
        usual = min(usual, fitting)
    size = asked if asked <= room else max(2, usual)
    if LOSSES[loss].form == "class":  # two texts of each of two classes at least, and pairs of each
        size = max(4, size - size % 2)
    if size != asked:
        what = "rows that can share a batch" if room < len(rows) else "rows"
        warnings.warn(
            f"batch_size={asked:,} was asked for and {size:,} is used, as there are {room:,} {what}. Set batch_size to "
            "choose another one.",
            SkkoWarning,
            stacklevel=2,
        )
    return size


def _arithmetic(device: str) -> str:
    if not device.startswith("cuda"):
        return "float32"
    import torch

    # Emulated bfloat16 is slow; from Ampere on it is as fast as float16 and needs no scaled loss.
    return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float16"
