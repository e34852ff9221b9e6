"""Processes that torchrun would start, here two on a CPU: together they do what one does alone."""

import json
import os
import socket
import warnings
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file

from skko import config_context
from skko.finetune import KoEmbeddingFineTuner
from tests.children import in_children
from tests.finetuning import one_thread  # noqa: F401


def fit(base: str) -> KoEmbeddingFineTuner:
    # Anchors come twice, so that batches that are drawn apart would have one in common.
    pairs = [(f"환불은 {number // 2}일 안에 되나요", f"{number}일이면 돈을 돌려받나요") for number in range(48)]
    params = {"epochs": 2, "batch_size": 12, "mini_batch_size": 4, "learning_rate": 1e-3, "device": "cpu"}
    return KoEmbeddingFineTuner(base, show_progress=False, **params).fit(pairs, eval_set=(pairs[:8],))


def without_dropout(base: Path, folder: Path) -> str:
    """Processes draw different dropout, as they must: only without it can they be compared."""
    for path in base.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(base)).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(base)).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def fit_as_one_of_several(base: str, rank: str) -> tuple[str, list[dict[str, float]]]:
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank}
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    tuner = fit(base)
    return tuner.model_, tuner.history_


def fit_together(base: str, cache: Path, n_processes: int = 2) -> list[tuple[str, list[dict[str, float]]]]:
    """Fit in processes that share a training, and return what each of them was left with."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(n_processes)}
    with patch.dict(os.environ, group | {"SKKO_CACHE_DIR": str(cache)}):
        return in_children(fit_as_one_of_several, *((base, str(rank)) for rank in range(n_processes)))


@pytest.mark.skipif(os.name != "posix", reason="gloo over the loopback device")
@pytest.mark.filterwarnings("ignore::skko.exceptions.SkkoWarning")  # of tuning noise, which gains nothing
def test_two_processes_do_together_what_one_does_alone(tiny_a, tmp_path):
    base = without_dropout(tiny_a, tmp_path / "base")
    first, second = fit_together(base, tmp_path / "two")
    assert first == second
    model, history = first
    with config_context(cache_dir=str(tmp_path / "one")):
        alone = fit(base)
    assert Path(model).relative_to(tmp_path / "two") == Path(alone.model_).relative_to(tmp_path / "one")
    assert len(history) == len(alone.history_)
    for entry, expected in zip(history, alone.history_, strict=True):
        assert entry == pytest.approx(expected, rel=1e-5)
    found, expected, before = (load_file(Path(path) / "model.safetensors") for path in (model, alone.model_, base))
    moved = sum(float((expected[name] - before[name]).square().sum()) for name in before)
    apart = sum(float((expected[name] - found[name]).square().sum()) for name in before)
    assert apart < 0.05**2 * moved  # not 0: Adam divides a gradient that is all rounding by itself
    assert not list((tmp_path / "two").rglob("checkpoint-*"))
