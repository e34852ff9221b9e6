"""A corpus on one machine and on a Ray cluster: seconds, overhead and equal bytes, also where a worker is killed.

``python -m benchmarks.corpora --data DIR`` embeds 200,000 texts with skko-mini by a plain ``transform``, by the local
engine, and by Ray on a cluster of two nodes on this machine, once more with a worker killed in mid-run.
"""

import argparse
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from ray.cluster_utils import Cluster

from skko import KoEmbeddingTransformer, KoTextNormalizer
from skko.distributed import embed_corpus
from training import sources

_OBJECT_STORE = 200 * 1024 * 1024


def write_corpus(data: Path, n_texts: int, path: Path) -> list[str]:
    """Write reviews of films, one a line."""
    texts = sources.reviews(data)["review"].str.split().str.join(" ").drop_duplicates()[:n_texts].tolist()
    path.write_text("\n".join(texts), encoding="utf-8")
    return texts


@contextmanager
def cluster(n_nodes: int) -> Iterator[str]:
    """A head and nodes of one processor each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": _OBJECT_STORE})
    for _ in range(n_nodes):
        made.add_node(num_cpus=1, object_store_memory=_OBJECT_STORE)
    made.wait_for_nodes()
    try:
        yield made.address
    finally:
        made.shutdown()


def kill_a_worker(out: Path, killed: list[int]) -> None:
    """Kill the first worker that is seen once two shards are done."""
    while not killed and not (out / "manifest.json").exists():
        time.sleep(0.01)
        if len(list(out.glob("*.done.json"))) >= 2:
            workers = [p for p in psutil.process_iter(["cmdline"]) if "ShardMaker" in "".join(p.info["cmdline"] or ())]
            if workers:
                os.kill(workers[0].pid, signal.SIGKILL)
                killed.append(workers[0].pid)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came out."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with nsmc_raw/")
    parser.add_argument("--texts", type=int, default=200_000, help="number of texts")
    parser.add_argument("--workers", type=int, default=2, help="nodes, with a worker each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        corpus = folder / "texts.txt"
        texts = write_corpus(options.data, options.texts, corpus)
        embedder = KoEmbeddingTransformer("skko-mini", cache=False, show_progress=False).fit([])
        embedder.transform(texts[:1_000])
        plain, _ = timed(lambda: embedder.transform(KoTextNormalizer().transform(texts)))
        rows = [("transform, in memory", plain, "")]

        def run(name: str, out: Path, **params: Any) -> str:
            seconds, found = timed(lambda: embed_corpus(corpus, out, model="skko-mini", show_progress=False, **params))
            found.verify()
            rows.append((name, seconds, found.manifest["sha256"][:12]))
            return str(found.manifest["sha256"])

        sums = {run("local engine", folder / "local")}
        with cluster(options.workers) as address:
            ray = {"engine": "ray", "address": address, "workers": options.workers}
            sums.add(run(f"Ray, {options.workers} nodes of one processor", folder / "ray", **ray))
            killed: list[int] = []
            killer = threading.Thread(target=kill_a_worker, args=(folder / "killed", killed))
            killer.start()
            sums.add(run("Ray, a worker killed", folder / "killed", **ray))
            killer.join()
        if len(sums) > 1 or not killed:
            raise AssertionError(f"The engines differ ({sums}), or no worker was killed ({killed}).")
        print(
            "| texts | how | seconds | texts a second | of transform | SHA-256 |\n| --- | --- | --- | --- | --- | --- |"
        )
        for name, seconds, digest in rows:
            ratio = f"{len(texts) / seconds:,.0f} | {seconds / plain:.2f}"
            print(f"| {len(texts):,} | {name} | {seconds:.1f} | {ratio} | {digest} |")


if __name__ == "__main__":
    main()
