"""What all commands have in common: help, JSON, quiet, standard input and output, encodings, completion."""

import argparse
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from skko.cli.main import format_parser, main
from skko.config import config_context
from skko.datasets import load_inquiries, load_texts

TEXTS = list(load_inquiries().texts[:60])
COMMANDS = ["demo", "embed", "classify", "topics", "paraphrases", "search", "finetune", "evaluate", "models", "cache"]


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The commands that run."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for command in action.choices.values():
            yield from leaves(command)


PARSERS = list(leaves(format_parser()))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def skko(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "skko", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=300)


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Standard input for a command that runs in this process."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_every_command_is_there():
    names = [parser.prog.split()[1] for parser in PARSERS]
    assert list(dict.fromkeys(names)) == [*COMMANDS, "completion"]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_every_command_has_help_examples_json_and_quiet(parser):
    options = {name: action for action in parser._actions for name in action.option_strings}
    assert {"--json", "--quiet", "-q", "--help"} <= set(options)
    assert all(action.help for action in parser._actions)
    text = parser.format_help()
    assert "examples:\n  skko " in text
    assert parser.prog.rsplit(maxsplit=1)[-1] in parser.epilog
    # A command that reads files of texts reads them by the same options as all others.
    reading = {"--format", "--no-header", "--encoding"}
    assert reading <= set(options) or not reading & set(options)
    assert ("--columns" in options) != ("--text" in options) or not reading & set(options)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_every_example_is_a_command_that_is_understood(parser):
    """Its options exist; whether its files do is for the user."""
    lines = [line.strip().split("  ")[0] for line in parser.epilog.splitlines() if line.startswith("  ")]
    commands = [found.group() for line in lines if (found := re.search(r"\bskko [^<>|)]+", line))]
    assert len(commands) == len(lines)
    for command in commands:
        format_parser().parse_args(shlex.split(command)[1:])


def test_descriptions_fill_the_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for parser in PARSERS:
        examples = parser.format_help().index("examples:")
        assert max(map(len, parser.format_help()[:examples].splitlines())) <= 80, parser.prog


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_texts_come_from_standard_input(monkeypatch, capsys, encoding):
    give(monkeypatch, "\n".join(TEXTS[:9]).encode(encoding))
    assert main(["paraphrases", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_texts"] == 9


def test_tables_come_from_standard_input(monkeypatch, capsys):
    rows = "\n".join(json.dumps({"번호": row, "문의": text}) for row, text in enumerate(TEXTS[:9]))
    give(monkeypatch, rows.encode())
    assert main(["paraphrases", "-", "--format", "jsonl", "--text", "문의", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_texts"] == 9
    give(monkeypatch, b"\x00\xff")
    assert main(["paraphrases", "-"]) == 1
    assert "standard input cannot be read as text" in capsys.readouterr().err


def test_a_parquet_file_comes_from_standard_input(monkeypatch, capsys):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"text": TEXTS[:9]}).to_parquet(content := io.BytesIO())
    give(monkeypatch, content.getvalue())
    assert main(["paraphrases", "-", "--format", "parquet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_texts"] == 9


def test_the_corpus_of_a_search_may_be_standard_input_and_then_the_queries_are_not(monkeypatch, capsys):
    give(monkeypatch, "\n".join(TEXTS).encode())
    assert main(["search", "-", "--query", TEXTS[7], "--top-k", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["passage"] == TEXTS[7]


def test_queries_may_be_in_cp949(monkeypatch, capsys):
    Path("문의.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    give(monkeypatch, f"{TEXTS[3]}\n".encode("cp949") + f"{TEXTS[4]}\n".encode())
    assert main(["search", "문의.txt", "--top-k", "1", "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["hits"][0]["passage"] for answer in answers] == TEXTS[3:5]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_tables_are_written_in_the_format_of_the_name_and_read_back(capsys, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    texts = (
        ["쉼표, '따옴표'", "쉼표,  '따옴표'", "다른 글"]
        if ending == "tsv"
        else ['쉼표, "따옴"', '쉼표,  "따옴"', "탭\t"]
    )
    Path("글.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    assert main(["paraphrases", "글.jsonl", "--threshold", "0.9", "--out", f"쌍.{ending}"]) == 0
    assert "1 pairs written to" in capsys.readouterr().err
    found = load_texts(f"쌍.{ending}", text="text_i", label="text_j")
    assert (found.texts, found.labels) == (texts[:1], texts[1:2])


@pytest.mark.parametrize("out", ["쌍.xlsx", "없는 폴더/쌍.csv"])
def test_a_table_that_cannot_be_written_is_told_before_the_work(capsys, out):
    assert main(["paraphrases", "없는 파일.txt", "--out", out]) == 1
    assert "없는 파일" not in capsys.readouterr().err


def test_quiet_says_only_what_was_asked_for(capsys):
    Path("문의.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    command = ["search", "문의.txt", "--query", "환불", "--save", "색인"]
    assert main(command) == 0
    assert "60 texts indexed" in capsys.readouterr().err
    assert main([*command, "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("== 환불")


def test_progress_goes_to_standard_error_and_quiet_stops_it(monkeypatch, capsys):
    """A bar that would be shown is one that --quiet hides."""
    Path("글.txt").write_text("\n".join(f"{text} {i}" for i in range(40) for text in TEXTS), encoding="utf-8")
    with config_context(show_progress=True):
        assert main(["paraphrases", "글.txt", "--threshold", "0.99", "--json"]) == 0
        shown = capsys.readouterr()
        assert "embedding" in shown.err
        json.loads(shown.out)
        assert main(["paraphrases", "글.txt", "--threshold", "0.99", "--json", "--quiet"]) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp949"])
def test_an_output_that_lacks_a_letter_gets_an_escape(monkeypatch, encoding):
    """As on a Windows terminal; JSON stays JSON."""
    Path("글.txt").write_text("환불해 주세요 🥲\n배송이 늦어요\n", encoding="utf-8")

    def printed(*options: str) -> bytes:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out := io.BytesIO(), encoding=encoding))
        assert main(["search", "글.txt", "--query", "환불", *options]) == 0
        sys.stdout.flush()
        return out.getvalue()

    assert rb"\U0001f972" in printed()
    found = json.loads(printed("--json").decode(encoding))
    assert found["hits"][0]["passage"] == "환불해 주세요 🥲"


def test_exit_codes(folder):
    assert main(["models"]) == 0
    failed = skko("topics", "없음.csv")
    assert (failed.returncode, failed.stdout) == (1, b"")
    wrong = skko("topics", "--nonsense")
    assert wrong.returncode == 2
    assert b"usage: skko" in wrong.stderr
    shown = skko("--help")
    assert shown.returncode == 0
    assert b"exit codes:" in shown.stdout
    assert re.findall(r"(?m)^    (\w+)", shown.stdout.decode()) == [*COMMANDS, "completion"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["embed", "글.txt", "--out", "글.txt"], "글.txt: File exists: remove it, or name another."),
        (["topics", "글.txt", "--out", "글.txt/안"], "Not a directory: name a folder."),
    ],
)
def test_errors_of_the_system_name_the_remedy(folder, capsys, command, message):
    Path("글.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    assert main(command) == 1
    assert capsys.readouterr().err.endswith(f"{message}\n")


def test_a_warning_is_told_once(folder, capsys, monkeypatch):
    """A corpus is read twice, and its empty rows are found each time."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    pd.DataFrame({"문의": [*TEXTS, ""]}).to_csv("문의.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["embed", "문의.csv", "--out", "벡터", "--drop-missing", "--quiet"]) == 0
    assert capsys.readouterr().err.count("1 rows without a text") == 1


def test_the_list_of_commands_is_a_line_each(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    for name in COMMANDS:
        assert re.search(rf"(?m)^    {name} +\w", format_parser().format_help()), name


def test_nobody_reads_on():
    Path("글.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    command = f"{sys.executable} -m skko search 글.txt --top-k 60 --json --query 환불 --query 배송 | head -c 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=300)
    assert (result.stdout, result.stderr) == ("{", "")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("topi", "topics"), ("classify pre", "predict"), ("embed --shar", "--shards"), ("topics 문", "문의.csv")],
)
def test_bash_completes_commands_options_and_files(capsys, typed, expected):
    """Asked as bash asks."""
    pytest.importorskip("shtab")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    Path("문의.csv").touch()
    assert main(["completion", "bash"]) == 0
    Path("skko.bash").write_text(capsys.readouterr().out, encoding="utf-8")
    words = " ".join(f"'{word}'" for word in ["skko", *typed.split()])
    ask = (
        f"source skko.bash; COMP_WORDS=({words}); COMP_CWORD={len(typed.split())}; _shtab_skko; echo ${{COMPREPLY[@]}}"
    )
    script = f"COMP_LINE='skko {typed}'; COMP_POINT={len(typed) + 5}; {ask}"
    result = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert expected in result.stdout.split(), result.stderr


def test_completion_needs_its_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "zsh"]) == 1
    assert "pip install 'skko[completion]'" in capsys.readouterr().err


def test_texts_are_read_from_inside_an_archive(folder):
    """Public corpora come as zip files."""
    with zipfile.ZipFile("자료.zip", "w") as archive:
        archive.writestr("안/문의.csv", "번호,문의\n1,배송이 늦어요\n".encode("cp949"))
    inside = zipfile.Path("자료.zip", "안/문의.csv")
    found = load_texts(inside, text="문의", label="번호")
    assert (found.texts, found.labels, found.encoding) == (["배송이 늦어요"], ["1"], "cp949")
    with pytest.raises(FileNotFoundError, match=r"자료\.zip/안/없음\.csv"):
        load_texts(zipfile.Path("자료.zip", "안/없음.csv"))


@pytest.mark.filterwarnings("ignore:.*rows without a text")
def test_rows_without_a_text_keep_the_others_in_their_rows(monkeypatch, capsys):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    inquiries = load_inquiries()
    holes = {0, 5, 41}
    texts = ["" if row in holes else text for row, text in enumerate(inquiries.texts[:42])]
    pd.DataFrame({"문의": texts, "주제": inquiries.topics[:42]}).to_csv("문의.csv", index=False)
    where = {text: row for row, text in enumerate(texts)}

    def answer(*arguments: str) -> dict:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    answer("classify", "train", "문의.csv", "--text", "문의", "--label", "주제", "--out", "a.skops", "--folds", "0")
    predicted = answer("classify", "predict", "문의.csv", "--text", "문의", "--classifier", "a.skops")["predictions"]
    assert [row["text"] for row in predicted] == texts
    assert {row for row, found in enumerate(predicted) if found["label"] == ""} == holes
    assert {row for row, found in enumerate(predicted) if found["probability"] is None} == holes

    mined = answer("paraphrases", "문의.csv", "--text", "문의", "--threshold", "0.3")
    assert mined["pairs"]
    assert all(where[pair["text_i"]] == pair["i"] and where[pair["text_j"]] == pair["j"] for pair in mined["pairs"])
    assert mined["rows"] == sorted(set(range(42)) - holes)
    hits = answer("search", "문의.csv", "--text", "문의", "--query", "환불")["hits"]
    assert all(where[hit["passage"]] == hit["id"] for hit in hits)
    answer("topics", "문의.csv", "--text", "문의", "--out", "토픽", "--min-size", "3")
    assert pd.read_csv("토픽/assignments.csv")["row"].tolist() == mined["rows"]
