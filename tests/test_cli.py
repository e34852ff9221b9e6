"""The command line: what it shows, counts and answers, in real processes and in this one."""

import json
import os
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest

from skko import KoEmbeddingTransformer
from skko.cli.cache import _n_bytes
from skko.cli.main import main
from skko.datasets import load_inquiries
from skko.models.registry import registry

TEXTS = load_inquiries()


def skko(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "skko", *arguments]
    env = {**os.environ, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False, timeout=300)


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Run a command in this process, where no model is loaded yet, in a folder and with a cache of its own."""
    registry.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*arguments):
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def bundled(tmp_path_factory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("demo")
    result = skko("demo", "--json", "--out", "그림 폴더", cwd=folder, SKKO_CACHE_DIR=str(folder / "cache"))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), folder


def test_demo_encodes_each_text_and_the_query_once_and_loads_once(bundled):
    found, _ = bundled
    assert found["n_texts"] == len(TEXTS)
    assert (found["texts_encoded"], found["model_loads"]) == (len(TEXTS) + 1, 1)


def test_demo_finds_something(bundled):
    found, _ = bundled
    assert found["best_score"] > 0.6 > 3 * found["baseline_score"]
    assert found["n_topics"] >= 5
    assert 0 <= found["noise"] < 0.5
    assert found["n_pairs"] >= len(found["pairs"]) > 0
    assert found["hits"][0]["score"] > 0.4
    assert found["seconds"] > 0


def test_demo_confuses_no_text_twice(bundled):
    found, _ = bundled
    assert sum(map(sum, found["confusion"])) == len(TEXTS)
    assert len(found["classes"]) == 8


def test_demo_draws_a_map_with_hangul(bundled):
    found, folder = bundled
    image = folder / found["map"]
    assert image.read_bytes().startswith(b"\x89PNG")
    assert image.stat().st_size > 20_000


def test_demo_on_a_users_file_in_cp949(here, tmp_path):
    rows = ["문장,주제"] + [
        f'"{t}",{topic}' for t, topic in zip(TEXTS.texts, TEXTS.topics, strict=True) if '"' not in t
    ]
    (tmp_path / "문의 내역.csv").write_bytes("\n".join(rows[:200]).encode("cp949", "ignore"))
    result = here("demo", "--data", "문의 내역.csv", "--label", "주제", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["n_texts"] == found["texts_encoded"] == 199
    assert "pairs_recall" not in found


def test_demo_as_text_without_labels(here, tmp_path):
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS.texts[:40]), encoding="utf-8")
    result = here("demo", "--data", "lines.txt", "--sample", "30")
    assert result.returncode == 0, result.stderr
    assert "Classification" not in result.stdout
    assert "30 texts" in result.stdout
    assert "30 texts encoded, 1 model load" in result.stdout


def test_a_folder_that_cannot_be_made_is_told_before_the_work(here, tmp_path):
    (tmp_path / "taken").write_text("a file")
    result = here("demo", "--out", "taken")
    assert result.returncode == 1
    assert "taken" in result.stderr.splitlines()[-1]
    assert "embedding" not in result.stderr


def test_demo_leaves_rare_labels_out_of_the_classification_and_empty_rows_out_of_all(tmp_path):
    rows = [f'"{t}",{topic}' for t, topic in zip(TEXTS.texts, TEXTS.topics, strict=True) if '"' not in t][:120]
    rows += ['"아주 드문 문의",희귀', ",배송"]
    (tmp_path / "a.csv").write_text("\n".join(["text,topic", *rows]), encoding="utf-8")
    result = skko("demo", "--data", "a.csv", "--label", "topic", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["n_texts"] == 121
    assert found["labels_left_out"] == {"희귀": 1}
    assert sum(map(sum, found["confusion"])) == 120
    assert "skko: a.csv has 1 rows without a text" in result.stderr
    assert "demo_data.py" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "missing.csv"], "no file missing.csv"),
        (["--data", "two.csv"], "say which holds the texts"),
        (["--data", "two.csv", "--text", "c"], "no column 'c'"),
        (["--data", "two.csv", "--text", "a", "--label", "b"], "Leave --label out"),
        (["--data", "one.txt"], "at least 2"),
        (["--model", "no/such-model"], "skko-mini"),
    ],
    ids=["no file", "which column", "no column", "one label", "one text", "no model"],
)
def test_errors_are_one_line_with_the_remedy(arguments, message, here, tmp_path):
    (tmp_path / "two.csv").write_text("a,b\n가,1\n나,1\n", encoding="utf-8")
    (tmp_path / "one.txt").write_text("하나\n", encoding="utf-8")
    result = here("demo", *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("skko: ")
    assert message in last
    assert "Traceback" not in result.stderr


def test_cache_is_shown_found_and_emptied(here, tmp_path):
    directory = tmp_path / "cache"
    assert here("cache", "path").stdout.strip() == str(directory)
    assert json.loads(here("cache", "info", "--json").stdout)["vectors"] == {}
    assert not directory.exists()  # to look is not to make
    texts = [f"문의 {i}" for i in range(1000)]
    KoEmbeddingTransformer("skko-mini", cache=directory / "embeddings").fit_transform(texts)
    (directory / "mine").write_text("not skko's")
    weights = directory / "finetuned" / "5719fbb9" / "weights"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"0" * 1_000_000)
    info = json.loads(here("cache", "info", "--json").stdout)
    assert info["vectors"] == {"256": 1000}
    assert info["bytes"]["embeddings"] >= 1_024_000
    assert info["bytes"]["finetuned"] == 1_000_000
    assert "1,000     vectors of 256 dimensions" in here("cache", "info").stdout
    assert json.loads(here("cache", "clear", "--json").stdout)["bytes_freed"] >= 1_024_000
    assert json.loads(here("cache", "info", "--json").stdout)["vectors"] == {}
    assert weights.exists()  # fitted tuners read them
    wrong = here("cache", "info", "--tuned")
    assert wrong.returncode == 2
    assert "--tuned says what clear removes" in wrong.stderr
    assert json.loads(here("cache", "clear", "--tuned", "--json").stdout)["bytes_freed"] >= 1_000_000
    assert not weights.exists()
    assert (directory / "mine").exists()


def test_files_that_others_remove_are_not_counted(tmp_path, monkeypatch):
    (tmp_path / "stays").write_bytes(b"0" * 10)
    (tmp_path / "goes").write_bytes(b"0" * 10)
    listed = os.walk

    def walk(folder):
        found = list(listed(folder))
        (tmp_path / "goes").unlink()
        return found

    monkeypatch.setattr(os, "walk", walk)
    assert _n_bytes(tmp_path) == 10


def test_version_and_usage(here, tmp_path):
    assert skko("--version", cwd=tmp_path).stdout.startswith("skko 0.")
    assert here("nonsense").returncode == 2


def test_bundled_inquiries_are_what_they_promise():
    texts, topics, groups = TEXTS.texts, TEXTS.topics, TEXTS.groups
    assert len(texts) >= 480
    assert len({unicodedata.normalize("NFC", " ".join(text.split())) for text in texts}) == len(texts)
    assert all(unicodedata.is_normalized("NFC", text) and text == text.strip() for text in texts)
    assert len(set(topics.tolist())) == 8
    assert set(TEXTS.urgency.tolist()) == {"낮음", "보통", "높음"}
    sizes = {group: int((groups == group).sum()) for group in set(groups.tolist()) - {-1}}
    assert len(sizes) >= 80
    assert set(sizes.values()) <= {3, 4, 5}
    for group in sizes:
        assert len(set(topics[groups == group].tolist())) == 1
    frame = TEXTS.to_frame()
    assert list(frame.columns) == ["text", "topic", "urgency", "group"]
    assert len(frame) == len(TEXTS)
