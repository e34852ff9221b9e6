"""``skko topics``."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skko import make_topic_clusterer
from skko.cli.main import main
from skko.clustering import KoTopicModel
from skko.datasets import load_inquiries

TEXTS = list(load_inquiries().texts[:200])
DATES = [f"2026-{row % 12 + 1:02d}-01" for row in range(200)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of texts, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    pd.DataFrame({"문의": TEXTS, "날짜": DATES}).to_csv("문의.csv", index=False)
    return tmp_path


def expected() -> KoTopicModel:
    return KoTopicModel(make_topic_clusterer("skko-mini", random_state=0)).fit(TEXTS)


def test_everything_is_written(folder, capsys):
    arguments = [
        "topics",
        "문의.csv",
        "--text",
        "문의",
        "--over",
        "날짜",
        "--out",
        "결과",
        "--save",
        "토픽.skops",
        "--json",
    ]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    model = expected()
    assert (found["n_texts"], found["n_topics"]) == (200, model.n_topics_)
    assert [topic["keywords"] for topic in found["topics"]] == [list(topic.keywords) for topic in model.topics_]
    names = {"topics.csv", "assignments.csv", "map.png", "map.html", "keywords.png", "hierarchy.png", "timeline.png"}
    assert {path.name for path in (folder / "결과").iterdir()} == names
    assert {Path(path).name for path in found["files"]} == names
    assignments = pd.read_csv("결과/assignments.csv")
    assert assignments["text"].tolist() == TEXTS
    np.testing.assert_array_equal(assignments["topic"], model.labels_)
    assert pd.read_csv("결과/topics.csv")["size"].tolist() == [topic.size for topic in model.topics_]
    assert (folder / "결과" / "topics.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    np.testing.assert_array_equal(KoTopicModel.load("토픽.skops").predict(TEXTS), model.labels_)


def test_joined_topics_and_a_topic_for_every_text(folder, capsys):
    assert main(["topics", "문의.csv", "--text", "문의", "--topics", "2", "--all", "--out", "둘"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("200 texts, 2 topics, 0% of the texts in none")
    assert set(pd.read_csv("둘/assignments.csv")["topic"]) == {0, 1}


def test_too_few_texts_for_a_topic(folder, capsys):
    (folder / "넷.txt").write_text("\n".join(TEXTS[:4]), encoding="utf-8")
    assert main(["topics", "넷.txt", "--out", "없음"]) == 0
    assert "--min-size" in capsys.readouterr().out
    assert (folder / "없음" / "map.png").exists()


def test_an_error_is_one_line(folder, capsys):
    assert main(["topics", "없다.csv"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("skko: ")
    assert "없다.csv" in line
