"""Embedding mixed-length Korean texts: skko, at several token budgets, against SentenceTransformer.encode.

``python -m benchmarks.encode`` builds XLM-RoBERTa with random weights and prints a table of seconds and ratios. Vectors
are compared with encode's before anything is timed.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from skko import KoEmbeddingTransformer, datasets
from tests.tiny import build_xlm_roberta


def mixed_texts(n_texts: int) -> list[str]:
    """Mostly single inquiries, one in ten a run of them joined: a median of a sentence and a long tail."""
    inquiries = datasets.load_inquiries().texts
    rng = np.random.default_rng(0)
    lengths = np.where(rng.random(n_texts) < 0.1, rng.integers(4, 16, n_texts), 1)
    return [" ".join(rng.choice(inquiries, length)) + f" {i}" for i, length in enumerate(lengths)]


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=[200, 600], help="numbers of texts")
    parser.add_argument("--budgets", type=int, nargs="+", default=[256, 512, 1024, 4096], help="tokens a batch")
    parser.add_argument("--dimension", type=int, default=384, help="width of the model")
    parser.add_argument("--layers", type=int, default=6, help="depth of the model")
    options = parser.parse_args()
    print("| texts | set-up | seconds | speed, times encode | least cosine to encode |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = build_xlm_roberta(
            Path(folder) / "model", seed=0, dimension=options.dimension, n_layers=options.layers, max_length=512
        )
        peer = SentenceTransformer(str(path), device="cpu")
        for n_texts in options.texts:
            texts = mixed_texts(n_texts)
            peer.encode(texts[:64])  # warm up
            started = time.perf_counter()
            expected = peer.encode(texts)
            peer_seconds = time.perf_counter() - started
            print(f"| {n_texts} | SentenceTransformer.encode | {peer_seconds:.1f} | 1.00 | |", flush=True)
            for budget in options.budgets:
                embedder = KoEmbeddingTransformer(str(path), cache=False, batch_tokens=budget).fit(texts)
                embedder.transform(texts[:64])
                started = time.perf_counter()
                vectors = embedder.transform(texts)
                seconds = time.perf_counter() - started
                cosine = (vectors * expected).sum(axis=1).min()
                ratio = peer_seconds / seconds
                print(f"| {n_texts} | skko, {budget} tokens | {seconds:.1f} | {ratio:.2f} | {cosine:.7f} |", flush=True)


if __name__ == "__main__":
    main()
