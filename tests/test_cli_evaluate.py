"""``skko evaluate`` and ``skko models``: the table of the card, any set, any file, two reports."""

import json

import pandas as pd
import pytest

from skko.cli.main import main
from skko.evaluation import EvaluationReport


@pytest.fixture
def benchmark(tmp_path):
    pytest.importorskip("pyarrow")
    asked = {"qid": ["q1", "q2"], "query": ["배송이 늦어요", "환불 규정"], "retrieval_gt": [[["d1"]], [["d2"]]]}
    texts = ["배송이 너무 늦어요", "환불 규정 안내", *(f"다른 문서 {i}" for i in range(12))]
    pd.DataFrame(asked).to_parquet(tmp_path / "qa_v4.parquet")
    pd.DataFrame({"doc_id": [f"d{i + 1}" for i in range(len(texts))], "contents": texts}).to_parquet(
        tmp_path / "ocr_corpus_v3.parquet"
    )
    return tmp_path


def test_the_autorag_table_and_its_reports(benchmark, capsys):
    reports = benchmark / "report.json"
    systems = [
        "--model",
        "skko-mini",
        "--search",
        "skko-mini",
        "--bm25",
        "--vectorizer",
        "characters",
        "--out",
        str(reports),
    ]
    assert main(["evaluate", "autorag", "--data", str(benchmark), *systems, "--published"]) == 0
    printed = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("|")]
    for name in ("skko-mini", "skko-mini and BM25", "BM25", "TF-IDF, characters", "BGE-m3-ko"):
        assert rows.count(name) == 4, name
    found = [EvaluationReport.load(benchmark / f"report-{number}.json") for number in range(1, 5)]
    assert [report.scores["recall@1"] for report in found] == [1.0] * 4
    assert (
        main(["evaluate", "compare", *(str(benchmark / f"report-{n}.json") for n in (1, 3)), "--metric", "mrr@10"]) == 0
    )
    assert "mrr@10: 1.0000 -> 1.0000, difference +0.0000" in capsys.readouterr().out


def test_the_published_table_alone_in_its_own_order(capsys):
    assert main(["evaluate", "autorag", "--published", "--order", "worst_first"]) == 0
    assert "0.4517 | 0.9035 | 0.3011 | 0.3494 | 0.3494 | 0.4886" in capsys.readouterr().out


def test_any_retrieval_set(tmp_path, capsys):
    (tmp_path / "corpus.tsv").write_text("d1\t배송이 늦어요\nd2\t환불해 주세요\n", encoding="utf-8")
    (tmp_path / "queries.tsv").write_text("q1\t배송 지연\n", encoding="utf-8")
    (tmp_path / "qrels.txt").write_text("q1 0 d1 1\n")
    arguments = [
        "--data",
        str(tmp_path),
        "--layout",
        "trec",
        "--model",
        "skko-mini",
        "--out",
        str(tmp_path / "r.json"),
    ]
    assert main(["evaluate", "retrieval", *arguments]) == 0
    assert "| cosine_accuracy@1 | 1.0000 |" in capsys.readouterr().out
    assert EvaluationReport.load(tmp_path / "r.json").scores["dot_map@100"] == 1


@pytest.mark.parametrize(
    ("task", "columns", "score"),
    [
        ("sts", ["a", "b", "score"], "spearman_cosine"),
        ("pairs", ["a", "b", "same"], "average_precision"),
        ("classification", ["a", "topic"], "accuracy"),
        ("clustering", ["0", "topic"], "v_measure"),
    ],
)
def test_tasks_from_a_file(tmp_path, capsys, task, columns, score):
    rows = [
        ("배송이 늦어요", "배송이 너무 느려요", 5, 1, "배송"),
        ("환불해 주세요", "돈을 돌려주세요", 4.5, 1, "환불"),
        ("배송 문의", "오늘 날씨", 0, 0, "배송"),
        ("환불 문의", "로그인 오류", 0.5, 0, "환불"),
    ] * 3
    path = tmp_path / "자료.csv"
    pd.DataFrame(rows, columns=["a", "b", "score", "same", "topic"]).to_csv(path, index=False)
    report = tmp_path / "report.json"
    arguments = ["--columns", *columns, "--model", "skko-mini", "--out", str(report)]
    assert main(["evaluate", task, str(path), *arguments]) == 0
    found = EvaluationReport.load(report)
    assert f"| {score} | {found.scores[score]:.4f} |" in capsys.readouterr().out
    assert (found.task, found.data, found.main_score) == (task, "자료", score)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["autorag", "--model", "skko-mini", "--data", "."], "AutoRAG-example-korean-embedding-benchmark"),
        (["sts", "a.csv", "--columns", "a", "b", "c", "--model", "skko-mini"], "'viel' at row 0 of c"),
        (["compare", "a.csv", "a.csv"], "not an evaluation report"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,b,c\n가,나,viel\n", encoding="utf-8")
    assert main(["evaluate", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skko: ")
    assert message in error
    assert error.count("\n") == 1


def test_models_are_listed(capsys):
    assert main(["models"]) == 0
    assert "dragonkue/bge-m3-ko" in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "skko-mini"
    assert main(["models", "KoE5"]) == 0
    assert "'query: '" in capsys.readouterr().out
    assert main(["models", "no-such"]) == 1
    assert "skko models" in capsys.readouterr().err
