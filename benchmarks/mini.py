"""What skko-mini, or another model, is worth: ``python -m benchmarks.mini --data DIR [--model DIR]`` prints a table.

Development sets are strictly apart from what skko-mini learnt from (``training/sources.py``), and AutoRAG was never
tuned on. A few minutes on 2 cores, most of them clustering.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import normalized_mutual_info_score

from skko import KoEmbeddingTransformer, make_topic_clusterer
from skko.datasets import fetch_parakqc
from skko.models import mini_path
from training import evaluate, sources

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Scores = dict[str, float]

TO_REACH = {
    "AutoRAG recall@1": "0.60 (BGE-M3 .658, OpenAI 3-small .544, ko-sroberta-multitask .421)",
    "AutoRAG recall@10": "0.90 (BGE-M3 .939, OpenAI 3-small .851, ko-sroberta-multitask .702)",
    "KorSTS dev, Spearman": "0.77",
    "YNAT, 8 labels a class, accuracy": "0.68",
    "YNAT, 20,000 labels, accuracy": "0.84 (character TF-IDF and a linear SVM .865)",
    "NSMC, 20,000 labels, accuracy": "0.82 (character TF-IDF .839)",
    "paraKQC held out, NMI": "0.95",
    "paraKQC, NMI": "0.95",
    "headlines a second, KoEmbeddingTransformer": "45,000",
    "seconds from a cold start to 100 vectors": "3",
    "seconds to load, sentence-transformers imported": "0.5",
    "resident MiB more, loaded by skko": "120",
    "size of the directory, MB": "30",
}
"""What issue 4 asks for, beside published figures of others."""

BARE = "headlines a second, tokenizers and EmbeddingBag"
SIZES = (128, 64)
_SEED = 0
_SMALLEST_GROUP = 5
_COLD_START = """\
import sys, time
started = time.perf_counter()
from skko import KoEmbeddingTransformer
KoEmbeddingTransformer(sys.argv[1], cache=False).fit([]).transform([f"{i}번 문장입니다" for i in range(100)])
print(time.perf_counter() - started)
"""
_LOADING = """\
import resource, sys, time
from pathlib import Path
{imported}
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
used, started = resident(), time.perf_counter()
model = {made}
model.{embed}(["문장"])
print(time.perf_counter() - started)
print(resident() - used)
"""
_BY_SKKO = _LOADING.format(
    imported="from skko import KoEmbeddingTransformer",
    made="KoEmbeddingTransformer(sys.argv[1], cache=False)",
    embed="fit_transform",
)
_BY_SENTENCE_TRANSFORMERS = _LOADING.format(
    imported="from sentence_transformers import SentenceTransformer",
    made='SentenceTransformer(sys.argv[1], device="cpu")',
    embed="encode",
)


class Encoder:
    """A model that remembers what it has embedded: several measures read the same texts.

    Parameters
    ----------
    model : str
        Directory of the model.
    dimension : int or None, default=None
        Keep only the first dimensions.
    """

    def __init__(self, model: str, dimension: int | None = None) -> None:
        self._embedder = KoEmbeddingTransformer(model, truncate_dim=dimension, cache=False).fit([])
        self._known: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts."""
        key = tuple(texts)
        if key not in self._known:
            self._known[key] = self._embedder.transform(list(texts))
        return self._known[key]


def clusters(model: str, data: Path) -> Scores:
    """How well the topics that are found agree with paraKQC's groups of ten: the held-out 200, and all 1,000."""
    texts = fetch_parakqc(data_home=data)["text"].tolist()
    sets = {"paraKQC held out, NMI": sources.held_out_paraphrases(data), "paraKQC, NMI": texts}
    scores = {}
    for name, questions in sets.items():
        finder = make_topic_clusterer(model, min_cluster_size=_SMALLEST_GROUP, random_state=_SEED, cache=False)
        groups = np.arange(len(questions)) // sources.GROUP_SIZE
        scores[name] = float(normalized_mutual_info_score(groups, finder.fit_predict(questions)))
    return scores


def shortened(model: str, data: Path) -> Scores:
    """What is left of a score in the first dimensions alone."""
    return {
        f"{name}, {size} dimensions": score
        for size in SIZES
        for measure in (evaluate.sts, evaluate.topics, evaluate.autorag)
        for name, score in measure(Encoder(model, size), data).items()
        if name in TO_REACH
    }


def speed(model: str, data: Path) -> Scores:
    """Headlines a second, each of them read once, and seconds to start.

    It has to come before all else: a tokeniser remembers words, and reads a text that it knows several times as fast.
    Machines differ by more than the goal, so a tokeniser and a bag of embeddings alone are measured beside, too.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    ours = KoEmbeddingTransformer(model, cache=False).fit([])
    peer, bare = (SentenceTransformer(model, device="cpu") for _ in range(2))
    cold = float(_alone(_COLD_START, model)[0])
    loading, resident = map(float, _alone(_BY_SENTENCE_TRANSFORMERS, model))
    _, resident_here = map(float, _alone(_BY_SKKO, model))
    return {
        "headlines a second, KoEmbeddingTransformer": _rate(ours.transform, data),
        **({BARE: _rate(partial(_bare, bare), data)} if isinstance(bare[0], StaticEmbedding) else {}),
        "headlines a second, SentenceTransformer.encode": _rate(peer.encode, data),
        "seconds from a cold start to 100 vectors": cold,
        "seconds to load, sentence-transformers imported": loading,
        "resident MiB more, loaded by skko": resident_here,
        "resident MiB more, loaded by sentence-transformers": resident,
        "size of the directory, MB": sum(file.stat().st_size for file in Path(model).rglob("*")) / 1e6,
    }


def _bare(model: "SentenceTransformer", texts: list[str]) -> NDArray[np.float32]:
    """Embed texts by a static model with nothing around it."""
    static = model[0]
    ids = [encoding.ids for encoding in static.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    offsets = np.cumsum([0, *map(len, ids[:-1])])
    means = static.embedding(torch.from_numpy(np.concatenate(ids).astype(np.int64)), torch.from_numpy(offsets))
    vectors: NDArray[np.float32] = torch.nn.functional.normalize(means, dim=-1).detach().numpy()
    return vectors


def _rate(embed: Callable[[list[str]], object], data: Path) -> float:
    """Headlines a second, all of them new, after others have warmed the model up."""
    embed(sources.headlines(data, held_out=True)["title"].tolist())
    texts = sources.headlines(data)["title"].drop_duplicates().tolist()
    started = time.perf_counter()
    embed(texts)
    return len(texts) / (time.perf_counter() - started)


def _alone(program: str, model: str) -> list[str]:
    """Lines that a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, model], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def measure(model: str, data: Path) -> Scores:
    """Measure everything.

    Parameters
    ----------
    model : str
        Directory of the model.
    data : Path
        Folder of the data sets.

    Returns
    -------
    dict of str to float
        Scores by name.
    """
    speeds, encode = speed(model, data), Encoder(model)
    return (
        evaluate.autorag(encode, data)
        | evaluate.development(encode, data)
        | clusters(model, data)
        | shortened(model, data)
        | speeds
    )


def markdown(scores: Scores) -> str:
    """Lay scores out beside what is to be reached."""
    lines = ["| measure | score | to reach |", "| --- | --- | --- |"]
    for name, score in scores.items():
        value = f"{score:,.0f}" if score >= 10 else f"{score:.2f}" if "seconds" in name else f"{score:.3f}"
        lines.append(f"| {name} | {value} | {TO_REACH.get(name, '')} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--model", default=str(mini_path()), help="sentence-transformers directory")
    options = parser.parse_args()
    print(markdown(measure(options.model, options.data)))


if __name__ == "__main__":
    main()
