"""GridSearchCV over an embedding model: skko against the same model as an ordinary step.

``python -m benchmarks.model_selection`` prints a table of texts encoded, models loaded and seconds.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skko import KoEmbeddingTransformer, datasets
from skko.embedding.cache import shared_cache
from skko.models.registry import registry
from tests.tiny import build_xlm_roberta

CANDIDATES = {"classify__C": [0.3, 1.0, 3.0, 10.0]}
FOLDS = 5


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


def search(step: Any, texts: list[str], labels: Any, memory: str | None = None) -> float:
    """Run the search and return its best score."""
    steps = [("embed", step), ("classify", LogisticRegression(max_iter=1000))]
    grid = GridSearchCV(Pipeline(steps, memory=memory), CANDIDATES, cv=FOLDS)
    return float(grid.fit(texts, labels).best_score_)


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=[150, 566], help="sizes to measure")
    sizes = parser.parse_args().texts
    inquiries = datasets.load_inquiries()
    counts = Counts()
    print("| texts | set-up | texts encoded | model loads | seconds | times skko | best score |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        model = str(build_xlm_roberta(Path(folder) / "model", seed=0, dimension=256))
        for size in sizes:
            texts, labels = inquiries.texts[:size], np.asarray(inquiries.topics[:size])
            registry.clear()
            shared_cache.clear()
            setups = {
                "skko": (KoEmbeddingTransformer(model), None),
                "plain step": (PlainStep(model), None),
                "plain step, Pipeline(memory=)": (PlainStep(model), f"{folder}/memory-{size}"),
            }
            skko_seconds = 0.0
            for name, (step, memory) in setups.items():
                texts_before, loads_before, started = counts.texts, counts.loads, time.perf_counter()
                best = search(step, texts, labels, memory)
                seconds = time.perf_counter() - started
                skko_seconds = skko_seconds or seconds
                print(
                    f"| {size} | {name} | {counts.texts - texts_before:,} | {counts.loads - loads_before} "
                    f"| {seconds:.1f} | {seconds / skko_seconds:.1f} | {best:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
