"""``skko classify``: learn labels from a file, predict those of another, and see how good they are."""

import argparse
from pathlib import Path
from typing import Any

from skko.cli.files import check_place, check_table, read_columns, read_file, source, write_table
from skko.cli.options import UsageError, add_command, add_file, add_model, at_least
from skko.cli.output import note, print_result
from skko.exceptions import DataFileError
from skko.saved import import_skops

_EXAMPLES = """examples:
  skko classify train inquiries.csv --text 문장 --label 주제 --out 문의.skops
  skko classify evaluate held-out.csv --label 주제 --classifier 문의.skops --plot confusion.png
  skko classify predict new.parquet --keep 번호 날짜 --classifier 문의.skops --out labelled.csv
  echo "배송이 언제 오나요" | skko classify predict - --classifier 문의.skops
"""
_RESULT = ("text", "label", "probability")


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "classify",
        help="train, use and evaluate a text classifier",
        description="Learn labels from a csv, tsv, txt, jsonl or parquet file, and predict those of others. A "
        "classifier file holds no training texts and runs nothing when it is read.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    train = _add_action(actions, "train", "learn labels from a file", _train)
    train.add_argument("--label", metavar="COLUMN", required=True, help="column of the labels, by name or position")
    train.add_argument("--out", metavar="FILE", default="classifier.skops", help="where it goes (classifier.skops)")
    add_model(train)
    train.add_argument("--lexical", choices=["auto", "yes", "no"], default="auto", help="words beside meaning")
    train.add_argument("--balanced", action="store_true", help="let rare labels count as much as frequent ones")
    train.add_argument(
        "--folds", type=at_least(0), default=5, metavar="N", help="of the estimate of accuracy; 0 makes none"
    )

    predict = _add_action(actions, "predict", "label the texts of a file", _predict)
    predict.add_argument("--classifier", metavar="FILE", required=True, help="what train wrote")
    predict.add_argument("--out", metavar="FILE", help="csv, tsv, jsonl or parquet (default: lines on standard output)")
    predict.add_argument(
        "--keep", nargs="+", metavar="COLUMN", default=[], help="columns of the file to put before text and label"
    )

    evaluate = _add_action(actions, "evaluate", "compare predictions with the labels of a file", _evaluate)
    evaluate.add_argument("--label", metavar="COLUMN", required=True, help="column of the labels, by name or position")
    evaluate.add_argument("--classifier", metavar="FILE", required=True, help="what train wrote")
    evaluate.add_argument("--plot", metavar="FILE", help="draw what was taken for what into an image")


def _add_action(actions: Any, name: str, text: str, run: Any) -> Any:
    description = f"{text[0].upper()}{text[1:]}."
    action = add_command(actions, name, run, help=text, description=description, examples=_EXAMPLES)
    add_file(action)
    return action


def _train(options: argparse.Namespace) -> int:
    from skko.classification import make_text_classifier, save_classifier
    from skko.cli.classify_steps import estimate

    check_place(options.out)
    import_skops("save a classifier")  # said now rather than after the work
    texts, labels = _read_labelled(options)
    n_labels = len(set(labels))
    if n_labels < 2:
        raise DataFileError(f"A classifier needs 2 labels, and {options.file} has {n_labels}. Name another --label.")
    lexical: Any = {"auto": "auto", "yes": True, "no": False}[options.lexical]
    pipeline = make_text_classifier(options.model, lexical=lexical)
    if options.balanced:
        pipeline.set_params(classify__class_weight="balanced")
    found: dict[str, Any] = {"texts": len(texts), "labels": n_labels, "model": options.model}
    found |= estimate(pipeline, texts, labels, options.folds)
    pipeline.fit(texts, labels)
    found["features"] = str(getattr(pipeline["features"], "choice_", None) or f"lexical: {options.lexical}")
    save_classifier(pipeline, options.out)
    found |= {"out": str(options.out), "bytes": Path(options.out).stat().st_size}
    lines = [f"{found['texts']:,} texts, {found['labels']} labels, model {options.model}", found["features"]]
    if "accuracy" in found:
        lines.append(
            f"accuracy {found['accuracy']:.3f} ± {found['std']:.3f} in {found['folds']} folds; always the largest "
            f"label: {found['baseline']:.3f}"
        )
    print_result(found, [*lines, f"{options.out}: {found['bytes'] / 1e6:.1f} MB"], options)
    return 0


def _predict(options: argparse.Namespace) -> int:
    from skko.classification import load_classifier
    from skko.cli.classify_steps import predictions

    out = None if options.out is None else check_table(options.out)
    file = source(options.file)
    # A prediction is of every row: one that is left out would shift those after it.
    data, *kept = read_columns(file, options, [options.text, *options.keep], missing="keep")
    names = [str(column.text_column) for column in kept]
    if taken := sorted({name for name in names if name in _RESULT or names.count(name) > 1}):
        raise UsageError(f"--keep {' '.join(taken)}: the result would have two columns of that name")
    table = predictions(load_classifier(options.classifier), data.texts)
    for place, column in enumerate(kept):
        table.insert(place, names[place], column.texts)
    if n_empty := int((table["label"] == "").sum()):
        note(f"{n_empty:,} rows have no text, and got no label", options)
    if out is not None:
        write_table(table, out)
        print_result({"texts": len(table), "out": options.out}, [f"{len(table):,} texts: {options.out}"], options)
    else:
        columns = (table[name] for name in ("label", "probability", "text"))
        rows = (f"{label}\t{share:.3f}\t{' '.join(text.split())}" for label, share, text in zip(*columns, strict=True))
        known = table.astype(object).where(table.notna(), None)  # JSON has no NaN
        print_result({"predictions": known.to_dict("records")}, rows, options)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from skko.classification import load_classifier
    from skko.cli.classify_steps import draw_confusion, report, report_lines

    if options.plot:
        check_place(options.plot)
    texts, labels = _read_labelled(options)
    classifier = load_classifier(options.classifier)
    found = report(classifier, texts, labels)
    if options.plot:
        draw_confusion(found, Path(options.plot))
        found["plot"] = options.plot
    print_result(found, report_lines(found), options)
    return 0


def _read_labelled(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    data = read_file(options, label=options.label)
    return data.texts, data.labels or []
