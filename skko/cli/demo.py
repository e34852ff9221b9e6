"""``skko demo``: the whole toolkit on one set of texts."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

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
    parser = commands.add_parser(
        "demo",
        help="classify, cluster, mine and search one set of texts",
        description="Run the whole toolkit on sentences that come with skko, or on a file of yours.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", default="skko-mini", help="embedding model (default: skko-mini, which needs no download)"
    )
    parser.add_argument("--data", metavar="FILE", help="csv, tsv, txt, jsonl or parquet (default: bundled inquiries)")
    parser.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    parser.add_argument("--label", metavar="COLUMN", help="column of the labels; without it nothing is classified")
    parser.add_argument(
        "--format", choices=["csv", "tsv", "txt", "jsonl", "parquet"], help="format, if the name does not say"
    )
    parser.add_argument("--no-header", action="store_true", help="the first line of the file is a row")
    parser.add_argument("--sample", type=int, metavar="N", help="use N texts drawn at random with a fixed seed")
    parser.add_argument("--query", help="what to search for (default: a question, or the first text of your file)")
    parser.add_argument("--threshold", type=float, default=0.7, help="least cosine of a paraphrase (default: 0.7)")
    parser.add_argument(
        "--out", metavar="DIR", default="skko-demo", help="where the topic map goes (default: skko-demo)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(run=run)


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

    if options.data is None:
        data = bundled_data(options.query)
    else:
        data = file_data(
            options.data,
            text=options.text,
            label=options.label,
            format=options.format,
            header=not options.no_header,
            sample=options.sample,
            query=options.query,
        )
    result = run_steps(data, model=options.model, threshold=options.threshold, out=Path(options.out))
    result["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(result, ensure_ascii=False) if options.json else as_text(result))
    return 0
