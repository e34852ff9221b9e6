"""``skko classify``: train, predict, evaluate."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skko.classification import load_classifier
from skko.cli.classify_steps import estimate
from skko.cli.main import main
from skko.datasets import load_inquiries

INQUIRIES = load_inquiries()
TABLE = pd.DataFrame({"번호": range(566), "문의": INQUIRIES.texts, "주제": INQUIRIES.topics})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with texts to learn from and others, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    TABLE[:300].to_csv("train.csv", index=False)
    TABLE[300:].to_parquet("test.parquet")
    return tmp_path


TRAIN = ["classify", "train", "train.csv", "--text", "문의", "--label", "주제", "--out", "문의.skops"]
USE = ["test.parquet", "--text", "문의", "--classifier", "문의.skops"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_train_predict_and_evaluate_agree(folder, capsys):
    trained = run(capsys, *TRAIN, "--folds", "3")
    assert (trained["texts"], trained["folds"], trained["out"]) == (300, 3, "문의.skops")
    assert trained["accuracy"] > trained["baseline"] + 0.2
    assert trained["bytes"] == (folder / "문의.skops").stat().st_size
    assert "lexical weight" in trained["features"]
    expected = load_classifier("문의.skops").predict(list(TABLE["문의"][300:]))

    assert run(capsys, "classify", "predict", *USE, "--out", "labelled.csv")["texts"] == 266
    labelled = pd.read_csv("labelled.csv")
    assert (labelled["label"] == expected).all()
    assert labelled["probability"].between(1 / 8, 1).all()
    assert labelled["text"].tolist() == TABLE["문의"][300:].tolist()

    found = run(capsys, "classify", "evaluate", *USE, "--label", "주제", "--plot", "confusion.png")
    right = float((expected == TABLE["주제"][300:]).mean())
    assert found["accuracy"] == pytest.approx(right)
    assert np.sum(found["confusion"]) == 266
    assert np.trace(found["confusion"]) == round(right * 266)
    assert (folder / "confusion.png").stat().st_size > 5_000
    assert found["macro_f1"] == pytest.approx(
        np.mean([found["classes"][name]["f1"] for name in set(TABLE["주제"][300:])])
    )


def test_lines_are_for_people(folder, capsys):
    assert main([*TRAIN, "--folds", "0", "--lexical", "no", "--balanced"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "300 texts, 8 labels, model skko-mini"
    assert "accuracy" not in "".join(lines)
    assert load_classifier("문의.skops")["classify"].class_weight == "balanced"
    assert main(["classify", "predict", *USE]) == 0
    label, probability, text = capsys.readouterr().out.splitlines()[0].split("\t")
    assert label in set(TABLE["주제"])
    assert 0 < float(probability) <= 1
    assert text == TABLE["문의"][300]
    assert main(["classify", "evaluate", *USE, "--label", "주제"]) == 0
    assert capsys.readouterr().out.startswith("266 texts: accuracy 0.")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_predictions_are_written_in_the_format_of_the_name(folder, capsys, ending):
    run(capsys, *TRAIN, "--folds", "0", "--lexical", "no")
    run(capsys, "classify", "predict", *USE, "--out", f"o.{ending}")
    readers = {"csv": pd.read_csv, "jsonl": lambda path: pd.read_json(path, lines=True), "parquet": pd.read_parquet}
    assert list(readers[ending](f"o.{ending}").columns) == ["text", "label", "probability"]


def test_columns_of_the_file_are_kept_beside_the_labels(folder, capsys):
    run(capsys, *TRAIN, "--folds", "0", "--lexical", "no")
    rows = "번호,문의,날짜\n007,배송이 늦어요,2026-01-02\n008,,\n009,환불해 주세요,2026-01-03\n"
    Path("새 문의.csv").write_text(rows, encoding="cp949")
    use = ["classify", "predict", "새 문의.csv", "--text", "문의", "--classifier", "문의.skops"]
    assert run(capsys, *use, "--keep", "날짜", "0", "--out", "o.csv")["texts"] == 3
    found = pd.read_csv("o.csv", dtype=str, keep_default_na=False)
    assert found.columns.tolist() == ["날짜", "번호", "text", "label", "probability"]
    assert found["번호"].tolist() == ["007", "008", "009"]
    assert found["날짜"].tolist() == ["2026-01-02", "", "2026-01-03"]
    assert found["label"].tolist()[1] == ""
    Path("글.jsonl").write_text('{"id": 1, "text": "a", "label": "b"}\n', encoding="utf-8")
    for wrong in (["label"], ["id", "id"]):
        with pytest.raises(SystemExit, match="2"):
            main([*use[:2], "글.jsonl", *use[5:], "--keep", *wrong])
        assert "the result would have two columns of that name" in capsys.readouterr().err


def test_copies_do_not_make_the_estimate_better(capsys):
    from skko import make_text_classifier

    texts, labels = list(TABLE["문의"][:150]), [str(number % 5) for number in range(150)]
    found = estimate(make_text_classifier("skko-mini", lexical=False), texts * 2, labels * 2, 5)
    assert found["accuracy"] < 0.4  # the labels are noise: copies on both sides would come to nearly 1
    assert estimate(make_text_classifier("skko-mini"), ["가", "나", "다"], ["a", "a", "b"], 5) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify", "train", "no.csv", "--label", "주제"], "no.csv"),
        (["classify", "train", "train.csv", "--text", "문의", "--label", "없는 열"], "없는 열"),
        (["classify", "predict", *USE], "문의.skops"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, arguments, message):
    assert main(arguments) != 0
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_one_label_is_not_enough(folder, capsys):
    TABLE[:20].assign(주제="환불").to_csv("one.csv", index=False)
    assert main(["classify", "train", "one.csv", "--text", "문의", "--label", "주제"]) != 0
    assert "2 labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "message"), [("nowhere/문의.skops", "There is no folder nowhere: make it"), (".", "name a file")]
)
def test_a_place_that_cannot_be_written_is_said_before_the_work(folder, capsys, monkeypatch, out, message):
    monkeypatch.setattr("skko.cli.classify_steps.estimate", None)
    assert main([*TRAIN[:-1], out]) == 1
    assert message in capsys.readouterr().err
    assert main(["classify", "evaluate", *USE, "--label", "주제", "--plot", out]) == 1
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_in_is_said_before_the_work(folder, capsys, monkeypatch):
    monkeypatch.setattr("skko.cli.classify_steps.estimate", None)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    assert main(TRAIN) == 1
    assert capsys.readouterr().err == "skko: . cannot be written in: change its permissions, or name another folder.\n"


def test_a_missing_extra_is_said_before_the_work(folder, capsys, monkeypatch):
    monkeypatch.setattr("skko.cli.classify_steps.estimate", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    assert main(TRAIN) == 1
    assert "pip install 'skko[save]'" in capsys.readouterr().err


def test_the_format_of_the_output_is_checked(folder, capsys):
    run(capsys, *TRAIN, "--folds", "0", "--lexical", "no")
    assert main(["classify", "predict", *USE, "--out", "o.xlsx"]) != 0
    assert ".xlsx" in capsys.readouterr().err
