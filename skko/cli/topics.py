"""``skko topics``: what the texts of a file are about."""

import argparse
import json
from typing import Any

_EXAMPLES = """examples:
  skko topics inquiries.csv --text 문의 --out topics
  skko topics news.jsonl --text title --over date --min-size 30
  skko topics reviews.txt --all --json
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = commands.add_parser(
        "topics",
        help="find the topics of the texts of a file",
        description="Find topics and their words, and write tables, pictures and an interactive map into a folder.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="csv, tsv, txt, jsonl or parquet file")
    parser.add_argument("--out", metavar="DIR", default="skko-topics", help="folder for the results (skko-topics)")
    parser.add_argument(
        "--model", default="skko-mini", help="embedding model (default: skko-mini, which needs no download)"
    )
    parser.add_argument("--min-size", type=int, default=10, metavar="N", help="fewest texts of a topic (default: 10)")
    parser.add_argument("--topics", type=int, metavar="N", help="join the nearest topics until N are left")
    parser.add_argument("--all", action="store_true", help="give every text a topic, also those in none")
    parser.add_argument("--over", metavar="COLUMN", help="draw topics over this column, such as a month or a source")
    parser.add_argument("--seed", type=int, default=0, help="seed; the same one gives the same topics (default: 0)")
    parser.add_argument("--save", metavar="FILE", help="keep the topic model in a file")
    parser.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    parser.add_argument(
        "--format", choices=["csv", "tsv", "txt", "jsonl", "parquet"], help="format, if the name does not say"
    )
    parser.add_argument("--no-header", action="store_true", help="the first line of the file is a row")
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
    from skko.cli.topics_steps import as_text, find_topics
    from skko.datasets import load_texts

    shape: dict[str, Any] = {"format": options.format, "header": not options.no_header, "missing": "drop"}
    data = load_texts(options.file, text=options.text, label=options.over, **shape)
    found = find_topics(data.texts, data.labels, options)
    print(json.dumps(found, ensure_ascii=False) if options.json else as_text(found))
    return 0
