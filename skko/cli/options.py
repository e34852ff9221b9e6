"""What the commands have in common: how one is added, and the options that mean the same in all of them."""

import argparse
import math
from collections.abc import Callable
from functools import partial
from typing import Any

_FORMATS = ["csv", "tsv", "txt", "jsonl", "parquet"]


class UsageError(ValueError):
    """Options contradict each other, or one is missing: the command line is not understood."""


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Fills paragraphs and leaves examples, which have lines of their own, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        formatter = argparse.RawDescriptionHelpFormatter if "\n" in text else argparse.HelpFormatter
        return formatter._fill_text(self, text, width, indent)


def add_command(
    commands: Any, name: str, run: Any = None, *, help: str, description: str, examples: str | None = None
) -> argparse.ArgumentParser:
    """Add a command, and to one that runs the options of its output.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    name : str
        Name of the command.
    run : callable or None, default=None
        Takes the options and returns the exit code; None for a command that has commands of its own.
    help, description : str
        What it does, in a line and in a paragraph.
    examples : str or None, default=None
        Lines to show below the options.

    Returns
    -------
    argparse.ArgumentParser
        The command's parser.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, epilog=examples, formatter_class=_HelpFormatter
    )
    if run is not None:
        parser.set_defaults(run=run, parser=parser)
        output = parser.add_argument_group("output")
        output.add_argument("--json", action="store_true", help="print JSON and nothing else")
        output.add_argument("--quiet", "-q", action="store_true", help="no progress and no notes on standard error")
    return parser


def add_file(parser: argparse.ArgumentParser, *, columns: bool = True) -> None:
    """Add a positional file of texts, and how it is to be read.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's parser.
    columns : bool, default=True
        Whether the column of the texts is chosen by ``--text``.
    """
    parser.add_argument("file", metavar="FILE", help="csv, tsv, txt, jsonl or parquet; - is standard input")
    add_reading(parser, columns=columns)


def add_reading(parser: argparse.ArgumentParser, *, columns: bool = True) -> None:
    """Add how files of texts are to be read.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's parser.
    columns : bool, default=True
        Whether the column of the texts is chosen by ``--text``.
    """
    reading = parser.add_argument_group("reading")
    if columns:
        reading.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    reading.add_argument("--format", choices=_FORMATS, help="if the name does not say; of standard input: txt")
    reading.add_argument("--no-header", action="store_true", help="the first line of the file is a row")
    reading.add_argument("--encoding", metavar="NAME", help="default: UTF-8 or UTF-16, or else CP949")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the choice of one embedding model.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's parser.
    """
    parser.add_argument(
        "--model", default="skko-mini", help="embedding model (default: skko-mini, which needs no download)"
    )


def at_least(least: int) -> Callable[[str], int]:
    """Make a reader of an option that counts something.

    Parameters
    ----------
    least : int
        Least number that makes sense.

    Returns
    -------
    callable
        Takes what was typed and returns the number; an argparse error says what it should be.
    """
    return partial(_whole, least)


def between(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    """Make a reader of an option that is a share, a cosine, a rate or an amount.

    Parameters
    ----------
    low, high : float
        Bounds, which are allowed themselves; an infinite ``high`` is none.
    above : bool, default=False
        Whether it must be above ``low``.

    Returns
    -------
    callable
        Takes what was typed and returns the number; an argparse error says what it should be.
    """
    return partial(_number, low, high, above)


def _whole(least: int, value: str) -> int:
    if not value.isdecimal() or int(value) < least:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number of at least {least}")
    return int(value)


def _number(low: float, high: float, above: bool, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    fits = low < number <= high if above else low <= number <= high
    if fits and math.isfinite(number):
        return number
    if above:
        bounds = f"above {low:g}, and at most {high:g}"
    elif math.isinf(high):
        bounds = f"from {low:g}"
    else:
        bounds = f"from {low:g} to {high:g}"
    raise argparse.ArgumentTypeError(f"{value!r} is not a number {bounds}")
