"""embed_corpus: files to shards, resumed after a kill, the same bytes whoever makes them."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from skko import KoEmbeddingTransformer
from skko.cli.main import main
from skko.distributed import CorpusEmbeddings, embed_corpus, open_embeddings
from skko.distributed.corpus import Corpus, Cursor
from skko.exceptions import DataFileError
from skko.models import ModelSpec
from skko.models.identity import local_content
from tests.children import child
from tests.hub import COMMIT, hub_settings, serve_hub
from tests.tiny import build_xlm_roberta

TEXTS = [f"{number}번 문의: 배송이 {number % 7}일 늦었어요" for number in range(50)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three files of three formats, in a folder whose name has a space."""
    folder = tmp_path / "문의 모음"
    (folder / "아래").mkdir(parents=True)
    pd.DataFrame({"번호": range(20), "문의": TEXTS[:20]}).to_csv(folder / "가.csv", index=False, encoding="cp949")
    pd.DataFrame({"번호": range(20, 35), "문의": TEXTS[20:35]}).to_parquet(folder / "나.parquet")
    lines = [{"번호": number, "문의": TEXTS[number]} for number in range(35, 50)]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "아래" / "다.jsonl").write_text(content, encoding="utf-8")
    return folder


def embed(corpus, out, **params) -> CorpusEmbeddings:
    params = {"model": "skko-mini", "text": "문의", "shard_rows": 8, "show_progress": False, **params}
    return embed_corpus(corpus, out, **params)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.mark.parametrize("format", ["npy", "parquet"])
def test_vectors_and_ids_are_those_of_the_texts_in_order(corpus, tmp_path, format):
    embeddings = embed(corpus, tmp_path / "out", format=format)
    expected = KoEmbeddingTransformer("skko-mini", cache=False).fit_transform(TEXTS)
    np.testing.assert_allclose(embeddings.to_numpy(), expected, atol=1e-6)
    rows = [("가.csv", 20), ("나.parquet", 15), ("아래/다.jsonl", 15)]
    assert embeddings.ids() == [f"{name}:{row}" for name, n_rows in rows for row in range(n_rows)]
    assert embeddings.shape == (len(embeddings), 256) == (50, 256)
    assert [len(ids) for ids, _ in embeddings.shards()] == [8, 8, 8, 8, 8, 8, 2]
    assert isinstance(next(iter(embeddings.shards()))[1], np.memmap) == (format == "npy")
    embeddings.verify()
    for path in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_ids_come_from_a_column(corpus, tmp_path):
    assert embed(corpus, tmp_path / "out", id="번호").ids() == [str(number) for number in range(50)]


def test_patterns_and_several_sources(corpus, tmp_path):
    names = embed([corpus / "*.csv", str(corpus / "**" / "*.jsonl")], tmp_path / "a").ids()
    assert (names[0], names[-1]) == ("가.csv:0", "아래/다.jsonl:14")
    (corpus / "아래" / "가.csv").write_bytes((corpus / "가.csv").read_bytes())
    names = embed([corpus / "가.csv", corpus / "아래" / "가.csv"], tmp_path / "b").ids()
    assert (names[0], names[-1], len(set(names))) == ("가.csv:0", "아래/가.csv:19", 40)
    with pytest.raises(ValueError, match="twice"):
        embed([corpus, corpus / "가.csv"], tmp_path / "c")
    for nothing in (tmp_path / "none.csv", tmp_path / "*.tsv", corpus.parent / "empty"):
        (corpus.parent / "empty").mkdir(exist_ok=True)
        with pytest.raises(FileNotFoundError, match=r"no file"):
            embed(nothing, tmp_path / "d")


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_a_cursor_reads_any_rows_in_any_order(tmp_path_factory, starts, n_rows):
    folder = tmp_path_factory.mktemp("files")
    for part in range(3):
        (folder / f"{part}.txt").write_text("\n".join(TEXTS[part * 17 : (part + 1) * 17]), encoding="utf-8")
    cursor = Cursor(Corpus.of(folder))
    for start in starts:
        ids, texts = cursor.read(start, start + n_rows)
        assert texts == TEXTS[:50][start : start + n_rows]
        assert len(ids) == len(texts)


def embed_in_a_child(corpus, out, model, send):
    embed(corpus, out, model=model, shard_rows=1)


def test_a_killed_process_loses_and_repeats_nothing(corpus, tmp_path):
    model = str(build_xlm_roberta(tmp_path / "model", seed=0))
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with child(embed_in_a_child, corpus, killed, model) as (process, _):
        deadline = time.monotonic() + 300
        while len(list(killed.glob("*.done.json"))) < 5:
            assert process.is_alive(), "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert process.exitcode == -signal.SIGKILL
    (killed / ".unfinished-shard-000049.npy.0").write_bytes(b"half")  # as a kill in the middle of a file leaves
    with pytest.raises(DataFileError, match="not finished"):
        open_embeddings(killed)
    written = {path.name: path.stat().st_mtime_ns for path in killed.glob("*.done.json")}
    assert 5 <= len(written) < 50
    embed(corpus, killed, model=model, shard_rows=1)
    assert {name: (killed / name).stat().st_mtime_ns for name in written} == written
    embed(corpus, whole, model=model, shard_rows=1)
    assert contents(killed) == contents(whole)


def test_what_is_done_is_not_done_again(corpus, tmp_path, monkeypatch):
    embed(corpus, tmp_path / "out")
    monkeypatch.setattr(KoEmbeddingTransformer, "transform", lambda *_: pytest.fail("embedded again"))
    assert len(embed(corpus, tmp_path / "out")) == 50


def test_a_lost_or_damaged_file_is_named_and_made_again(corpus, tmp_path):
    out = tmp_path / "out"
    embeddings = embed(corpus, out)
    before = contents(out)
    path = out / "shard-000003.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(DataFileError, match=r"shard-000003\.npy is damaged"):
        embeddings.verify()
    path.unlink()
    with pytest.raises(DataFileError, match=r"shard-000003\.npy is missing"):
        embeddings.verify()
    embed(corpus, out).verify()
    assert contents(out) == before
    (out / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataFileError, match="damaged"):
        open_embeddings(out)


def test_other_embeddings_are_never_mixed(corpus, tmp_path):
    out = tmp_path / "out"
    embed(corpus, out)
    before = contents(out)
    for change, name in [({"shard_rows": 9}, "shard_rows"), ({"truncate_dim": 64}, "dimension"), ({"id": 0}, "corpus")]:
        with pytest.raises(DataFileError, match=f"{name} was"):
            embed(corpus, out, **change)
    with (corpus / "가.csv").open("a", encoding="cp949") as file:
        file.write("99,새 문의\n")
    with pytest.raises(DataFileError, match="corpus was"):
        embed(corpus, out)
    assert contents(out) == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    with pytest.raises(DataFileError, match="something else"):
        embed(corpus, other)


def test_two_processes_do_not_write_at_once(corpus, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with FileLock(out / ".lock"), pytest.raises(BlockingIOError, match="Another process"):
        embed(corpus, out)
    embed(corpus, out)


def test_rows_without_a_text_are_named_before_anything_is_embedded(corpus, tmp_path, monkeypatch):
    with (corpus / "아래" / "다.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"번호": 50, "문의": null}\n')
    with monkeypatch.context() as patch:
        patch.setattr(KoEmbeddingTransformer, "transform", lambda *_: pytest.fail("embedded"))
        with pytest.raises(DataFileError, match=r"다\.jsonl has 1 rows without a text .* \(row 15 is the first\)"):
            embed(corpus, tmp_path / "out")
    with pytest.warns(match="left out"):
        assert len(embed(corpus, tmp_path / "out", reading={"missing": "drop"})) == 50


@pytest.mark.socket
def test_the_manifest_names_the_commit_of_a_model_of_a_hub(corpus, tmp_path, tiny_a):
    command = [sys.executable, "-m", "skko", "embed", str(corpus), "--text", "문의", "--out", str(tmp_path / "out")]
    with serve_hub({"dragonkue/bge-m3-ko": tiny_a}) as (address, _):
        env = os.environ | hub_settings(tmp_path / "hub", address)
        subprocess.run([*command, "--model", "dragonkue/bge-m3-ko"], env=env, check=True, capture_output=True)
    assert open_embeddings(tmp_path / "out").manifest["revision"] == f"dragonkue/bge-m3-ko@{COMMIT}"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shard_rows": 0}, "shard_rows must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"format": "csv"}, "format must be one of"),
        ({"engine": "spark"}, "engine must be one of"),
    ],
)
def test_wrong_parameters_are_said_before_the_work(corpus, tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        embed_corpus(corpus, tmp_path / "c", model="skko-mini", **wrong)
    assert not (tmp_path / "c").exists()


def test_command(corpus, tmp_path, capsys):
    arguments = ["embed", str(corpus), "--text", "문의", "--id", "번호", "--out", str(tmp_path / "빈 칸")]
    assert main([*arguments, "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert (manifest["n_rows"], manifest["dimension"], manifest["model"]) == (50, 256, "skko-mini")
    assert manifest["revision"] == local_content(ModelSpec("skko-mini"))
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("50 texts × 256 in ")
    assert open_embeddings(tmp_path / "빈 칸").ids()[7] == "7"
    assert main([*arguments, "--shard-rows", "9"]) == 1
    assert "choose another folder" in capsys.readouterr().err
