"""``skko search`` and ``skko paraphrases``."""

import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

from skko import KoEmbeddingTransformer, ParaphraseMiner
from skko.cli.main import main
from skko.datasets import load_inquiries
from skko.search import KoSemanticSearch

TEXTS = list(load_inquiries().texts[:60])
QUERY = "환불은 언제 되나요"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of texts, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    pd.DataFrame({"번호": range(60), "문의": TEXTS}).to_csv("문의.csv", index=False)
    return tmp_path


def objects(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def expected(query: str, top_k: int, **params) -> list[tuple]:
    search = KoSemanticSearch("skko-mini", show_progress=False, **params).fit(TEXTS)
    return [(hit.id, round(hit.score, 6), hit.passage) for hit in search.search([query], top_k)[0]]


def found(answer: dict) -> list[tuple]:
    return [(hit["id"], hit["score"], hit["passage"]) for hit in answer["hits"]]


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        ([], {}),
        (["--alpha", "0"], {"alpha": 0}),
        (["--split", "sentences"], {"split": "sentences"}),
        (["--split", "20"], {"split": 20}),
    ],
)
def test_search_finds_what_the_class_finds(folder, capsys, arguments, params):
    command = ["search", "문의.csv", "--text", "문의", "--query", QUERY, "--query", "배송", "--top-k", "4", "--json"]
    assert main([*command, *arguments]) == 0
    answers = objects(capsys.readouterr().out)
    assert [answer["query"] for answer in answers] == [QUERY, "배송"]
    for answer in answers:
        assert found(answer) == expected(answer["query"], 4, **params)


def test_a_saved_index_is_searched_with_queries_from_standard_input(folder, capsys, monkeypatch):
    assert main(["search", "문의.csv", "--text", "1", "--query", QUERY, "--save", "색인", "--json"]) == 0
    first = capsys.readouterr()
    assert "60 texts indexed in 색인" in first.err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{QUERY}\n\n  배송 \n".encode())))
    assert main(["search", "색인", "--json"]) == 0
    answers = objects(capsys.readouterr().out)
    assert answers[0] == objects(first.out)[0]
    assert answers[1]["query"] == "배송"
    assert len(answers) == 2


def test_search_as_text(folder, capsys):
    assert main(["search", "문의.csv", "--text", "문의", "--query", QUERY, "--top-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"== {QUERY}"
    assert len(lines) == 3
    assert main(["search", "문의.csv", "--text", "문의", "--query", "zzz", "--alpha", "0"]) == 0
    assert capsys.readouterr().out.splitlines() == ["== zzz", "  nothing found"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["search", "none.csv", "--query", "가"], "none.csv"),
        (["search", "문의.csv", "--query", "가"], "say which holds the texts"),
        (["search", ".", "--query", "가"], "no index"),
        (["paraphrases", "none.csv"], "none.csv"),
    ],
)
def test_errors_are_one_line(folder, capsys, command, message):
    assert main(command) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[-1].startswith("skko: ")
    assert message in output.err.splitlines()[-1]


def test_on_a_terminal_it_asks_for_queries(folder):
    """A real terminal: what is typed is answered line by line, until Ctrl-D."""
    ours, theirs = pytest.importorskip("pty").openpty()
    environment = {**os.environ, "PYTHONUTF8": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "skko", "search", "문의.csv", "--text", "문의", "--top-k", "1"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as it:
        os.close(theirs)
        os.write(ours, f"{QUERY}\n\x04".encode())
        out, err = (stream.decode() for stream in it.communicate(timeout=300))
    os.close(ours)
    assert it.returncode == 0, err
    assert out.count("query> ") == 2
    assert f"== {QUERY}" in out
    assert expected(QUERY, 1)[0][2][:20] in out


def test_paraphrases_finds_what_the_miner_finds(folder, capsys):
    assert main(["paraphrases", "문의.csv", "--text", "문의", "--threshold", "0.5", "--out", "쌍.csv", "--json"]) == 0
    output = capsys.readouterr()
    (answer,) = objects(output.out)
    miner = ParaphraseMiner(threshold=0.5).fit(KoEmbeddingTransformer("skko-mini").fit_transform(TEXTS))
    pairs = [(pair["text_i"], pair["text_j"]) for pair in answer["pairs"]]
    assert pairs == [(TEXTS[i], TEXTS[j]) for i, j in miner.pairs_[["i", "j"]].tolist()]
    assert len(pairs) > 2
    assert (answer["n_texts"], answer["groups"]) == (60, miner.labels_.tolist())
    assert f"{len(pairs):,} pairs written to 쌍.csv" in output.err
    written = pd.read_csv("쌍.csv", encoding="utf-8-sig")
    assert list(zip(written["text_i"], written["text_j"], strict=True)) == pairs


def test_paraphrases_as_text(folder, capsys):
    assert main(["paraphrases", "문의.csv", "--text", "문의", "--threshold", "0.3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("60 texts, ")
    assert len(lines) == 22
    assert lines[-1].endswith("--out FILE writes them all")
    assert main(["paraphrases", "문의.csv", "--text", "문의", "--max-overlap", "0"]) == 0
    assert ", 0 pairs" in capsys.readouterr().out
