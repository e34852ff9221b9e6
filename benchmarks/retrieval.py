"""Retrieval over a corpus that is streamed from files: seconds, vectors from the cache, and memory.

``python -m benchmarks.retrieval --data DIR [--passages 100000 1000000]`` writes sentences of the Korean Wikipedia in
BEIR's layout and evaluates skko-mini on 1,000 titles, once with an empty cache and once more, each in a process of its
own. skko-mini has learnt from these sentences: it is the cost that is measured, not the model.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np

N_QUERIES = 1_000


def write_beir(data: Path, n_passages: int, folder: Path) -> None:
    """Write sentences, some titles that ask for them, and which belong together."""
    from training import sources

    numbered = enumerate(islice((a for a in sources.articles(data) if a.sentences), n_passages))
    (folder / "qrels").mkdir()
    n_written, asked = 0, []
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for number, article in numbered:
            if n_written >= n_passages:
                break
            for place, sentence in enumerate(article.sentences[: n_passages - n_written]):
                row = {"_id": f"{number}-{place}", "title": "", "text": sentence}
                corpus.write(json.dumps(row, ensure_ascii=False) + "\n")
            n_here = min(len(article.sentences), n_passages - n_written)
            asked.append((str(number), article.title, n_here))
            n_written += n_here
    chosen = np.random.default_rng(0).permutation(len(asked))[:N_QUERIES]
    with (
        (folder / "queries.jsonl").open("w", encoding="utf-8") as queries,
        (folder / "qrels" / "test.tsv").open("w", encoding="utf-8") as qrels,
    ):
        qrels.write("query-id\tcorpus-id\tscore\n")
        for row in chosen.tolist():
            number, title, n_sentences = asked[row]
            queries.write(json.dumps({"_id": number, "text": title}, ensure_ascii=False) + "\n")
            qrels.writelines(f"{number}\t{number}-{place}\t1\n" for place in range(n_sentences))


def evaluate_alone(folder: Path) -> None:
    """Evaluate in this process and print what it cost."""
    from skko import KoEmbeddingTransformer, set_config
    from skko.embedding import encode_counts
    from skko.evaluation import evaluate_retrieval, read_retrieval

    set_config(cache_dir=str(folder / "cache"))
    KoEmbeddingTransformer("skko-mini").fit_transform(["준비"])
    before, started = encode_counts(), time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parts = read_retrieval(folder / "beir", "beir")
    report = evaluate_retrieval("skko-mini", parts.queries, parts.corpus, parts.qrels, similarity=["cosine"])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) / 1024
    encoded = (encode_counts() - before).texts_encoded
    found = {"seconds": time.perf_counter() - started, "encoded": encoded, "MB": grown, "score": report.main_score}
    print(json.dumps({**found, "value": report.scores[report.main_score]}))


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with kowiki/")
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000, 1_000_000], help="numbers of passages")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        evaluate_alone(options.alone)
        return
    if options.data is None:
        parser.error("--data names the folder of the texts")
    print("| passages | cache | seconds | passages a second | texts encoded | memory grown, MB | score |")
    print("| --- " * 7 + "|")
    for n_passages in options.passages:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "beir").mkdir()
            write_beir(options.data, n_passages, folder / "beir")
            for cache in ("empty", "full"):
                command = [sys.executable, "-W", "ignore", "-m", "benchmarks.retrieval", "--alone", str(folder)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                rate, score = n_passages / found["seconds"], f"{found['score']} {found['value']:.3f}"
                cells = f"{found['seconds']:.0f} | {rate:,.0f} | {found['encoded']:,} | {found['MB']:,.0f} | {score}"
                print(f"| {n_passages:,} | {cache} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
