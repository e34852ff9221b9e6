"""Trainings that are killed: what goes on is what would have been, weight for weight."""

import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformerTrainer

from skko.config import config_context
from skko.finetune import KoEmbeddingFineTuner
from skko.finetune._trainer import _last_checkpoint
from tests.children import child
from tests.finetuning import one_thread  # noqa: F401

# A batch in several parts, dropout in each of them, evaluations between, and a checkpoint after every step.
_N_STEPS = 32


def fit(base: str) -> KoEmbeddingFineTuner:
    pairs = [(f"환불은 {number}일 안에 되나요", f"{number}일이면 돈을 돌려받나요") for number in range(128)]
    tuner = KoEmbeddingFineTuner(
        base, epochs=2, batch_size=8, mini_batch_size=4, learning_rate=1e-3, eval_steps=10, checkpoint_minutes=0
    )
    return tuner.fit(pairs, eval_set=(pairs[:16],))


def fit_in_a_child(base: str, cache: Path, send: Connection) -> None:
    torch.set_num_threads(1)
    with config_context(cache_dir=cache):
        fit(base)


def kill_after(step: int, base: Path, cache: Path) -> None:
    """Start the training in a process of its own, and kill it once it has written a checkpoint of that step."""
    with child(fit_in_a_child, str(base), cache) as (process, _):
        deadline = time.monotonic() + 300
        # Not with rglob, which would look into checkpoints that are being removed.
        written = "finetuned/*/training/checkpoint-*"
        while not any(int(path.name.rpartition("-")[2]) >= step for path in cache.glob(written)):
            assert process.is_alive(), "the training ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore::skko.exceptions.SkkoWarning")  # of tuning noise, which gains nothing
def test_a_killed_training_ends_with_the_same_weights(tiny_a, tmp_path, monkeypatch):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_after(7, tiny_a, killed)
    steps = []
    step = SentenceTransformerTrainer.training_step
    monkeypatch.setattr(
        SentenceTransformerTrainer,
        "training_step",
        lambda self, *args, **kwargs: steps.append(self.state.global_step) or step(self, *args, **kwargs),
    )
    with config_context(cache_dir=str(killed)):
        resumed = fit(str(tiny_a))
    assert 6 <= steps[0] < _N_STEPS
    assert steps == list(range(steps[0], _N_STEPS))
    steps.clear()
    with config_context(cache_dir=str(whole)):
        uninterrupted = fit(str(tiny_a))
    assert steps == list(range(_N_STEPS))
    found, expected = (load_file(Path(tuner.model_) / "model.safetensors") for tuner in (resumed, uninterrupted))
    base = load_file(tiny_a / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not all(torch.equal(base[name], expected[name]) for name in expected)
    assert resumed.history_ == uninterrupted.history_
    assert not list(killed.rglob("checkpoint-*"))


def test_a_checkpoint_that_was_being_written_is_passed_over(tmp_path):
    for step, state in ((9, "{}"), (10, '{"global_step": '), (11, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights.pt").write_bytes(b"")
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert _last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-9"]
