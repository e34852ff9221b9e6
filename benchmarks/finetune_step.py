"""One step of a training: gradient caching against the whole batch at once, and a batch of the card's size on a GPU."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from skko.datasets import fetch_chatbot
from skko.finetune.settings import Settings
from tests.tiny import build_xlm_roberta

BATCH, PART = 4_096, 64
"""Rows of a batch and texts of a mini-batch, as issue 9 asks."""

CARD = {"batch": 32_768, "tokens": 64, "part": 512, "dimension": 1024, "n_layers": 24, "n_heads": 16}
"""XLM-RoBERTa large, and the batch of the model card."""
PEAK = 989e12
"""FLOP/s in bfloat16 of an H100 or H200, without sparsity, by NVIDIA's data sheet."""


def settings(device: str = "cpu", part: int = PART, dtype: str = "float32") -> Settings:
    """What the losses ask of a training."""
    return Settings(
        loss="multiple_negatives_ranking",
        epochs=1,
        batch_size=BATCH,
        learning_rate=3e-5,
        warmup_ratio=0.0,
        batch_sampler="no_duplicates",
        pairs_per_text=1,
        matryoshka_dims=None,
        lora=None,
        max_length=None,
        prompt="",
        dtype=dtype,
        metric="auto",
        patience=None,
        eval_steps=None,
        seed=0,
        device=device,
        mini_batch_size=part,
        checkpoint_minutes=10.0,
        show_progress=False,
    )


def make_loss(name: str, model: Any) -> Any:
    """skko's loss, that of sentence-transformers with a cache, and the one without."""
    from sentence_transformers.sentence_transformer import losses

    from skko.finetune._trainer import _make_loss

    if name == "skko":
        return _make_loss(model, settings())
    if name == "sentence-transformers, cached":
        return losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=PART)
    return losses.MultipleNegativesRankingLoss(model)


LOSSES = ("uncached", "sentence-transformers, cached", "skko")


def load(path: str, *, dropout: bool = False) -> Any:
    """A model ready to train; without dropout losses can be compared."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(path, device="cpu").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout) and not dropout:
            module.p = 0.0
    return model


def questions(data: Path, n_rows: int) -> list[list[str]]:
    """Questions and answers, all different."""
    table = fetch_chatbot(data_home=data).drop_duplicates("question").drop_duplicates("answer")
    table = table.sample(n_rows, random_state=0)
    return [table["question"].tolist(), table["answer"].tolist()]


def one_loss(name: str, path: str, data: Path, n_rows: int) -> dict[str, Any]:
    """Memory and CPU seconds of one batch in this process and thread, with its gradient."""
    import torch

    torch.set_num_threads(1)
    model = load(path)
    columns = questions(data, n_rows)
    features = [model.preprocess(texts) for texts in columns]
    small = [model.preprocess(texts[:PART]) for texts in columns]
    make_loss(name, model)(small, None).backward()  # what is set up once is no part of the batch
    model.zero_grad()
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    before = resident("VmRSS")
    started = time.process_time()
    value = make_loss(name, model)(features, None)
    value.backward()
    seconds = time.process_time() - started
    peak = resident("VmHWM") - before
    gradient = np.concatenate([weight.grad.numpy().ravel() for weight in model.parameters() if weight.grad is not None])
    np.save(Path(path).parent / f"{name}-{n_rows}.npy", gradient)
    return {"loss": value.item(), "seconds": seconds, "peak": peak}


def resident(name: str) -> float:
    """MiB of this process's memory, now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def measure_cache(data: Path, turns: int) -> None:
    """Gradient caching against the whole batch at once, and against sentence-transformers' own."""
    print("\n## Gradient caching: a tiny XLM-RoBERTa, pairs of chatbot, float32, mini-batches of 64\n")
    print("2 layers, 64 dimensions; one forward and backward pass, in a process and a thread of its own. Memory is the")
    print(f"peak of resident MiB above what was there before; CPU seconds are the least of {turns} turns.\n")
    print("| batch | loss | value | relative error of the gradient | MiB | CPU seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        texts = [text for column in questions(data, BATCH) for text in column]
        shape = {"dimension": 64, "corpus": texts, "vocabulary": 4_000, "spread": 0.05}
        path = build_xlm_roberta(Path(folder) / "tiny", seed=0, **shape)
        for n_rows in (BATCH // 4, BATCH):
            found = {}
            for _ in range(turns):
                for name in LOSSES:
                    run = alone([name, str(path), str(n_rows)], data)
                    found.setdefault(name, []).append(run)
            whole = np.load(path.parent / f"{LOSSES[0]}-{n_rows}.npy")
            for name, runs in found.items():
                gradient = np.load(path.parent / f"{name}-{n_rows}.npy")
                error = np.linalg.norm(gradient - whole) / np.linalg.norm(whole)
                peak, seconds = min(run["peak"] for run in runs), min(run["seconds"] for run in runs)
                print(f"| {n_rows:,} | {name} | {runs[0]['loss']:.6f} | {error:.1e} | {peak:,.0f} | {seconds:.2f} |")
            times = {name: min(run["seconds"] for run in runs) for name, runs in found.items()}
            ratio = times["sentence-transformers, cached"] / times["skko"]
            print(
                f"| {n_rows:,} | skko against sentence-transformers, cached |  |  |  | **{ratio:.2f}** times as fast |"
            )


def measure_gpu() -> None:
    """One step of the card's size on XLM-RoBERTa's large shape: memory, seconds, and the share of the peak."""
    import torch

    if not torch.cuda.is_available():
        print("\nA step of 32,768 pairs on a GPU: left out, as there is no CUDA here.", file=sys.stderr)
        return
    from skko.finetune._trainer import _make_loss

    shape = {name: CARD[name] for name in ("dimension", "n_layers", "n_heads")}
    with tempfile.TemporaryDirectory() as folder:
        path = build_xlm_roberta(
            Path(folder) / "large", seed=0, feed_forward=4 * CARD["dimension"], spread=0.02, **shape
        )
        model = load(str(path), dropout=True).to("cuda")
    rows = (CARD["batch"], CARD["tokens"])
    columns = [
        {
            "input_ids": torch.randint(5, 100, rows, device="cuda"),
            "attention_mask": torch.ones(rows, dtype=torch.long, device="cuda"),
        }
        for _ in range(2)
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5)
    loss = _make_loss(model, settings("cuda", CARD["part"], "bfloat16"))

    def step(features: Any) -> float:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            value = loss([dict(column) for column in features], None)
            value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(value)

    step([{name: values[: CARD["part"]] for name, values in column.items()} for column in columns])
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    started = time.perf_counter()
    step(columns)
    torch.cuda.synchronize()
    seconds, memory = time.perf_counter() - started, torch.cuda.max_memory_allocated() / 2**30
    weights = sum(weight.numel() for name, weight in model.named_parameters() if ".layer." in name)
    # Forward once, and forward and backward once more; a product costs two operations a weight and token.
    attention = 4 * CARD["n_layers"] * CARD["tokens"] * CARD["dimension"]
    operations = 4 * (2 * weights + attention) * 2 * rows[0] * rows[1]
    print(f"\n## A step of {rows[0]:,} pairs of {rows[1]} tokens, XLM-RoBERTa large, {torch.cuda.get_device_name()}\n")
    print("| mini-batch | GiB | seconds | share of the peak |\n| --- | --- | --- | --- |")
    print(f"| {CARD['part']} | {memory:.1f} | {seconds:.1f} | {operations / seconds / PEAK:.2f} |")


def alone(arguments: list[str], data: Path) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.finetune_step", str(data), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure one loss, and print JSON."""
    parser = argparse.ArgumentParser(description=one_loss.__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("name", choices=LOSSES)
    parser.add_argument("model")
    parser.add_argument("rows", type=int)
    options = parser.parse_args()
    print(json.dumps(one_loss(options.name, options.model, options.data, options.rows)))


if __name__ == "__main__":
    main()
