"""Options that are wrong, missing or contradictory: exit code 2, and a line that says so, before any work."""

import pytest

from skko.cli.main import main
from skko.finetune.losses import LOSSES

RECIPE = ["finetune", "--recipe", "bge-m3-ko"]
TUNE = ["finetune", "짝.jsonl", "--base", "skko-mini", "--out", "tuned"]
RETRIEVAL = ["evaluate", "retrieval", "--data", ".", "--layout", "beir"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["search", "-"], "the queries cannot come from there: pass --query"),
        (["search", ".", "--query", "가", "--split", "sentences"], "--split is for files"),
        (["embed", "-", "--out", "vectors"], "it is no standard input: name files"),
        (["evaluate", "autorag"], "nothing to evaluate: pass --model, --search, --bm25, --vectorizer or --published"),
        (["evaluate", "autorag", "--model", "skko-mini"], "say where the benchmark is: --data DIR"),
        (RETRIEVAL, "nothing to evaluate: pass --model, --search, --bm25 or --vectorizer"),
        (["finetune", "짝.jsonl"], "skko finetune: error: name --out and --base"),
        (["finetune", "--base", "skko-mini", "--out", "tuned"], "skko finetune: error: name a FILE"),
        ([*RECIPE, "--out", "tuned"], "skko finetune: error: name a FILE"),
        ([*RECIPE, "--eval", "짝.jsonl"], "skko finetune: error: name a FILE and --out"),
        (
            [*TUNE, "--columns", "a", "b", "--label", "b"],
            "skko finetune: error: b cannot be a text of --columns and the --label",
        ),
        ([*TUNE, "--loss", "words"], f"skko finetune: error: there is no --loss words; there are {', '.join(LOSSES)}"),
    ],
)
def test_what_is_missing_or_contradictory_is_a_usage_error(command, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert usage_error(command, capsys).endswith(message)


@pytest.mark.parametrize("loss", ["auto", *LOSSES])
def test_every_loss_of_the_tuner_is_one_of_the_command(loss, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*TUNE, "--loss", loss]) == 1
    assert "There is no file 짝.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "wrong", "message"),
    [
        (["search", "문의.csv"], ["--query", " "], "an empty text answers to nothing"),
        (["search", "문의.csv"], ["--top-k", "0"], "'0' is not a whole number of at least 1"),
        (["search", "문의.csv"], ["--top-k", "²"], "'²' is not a whole number of at least 1"),
        (["search", "문의.csv"], ["--alpha", "1.5"], "'1.5' is not a number from 0 to 1"),
        (["search", "문의.csv"], ["--alpha", "x"], "'x' is not a number from 0 to 1"),
        (["search", "문의.csv"], ["--split", "words"], "'words' is not a whole number of at least 1"),
        (["paraphrases", "문의.csv"], ["--threshold", "3"], "'3' is not a number from -1 to 1"),
        (["paraphrases", "문의.csv"], ["--threshold", "nan"], "'nan' is not a number from -1 to 1"),
        (["topics", "문의.csv"], ["--min-size", "1"], "'1' is not a whole number of at least 2"),
        (["classify", "train", "문의.csv", "--label", "주제"], ["--folds", "-1"], "of at least 0"),
        (["embed", "문의.csv", "--out", "vectors"], ["--workers", "0"], "of at least 1"),
        (["embed", "문의.csv", "--out", "vectors"], ["--shard-rows", "0"], "of at least 1"),
        (["embed", "문의.csv", "--out", "vectors"], ["--cpus", "-1"], "'-1' is not a number from 0"),
        (["embed", "문의.csv", "--out", "vectors"], ["--gpus", "inf"], "'inf' is not a number from 0"),
        (TUNE, ["--learning-rate", "0"], "'0' is not a number above 0, and at most 1"),
        (TUNE, ["--epochs", "0"], "of at least 1"),
        (TUNE, ["--matryoshka", "64", "0"], "of at least 1"),
    ],
)
def test_a_value_out_of_range_is_a_usage_error(command, wrong, message, capsys):
    line = usage_error([*command, *wrong], capsys)
    assert f"argument {wrong[0]}" in line
    assert message in line


def usage_error(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what is said, after the usage of the command."""
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("usage: skko")
    return shown.err.splitlines()[-1]
