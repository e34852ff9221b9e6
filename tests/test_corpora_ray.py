"""embed_corpus on a real Ray cluster of several nodes: the bytes of the local engine, also where a worker dies."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from skko.distributed import embed_corpus
from tests.test_corpora import TEXTS, contents
from tests.tiny import build_xlm_roberta

ray = pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:ray", "ignore::FutureWarning", "ignore::ResourceWarning"
)
_MEMORY = 80 * 1024 * 1024


@pytest.fixture(scope="module")
def cluster():
    """Two nodes, each with processes of its own; one is told that it has a GPU, for Ray to share out."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        settings = {"num_cpus": 1, "object_store_memory": _MEMORY}
        made = Cluster(initialize_head=True, head_node_args={**settings, "include_dashboard": False})
        made.add_node(**settings, num_gpus=1)
        made.wait_for_nodes()
        yield made.address
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "문의.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    return tmp_path / "문의.txt"


def embed(corpus: Path, out: Path, model: str, **params):
    return embed_corpus(corpus, out, model=model, shard_rows=4, show_progress=False, **params)


def workers() -> set[int]:
    """Processes of any cluster here that make shards."""
    processes = psutil.process_iter(["cmdline"])
    return {process.pid for process in processes if "ShardMaker" in "".join(process.info["cmdline"] or ())}


@pytest.mark.timeout(1200)
def test_the_bytes_are_those_of_the_local_engine(cluster, corpus, tmp_path):
    model = str(build_xlm_roberta(tmp_path / "model", seed=0))
    # By one worker, as each imports torch.
    embed(corpus, tmp_path / "ray", model, engine="ray", address=cluster, workers=1)
    embed(corpus, tmp_path / "local", model)
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert not ray.is_initialized()


def test_a_lost_worker_is_made_up_for(cluster, corpus, tmp_path):
    out = tmp_path / "ray"
    killed: list[int] = []
    ending = workers()  # of the test before

    def kill_one() -> None:
        deadline = time.monotonic() + 500
        started: set[int] = set()
        while not started and time.monotonic() < deadline:
            time.sleep(0.1)
            started = workers() - ending
        # Shards come within milliseconds of each other: no time to look at every process between two of them.
        while not killed and time.monotonic() < deadline:
            time.sleep(0.005)
            if 1 <= len(list(out.glob("*.done.json"))) < 11:
                os.kill(min(started), signal.SIGKILL)
                killed.append(min(started))

    killer = threading.Thread(target=kill_one)
    killer.start()
    embed(corpus, out, "skko-mini", engine="ray", address=cluster, workers=2)
    killer.join()
    assert killed
    embed(corpus, tmp_path / "local", "skko-mini")
    assert contents(out) == contents(tmp_path / "local")


@pytest.mark.parametrize(("share", "left"), [(0.5, {0.0, 0.5}), (1, {0.0})])
def test_workers_share_a_gpu(cluster, corpus, tmp_path, share, left):
    """As Ray shares it out: no worker needs one here, and the model runs on the CPU."""
    free: set[float] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            if ray.is_initialized():
                free.add(ray.available_resources().get("GPU", 0.0))

    watcher = threading.Thread(target=watch)
    watcher.start()
    params = {"engine": "ray", "address": cluster, "workers": 2, "num_cpus": 0.25, "num_gpus": share, "device": "cpu"}
    try:
        embed(corpus, tmp_path / "ray", "skko-mini", **params)
    finally:
        done.set()
        watcher.join()
    embed(corpus, tmp_path / "local", "skko-mini")
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert set() < free - {1.0} <= left
