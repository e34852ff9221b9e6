"""``skko classify``: learn labels from a file, predict those of another, and see how good they are."""

import argparse
import json
from pathlib import Path
from typing import Any

_EXAMPLES = """examples:
  skko classify train inquiries.csv --text 문장 --label 주제 --out 문의.skops
  skko classify evaluate held-out.csv --label 주제 --classifier 문의.skops --plot confusion.png
  skko classify predict new.parquet --classifier 문의.skops --out labelled.csv
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = commands.add_parser(
        "classify",
        help="train, use and evaluate a text classifier",
        description="Learn labels from a csv, tsv, txt, jsonl or parquet file, and predict those of others. A "
        "classifier file holds no training texts and runs nothing when it is read.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    train = _add_action(actions, "train", "learn labels from a file", _train)
    train.add_argument("--label", metavar="COLUMN", required=True, help="column of the labels, by name or position")
    train.add_argument("--out", metavar="FILE", default="classifier.skops", help="where it goes (classifier.skops)")
    train.add_argument("--model", default="skko-mini", help="embedding model (default: skko-mini, needs no download)")
    train.add_argument("--lexical", choices=["auto", "yes", "no"], default="auto", help="words beside meaning")
    train.add_argument("--balanced", action="store_true", help="let rare labels count as much as frequent ones")
    train.add_argument("--folds", type=int, default=5, metavar="N", help="of the estimate of accuracy; 0 makes none")

    predict = _add_action(actions, "predict", "label the texts of a file", _predict)
    predict.add_argument("--classifier", metavar="FILE", required=True, help="what train wrote")
    predict.add_argument("--out", metavar="FILE", help="csv, jsonl or parquet (default: lines on standard output)")

    evaluate = _add_action(actions, "evaluate", "compare predictions with the labels of a file", _evaluate)
    evaluate.add_argument("--label", metavar="COLUMN", required=True, help="column of the labels, by name or position")
    evaluate.add_argument("--classifier", metavar="FILE", required=True, help="what train wrote")
    evaluate.add_argument("--plot", metavar="FILE", help="draw what was taken for what into an image")


def _add_action(actions: Any, name: str, text: str, run: Any) -> Any:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    action.add_argument("data", metavar="FILE", help="csv, tsv, txt, jsonl or parquet")
    action.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    action.add_argument(
        "--format", choices=["csv", "tsv", "txt", "jsonl", "parquet"], help="format, if the name does not say"
    )
    action.add_argument("--no-header", action="store_true", help="the first line of the file is a row")
    action.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    action.set_defaults(run=run)
    return action


def _train(options: argparse.Namespace) -> int:
    from skko.classification import make_text_classifier, save_classifier
    from skko.cli.classify_steps import estimate

    data = _read(options, options.label)
    lexical: Any = {"auto": "auto", "yes": True, "no": False}[options.lexical]
    pipeline = make_text_classifier(options.model, lexical=lexical)
    if options.balanced:
        pipeline.set_params(classify__class_weight="balanced")
    _check_labels(data.labels, options.data)
    found: dict[str, Any] = {"texts": len(data), "labels": len(set(data.labels)), "model": options.model}
    found |= estimate(pipeline, data.texts, data.labels, options.folds)
    pipeline.fit(data.texts, data.labels)
    found["features"] = str(getattr(pipeline["features"], "choice_", None) or f"lexical: {options.lexical}")
    save_classifier(pipeline, options.out)
    found |= {"out": str(options.out), "bytes": Path(options.out).stat().st_size}
    lines = [f"{found['texts']:,} texts, {found['labels']} labels, model {options.model}", found["features"]]
    if "accuracy" in found:
        lines.append(
            f"accuracy {found['accuracy']:.3f} ± {found['std']:.3f} in {found['folds']} folds; always the largest "
            f"label: {found['baseline']:.3f}"
        )
    _print(found, [*lines, f"{options.out}: {found['bytes'] / 1e6:.1f} MB"], options.json)
    return 0


def _predict(options: argparse.Namespace) -> int:
    from skko.classification import load_classifier
    from skko.cli.classify_steps import predictions, write_table

    table = predictions(load_classifier(options.classifier), _read(options, None).texts)
    if options.out is not None:
        write_table(table, Path(options.out))
        _print({"texts": len(table), "out": options.out}, [f"{len(table):,} texts: {options.out}"], options.json)
    elif options.json:
        print(json.dumps({"predictions": table.to_dict("records")}, ensure_ascii=False))
    else:
        for label, probability, text in zip(table["label"], table["probability"], table["text"], strict=True):
            print(f"{label}\t{probability:.3f}\t{' '.join(text.split())}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from skko.classification import load_classifier
    from skko.cli.classify_steps import draw_confusion, report, report_lines

    data = _read(options, options.label)
    classifier = load_classifier(options.classifier)
    found = report(classifier, data.texts, data.labels)
    if options.plot:
        draw_confusion(found, Path(options.plot))
        found["plot"] = options.plot
    _print(found, report_lines(found), options.json)
    return 0


def _read(options: argparse.Namespace, label: str | None) -> Any:
    from skko.datasets import load_texts

    # A prediction is of every row: one that is left out would shift those after it.
    missing: Any = "drop" if label is not None else "error"
    shape: dict[str, Any] = {"format": options.format, "header": not options.no_header, "missing": missing}
    return load_texts(options.data, text=options.text, label=label, **shape)


def _check_labels(labels: list[str], path: str) -> None:
    from skko.exceptions import DataFileError

    if len(set(labels)) < 2:
        raise DataFileError(f"A classifier needs 2 labels, and {path} has {len(set(labels))}. Name another --label.")


def _print(facts: dict[str, Any], lines: list[str], as_json: bool) -> None:
    print(json.dumps(facts, ensure_ascii=False) if as_json else "\n".join(lines))
