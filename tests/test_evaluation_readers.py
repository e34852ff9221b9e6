"""Retrieval sets in the layouts of BEIR, MIRACL, TREC and parquet."""

import gzip
import json

import pandas as pd
import pytest

from skko.evaluation import evaluate_retrieval, read_retrieval
from skko.exceptions import DataFileError

PASSAGES = [("d1", "배송", "배송이 늦어요"), ("d2", "", "환불해 주세요"), ("d3", "계정", "로그인이\u2028안 돼요")]
QUERIES = [("q1", "택배가 안 와요"), ("q2", "돈을 돌려주세요"), ("q3", "아무도 판정하지 않은 질문")]
GRADES = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
TEXTS = {"d1": "배송 배송이 늦어요", "d2": "환불해 주세요", "d3": "계정 로그인이\u2028안 돼요"}


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8", newline="")


def trec_qrels():
    return "".join(f"{q}\tQ0\t{d}\t{grade}\n" for q, grades in GRADES.items() for d, grade in grades.items())


def beir(folder, ending=""):
    write(
        folder / f"corpus.jsonl{ending}", lines({"_id": d, "title": title, "text": text} for d, title, text in PASSAGES)
    )
    write(folder / f"queries.jsonl{ending}", lines({"_id": q, "text": text} for q, text in QUERIES))
    rows = [f"{q}\t{d}\t{grade}\n" for q, grades in GRADES.items() for d, grade in grades.items()]
    write(folder / "qrels" / "test.tsv", "".join(["query-id\tcorpus-id\tscore\n", *rows]))
    write(folder / "qrels" / "train.tsv", "query-id\tcorpus-id\tscore\nq3\td3\t1\n")
    return "beir"


def beir_zipped(folder):
    return beir(folder, ".gz")


def miracl(folder):
    name = "miracl-v1.0-ko"
    write(folder / name / "topics" / f"topics.{name}-dev.tsv", "".join(f"{q}\t{text}\n" for q, text in QUERIES))
    write(folder / name / "topics" / f"topics.{name}-train.tsv", "q9\t다른 질문\n")
    write(folder / name / "qrels" / f"qrels.{name}-dev.tsv", trec_qrels())
    write(folder / name / "qrels" / f"qrels.{name}-train.tsv", "q9\tQ0\td1\t1\n")
    for number, rows in enumerate([PASSAGES[:2], PASSAGES[2:]]):
        path = folder / "miracl-corpus-v1.0-ko" / f"docs-{number}.jsonl.gz"
        write(path, lines({"docid": d, "title": title, "text": text} for d, title, text in rows))
    return "miracl"


def trec(folder):
    write(folder / "collection.tsv", "".join(f"{d}\t{text}\r\n" for d, text in TEXTS.items()))
    write(folder / "queries.tsv", "".join(f"{q}\t{text}\n" for q, text in QUERIES))
    write(folder / "qrels.txt", trec_qrels().replace("\t", " "))
    return "trec"


def parquet(folder):
    pytest.importorskip("pyarrow")
    (folder / "corpus").mkdir()
    for number, rows in enumerate([PASSAGES[:2], PASSAGES[2:]]):
        frame = pd.DataFrame(rows, columns=["_id", "title", "text"])
        frame.to_parquet(folder / "corpus" / f"part-{number}.parquet")
    pd.DataFrame(QUERIES, columns=["_id", "text"]).to_parquet(folder / "queries.parquet")
    rows = [(q, d, grade) for q, grades in GRADES.items() for d, grade in grades.items()]
    pd.DataFrame(rows, columns=["query-id", "corpus-id", "score"]).to_parquet(folder / "qrels.parquet")
    return "parquet"


@pytest.mark.parametrize("make", [beir, beir_zipped, miracl, trec, parquet])
def test_every_layout_holds_the_same(make, tmp_path):
    data = read_retrieval(tmp_path, make(tmp_path))
    assert data.queries == dict(QUERIES[:2])
    assert dict(data.corpus) == dict(data.corpus) == TEXTS
    assert data.qrels == GRADES
    assert data.name == tmp_path.name
    report = evaluate_retrieval("skko-mini", data.queries, data.corpus, data.qrels)
    assert (report.provenance["n_queries"], report.provenance["n_passages"]) == (2, 3)


def test_a_split_is_chosen_by_name(tmp_path):
    beir(tmp_path)
    assert read_retrieval(tmp_path, "beir", split="train").qrels == {"q3": {"d3": 1}}
    (tmp_path / "qrels" / "test.tsv").rename(tmp_path / "qrels" / "eins.tsv")
    with pytest.raises(DataFileError, match=r"eins\.tsv.*split="):
        read_retrieval(tmp_path, "beir")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1"}\n', r"corpus\.jsonl, line 1, has none of"),
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}\n{oops\n', "line 2, is not JSON"),
        ("corpus.jsonl", '{"_id": "d1", "text": null}\n', "has no text"),
        ("corpus.jsonl", "[1]\n", "holds a list"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tviel\n", "line 2, is no judgement"),
        ("qrels/test.tsv", "q1\td1\n", "line 1, is no judgement"),
        ("qrels/test.tsv", "q8\td1\t1\n", "No query of .* is judged"),
    ],
)
def test_damaged_files_name_the_line(tmp_path, name, text, message):
    beir(tmp_path)
    write(tmp_path / name, text)
    with pytest.raises(DataFileError, match=message):
        dict(read_retrieval(tmp_path, "beir").corpus)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        read_retrieval(tmp_path / "none", "beir")
    with pytest.raises(FileNotFoundError, match=r"queries\.jsonl"):
        read_retrieval(tmp_path, "beir")
    with pytest.raises(ValueError, match="layout"):
        read_retrieval(tmp_path, "lucene")


def test_a_tab_is_needed(tmp_path):
    trec(tmp_path)
    write(tmp_path / "queries.tsv", "q1 택배\n")
    with pytest.raises(DataFileError, match="no tab"):
        read_retrieval(tmp_path, "trec")
