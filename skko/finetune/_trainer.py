"""Training itself, by sentence-transformers. Imported only where it starts, as it takes torch and seconds."""

import inspect
import json
import logging
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base import sampler
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer import losses
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback, trainer_utils

from skko.finetune._folder import writing_to
from skko.finetune._gradient_cache import CachedLoss, CachedRankingLoss
from skko.finetune.examples import Examples
from skko.finetune.losses import LOSSES, Rows
from skko.finetune.scoring import score_examples
from skko.finetune.settings import OnStep, Settings
from skko.folders import private_folder
from skko.progress import progress_bar

_N_REPORTS = 100
_STATE, _WEIGHTS = "trainer_state.json", "weights.pt"
# Of rows that came up short of a batch, and are drawn again; and of the order of checkpoints, of which there is one.
_CHATTER = ("NoDuplicatesBatchSampler produced only", "mtime may not be reliable")


def train(
    model: Any,
    rows: Rows,
    eval_examples: Examples | None,
    settings: Settings,
    folder: Path,
    on_step: OnStep,
) -> list[dict[str, float]]:
    """Train a model in place, from the last checkpoint in the folder if there is one.

    Parameters
    ----------
    model : SentenceTransformer
        The base model.
    rows : Rows
        What to learn from.
    eval_examples : Examples or None
        What to choose the best weights by.
    settings : Settings
        How.
    folder : pathlib.Path
        Where checkpoints go.
    on_step : callable
        Called after each step with the steps done and the steps to do.

    Returns
    -------
    list of dict
        What was reported on the way: step, epoch, and loss or score.
    """
    with _own_randomness(), _without_chatter():
        trainer = _Trainer(
            model=model,
            args=_arguments(settings, folder, len(rows), evaluate=eval_examples is not None),
            train_dataset=_dataset(rows),
            loss=_make_loss(model, settings),
            evaluator=None if eval_examples is None else _Evaluator(eval_examples, settings),
            callbacks=_callbacks(settings, on_step, stopping=eval_examples is not None),
        )
        trainer.codes = rows.codes if settings.batch_sampler == "no_duplicates" else None
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_last_checkpoint(folder))
    if not trainer.state.global_step:
        raise ValueError(
            f"No batch of {settings.batch_size:,} rows without a duplicate could be drawn from {len(rows):,} rows. "
            "Lower batch_size."
        )
    return [_report(entry) for entry in trainer.state.log_history if {"loss", "eval_score"} & set(entry)]


class _Trainer(SentenceTransformerTrainer):
    """Batches without false negatives, no model cards on the way, and no silence where the best weights do not load."""

    codes: NDArray[np.int64] | None = None

    def get_batch_sampler(self, dataset: Any, **settings: Any) -> Any:
        """Draw batches in which no two rows share a code."""
        if self.codes is None:
            return super().get_batch_sampler(dataset, **settings)
        n_processes = _n_processes()
        whole = settings.pop("batch_size") * n_processes
        drawn = _NoDuplicates(dataset, codes=self.codes, batch_size=whole, **settings)
        return drawn if n_processes == 1 else _InTurns(drawn, n_processes)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Write no card: skko's own says what was done."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with writing_to(Path(self.args.output_dir)):
            super()._save_checkpoint(model, trial)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = private_folder(Path(output_dir or self.args.output_dir))
        # What is frozen is that of the base: with adapters a checkpoint is small.
        frozen = {name for name, parameter in self.model.named_parameters() if not parameter.requires_grad}
        state = {name: values for name, values in self.model.state_dict().items() if name not in frozen}
        torch.save(state, folder / _WEIGHTS)

    def _load_from_checkpoint(self, checkpoint: str, model: Any = None) -> None:
        state = torch.load(Path(checkpoint) / _WEIGHTS, map_location="cpu", weights_only=True)
        missing, unknown = self.model.load_state_dict(state, strict=False)
        learned = {name for name, parameter in self.model.named_parameters() if parameter.requires_grad}
        if unknown or learned & set(missing):
            raise ValueError(f"The checkpoint {checkpoint} is of another model. Remove it and call fit again.")

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)


class _NoDuplicates(sampler.NoDuplicatesBatchSampler):
    """Codes in the place of hashes: exact, without processes that compute them, and classes may be among them."""

    def __init__(self, dataset: Any, *, codes: NDArray[np.int64], **settings: Any) -> None:
        super().__init__(dataset, precompute_hashes=True, precompute_num_proc=1, **settings)
        self._row_hashes = codes


class _InTurns:
    """Batches in equal parts at which processes take turns: each ranks before the rows of all, drawn as one batch."""

    drop_last = True

    def __init__(self, whole: _NoDuplicates, n_processes: int) -> None:
        self.sampler = whole  # accelerate looks for it by this name to tell it the epoch
        self.batch_size = whole.batch_size // n_processes
        self._n_processes = n_processes

    def __iter__(self) -> Iterator[list[int]]:
        for rows in self.sampler:
            yield from (rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size))

    def __len__(self) -> int:
        return len(self.sampler) * self._n_processes


class _Evaluator(BaseEvaluator):
    """The score of examples, for the trainer."""

    def __init__(self, examples: Examples, settings: Settings) -> None:
        super().__init__()
        self._examples, self._settings = examples, settings

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Score the model as it is now; the cache has no place for weights that the next step changes."""

        def embed(texts: Any) -> NDArray[np.float32]:
            found: NDArray[np.float32] = model.encode(
                list(texts),
                prompt=self._settings.prompt,  # "" is none, and None would be the model's own
                batch_size=self._settings.mini_batch_size,
                show_progress_bar=False,
            )
            return found

        return {"score": score_examples(self._examples, embed, self._settings.metric)}


class _Progress(TrainerCallback):
    """A bar, a word to whoever asked, and a checkpoint every some minutes."""

    def __init__(self, settings: Settings, on_step: OnStep) -> None:
        self._settings, self._on_step = settings, on_step
        self._saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar."""
        self._saved = time.monotonic()
        self._bar = progress_bar(state.max_steps, "tuning", unit="step", show=self._settings.show_progress)
        self._bar.update(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count the step."""
        self._bar.update(1)
        self._on_step(state.global_step, state.max_steps)
        due = time.monotonic() - self._saved >= 60 * self._settings.checkpoint_minutes
        if broadcast_object_list([due])[0]:  # by the clock of the first of several processes
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to count anew."""
        self._saved = time.monotonic()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self._bar.close()


def _arguments(settings: Settings, folder: Path, n_rows: int, *, evaluate: bool) -> Any:
    n_processes = _n_processes()
    steps = n_rows // settings.batch_size * settings.epochs
    often = (
        {"strategy": "epoch"} if settings.eval_steps is None else {"strategy": "steps", "steps": settings.eval_steps}
    )
    choosing: dict[str, Any] = {
        **{f"eval_{name}": value for name, value in often.items()},
        **{f"save_{name}": value for name, value in often.items()},
        "load_best_model_at_end": True,
        "metric_for_best_model": "score",
        "greater_is_better": True,
        "restore_callback_states_from_checkpoint": True,
    }
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=max(1, settings.batch_size // n_processes),
        learning_rate=settings.learning_rate,
        # The first step of a warm-up has a rate of 0, so that one of less than a step would be a step for nothing.
        warmup_steps=int(steps * settings.warmup_ratio),
        lr_scheduler_type="linear",
        seed=settings.seed,
        data_seed=settings.seed,
        dataloader_drop_last=True,
        dataloader_pin_memory=settings.device != "cpu",
        batch_sampler="group_by_label" if LOSSES[settings.loss].form == "class" else "batch_sampler",
        prompts=settings.prompt or None,
        bf16=settings.dtype == "bfloat16",
        fp16=settings.dtype == "float16",
        use_cpu=settings.device == "cpu",
        logging_steps=max(1, steps // _N_REPORTS),
        report_to="none",
        disable_tqdm=True,
        save_total_limit=1,
        # By the clock alone (_Progress): one at the end would be removed at once.
        **(choosing if evaluate else {"save_strategy": "no"}),
    )
    if arguments.device.type == "cuda" and n_processes == 1:
        arguments._n_gpu = 1  # else all of the machine's, by DataParallel, which gradient caching cannot use
    return arguments


def _make_loss(model: Any, settings: Settings) -> torch.nn.Module:
    loss = LOSSES[settings.loss]
    params = {**loss.params, **settings.loss_params}
    if loss.form == "rank" and _n_processes() > 1:
        params["gather_across_devices"] = True
    make = getattr(losses, loss.class_name)
    known = [name for name in inspect.signature(make).parameters if name != "model"]
    if unknown := sorted(set(settings.loss_params) - set(known)):
        raise ValueError(f'loss="{settings.loss}" has no parameters {unknown} (loss_params), but {known}.')
    inner = make(model, **params)
    cached = (CachedRankingLoss if loss.form == "rank" else CachedLoss)(model, inner, settings.mini_batch_size)
    if settings.matryoshka_dims is None:
        return cached
    # The whole vector too, which would otherwise be left to itself.
    dims = sorted({*settings.matryoshka_dims, int(model.get_embedding_dimension())})
    return losses.MatryoshkaLoss(model, cached, dims)  # type: ignore[no-any-return]


def _n_processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _callbacks(settings: Settings, on_step: OnStep, *, stopping: bool) -> list[Any]:
    found: list[Any] = [_Progress(settings, on_step)]
    if stopping and settings.patience is not None:
        found.append(EarlyStoppingCallback(settings.patience))
    return found


def _dataset(rows: Rows) -> Dataset:
    return Dataset.from_dict({**rows.columns, **({} if rows.labels is None else {"label": rows.labels})})


def _report(entry: dict[str, Any]) -> dict[str, float]:
    names = {"step": "step", "epoch": "epoch", "loss": "loss", "eval_score": "score"}
    return {names[name]: value for name, value in entry.items() if name in names}


def _last_checkpoint(folder: Path) -> str | None:
    """The last whole checkpoint; what a killed process left of a later one is removed.

    The trainer writes its state last of all, so that a checkpoint whose state can be read is whole.
    """
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in checkpoints:
        try:
            json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
            return str(checkpoint)
        except (OSError, ValueError):
            shutil.rmtree(checkpoint)
    return None


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what libraries log and nobody who tunes can use: they ask for nothing and change nothing."""

    def is_news(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(_CHATTER)

    loggers = [logging.getLogger(module.__name__) for module in (sampler, trainer_utils)]
    for logger in loggers:
        logger.addFilter(is_news)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_news)


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Training seeds every generator of the process; whoever called gets theirs back."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
