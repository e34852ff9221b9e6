"""Embedding Korean texts with XLM-RoBERTa of base shape: skko against SentenceTransformer.encode at its defaults.

``python -m benchmarks.encode --data DIR`` prints a table of seconds and ratios. The peer is timed anew beside each
set-up, in turns, and each vector is compared with the peer's. Weights are random: they cost the same time. With
``--max-length 8192``, as dragonkue/bge-m3-ko has it, no text is cut.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from benchmarks.corpus import build_base, mixed_texts, uniform_texts
from skko import KoEmbeddingTransformer

SETUPS = {
    "torch, float32": {},
    "torch, bfloat16": {"dtype": "bfloat16"},
    "torch, int8": {"dtype": "int8"},
    "openvino, float32": {"backend": "openvino"},
    "openvino, bfloat16": {"backend": "openvino", "dtype": "bfloat16"},
    "openvino, int8": {"backend": "openvino", "dtype": "int8"},
}
MAIN = ("torch, float32", "openvino, float32", "openvino, bfloat16")
"""Measured at every size; the others at the first."""


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least time of some runs: others on the machine only ever add to it."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def compare(
    name: str, texts: list[str], peer: SentenceTransformer, embedder: KoEmbeddingTransformer, turns: int
) -> None:
    """Time both in turns and print a row."""
    repeats = max(1, 40 // len(texts))  # a few texts at a time are over in milliseconds
    expected = peer.encode(texts)
    cosines = (embedder.transform(texts) * expected).sum(axis=1)
    ours, theirs = [], []
    for _ in range(turns):
        theirs.append(seconds(lambda: peer.encode(texts), repeats))
        ours.append(seconds(lambda: embedder.transform(texts), repeats))
    ratio = np.median(np.array(theirs) / np.array(ours))
    print(
        f"| {name} | {len(texts)} | {np.median(theirs):.3f} | {np.median(ours):.3f} | **{ratio:.2f}** "
        f"| {cosines.min():.7f} | {cosines.mean():.7f} |",
        flush=True,
    )


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ynat/ and petitions/")
    parser.add_argument("--texts", type=int, nargs="+", default=[110, 330], help="numbers of mixed texts")
    parser.add_argument("--max-length", type=int, default=512, help="tokens that the model reads")
    parser.add_argument("--setups", nargs="+", default=list(SETUPS), choices=list(SETUPS), help="what to measure")
    parser.add_argument("--turns", type=int, default=2, help="turns a row")
    options = parser.parse_args()
    setups = [name for name in options.setups if "openvino" not in name or importlib.util.find_spec("openvino")]
    print("| set-up | texts | encode, s | skko, s | times as fast | least cosine | mean cosine |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = str(build_base(Path(folder) / "base", mixed_texts(options.data, 3_000), options.max_length))
        peer = SentenceTransformer(path, device="cpu")
        for name in setups:
            embedder = KoEmbeddingTransformer(path, cache=False, device="cpu", **SETUPS[name]).fit([])
            for n_texts in options.texts if name in MAIN else options.texts[:1]:
                compare(f"{name}; mixed", mixed_texts(options.data, n_texts), peer, embedder, options.turns)
            if name == "torch, float32":
                uniform = uniform_texts(options.data, 300)
                compare(f"{name}; uniform", uniform, peer, embedder, options.turns)
                for n_texts in (1, 8):
                    compare(f"{name}; uniform", uniform[:n_texts], peer, embedder, 3 * options.turns)


if __name__ == "__main__":
    main()
