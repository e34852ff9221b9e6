"""``skko topics``: what the texts of a file are about."""

import argparse
from typing import Any

from skko.cli.files import read_file
from skko.cli.options import add_command, add_file, add_model, at_least
from skko.cli.output import print_result

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
    parser = add_command(
        commands,
        "topics",
        run,
        help="find the topics of the texts of a file",
        description="Find topics and their words, and write tables, pictures and an interactive map into a folder.",
        examples=_EXAMPLES,
    )
    add_file(parser)
    parser.add_argument("--out", metavar="DIR", default="skko-topics", help="folder for the results (skko-topics)")
    add_model(parser)
    parser.add_argument(
        "--min-size", type=at_least(2), default=10, metavar="N", help="fewest texts of a topic (default: 10)"
    )
    parser.add_argument("--topics", type=at_least(1), metavar="N", help="join the nearest topics until N are left")
    parser.add_argument("--all", action="store_true", help="give every text a topic, also those in none")
    parser.add_argument("--over", metavar="COLUMN", help="draw topics over this column, such as a month or a source")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="seed; the same one gives the same topics (default: 0)"
    )
    parser.add_argument("--save", metavar="FILE", help="keep the topic model in a file")


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
    from skko.cli.topics_steps import find_topics, topic_lines

    data = read_file(options, label=options.over)
    found = find_topics(data, options)
    print_result(found, topic_lines(found), options)
    return 0
