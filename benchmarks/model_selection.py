"""GridSearchCV over an embedding model and a classifier: skko against the same model as an ordinary step.

``python -m benchmarks.model_selection --data DIR`` prints a table of texts encoded, models loaded and seconds. Each
set-up runs in a process of its own; skko runs a second time, where it finds what the first has kept. What it costs to
embed once and to fit the classifiers on vectors is the floor. Peers that are not installed are left out.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from benchmarks.corpus import headlines
from skko import KoEmbeddingTransformer
from tests.tiny import build_xlm_roberta

CANDIDATES = {"classify__C": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]}
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


class Counts:
    """What reached sentence-transformers' models, counted from outside."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers import XLMRobertaModel

        self.texts = self.loads = 0
        forward, init = XLMRobertaModel.forward, SentenceTransformer.__init__

        def count_texts(model: Any, *args: Any, **kwargs: Any) -> Any:
            self.texts += len(kwargs["input_ids"])
            return forward(model, *args, **kwargs)

        def count_loads(model: Any, *args: Any, **kwargs: Any) -> None:
            self.loads += 1
            init(model, *args, **kwargs)

        XLMRobertaModel.forward, SentenceTransformer.__init__ = count_texts, count_loads


class PlainStep(TransformerMixin, BaseEstimator):
    """The usual glue: a SentenceTransformer loaded in fit."""

    def __init__(self, model: str) -> None:
        self.model = model

    def fit(self, X: Any, y: Any = None) -> "PlainStep":
        """Load the model."""
        from sentence_transformers import SentenceTransformer

        self.model_ = SentenceTransformer(self.model, device="cpu")
        return self

    def transform(self, X: Any) -> Any:
        """Encode the texts."""
        return self.model_.encode(list(X), show_progress_bar=False)


@cache
def counts_here() -> Counts:
    """The counts of this process."""
    return Counts()


class CountedTransformer(KoEmbeddingTransformer):
    """Counts in any process, and writes it into the folder that COUNTS names: workers have no other way to say it."""

    def _resolve(self) -> None:
        counts_here()
        super()._resolve()

    def _embed(self, *args: Any, **kwargs: Any) -> Any:
        vectors = super()._embed(*args, **kwargs)
        counts = counts_here()
        Path(os.environ["COUNTS"], str(os.getpid())).write_text(f"{counts.texts} {counts.loads}")
        return vectors


def step(name: str, model: str) -> Any:
    """The embedding step of a set-up."""
    if "n_jobs" in name:
        from benchmarks.model_selection import CountedTransformer as Counted  # which workers can import, too

        return Counted(model)
    if name.startswith("skko"):
        return KoEmbeddingTransformer(model)
    if name == "skrub TextEncoder":
        from skrub import TextEncoder

        return TextEncoder(model, n_components=None, device="cpu")
    if name == "embetter":
        import torch
        from embetter.text import SentenceEncoder

        return SentenceEncoder(model, device=torch.device("cpu"))
    return PlainStep(model)


def search(embed: Any, X: Any, y: Any, memory: str | None = None, n_jobs: int | None = None) -> float:
    """Run the search and return its best score."""
    pipeline = Pipeline([("embed", embed), ("classify", LogisticRegression(max_iter=1000))], memory=memory)
    return float(GridSearchCV(pipeline, CANDIDATES, cv=FOLDS, n_jobs=n_jobs).fit(X, y).best_score_)


def floor(model: str, texts: Any, labels: Any) -> dict[str, float]:
    """Seconds to embed every text once, and to fit the classifiers on the vectors."""
    started = time.perf_counter()
    vectors = KoEmbeddingTransformer(model, cache=False).fit_transform(texts)
    embedded = time.perf_counter()
    best = search("passthrough", vectors, labels)
    return {"seconds": time.perf_counter() - started, "embedding": embedded - started, "best": best}


def run(name: str, model: str, data: Path, n_texts: int, folder: str) -> dict[str, float]:
    """Measure one set-up in this process."""
    table = headlines(data)[:n_texts]
    counts = Counts()
    if name == "floor":
        found = floor(model, table["title"], table["topic_idx"])
    else:
        memory = f"{folder}/memory" if "memory=" in name else None
        started = time.perf_counter()
        best = search(step(name, model), table["title"], table["topic_idx"], memory, 2 if "n_jobs=2" in name else None)
        found = {"seconds": time.perf_counter() - started, "best": best}
    if "n_jobs" in name:
        each = [path.read_text().split() for path in Path(os.environ["COUNTS"]).iterdir()]
        counts.texts, counts.loads = sum(int(texts) for texts, _ in each), sum(int(loads) for _, loads in each)
    return {**found, "texts": counts.texts, "loads": counts.loads}


def run_alone(arguments: list[str], kept: str) -> dict[str, float]:
    """Measure one set-up in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.model_selection", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SKKO_CACHE_DIR": kept, "COUNTS": folder, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ynat/")
    parser.add_argument("--texts", type=int, nargs="+", default=[1000, 3000], help="sizes to measure")
    parser.add_argument("--setups", nargs="+", help="those whose names begin so; all unless told")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "MODEL", "FOLDER"), help="measure one, and print JSON")
    options = parser.parse_args()
    if options.one:
        name, model, folder = options.one
        print(json.dumps(run(name, model, options.data, options.texts[0], folder)))
        return
    setups = [
        "floor",
        "skko",
        "skko, a second process",
        "skko, n_jobs=2, another cache",
        "plain step, Pipeline(memory=)",
    ]
    setups += ["plain step"]
    setups += ["skrub TextEncoder"] if importlib.util.find_spec("skrub") else []
    setups += ["embetter"] if importlib.util.find_spec("embetter") else []
    setups = [name for name in setups if not options.setups or name.startswith(tuple(options.setups))]
    print("| texts | set-up | texts encoded | model loads | seconds | times skko | best score |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        texts = list(headlines(options.data)["title"][:5_000])
        model = Path(folder) / "model"
        build_xlm_roberta(
            model, seed=0, dimension=256, n_layers=4, n_heads=4, corpus=texts, vocabulary=8_000, spread=0.05
        )
        for n_texts in options.texts:
            ours = 0.0
            for name in setups:
                kept = f"{folder}/{n_texts}{'-2' if 'another' in name else ''}"
                arguments = ["--data", str(options.data), "--texts", str(n_texts), "--one", name, str(model), folder]
                found = run_alone(arguments, kept)
                ours = found["seconds"] if name == "skko" else ours
                times = f"{found['seconds'] / ours:.2f}" if ours else ""
                label = f"floor: embedding once {found['embedding']:.1f} s, fits" if name == "floor" else name
                print(
                    f"| {n_texts} | {label} | {found['texts']:,} | {found['loads']} | {found['seconds']:.1f} | {times} "
                    f"| {found['best']:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
