"""The cache on disk: shared by processes, safe from damage, and no loss where it cannot be written."""

import os
import random
import shutil
import signal
import sqlite3
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from skko import EmbeddingCache, KoEmbeddingTransformer
from skko.embedding.cache._disk import DiskStore
from skko.embedding.cache._segments import check_sums
from skko.exceptions import CacheWarning
from tests.caching import TEXTS, get, get_from, keys_of, store, vectors_of  # noqa: F401
from tests.children import child, in_a_child
from tests.embedding import claim


def vector_of(number, dimension=64):
    """A vector that can be told from its number, as a check on what comes back."""
    return np.full(dimension, number, dtype=np.float32) + np.arange(dimension, dtype=np.float32) / dimension


def test_a_block_of_any_order_and_many_files_comes_back(store):
    n = 10_000  # more than one query, and 64 files
    vectors = vectors_of(n, 8)
    store.put(keys_of(*range(n)), vectors, max_bytes=n * 32)
    order = np.random.default_rng(0).permutation(n)
    found, out = get_from(store, order.tolist(), 8)
    assert len(list(store.directory.glob("*.f32"))) == 64 or found.all()
    assert found.all()
    np.testing.assert_array_equal(out, vectors[order])


def test_files_are_for_their_user_alone_and_hold_no_text(tiny_a, fresh_cache):
    secret = "아무에게도 말하지 마세요"
    KoEmbeddingTransformer(str(tiny_a)).fit_transform([secret])
    directory = fresh_cache / "embeddings"
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (fresh_cache, directory)} == {0o700}
    for path in files:
        assert secret.encode() not in path.read_bytes()
        assert "아무에게도".encode() not in path.read_bytes()


def test_files_go_when_the_cache_is_full(store):
    for start in range(0, 1000, 50):
        store.put(keys_of(*range(start, start + 50)), vectors_of(50, 64), max_bytes=25_600)
        on_disk = sum(path.stat().st_size for path in store.directory.glob("*.f32"))
        assert on_disk == store.usage()[64][1] <= 25_600
    assert len(store) == 100
    assert get_from(store, range(950, 1000), 64)[0].all()


def get_alone(directory, *texts):
    found, _ = get_from(DiskStore(directory), texts)
    return found.tolist()


def test_a_use_in_another_process_counts(store):
    for i in range(3):
        store.put(keys_of(i), vectors_of(1), max_bytes=48)
    assert in_a_child(get_alone, store.directory, 0) == [True]
    store.put(keys_of(3), vectors_of(1), max_bytes=48)
    assert get_from(store, range(4))[0].tolist() == [True, False, True, True]


def fork_and_put(directory):
    warnings.simplefilter("error")
    cache = EmbeddingCache(directory)
    keys = keys_of(*"가나다라")
    cache.put_many(keys[:1], np.ones((1, 4), dtype=np.float32))
    assert cache.claim(keys[3:]).all()
    forked = os.fork()
    cache.put_many(keys[1:2] if forked else keys[2:3], np.ones((1, 4), dtype=np.float32))
    if not forked:
        os._exit(1 if cache.claim(keys[3:]).any() else 0)  # the parent lives, and its claim holds
    assert os.waitpid(forked, 0)[1] == 0
    assert cache.get_many(keys, np.empty((4, 4), dtype=np.float32)).tolist() == [True, True, True, False]
    assert not cache.claim(keys[3:]).any()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_was_forked_has_its_own_connection(tmp_path):
    in_a_child(fork_and_put, tmp_path / "c")


def write_in_tens(directory, start, stop, send):
    store = DiskStore(directory)
    for first in range(start, stop, 10):
        texts = range(first, first + 10)
        store.put(keys_of(*texts), np.stack([vector_of(i) for i in texts]), 1 << 30)
        send.send(first + 10)


def check_all(store, texts):
    found, out = get_from(store, list(texts), 64)
    assert found.all()
    np.testing.assert_array_equal(out, np.stack([vector_of(i) for i in texts]))


def last_received(receive, last=None):
    """What was sent last before the sender ended."""
    with suppress(EOFError):
        while True:
            last = receive.recv()
    return last


def test_processes_write_at_once(store):
    with ExitStack() as stack:
        children = [
            stack.enter_context(child(write_in_tens, store.directory, start, start + 600))
            for start in (0, 300, 600)  # half of it twice
        ]
        assert [last_received(receive) for _, receive in children] == [600, 900, 1200]
    assert len(store) == 1200
    check_all(store, range(1200))


def test_a_killed_writer_loses_no_more_than_its_last_batch(store):
    rng = random.Random(0)
    acknowledged = 0
    for attempt in range(10):
        start = attempt * 100_000
        with child(write_in_tens, store.directory, start, start + 100_000) as (process, receive):
            last = receive.recv()  # it is at work
            time.sleep(rng.uniform(0, 0.15))
            process.kill()
            last = last_received(receive, last)
        check_all(store, range(start, last))
        acknowledged += last - start
        assert acknowledged <= len(store) <= acknowledged + 10 * (attempt + 1)
    assert store.n_damaged == 0
    store.put(keys_of("after"), vectors_of(1, 64), 1 << 30)
    assert get_from(store, ["after"], 64)[0].all()


def test_many_may_open_a_new_directory_at_once(tmp_path):
    for attempt in range(5):
        stores = [DiskStore(tmp_path / str(attempt)) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(len, stores)) == [0] * 8
        for opened in stores:
            opened.close()


def test_clearing_leaves_what_another_has_begun_since(store, monkeypatch):
    other = DiskStore(store.directory)
    store.put(keys_of("old"), vectors_of(1), 1 << 30)

    @contextmanager
    def writing_and_then_another_writes():
        with DiskStore._writing(store) as db:
            yield db
        other.put(keys_of("new"), vectors_of(1, seed=1), 1 << 30)

    monkeypatch.setattr(store, "_writing", writing_and_then_another_writes)
    store.clear()
    found, out = get_from(other, ["old", "new"])
    assert found.tolist() == [False, True]
    np.testing.assert_array_equal(out[1:], vectors_of(1, seed=1))
    assert [path.stem for path in store.directory.glob("*.f32")] == ["00000002"]
    other.close()


@pytest.mark.parametrize("making_room", ["clear", "evict"])
def test_room_is_made_while_others_read_and_write(store, making_room):
    stop = threading.Event()

    def make_room():
        other = DiskStore(store.directory)
        while not stop.is_set():
            if making_room == "clear":
                other.clear()
            else:
                other.put(keys_of("other"), vectors_of(1, 64), max_bytes=2_560)
            time.sleep(0.001)
        other.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(make_room)
        try:
            for start in range(0, 600, 10):
                texts = range(start, start + 10)
                store.put(keys_of(*texts), np.stack([vector_of(i) for i in texts]), max_bytes=25_600)
                for asked in (texts, range(max(0, start - 100), start)):
                    found, out = get_from(store, asked, 64)
                    for row in np.flatnonzero(found):
                        np.testing.assert_array_equal(out[row], vector_of(asked[row]))
        finally:
            stop.set()
        done.result()
    assert store.n_damaged == 0  # what has made room is gone, not damaged


def test_a_dead_process_claims_nothing(store):
    with child(claim, store.directory, keys_of("a")) as (process, receive):
        assert receive.recv() == 1
        assert not store.claim(keys_of("a")).any()
        process.kill()
        process.join()
        assert store.claim(keys_of("a")).all()


def test_a_check_sum_notices_every_flip_of_a_bit():
    row = vectors_of(1, 6)
    seeds = np.array([5])
    sums = {check_sums(row, seeds)[0]}
    raw = row.tobytes()
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        sums.add(check_sums(np.frombuffer(flipped, np.float32).reshape(1, -1), seeds)[0])
        for other in range(bit):
            twice = bytearray(flipped)
            twice[other // 8] ^= 1 << other % 8
            assert check_sums(np.frombuffer(twice, np.float32).reshape(1, -1), seeds)[0] != check_sums(row, seeds)[0]
    assert len(sums) == 8 * len(raw) + 1
    assert check_sums(row, seeds + 1)[0] not in sums


def fill(directory, n=300):
    store = DiskStore(directory)
    store.put(keys_of(*range(n)), np.stack([vector_of(i) for i in range(n)]), 1 << 30)
    store.close()


def damage(path, n_flips, rng):
    content = bytearray(path.read_bytes())
    for _ in range(n_flips):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["00000001.f32", "index.sqlite"])
def test_flipped_bits_never_give_a_wrong_vector(tmp_path, name, seed):
    directory = tmp_path / "vectors"
    fill(directory)
    damage(directory / name, n_flips=8, rng=random.Random(seed))
    cache = EmbeddingCache(directory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            found, out = get(cache, *range(300), dimension=64)
            for i in np.flatnonzero(found):
                np.testing.assert_array_equal(out[i], vector_of(i))
            missing = np.flatnonzero(~found).tolist()
            if missing:
                cache.put_many(keys_of(*missing), np.stack([vector_of(i) for i in missing]))
        found, _ = get(cache, *range(300), dimension=64)
    assert found.all()  # what was lost was put again, and is found
    assert {warning.category for warning in caught} <= {CacheWarning}
    assert len(caught) <= 1
    if name.endswith("f32"):
        assert len(caught) == 1


@pytest.mark.parametrize("size", [0, 1, 100, 256 * 150 + 7])
def test_a_file_that_became_shorter_costs_what_was_in_it(tmp_path, size):
    directory = tmp_path / "vectors"
    fill(directory)
    cache = EmbeddingCache(directory)
    assert get(cache, *range(300), dimension=64)[0].all()  # the file is mapped
    os.truncate(directory / "00000001.f32", size)
    with pytest.warns(CacheWarning, match="damaged"):
        found, out = get(cache, *range(300), dimension=64)
    assert found.sum() == size // 256
    assert all(np.array_equal(out[i], vector_of(i)) for i in np.flatnonzero(found))


def test_a_file_that_is_gone_is_not_known(tmp_path):
    directory = tmp_path / "vectors"
    fill(directory)
    (directory / "00000001.f32").unlink()
    cache = EmbeddingCache(directory)
    assert not get(cache, *range(300), dimension=64)[0].any()
    cache.put_many(keys_of(0), vector_of(0)[None])
    assert get(cache, 0, dimension=64)[0].all()


@pytest.mark.parametrize(
    "content",
    [b"", b"no database at all", np.random.default_rng(0).bytes(100_000), b"SQLite format 3\0" + bytes(5000)],
    ids=["empty", "text", "noise", "header"],
)
def test_a_strange_index_is_begun_anew(tmp_path, content):
    directory = tmp_path / "vectors"
    fill(directory)
    (directory / "index.sqlite").write_bytes(content)
    cache = EmbeddingCache(directory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lose_and_keep(cache)
    assert len(caught) == (1 if content else 0)  # an empty file is a new index
    assert len(list(directory.glob("*.f32"))) == 1


def lose_and_keep(cache):
    """What was there is not known, and what is put is found."""
    assert not get(cache, 1, dimension=64)[0].any()
    cache.put_many(keys_of(1), vector_of(1)[None])
    assert get(cache, 1, dimension=64)[0].all()


def write_format(directory, version):
    fill(directory)
    with sqlite3.connect(directory / "index.sqlite") as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


def test_an_older_format_is_emptied_and_said_once(tmp_path):
    write_format(tmp_path / "vectors", 0)
    cache = EmbeddingCache(tmp_path / "vectors")
    with pytest.warns(CacheWarning, match="format 0") as caught:
        lose_and_keep(cache)
    assert len(caught) == 1


def test_a_newer_format_is_left_alone(tmp_path):
    write_format(tmp_path / "vectors", 99)
    before = {path.name: path.read_bytes() for path in (tmp_path / "vectors").glob("*.f32")}
    cache = EmbeddingCache(tmp_path / "vectors")
    with pytest.warns(CacheWarning, match="format 99") as caught:
        lose_and_keep(cache)
    assert len(caught) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "vectors").glob("*.f32")} == before


def use_a_strange_disk(directory, case):
    os.chdir("/")
    if case == "read-only":
        for path in (directory, *directory.iterdir()):
            path.chmod(0o555 if path.is_dir() else 0o444)
        directory.parent.chmod(0o755)
        if os.getuid() == 0:
            os.setuid(65534)  # whatever the mode of a file is, root may write it
    if case == "full":
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (76_900, 76_900))
    cache = EmbeddingCache(directory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        n_known = int(get(cache, *range(300), dimension=64)[0].sum())
        for _ in range(3):
            cache.claim(keys_of("new"))
            cache.put_many(keys_of("new"), vectors_of(1, 64))
        n_kept = int(get(cache, "new", dimension=64)[0].sum())
    return n_known, n_kept, [(warning.category, str(warning.message)) for warning in caught]


@pytest.mark.skipif(os.name != "posix", reason="users and limits are POSIX")
@pytest.mark.parametrize("case", ["read-only", "full", "missing"])
def test_a_disk_that_cannot_be_written_costs_only_the_cache(tmp_path_factory, case):
    folder = Path("/tmp") if case == "read-only" else tmp_path_factory.mktemp("disk")
    directory = folder / f"skko-{os.getpid()}-{time.monotonic_ns()}"
    if case == "missing":
        directory.write_text("a file where the folder should be")
    else:
        fill(directory)
    try:
        n_known, n_kept, ((category, message),) = in_a_child(use_a_strange_disk, directory, case)
    finally:
        if directory.is_dir():
            directory.chmod(0o700)
            shutil.rmtree(directory)
    assert (n_known, n_kept) == (0 if case == "missing" else 300, 1)
    assert category is CacheWarning
    assert "SKKO_CACHE_DIR" in message


def test_the_result_is_the_same_where_there_is_no_disk(tiny_a, tmp_path, monkeypatch, counting):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.warns(CacheWarning, match="keeps them in memory") as caught:
        first, second = [KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS) for _ in range(2)]
    assert len(caught) == 1
    assert counting()[0] == 150
    np.testing.assert_array_equal(first, second)
