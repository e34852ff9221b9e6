"""``skko evaluate``: how good models and searches are, and which of two is better."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skko.cli.files import read_columns, source
from skko.cli.options import UsageError, add_command, add_file, at_least, between
from skko.cli.output import print_result

_EXAMPLES = """examples:
  skko evaluate autorag --data DIR --model skko-mini --search skko-mini --bm25 --published
  skko evaluate autorag --published --order worst_first
  skko evaluate retrieval --data DIR --layout beir --model skko-mini --out report.json
  skko evaluate sts pairs.tsv --columns sentence1 sentence2 score --model skko-mini
  skko evaluate pairs paws.tsv --columns sentence1 sentence2 same --model skko-mini
  skko evaluate classification reviews.csv --columns review rating --model skko-mini
  skko evaluate clustering inquiries.csv --columns 문장 주제 --model skko-mini --json
  skko evaluate compare a.json b.json --metric ndcg@10
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "evaluate",
        help="measure models on retrieval, similarity, pairs, clusters and classes",
        description="Measure models and searches. Every result can be kept as JSON and compared with another.",
        examples=_EXAMPLES,
    )
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    _add_autorag(tasks)
    _add_retrieval(tasks)
    for task, columns, what in _FILE_TASKS:
        _add_file_task(tasks, task, columns, what)
    _add_compare(tasks)


_FILE_TASKS = (
    ("sts", ("A", "B", "SCORE"), "how similarity agrees with judged similarity"),
    ("pairs", ("A", "B", "SAME"), "how similarity tells pairs that mean the same (1) from others (0)"),
    ("classification", ("TEXT", "LABEL"), "logistic regression on a model's vectors, cross-validated"),
    ("clustering", ("TEXT", "LABEL"), "k-means on a model's vectors, against known groups"),
)


def _add_autorag(tasks: Any) -> None:
    parser = add_command(
        tasks,
        "autorag",
        _run_autorag,
        help="the model card's table",
        description="The AutoRAG Korean embedding benchmark: F1, recall, precision, mAP, mRR and NDCG at 1, 3, 5, 10.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--data", metavar="DIR", help="folder with qa_v4.parquet and ocr_corpus_v3.parquet")
    _add_systems(parser)
    parser.add_argument("--published", action="store_true", help="put the 18 published systems beside")
    parser.add_argument(
        "--order",
        choices=["best_first", "worst_first"],
        default="best_first",
        help="worst_first reproduces the published table, whose rankings were turned around (default: best_first)",
    )
    _add_output(parser)


def _add_retrieval(tasks: Any) -> None:
    parser = add_command(
        tasks,
        "retrieval",
        _run_retrieval,
        help="any retrieval set: the columns of the card's MIRACL table",
        description="Accuracy, precision and recall at 1, 3, 5, 10, nDCG and MRR at 10 and MAP at 100. The corpus is "
        "read from its files in blocks, and its vectors are kept in the cache.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--data", metavar="DIR", required=True, help="folder of the set")
    parser.add_argument(
        "--layout", required=True, choices=["beir", "miracl", "trec", "parquet"], help="how its files are laid out"
    )
    parser.add_argument(
        "--split", help="which judgements, a part of the file's name (default: the only one, test, dev)"
    )
    _add_systems(parser)
    parser.add_argument("--query-prompt", metavar="TEXT", help="before queries (default: the model's)")
    parser.add_argument("--passage-prompt", metavar="TEXT", help="before passages (default: the model's)")
    _add_output(parser)


def _add_file_task(tasks: Any, task: str, columns: tuple[str, ...], what: str) -> None:
    parser = add_command(tasks, task, _run_file_task, help=what, description=f"Measure {what}.", examples=_EXAMPLES)
    add_file(parser, columns=False)
    parser.add_argument(
        "--columns", nargs=len(columns), metavar=columns, required=True, help="columns by name, or position from 0"
    )
    parser.add_argument(
        "--model", action="append", required=True, help="a model, as skko models lists them; repeatable"
    )
    parser.add_argument("--prompt", metavar="TEXT", help="before each text (default: the model's)")
    _add_output(parser)
    parser.set_defaults(task=task)


def _add_systems(parser: Any) -> None:
    parser.add_argument("--model", action="append", default=[], help="a model, as skko models lists them; repeatable")
    parser.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="MODEL",
        help="semantic search: a model and BM25 over morphemes, fused; repeatable",
    )
    parser.add_argument("--bm25", action="store_true", help="BM25 over morphemes alone")
    parser.add_argument(
        "--vectorizer",
        action="append",
        default=[],
        choices=["characters", "morphemes"],
        help="TF-IDF of characters or of Kiwi morphemes; repeatable",
    )


def _add_output(parser: Any) -> None:
    parser.add_argument(
        "--out", metavar="FILE", help="write the reports here; of several systems, one file each: FILE-1.json, …"
    )


def _add_compare(tasks: Any) -> None:
    parser = add_command(
        tasks,
        "compare",
        _run_compare,
        help="two reports on the same data",
        description="Compare two reports by a paired bootstrap over their queries, pairs or texts.",
        examples=_EXAMPLES,
    )
    parser.add_argument("reports", nargs=2, metavar="REPORT.json", help="what --out wrote")
    parser.add_argument("--metric", action="append", help="which score (default: the main one); repeatable")
    parser.add_argument("--confidence", type=between(0, 1), default=0.95, help="of the interval (default: 0.95)")
    parser.add_argument("--resamples", type=at_least(1), default=10_000, help="how many (default: 10000)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the draws (default: 0)")


def _run_autorag(options: argparse.Namespace) -> int:
    from skko.cli.evaluate_steps import save_reports, systems_of
    from skko.evaluation import autorag_markdown, autorag_table, evaluate_autorag, read_autorag

    systems = systems_of(options)
    if not systems and not options.published:
        raise UsageError("nothing to evaluate: pass --model, --search, --bm25, --vectorizer or --published")
    reports = []
    if systems:
        if options.data is None:
            raise UsageError("say where the benchmark is: --data DIR")
        data = read_autorag(options.data)
        reports = [evaluate_autorag(system, data, order=options.order, name=name) for name, system in systems.items()]
    table = autorag_table(reports, published=options.published, order=options.order)
    save_reports(reports, options.out)
    known = table.astype(object).where(table.notna(), None)  # what nobody knows is null: NaN is no JSON
    facts = [{"system": name, "scores": scores} for name, scores in known.to_dict("index").items()]
    print_result(facts, [autorag_markdown(table)], options)
    return 0


def _run_retrieval(options: argparse.Namespace) -> int:
    from skko.cli.evaluate_steps import systems_of
    from skko.evaluation import evaluate_retrieval, read_retrieval

    systems = systems_of(options)
    if not systems:
        raise UsageError("nothing to evaluate: pass --model, --search, --bm25 or --vectorizer")
    data = read_retrieval(options.data, options.layout, split=options.split)
    prompts = {"query_prompt": options.query_prompt, "passage_prompt": options.passage_prompt}
    reports = [
        evaluate_retrieval(system, data.queries, data.corpus, data.qrels, name=name, data=data.name, **prompts)
        for name, system in systems.items()
    ]
    return _finish(reports, options)


def _run_file_task(options: argparse.Namespace) -> int:
    from skko import evaluation

    file = source(options.file)
    *texts, target = (column.texts for column in read_columns(file, options, options.columns))
    y: Any = target
    if options.task in ("sts", "pairs"):
        y = [_number(value, row, options) for row, value in enumerate(target)]
    evaluate = getattr(evaluation, f"evaluate_{options.task}")
    name = Path(str(file)).stem
    reports = [evaluate(model, *texts, y, prompt=options.prompt, data=name) for model in options.model]
    return _finish(reports, options)


def _number(value: str, row: int, options: argparse.Namespace) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{options.file} has {value!r} at row {row} of {options.columns[-1]}, not a number.") from None


def _finish(reports: list[Any], options: argparse.Namespace) -> int:
    from skko.cli.evaluate_steps import save_reports

    save_reports(reports, options.out)
    facts = [{"system": report.system, "data": report.data, "scores": report.scores} for report in reports]
    print_result(facts, ["\n\n".join(report.to_markdown() for report in reports)], options)
    return 0


def _run_compare(options: argparse.Namespace) -> int:
    from skko.evaluation import EvaluationReport, compare

    a, b = (EvaluationReport.load(path) for path in options.reports)
    drawn = {"confidence": options.confidence, "n_resamples": options.resamples, "random_state": options.seed}
    found = [compare(a, b, metric, **drawn) for metric in options.metric or [None]]
    facts = {"a": a.system, "b": b.system, "data": a.data, "metrics": [asdict(one) for one in found]}
    print_result(facts, [f"{a.system} -> {b.system} on {a.data}", *map(str, found)], options)
    return 0
