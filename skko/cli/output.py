"""What commands print: results on standard output, notes on standard error."""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any


def print_result(facts: Any, lines: Iterable[str], options: argparse.Namespace) -> None:
    """Print a result, for programs with ``--json`` and for people without.

    Parameters
    ----------
    facts : object
        The result, ready for JSON.
    lines : iterable of str
        The same as lines.
    options : argparse.Namespace
        Of the command.
    """
    print(to_json(facts) if options.json else "\n".join(lines), flush=True)


def to_json(facts: Any) -> str:
    """Write JSON that standard output can hold.

    Parameters
    ----------
    facts : object
        What to write.

    Returns
    -------
    str
        One line; Hangul as it is where the output is UTF-8, else escaped.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(facts, ensure_ascii=encoding != "utf8")


def note(text: str, options: argparse.Namespace) -> None:
    """Say something that is no result, on standard error.

    Parameters
    ----------
    text : str
        A line.
    options : argparse.Namespace
        Of the command; ``--quiet`` keeps it from being said.
    """
    if not options.quiet:
        print(f"skko: {text}", file=sys.stderr)


def shorten(text: str, longest: int = 60) -> str:
    """Cut a text to what a line has room for.

    Parameters
    ----------
    text : str
        A text of any number of lines.
    longest : int, default=60
        Most characters.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> shorten("배송이\\n늦어요", longest=5)
    '배송이 …'
    """
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
