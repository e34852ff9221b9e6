"""``skko finetune``: tune a model on a file of examples, and write it as a model of its own."""

import argparse
from pathlib import Path
from typing import Any

from skko.cli.options import UsageError, add_command, add_reading, at_least, between
from skko.cli.output import note, print_result

_EXAMPLES = """examples:
  skko finetune pairs.jsonl --base skko-mini --learning-rate 0.01 --batch-size 512 --out tuned
  skko finetune inquiries.csv --columns 문의 --label 주제 --base skko-mini --learning-rate 0.01 --out tuned
  skko finetune sts.tsv --columns sentence1 sentence2 --label score --eval sts-dev.tsv --base BAAI/bge-m3 --out tuned
  skko finetune --recipe bge-m3-ko                             shows the recipe of the model card
  skko finetune triplets.jsonl --recipe bge-m3-ko --out tuned  and follows it
"""
_RECIPES = {
    "bge-m3-ko": {
        "base": "BAAI/bge-m3",
        "loss": "multiple_negatives_ranking",
        "epochs": 3,
        "batch_size": 32_768,
        "learning_rate": 3e-5,
        "warmup_ratio": 1 / 30,
        "batch_sampler": "no_duplicates",
        "random_state": 42,
    }
}
"""Models by what their cards say of their training: https://huggingface.co/dragonkue/bge-m3-ko."""
_PARAMS = (
    *("base", "loss", "epochs", "batch_size", "mini_batch_size", "learning_rate"),
    *("max_length", "matryoshka_dims", "lora", "random_state", "device"),
)


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "finetune",
        run,
        help="tune a model on examples of your own",
        description="Tune a model on pairs, triplets, scored pairs, labelled texts or texts of a file. What was "
        "interrupted goes on where it was when the same command is given again.",
        examples=_EXAMPLES,
    )
    parser.add_argument("data", nargs="?", metavar="FILE", help="csv, tsv, txt, jsonl or parquet file of examples")
    parser.add_argument(
        "--columns",
        nargs="+",
        metavar="COLUMN",
        help="columns of the texts: one, or anchor, positive and any negatives (default: all of jsonl, else of texts)",
    )
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="column of labels, or of pairs' judgements or scores (default: label or score of jsonl, else none)",
    )
    parser.add_argument("--eval", metavar="FILE", help="examples held out, with the same columns, to stop by")
    parser.add_argument("--out", metavar="DIR", help="where the tuned model goes")
    parser.add_argument("--recipe", choices=_RECIPES, help="begin with the parameters of a model card")
    parser.add_argument("--base", metavar="MODEL", help="model to begin with, by name or directory")
    parser.add_argument("--loss", help="loss by name (default: the usual one for the kind of examples)")
    parser.add_argument("--epochs", type=at_least(1), metavar="N", help="passes over the examples (default: 3)")
    parser.add_argument("--batch-size", type=at_least(1), metavar="N", help="rows of a step (default: 32768)")
    parser.add_argument("--mini-batch-size", type=at_least(1), metavar="N", help="texts computed at once (default: 64)")
    parser.add_argument(
        "--learning-rate", type=between(0, 1, above=True), metavar="RATE", help="default: 3e-5; static models: 0.01"
    )
    parser.add_argument("--max-length", type=at_least(1), metavar="TOKENS", help="cut longer texts while training")
    parser.add_argument(
        "--matryoshka",
        type=at_least(1),
        nargs="+",
        dest="matryoshka_dims",
        metavar="DIM",
        help="sizes to train beside the whole",
    )
    parser.add_argument("--lora", action="store_true", default=None, help="train low-rank adapters, and merge them")
    parser.add_argument(
        "--seed", type=at_least(0), dest="random_state", metavar="N", help="seed of every draw (default: 42)"
    )
    parser.add_argument("--device", help="where to train (default: the first of cuda, mps, xpu and cpu)")
    add_reading(parser, columns=False)


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    options : argparse.Namespace
        What :func:`add_parser` defines.

    Returns
    -------
    int
        Exit code.
    """
    params = dict(_RECIPES.get(options.recipe, {}))
    params |= {name: getattr(options, name) for name in _PARAMS if getattr(options, name) is not None}
    if options.recipe is not None and options.data is options.out is options.eval is None:
        print_result(params, _table(params), options)
        note("to follow it, name a FILE of pairs or triplets and --out DIR", options)
        return 0
    needed = {"a FILE": options.data, "--out": options.out, "--base": params.get("base")}
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise UsageError(f"name {' and '.join(missing)}")
    if options.label in (options.columns or ()):
        raise UsageError(f"{options.label} cannot be a text of --columns and the --label")
    _check_loss(options.loss)
    return _tune(options, params)


def _check_loss(loss: str | None) -> None:
    from skko.finetune.losses import LOSSES  # imported here: skko --help must not wait for it

    if loss not in (None, "auto", *LOSSES):
        raise UsageError(f"there is no --loss {loss}; there are {', '.join(LOSSES)}")


def _tune(options: argparse.Namespace, params: dict[str, Any]) -> int:
    from skko.cli.finetune_steps import read_examples
    from skko.finetune import KoEmbeddingFineTuner

    if Path(options.out).exists():  # said now rather than after hours
        raise FileExistsError(f"{options.out} exists. Name another --out, or remove it.")
    examples = read_examples(options.data, options)
    eval_set = None if options.eval is None else read_examples(options.eval, options)
    if options.recipe is not None:
        note("\n".join(["the recipe:", *_table(params)]), options)
    tuner = KoEmbeddingFineTuner(**params).fit(*examples, eval_set=eval_set)
    tuner.save(options.out)
    steps = max((int(entry["step"]) for entry in tuner.history_), default=0)
    facts = {"examples": len(examples[0]), "loss": tuner.loss_, "batch_size": tuner.batch_size_, "steps": steps}
    lines = [f"{len(examples[0]):,} examples, loss {tuner.loss_}, {steps:,} steps of {tuner.batch_size_:,} rows"]
    if eval_set is not None:
        facts |= {"base_score": tuner.base_score_, "best_score": tuner.best_score_}
        lines.append(f"on {options.eval}: {tuner.base_score_:.4f} before, {tuner.best_score_:.4f} after")
    print_result(facts | {"out": options.out}, [*lines, options.out], options)
    return 0


def _table(params: dict[str, Any]) -> list[str]:
    return [f"{name:<16}{value}" for name, value in params.items()]
