"""GridSearchCV on joblib's dask and ray backends: real clusters, the same scores, each text embedded once."""

import os
from contextlib import contextmanager
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from tests.caching import TEXTS
from tests.embedding import ReportingTransformer

LABELS = [0, 1, 2] * 50
pytestmark = [
    pytest.mark.socket,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]


@contextmanager
def on_dask():
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster):
        yield "dask"


@contextmanager
def on_ray():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 1024 * 1024
    )
    try:
        yield "ray"
    finally:
        ray.shutdown()


@pytest.mark.parametrize("cluster", [on_dask, on_ray])
def test_a_search_on_a_cluster_embeds_each_text_once(cluster, tmp_path, fresh_cache, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    reports = tmp_path / "reports"
    reports.mkdir()
    step = ReportingTransformer("skko-mini", folder=str(reports), cache=tmp_path / "cache")
    pipeline = Pipeline([("embed", step), ("classify", LogisticRegression())])
    search = GridSearchCV(pipeline, {"classify__C": [0.1, 10]}, cv=3)
    with cluster() as backend, joblib.parallel_config(backend, n_jobs=2):
        search.fit(TEXTS, LABELS)
    calls = [(path.name.split("-")[0], int(path.read_text())) for path in reports.iterdir()]
    assert sum(n_encoded for _, n_encoded in calls) == 150
    assert {process for process, _ in calls} - {str(os.getpid())}
    assert len(calls) == 2 * 3 * 2 + 1
    here = GridSearchCV(pipeline, {"classify__C": [0.1, 10]}, cv=3).fit(TEXTS, LABELS)
    assert search.cv_results_["mean_test_score"].tolist() == here.cv_results_["mean_test_score"].tolist()
