"""Threads, forked and spawned processes, and names of files that other systems allow."""

import os
import re
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from skko import KoEmbeddingTransformer, KoSemanticSearch, KoTopicModel, make_text_classifier, make_topic_clusterer
from skko.classification import load_classifier, save_classifier
from skko.datasets import load_inquiries, load_texts
from skko.distributed import embed_corpus, open_embeddings
from skko.exceptions import ModelNotAvailableError
from skko.models.registry import registry

INQUIRIES = load_inquiries()
TEXTS = INQUIRIES.texts[:120]

CHILDREN = """
import multiprocessing, sys
import numpy as np
from skko import KoEmbeddingTransformer, KoSemanticSearch

TEXTS = [f"문의 {i}번, 배송이 늦어요" for i in range(64)]

if __name__ == "__main__":
    embedders = [KoEmbeddingTransformer(model, device="cpu", cache=False) for model in sys.argv[2:]]
    # Before the child is there, so that a fork has all it can inherit.
    wholes = [embedder.fit_transform(TEXTS) for embedder in embedders]
    searches = [KoSemanticSearch(embedder, show_progress=False).fit(TEXTS) for embedder in embedders]
    found = [search.search(TEXTS[:2]) for search in searches]
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        for embedder, whole in zip(embedders, wholes):
            parts = pool.map_async(embedder.transform, [TEXTS[part::4] for part in range(4)]).get(timeout=400)
            for part, vectors in enumerate(parts):
                np.testing.assert_allclose(vectors, whole[part::4], atol=1e-5)
        for search, hits in zip(searches, found):
            assert pool.apply_async(search.search, [TEXTS[:2]]).get(timeout=400) == hits
"""


# The server that forks has skko by then and torch never, so that a transformer begins there as where it is spawned.
@pytest.mark.parametrize(
    ("method", "models"),
    [("fork", ["skko-mini", "transformer"]), ("spawn", ["skko-mini", "transformer"]), ("forkserver", ["skko-mini"])],
)
def test_children_embed_as_their_parent_does(tmp_path, tiny_a, method, models):
    """With two threads: what a fork inherits of a pool of threads is a pool whose threads are gone."""
    if sys.platform == "win32" and method != "spawn":
        pytest.skip("Windows spawns")
    script = tmp_path / "children.py"
    script.write_text(CHILDREN, encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONUTF8": "1"}
    names = [str(tiny_a) if model == "transformer" else model for model in models]
    command = [sys.executable, str(script), method, *names]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("model", ["skko-mini", "transformer"])
def test_threads_share_one_model_and_find_what_one_finds(tiny_a, counting, model):
    name = str(tiny_a) if model == "transformer" else model
    embedder = KoEmbeddingTransformer(name, cache=False).fit(TEXTS)
    expected = embedder.transform(TEXTS)
    registry.clear()
    loads = counting()[1]
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda part: embedder.transform(TEXTS[part::8]), range(8)))
    for part, vectors in enumerate(parts):
        np.testing.assert_allclose(vectors, expected[part::8], atol=1e-5)
    assert counting()[1] - loads == (model == "transformer")


def test_threads_search_one_index():
    search = KoSemanticSearch("skko-mini", show_progress=False).fit(TEXTS)
    expected = [[hit.row for hit in hits] for hits in search.search(TEXTS[:40])]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: [hit.row for hit in search.search([query])[0]], TEXTS[:40]))
    assert found == expected


def test_threads_classify_with_one_classifier():
    classifier = make_text_classifier("skko-mini").fit(INQUIRIES.texts, INQUIRIES.topics)
    expected = classifier.predict(TEXTS).tolist()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: classifier.predict([text])[0], TEXTS))
    assert found == expected


FOLDERS = ["빈 칸 있는 폴더", unicodedata.normalize("NFD", "한글 폴더"), "따옴표'와 100%", "점.점", "-앞의 줄"]


@pytest.mark.parametrize("name", FOLDERS, ids=["spaces", "decomposed", "quotes", "dots", "dash"])
def test_folders_of_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "내 글.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    texts = load_texts(folder / "내 글.txt").texts
    embedder = KoEmbeddingTransformer("skko-mini", cache=folder / "cache")
    vectors = embedder.fit_transform(texts)
    embed_corpus(folder / "내 글.txt", folder / "벡터", model="skko-mini")
    np.testing.assert_allclose(open_embeddings(folder / "벡터").to_numpy(), vectors, atol=1e-6)
    KoSemanticSearch("skko-mini", show_progress=False).fit(texts).save(folder / "색인")
    assert KoSemanticSearch.load(folder / "색인").search([texts[5]], top_k=1)[0][0].row == 5


def test_a_model_in_a_folder_of_any_name(tmp_path, tiny_a):
    expected = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS[:5])
    moved = tmp_path / "내 모델 (새것) #1"
    moved.symlink_to(tiny_a, target_is_directory=True)
    np.testing.assert_array_equal(KoEmbeddingTransformer(str(moved), cache=False).fit_transform(TEXTS[:5]), expected)


@pytest.mark.parametrize("name", [r"C:\모델\bge-m3-ko", r"\\server\models\bge", r".\bge-m3-ko", "C:/모델/bge-m3-ko"])
def test_a_path_of_windows_that_is_not_there_is_not_taken_for_a_model_of_a_hub(name):
    with pytest.raises(ModelNotAvailableError) as caught:
        KoEmbeddingTransformer(name, cache=False).fit_transform(["가"])
    assert name in str(caught.value)
    assert "There is no directory" in str(caught.value)


FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def test_every_file_that_is_written_has_a_name_that_windows_allows(tmp_path, monkeypatch, tiny_a):
    pytest.importorskip("skops")
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "cache"))
    registry.clear()
    KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS)
    KoEmbeddingTransformer("skko-mini").fit_transform(TEXTS)
    (tmp_path / "문의.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    embed_corpus(tmp_path / "문의.txt", tmp_path / "vectors", model="skko-mini")
    KoSemanticSearch("skko-mini", show_progress=False).fit(TEXTS).save(tmp_path / "index")
    classifier = make_text_classifier("skko-mini").fit(INQUIRIES.texts, INQUIRIES.topics)
    save_classifier(classifier, tmp_path / "문의.skops")
    assert load_classifier(tmp_path / "문의.skops").predict(TEXTS[:1]).shape == (1,)
    clusterer = make_topic_clusterer("skko-mini", min_cluster_size=12, random_state=0)
    KoTopicModel(clusterer).fit(INQUIRIES.texts).save(tmp_path / "topics.skko")
    names = [path.name for path in tmp_path.rglob("*")]
    assert len(names) > 15
    assert [name for name in names if FORBIDDEN.search(name)] == []
    assert len({name.lower() for name in names}) == len({*names})  # Windows does not tell case apart


SOAK = """
import sys
from pathlib import Path
from skko import KoEmbeddingTransformer, set_config

def private_bytes():
    return int(next(l for l in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in l).split()[1]) << 10

set_config(disk_cache_bytes=32 << 20)
embedder = KoEmbeddingTransformer("skko-mini")
for batch in range(100):
    embedder.fit_transform([f"{batch}번 상자의 {i}번 문의" for i in range(1_000)])
    if batch in (29, 99):
        print(private_bytes())
sizes = {path: path.stat().st_size for path in Path(sys.argv[1]).rglob("*") if path.is_file()}
print(sum(size for path, size in sizes.items() if path.suffix == ".f32"), sum(sizes.values()))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory from /proc")
def test_memory_and_cache_stay_bounded_over_many_batches(tmp_path):
    """100,000 texts; ``python -m benchmarks.soak`` is the same with a million."""
    environment = {**os.environ, "SKKO_CACHE_DIR": str(tmp_path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", SOAK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    early, late, vectors, on_disk = map(int, done.stdout.split())
    assert late - early < 16 << 20
    assert vectors <= 32 << 20
    assert on_disk - vectors < 80 << 20  # the index, and SQLite's log, which it lets grow to 64 MiB
