"""Digests of model directories: what changes them, what does not, and how seldom files are read."""

import json
import os
import shutil
import stat
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skko import KoEmbeddingTransformer
from skko.models.fingerprint import directory_fingerprint
from tests.children import in_a_child, in_children

LARGE = (1 << 20) + 5


def rewrite(path, content):
    """Give a file other content of the same size and set its time of modification back."""
    time.sleep(0.02)  # the clock of a file system may tick a hundred times a second
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "model"
    (directory / "1_Pooling").mkdir(parents=True)
    (directory / "model.safetensors").write_bytes(bytes(LARGE))
    (directory / "modules.json").write_text("[]")
    (directory / "1_Pooling" / "config.json").write_text("{}")
    (directory / "README.md").write_text("# a model")
    return directory


@pytest.mark.parametrize("name", ["model.safetensors", "modules.json", "1_Pooling/config.json"])
def test_other_content_of_the_same_size_and_time_is_another_model(name, directory, fresh_cache):
    before = directory_fingerprint(directory)
    content = (directory / name).read_bytes()
    rewrite(directory / name, content[:-1] + b"x")
    changed = directory_fingerprint(directory)
    assert changed != before
    rewrite(directory / name, content)
    assert directory_fingerprint(directory) == before


@pytest.mark.parametrize(
    "name",
    [
        "vocab.txt",
        "merges.txt",
        "tokenizer.model",
        "qwen.tiktoken",
        "vocab",
        "modeling.py",
        "pytorch_model.bin",
        "2/x.pt",
    ],
)
def test_a_file_more_is_another_model(name, directory, fresh_cache):
    before = directory_fingerprint(directory)
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("x")
    assert directory_fingerprint(directory) != before


@pytest.mark.parametrize(
    "name",
    ["README.md", "README", "LICENSE.txt", ".gitattributes", ".cache/x.json", "cover.PNG", "eval/sts.csv", "tf.h5"],
)
def test_what_is_only_about_a_model_does_not_matter(name, directory, fresh_cache):
    before = directory_fingerprint(directory)
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("x")
    assert directory_fingerprint(directory) == before


def test_a_copy_is_the_same_model_and_another_name_of_a_file_is_not(directory, tmp_path, fresh_cache):
    copy = shutil.copytree(directory, tmp_path / "elsewhere")
    assert directory_fingerprint(copy) == directory_fingerprint(directory)
    (copy / "modules.json").rename(copy / "other.json")
    assert directory_fingerprint(copy) != directory_fingerprint(directory)


def test_links_are_followed_and_loops_end(directory, tmp_path, fresh_cache):
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in directory.iterdir():
        (linked / path.name).symlink_to(path)
    assert directory_fingerprint(linked) == directory_fingerprint(directory)
    before = directory_fingerprint(linked)
    rewrite(directory / "1_Pooling" / "config.json", b"[]")
    assert directory_fingerprint(linked) != before
    (directory / "1_Pooling" / "up").symlink_to(directory)
    assert directory_fingerprint(directory) == directory_fingerprint(directory)


def test_other_weights_under_the_same_path_give_their_own_vectors(tiny_a, tiny_b, tmp_path, fresh_cache):
    path = Path(shutil.copytree(tiny_a, tmp_path / "model"))
    embedder = KoEmbeddingTransformer(str(path)).fit(["가"])
    vectors = embedder.transform(["가"])
    rewrite(path / "model.safetensors", (tiny_b / "model.safetensors").read_bytes())
    other = KoEmbeddingTransformer(str(path)).fit(["가"])
    assert other.model_fingerprint_ != embedder.model_fingerprint_
    assert (other.transform(["가"]) != vectors).any()


# Once on this machine


def count_reads(directory, touch=False):
    """Fingerprint three times: (digest, reads of the weights)."""
    weights = directory / "model.safetensors"
    reads, digests = [], set()
    sys.addaudithook(lambda event, args: event == "open" and reads.append(str(args[0])))
    for _ in range(3):
        if touch:  # which makes the time of change now, however busy the machine is
            time.sleep(0.02)
            weights.chmod(0o644)
        digests.add(directory_fingerprint(directory))
    (digest,) = digests
    return digest, reads.count(str(weights))


def run(directory, touch=False):
    return in_a_child(count_reads, directory, touch)


@pytest.fixture
def settled(directory):
    time.sleep(2.1)
    return directory


def records(cache):
    return list((cache / "fingerprints").iterdir())


def test_large_files_are_read_once_on_a_machine(settled, fresh_cache):
    digest, reads = run(settled)
    assert reads == 1
    assert run(settled) == (digest, 0)
    assert directory_fingerprint(settled) == digest
    (record,) = records(fresh_cache)  # the weights alone: small files are not worth it
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert set(json.loads(record.read_text())) == {"state", "sha256"}


def test_what_is_remembered_is_forgotten_with_the_file(settled, fresh_cache):
    digest, _ = run(settled)
    rewrite(settled / "model.safetensors", b"x" * LARGE)
    changed, reads = run(settled)
    assert changed != digest
    assert reads == 1
    time.sleep(2.1)
    run(settled)
    assert run(settled) == (changed, 0)
    assert len(records(fresh_cache)) == 1


def test_a_file_just_written_is_not_remembered(directory, fresh_cache):
    for _ in range(2):
        assert run(directory, touch=True)[1] == 3
    assert not (fresh_cache / "fingerprints").exists()


def test_records_that_cannot_be_read_are_made_again(settled, fresh_cache):
    digest, _ = run(settled)
    (record,) = records(fresh_cache)
    state = json.loads(record.read_text())["state"]
    broken = [
        b"", b"\xff", b"null", b"[]", b"{}", record.read_bytes()[:-9],
        json.dumps({"state": state, "sha256": "zz"}).encode(), json.dumps({"state": state, "sha256": "ab"}).encode(),
        json.dumps({"state": state, "sha256": None}).encode(),
        json.dumps({"state": state[:2], "sha256": digest}).encode(),
    ]  # fmt: skip
    for content in broken:
        record.write_bytes(content)
        assert run(settled) == (digest, 1), content
    assert run(settled) == (digest, 0)


def test_a_cache_that_cannot_be_written_costs_only_time(settled, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("where the cache should be")
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "file"))
    assert run(settled)[1] == 1
    assert run(settled)[1] == 1


def test_processes_may_fingerprint_at_the_same_time(settled, fresh_cache):
    found = in_children(count_reads, *[(settled,)] * 3)
    assert {digest for digest, _ in found} == {directory_fingerprint(settled)}
    assert len(records(fresh_cache)) == 1  # no half-written file is left
    assert run(settled)[1] == 0


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_fingerprints_are_equal_where_contents_are(tmp_path, contents):
    # As oracle, the contents themselves.
    folders = []
    for number, content in enumerate(contents):
        folders.append(tmp_path / f"{number}-{time.monotonic_ns()}")
        folders[-1].mkdir()
        (folders[-1] / "model.bin").write_bytes(content)
    found = [directory_fingerprint(folder) for folder in folders]
    for a, first in zip(contents, found, strict=True):
        for b, second in zip(contents, found, strict=True):
            assert (first == second) == (a == b)
