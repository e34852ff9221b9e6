"""Mining paraphrases: skko against sentence_transformers.util.paraphrase_mining_embeddings, on the same vectors.

``python -m benchmarks.mining`` prints seconds, ratios and peak memory. Every run has a process of its own, in turns,
and the pairs that skko finds are compared with the peer's. With ``--data DIR`` mined pairs of real questions are
compared with the true ones.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skko import KoEmbeddingTransformer, ParaphraseMiner
from skko.metrics import pair_scores, pair_threshold
from skko.similarity import PAIR, unit_rows
from training import sources

THRESHOLD = 0.75
GROUP = 10
ORACLE_ROWS = 10_000  # with so many, every pair is also checked in double precision
MAX_PAIRS = 500_000  # the peer's default, beyond which it says nothing of what it leaves out
PAIRS_A_ROW = 10  # asked of it instead where that is more


def make_vectors(n_rows: int, dimension: int) -> NDArray[np.float32]:
    """Groups of ten or so around random centres; most pairs of a group have a cosine near 0.8, all others near 0."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(n_rows // GROUP, dimension)).astype(np.float32)
    return unit_rows(centres[rng.integers(len(centres), size=n_rows)] + 0.5 * rng.normal(size=(n_rows, dimension)))


def mine(X: NDArray[np.float32]) -> NDArray[np.void]:
    """skko."""
    return ParaphraseMiner(threshold=THRESHOLD, show_progress=False).fit(X).pairs_


def mine_top_k(X: NDArray[np.float32]) -> NDArray[np.void]:
    """skko, with the peer's top_k beside the threshold."""
    return ParaphraseMiner(threshold=THRESHOLD, top_k=100, show_progress=False).fit(X).pairs_


def mine_peer(X: NDArray[np.float32]) -> NDArray[np.void]:
    """The peer at its defaults; it has no threshold."""
    import torch
    from sentence_transformers.util import paraphrase_mining_embeddings

    found = paraphrase_mining_embeddings(torch.from_numpy(X), max_pairs=max(MAX_PAIRS, PAIRS_A_ROW * len(X)))
    return np.array([(i, j, score) for score, i, j in found], dtype=PAIR)


def multiply(X: NDArray[np.float32]) -> NDArray[np.void]:
    """The bare product of the upper triangle: what any exact search has to compute."""
    for start in range(0, len(X), 2048):
        for column in range(start, len(X), 4096):
            np.matmul(X[start : start + 2048], X[column : column + 4096].T)
    return np.empty(0, dtype=PAIR)


WORK: dict[str, Callable[[NDArray[np.float32]], NDArray[np.void]]] = {
    "skko": mine,
    "skko, top_k=100": mine_top_k,
    "peer": mine_peer,
    "half matrix product": multiply,
}


def work_alone(name: str, vectors: Path, pairs: Path) -> None:
    """Do one piece of work in this process and print what it cost."""
    X = np.load(vectors)
    WORK[name](X[:100])  # imports and first calls are not the work
    before = peak_memory()
    started = time.perf_counter()
    found = WORK[name](X)
    seconds = time.perf_counter() - started
    peak = peak_memory()
    np.save(pairs, found)
    print(json.dumps({"seconds": seconds, "grown": peak - before, "peak": peak}))


def peak_memory() -> float:
    """Most memory that this process has held, in MB.

    Linux's ``VmHWM``, because ``getrusage`` starts a child at what its parent has held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run_alone(name: str, vectors: Path, pairs: Path) -> dict[str, float]:
    """Start a process for it and read what it printed."""
    command = [sys.executable, "-m", "benchmarks.mining", "--alone", name, str(vectors), str(pairs)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    costs: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return costs


def check_pairs(X: NDArray[np.float32], ours: NDArray[np.void], theirs: NDArray[np.void] | None) -> str:
    """Compare pairs, of which those within rounding of the threshold may fall either way for the peer."""
    if theirs is not None:
        sure = theirs[theirs["score"] >= THRESHOLD + 1e-5]
        assert len(theirs) < max(MAX_PAIRS, PAIRS_A_ROW * len(X)) or theirs["score"].min() < THRESHOLD, (
            "the peer kept too few pairs"
        )
        assert rows_of(sure) <= rows_of(ours) <= rows_of(theirs[theirs["score"] >= THRESHOLD - 1e-5])
    if len(X) <= ORACLE_ROWS:
        products = X.astype(np.float64) @ X.astype(np.float64).T
        lengths = np.sqrt(np.diag(products))
        exact = np.argwhere(np.triu(products / lengths / lengths[:, None], k=1) >= THRESHOLD)
        assert rows_of(ours) == set(map(tuple, exact.tolist())), "not the pairs of brute force"
    done = [text for text, was in (("peer", theirs is not None), ("brute force", len(X) <= ORACLE_ROWS)) if was]
    return "same as " + " and ".join(done) if done else "unchecked"


def rows_of(pairs: NDArray[np.void]) -> set[tuple[int, int]]:
    """Pairs without their scores."""
    return set(zip(pairs["i"].tolist(), pairs["j"].tolist(), strict=True))


def compare(n_rows: int, dimension: int, turns: int, names: list[str], folder: Path) -> None:
    """Measure one size in turns and print its rows."""
    vectors = folder / f"{n_rows}.npy"
    np.save(vectors, make_vectors(n_rows, dimension))
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            costs[name].append(run_alone(name, vectors, folder / f"{name}.npy"))
    seconds = {name: np.array([cost["seconds"] for cost in costs[name]]) for name in names}
    ours = np.load(folder / "skko.npy")
    theirs = np.load(folder / "peer.npy") if "peer" in names else None
    checked = check_pairs(np.load(vectors), ours, theirs)
    for name in names:
        ratio = f"{np.median(seconds['peer'] / seconds[name]):.1f}" if "peer" in names else ""
        floor = f"{np.median(seconds[name] / seconds['half matrix product']):.2f}"
        memory = f"{max(c['grown'] for c in costs[name]):,.0f} | {max(c['peak'] for c in costs[name]):,.0f}"
        note = f"{len(ours):,} pairs, {checked}" if name == "skko" else ""
        size = f"{n_rows:,} × {dimension}"
        print(
            f"| {size} | {name} | {np.median(seconds[name]):.2f} | {ratio} | {floor} | {memory} | {note} |", flush=True
        )


def scored(pairs: NDArray[np.void], groups: NDArray[Any], n_true: int) -> tuple[float, float, float]:
    """Average precision, best F1 and the threshold where it is reached."""
    best = pair_threshold(pairs["score"], groups[pairs["i"]] == groups[pairs["j"]], n_true=n_true)
    return pair_scores(pairs, groups).average_precision, best.f1, best.threshold


def paraphrases(data: Path) -> None:
    """Print how well mined pairs of held-out questions agree with the true groups."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = sources.held_out_paraphrases(data)
    groups = np.arange(len(texts)) // GROUP
    n_true = len(texts) * (GROUP - 1) // 2
    vectors = KoEmbeddingTransformer("skko-mini").fit_transform(texts)
    letters = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit_transform(texts).toarray()
    everything = ParaphraseMiner(threshold=-1, show_progress=False)
    rows = {
        "skko-mini, ParaphraseMiner": everything.fit(vectors).pairs_,
        "skko-mini, the peer's utility": mine_peer(vectors),
        "TF-IDF of characters (1 to 3), ParaphraseMiner": everything.fit(letters).pairs_,
    }
    print(f"\nParaKQC, the last {len(texts) // GROUP} groups: {len(texts):,} questions, {n_true:,} true pairs.\n")
    print("| vectors, miner | average precision | best F1 | at threshold |\n| --- | --- | --- | --- |")
    for name, pairs in rows.items():
        precision, f1, threshold = scored(pairs, groups, n_true)
        print(f"| {name} | {precision:.3f} | {f1:.3f} | {threshold:.3f} |")
    learned_thresholds(vectors, groups)


def learned_thresholds(vectors: NDArray[np.float32], groups: NDArray[Any]) -> None:
    """Print what a threshold learned on half of the groups is worth on the other half."""
    half = len(vectors) // 2
    table = []
    for precision in (None, 0.9):
        miner = ParaphraseMiner(threshold="auto", precision=precision, show_progress=False)
        miner.fit(vectors[:half], groups[:half])
        found = pair_scores(ParaphraseMiner(threshold=miner.threshold_).fit(vectors[half:]).pairs_, groups[half:])
        wanted = "best F1" if precision is None else f"precision {precision}"
        table.append({"wanted": wanted, "threshold": miner.threshold_, "F1": found.f1, "precision": found.precision})
    print("\nA threshold learned on the first half of these groups, used on the other half:\n")
    print("| wanted | learned threshold | F1 | precision |\n| --- | --- | --- | --- |")
    for row in pd.DataFrame(table).itertuples(index=False):
        print(f"| {row[0]} | {row[1]:.3f} | {row[2]:.3f} | {row[3]:.3f} |")


def main() -> None:
    """Read the command line, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=["10000x256", "50000x256", "20000x1024"], help="ROWSxDIMENSIONS")
    parser.add_argument("--turns", type=int, default=3, help="turns a size")
    parser.add_argument("--without", nargs="*", default=[], choices=["skko, top_k=100", "peer"], help="leave these out")
    parser.add_argument("--data", type=Path, help="folder with parakqc/")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        work_alone(options.alone[0], Path(options.alone[1]), Path(options.alone[2]))
        return
    names = [name for name in WORK if name not in options.without]
    if options.sizes:
        print(
            "| rows | what | seconds | times as fast as the peer | times the product | memory grown, MB | peak, MB | |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in options.sizes:
        n_rows, dimension = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            compare(n_rows, dimension, options.turns, names, Path(folder))
    if options.data:
        paraphrases(options.data)


if __name__ == "__main__":
    main()
