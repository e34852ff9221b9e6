"""Search: how well the parts and their fusions find, and what a million vectors cost.

``python -m benchmarks.search --data DIR`` prints nDCG@10 with skko-mini on development sets that its training held out,
from which the defaults of ``KoSemanticSearch`` were chosen. ``--autorag`` adds the AutoRAG benchmark, which nothing was
chosen by. ``--sizes 1000000`` measures so many synthetic vectors, each step in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.mining import make_vectors, peak_memory
from skko import KoEmbeddingTransformer
from skko.datasets import fetch_autorag, fetch_korsts
from skko.evaluation import evaluate_autorag, read_autorag
from skko.metrics import judged_ranks, retrieval_scores
from skko.search import KoSemanticSearch
from training import sources

SEED = 0
N_QUERIES = 500
N_ARTICLES = 2_000
GRID: dict[str, list[Any]] = {
    "alpha": [round(0.1 * step, 1) for step in range(11)],
    "fusion": ["adaptive", "weighted", "rrf"],
}
DEFAULTS = {name: KoSemanticSearch().get_params()[name] for name in ("fusion", "alpha")}
DIMENSION = 256
N_TIMED = 200

Known = tuple[list[str], list[list[int]]]


def development_sets(data: Path) -> Iterator[tuple[list[str], dict[str, Known]]]:
    """Corpora, each with sets of queries and the rows of the documents that answer them."""
    articles = [one for one in sources.articles(data, held_out=True) if len(one.sentences) > 2][:N_ARTICLES]
    yield (
        [" ".join(one.sentences[1:]) for one in articles],
        {
            "Wikipedia: title → text without its first sentence": _some([one.title for one in articles]),
            "Wikipedia: first sentence → the others": _some([one.sentences[0] for one in articles]),
        },
    )
    second = {"Wikipedia: second sentence → first": _some([one.sentences[1] for one in articles])}
    yield [one.sentences[0] for one in articles], second
    petitions = [one for one in sources.petitions(data, held_out=True) if one.title and one.text]
    yield [one.text for one in petitions], {"petitions: title → text": _some([one.title for one in petitions])}
    questions = sources.held_out_paraphrases(data)
    answers = [list(range(9 * group, 9 * group + 9)) for group in range(len(questions) // 10)]
    others = [question for row, question in enumerate(questions) if row % 10]
    yield others, {"ParaKQC: question → its 9 paraphrases": (questions[::10], answers)}
    sts = fetch_korsts("dev", data_home=data)
    same = sts[(sts["score"] >= sources.SAME_SCORE) & (sts["sentence1"] != sts["sentence2"])]
    documents = list(dict.fromkeys(sts["sentence2"]))
    row_of = {document: row for row, document in enumerate(documents)}
    relevant = same.groupby("sentence1", sort=False)["sentence2"].agg(lambda texts: [row_of[text] for text in texts])
    yield documents, {"KorSTS: sentence → those that say the same": (relevant.index.tolist(), relevant.tolist())}


def _some(queries: list[str]) -> Known:
    """Some queries, each answered by the document of its own row."""
    chosen = np.random.default_rng(SEED).permutation(len(queries))[:N_QUERIES].tolist()
    return [queries[row] for row in chosen], [[row] for row in chosen]


def fusions(data: Path) -> None:
    """Print what each fusion is worth, beside its parts."""
    tables, margins = {}, {}
    for documents, sets in development_sets(data):
        search = KoSemanticSearch("skko-mini", show_progress=False).fit(documents)
        for name, (queries, relevant) in sets.items():
            title = f"{name} ({len(queries):,} in {len(documents):,})"
            margins[title] = margin(search, queries, relevant)
            tried = search.tune(queries, relevant, GRID).tuning_
            search.set_params(**DEFAULTS)
            tables[title] = tried.set_index(["fusion", "alpha"])["ndcg@10"]
            print(f"{name}: done", file=sys.stderr, flush=True)
    table = pd.DataFrame(tables)
    better = table.loc[[("adaptive", 0.0), ("adaptive", 1.0)]].max()
    print("| development set | lexical | dense | default | above the better part, and 95 % of resamples |")
    print("| --- | --- | --- | --- | --- |")
    for name, scores in table.items():
        parts = [scores["adaptive", 0.0], scores["adaptive", 1.0], scores[DEFAULTS["fusion"], DEFAULTS["alpha"]]]
        cells = " | ".join(f"{score:.3f}" for score in parts)
        low, high = margins[name]
        print(f"| {name} | {cells} | {parts[-1] - better[name]:+.3f} [{low:+.3f}, {high:+.3f}] |")
    print("\nEvery fusion, by its difference from the better part:\n")
    print("| fusion | alpha | worst | mean |\n| --- | --- | --- | --- |")
    for (fusion, alpha), scores in table.sort_index().iterrows():
        if 0 < alpha < 1:
            print(f"| {fusion} | {alpha} | {(scores - better).min():+.4f} | {(scores - better).mean():+.4f} |")


def margin(search: KoSemanticSearch, queries: list[str], relevant: list[list[int]]) -> tuple[float, float]:
    """Interval of how far the default is above the better of its parts, by a paired bootstrap over the queries."""
    scores = {}
    for alpha in (0.0, 1.0, DEFAULTS["alpha"]):
        rankings = [[hit.row for hit in hits] for hits in search.set_params(alpha=alpha).search(queries, top_k=10)]
        ranks = judged_ranks(rankings, [{*rows} for rows in relevant])
        scores[alpha] = retrieval_scores(ranks, k=[10], metrics=["ndcg"]).per_query["ndcg@10"]
    step = scores.pop(DEFAULTS["alpha"]) - max(scores.values(), key=np.mean)
    drawn = np.random.default_rng(SEED).integers(len(step), size=(10_000, len(step)))
    low, high = np.quantile(step[drawn].mean(axis=1), [0.025, 0.975]).tolist()
    return low, high


def autorag(data: Path) -> None:
    """Print AutoRAG's recall with the defaults and with each part alone."""
    found = read_autorag(fetch_autorag(data_home=data).folder)
    print("\n| AutoRAG, skko-mini | recall@1 | @3 | @5 | @10 | ndcg@10 |\n| --- | --- | --- | --- | --- | --- |")
    for name, params in {"defaults": {}, "lexical": {"alpha": 0}, "dense": {"alpha": 1}}.items():
        report = evaluate_autorag(KoSemanticSearch("skko-mini", show_progress=False, **params), found, name=name)
        recalls = " | ".join(f"{report.scores[f'recall@{k}']:.3f}" for k in (1, 3, 5, 10))
        print(f"| {name} | {recalls} | {report.scores['ndcg@10']:.3f} |", flush=True)


class SyntheticEmbedder(KoEmbeddingTransformer):
    """The vector of the text "12" is the row 12 of a file; that of the query "12 or so" lies near it."""

    vectors: NDArray[np.float32]

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Look vectors up."""
        rows = np.array([int(text.removesuffix(" or so")) for text in X], dtype=np.int64)
        found = self.vectors[rows]
        if len(X) == 1 and X[0].endswith(" or so"):
            noise = np.random.default_rng(int(rows[0])).normal(size=found.shape, scale=0.5 / np.sqrt(DIMENSION))
            found = found + noise.astype(np.float32)
        return found


def build(folder: Path, n_documents: int, approximate: bool) -> dict[str, Any]:
    """Index and save."""
    texts = np.arange(n_documents).astype(str).tolist()
    embedder = SyntheticEmbedder("skko-mini")
    search = KoSemanticSearch(embedder, lexical=False, approximate=approximate, show_progress=False)
    started = time.perf_counter()
    search.fit(texts)
    built = time.perf_counter()
    search.save(folder)
    saved = time.perf_counter()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"build, s": built - started, "save, s": saved - built, "files, MB": size / 1e6}


def ask(folder: Path, n_documents: int, approximate: bool) -> dict[str, Any]:
    """Open and query, one query at a time; the first one reads the graph of an approximate index."""
    rows = np.random.default_rng(SEED).integers(n_documents, size=N_TIMED + 1)
    embedder = SyntheticEmbedder("skko-mini")
    started = time.perf_counter()
    search = KoSemanticSearch.load(folder, embedder=embedder).set_params(show_progress=False)
    marks = [started, time.perf_counter()]
    hits = []
    for row in rows.tolist():
        hits.append([hit.row for hit in search.search([f"{row} or so"])[0]])
        marks.append(time.perf_counter())
    opened, first, *others = np.diff(marks).tolist()
    p50, p95 = 1e3 * np.percentile(others, [50, 95])
    return {"open, s": opened, "first query, s": first, "p50, ms": p50, "p95, ms": p95, "hits": hits}


def scale(n_documents: int) -> None:
    """Print what so many vectors cost, searched exactly and by a graph."""
    print(f"\n{n_documents:,} × {DIMENSION} synthetic vectors, one query at a time, 10 hits:\n")
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "vectors.npy", make_vectors(n_documents, DIMENSION))
        for kind in ("exact", "approximate"):
            costs = [_alone(step, folder, n_documents, kind) for step in ("build", "ask")]
            for step, cost in zip(("build", "queries"), costs, strict=True):
                cost[f"peak of {step}, MB"] = cost.pop("peak")
            table[kind] = {**costs[0], **costs[1]}
    exact, found = (table[kind].pop("hits") for kind in ("exact", "approximate"))
    shares = [len({*a} & {*b}) / len(a) for a, b in zip(exact, found, strict=True)]
    table["exact"]["recall@10"], table["approximate"]["recall@10"] = 1.0, float(np.mean(shares))
    print("| | exact | approximate |\n| --- | --- | --- |")
    for name, value in table["exact"].items():
        cells = " | ".join(f"{one:,.0f}" if one >= 100 else f"{one:.3g}" for one in (value, table["approximate"][name]))
        print(f"| {name} | {cells} |")


def _alone(step: str, folder: str, n_documents: int, kind: str) -> dict[str, Any]:
    """Run a step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.search", "--alone", step, folder, str(n_documents), kind]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    costs: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return costs


def work_alone(step: str, folder: Path, n_documents: int, kind: str) -> None:
    """Do a step in this process and print what it cost."""
    SyntheticEmbedder.vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    work = {"build": build, "ask": ask}[step]
    costs = work(folder / kind, n_documents, kind == "approximate")
    print(json.dumps({**costs, "peak": peak_memory()}))


def main() -> None:
    """Read the command line, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data sets, as training/sources.py reads them")
    parser.add_argument("--autorag", action="store_true", help="AutoRAG too: for reporting only")
    parser.add_argument("--sizes", nargs="*", type=int, default=[], help="numbers of synthetic vectors")
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        step, folder, n_documents, kind = options.alone
        work_alone(step, Path(folder), int(n_documents), kind)
        return
    if options.data:
        fusions(options.data)
        if options.autorag:
            autorag(options.data)
    for n_documents in options.sizes:
        scale(n_documents)


if __name__ == "__main__":
    main()
