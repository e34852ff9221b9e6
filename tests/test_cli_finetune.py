"""``skko finetune``: files in, a model out, and the recipe of a card."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sentence_transformers import SentenceTransformer

from skko import datasets
from skko.cli.finetune_steps import read_examples
from skko.cli.main import main
from tests.finetuning import build_small_static, one_thread  # noqa: F401

TABLE = datasets.load_inquiries().to_frame()
FAST = ["--epochs", "1", "--batch-size", "32", "--learning-rate", "0.01", "--device", "cpu"]


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    return build_small_static(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def pairs(tmp_path):
    texts = TABLE["text"].tolist()
    path = tmp_path / "짝.jsonl"
    rows = [{"anchor": a, "positive": b} for a, b in zip(texts[:100:2], texts[1:100:2], strict=True)]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_pairs_of_jsonl_become_a_model(pairs, small, fresh_cache, tmp_path, capsys):
    out = tmp_path / "tuned"
    assert main(["finetune", str(pairs), *FAST, "--base", small, "--out", str(out)]) == 0
    assert "50 examples, loss multiple_negatives_ranking, 1 steps of 32 rows" in capsys.readouterr().out
    tuned, base = (SentenceTransformer(str(path), device="cpu") for path in (out, small))
    assert abs(tuned.encode("배송이 늦어요") - base.encode("배송이 늦어요")).max() > 1e-4
    assert main(["finetune", str(pairs), *FAST, "--base", small, "--out", str(out)]) == 1
    assert "exists" in capsys.readouterr().err


@pytest.mark.filterwarnings("default:The tuned model is no better")  # of so few steps; the command is what is tested
def test_labels_of_csv_with_a_file_held_out(small, fresh_cache, tmp_path, capsys):
    for name, rows in (("train.csv", TABLE[::8]), ("dev.csv", TABLE[1::8])):
        rows.rename(columns={"text": "문의", "topic": "주제"}).to_csv(tmp_path / name, index=False)
    files = [str(tmp_path / "train.csv"), "--eval", str(tmp_path / "dev.csv"), "--columns", "문의", "--label", "주제"]
    arguments = [
        "finetune",
        *files,
        *FAST,
        "--base",
        small,
        "--batch-size",
        "256",
        "--out",
        str(tmp_path / "tuned"),
        "--json",
    ]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["loss"] == "cosine_similarity"
    assert found["examples"] == len(TABLE[::8])
    assert found["best_score"] > 0
    assert found["base_score"] > 0


@pytest.mark.filterwarnings("default::skko.exceptions.SkkoWarning")  # of the rate, which is for transformers
def test_the_recipe_is_printed_and_followed(pairs, small, fresh_cache, tmp_path, capsys):
    assert main(["finetune", "--recipe", "bge-m3-ko"]) == 0
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert printed["base"] == "BAAI/bge-m3"
    assert float(printed["learning_rate"]) == 3e-5
    assert printed["batch_size"] == "32768"
    out = str(tmp_path / "tuned")
    assert main(["finetune", str(pairs), "--recipe", "bge-m3-ko", "--base", small, "--out", out]) == 0
    shown = capsys.readouterr()
    assert "batch_size=32,768 was asked for and 5 is used" in shown.err
    assert "50 examples, loss multiple_negatives_ranking, 30 steps of 5 rows" in shown.out


def test_nothing_is_said_of_what_libraries_do(small, tmp_path):
    """In a process of its own, as they say it once a process: of batches that come up short, and of what they write.

    The file held out makes checkpoints; were their times not alike, it would depend on the clock whether one is said.
    """
    TABLE.rename(columns={"text": "문의", "topic": "주제"})[:200].to_csv(file := tmp_path / "train.csv", index=False)
    alike = "import os.path, sys; os.path.getmtime = lambda path: 0.0; from skko.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", alike, "finetune", str(file), "--columns", "문의", "주제", "--eval", str(file)]
    command += [*FAST, "--epochs", "2", "--batch-size", "6", "--base", small, "--out", str(tmp_path / "tuned")]
    environment = {**os.environ, "SKKO_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "steps of 6 rows" in done.stdout
    assert done.stderr == ""


def read(path: Path, columns: list[str] | None, label: str | None):
    shape = {"format": None, "no_header": False, "encoding": None}
    return read_examples(str(path), argparse.Namespace(columns=columns, label=label, **shape))


def test_files_are_read_by_their_columns(tmp_path):
    table = pd.DataFrame({"a": ["가", "나"], "b": ["다", "라"], "score": ["1", "0.5"]})
    table.to_csv(path := tmp_path / "pairs.tsv", sep="\t", index=False)
    assert read(path, ["a", "b"], "score") == ([("가", "다"), ("나", "라")], [1.0, 0.5])
    assert read(path, ["b"], "score") == (["다", "라"], ["1", "0.5"])
    table.to_json(path := tmp_path / "pairs.jsonl", orient="records", lines=True)
    assert read(path, None, "score") == ([("가", "다"), ("나", "라")], [1.0, 0.5])
    assert read(path, None, None) == read(path, None, "score")
    assert read(path, ["a", "b", "score"], None)[0][0] == ("가", "다", "1")
    with pytest.raises(ValueError, match="label '가' at row 0, and pairs need numbers"):
        read(path, ["b", "score"], "a")
