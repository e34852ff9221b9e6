"""``skko demo``: the whole toolkit on one set of texts."""

import argparse
import time
from pathlib import Path
from typing import Any

from skko.cli.options import add_command, add_model, add_reading, at_least, between
from skko.cli.output import print_result

_EXAMPLES = """examples:
  skko demo
  skko demo --data reviews.csv --text review --label rating
  skko demo --model dragonkue/bge-m3-ko --json
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
        "demo",
        run,
        help="classify, cluster, mine and search one set of texts",
        description="Run the whole toolkit on sentences that come with skko, or on a file of yours.",
        examples=_EXAMPLES,
    )
    add_model(parser)
    parser.add_argument("--data", metavar="FILE", help="csv, tsv, txt, jsonl or parquet (default: bundled inquiries)")
    parser.add_argument("--label", metavar="COLUMN", help="column of the labels; without it nothing is classified")
    parser.add_argument("--sample", type=at_least(1), metavar="N", help="use N texts drawn at random with a fixed seed")
    parser.add_argument("--query", help="what to search for (default: a question, or the first text of your file)")
    parser.add_argument(
        "--threshold", type=between(-1, 1), default=0.7, help="least cosine of a paraphrase (default: 0.7)"
    )
    parser.add_argument(
        "--out", metavar="DIR", default="skko-demo", help="where the topic map goes (default: skko-demo)"
    )
    add_reading(parser)


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
    started = time.perf_counter()
    # Imported here: ``skko --help`` must not wait for scikit-learn.
    from skko.cli.demo_data import bundled_data, file_data
    from skko.cli.demo_report import as_text
    from skko.cli.demo_steps import run_steps

    data = bundled_data(options.query) if options.data is None else file_data(options)
    result = run_steps(data, model=options.model, threshold=options.threshold, out=Path(options.out))
    result["seconds"] = round(time.perf_counter() - started, 1)
    print_result(result, [as_text(result)], options)
    return 0
