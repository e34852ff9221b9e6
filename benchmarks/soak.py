"""A million short texts through one process: what memory and disk are held, and whether they grow.

``python -m benchmarks.soak [--texts 1000000]`` sends texts that all differ, a thousand at a time, through the embedder,
a classifier and a search, each in a process of its own, and reads the process's private memory (RssAnon of Linux) and
the bytes of its cache folder on the way.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skko import KoEmbeddingTransformer, KoSemanticSearch, make_text_classifier, set_config
from skko.datasets import load_inquiries

BATCH = 1_000
CHECKPOINTS = (0.1, 0.25, 0.5, 0.75, 1.0)
CACHE_BYTES = 64 << 20


def doors() -> dict[str, Callable[[], Callable[[list[str]], Any]]]:
    """By name: what makes the call that takes a batch."""
    inquiries = load_inquiries()
    return {
        "embed": lambda: KoEmbeddingTransformer("skko-mini").fit(inquiries.texts).transform,
        "classify": lambda: make_text_classifier("skko-mini").fit(inquiries.texts, inquiries.topics).predict,
        "search": lambda: KoSemanticSearch("skko-mini", show_progress=False).fit(inquiries.texts).search,
    }


def send(door: str, n_texts: int) -> None:
    """Send the texts through one door and print what is held at the checkpoints."""
    set_config(disk_cache_bytes=CACHE_BYTES)
    call = doors()[door]()
    words = " ".join(load_inquiries().texts).split()
    marks = {int(n_texts * share) // BATCH * BATCH for share in CHECKPOINTS}
    started = time.perf_counter()
    for first in range(0, n_texts, BATCH):
        call([f"{i}번 고객: {words[i % len(words)]} {words[i * 7 % len(words)]}" for i in range(first, first + BATCH)])
        if first + BATCH in marks:
            rate = (first + BATCH) / (time.perf_counter() - started)
            print(f"| {door} | {first + BATCH:,} | {held():,.0f} | {cached():,.0f} | {rate:,.0f} |", flush=True)


def held() -> float:
    """Private memory of this process, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def cached() -> float:
    """What is in the cache folder, in MB."""
    return sum(path.stat().st_size for path in Path(os.environ["SKKO_CACHE_DIR"]).rglob("*") if path.is_file()) / 1e6


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1_000_000, help="how many")
    parser.add_argument("--door", choices=list(doors()), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.door:
        send(options.door, options.texts)
        return
    print("| through | texts | private memory, MB | cache on disk, MB | texts a second |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for door in doors():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "benchmarks.soak", "--door", door, "--texts", str(options.texts)]
            subprocess.run(command, check=True, env={**os.environ, "SKKO_CACHE_DIR": folder})


if __name__ == "__main__":
    main()
