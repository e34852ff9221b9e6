"""The command ``skko``: arguments in, exit code out; the work is in a module a command."""

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from skko._version import __version__
from skko.cli import (
    cache,
    classify,
    completion,
    demo,
    embed,
    evaluate,
    finetune,
    models,
    paraphrases,
    search,
    topics,
)
from skko.config import config_context
from skko.exceptions import SkkoError, SkkoWarning

_INTERRUPTED = 130  # as a shell reports SIGINT
_COMMANDS = (demo, embed, classify, topics, paraphrases, search, finetune, evaluate, models, cache, completion)
_EPILOG = """exit codes:
  0 it worked; 1 it failed, and standard error says why; 2 the options are wrong; 130 Ctrl-C
Set SKKO_TRACEBACK=1 to see where an error came from.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Arguments without the program's name; None takes those of the process.

    Returns
    -------
    int
        0 if it worked, 1 if it failed with a known cause, which is on standard error in one line; 130 after Ctrl-C.
    """
    _let_anything_print()
    options = format_parser().parse_args(arguments)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        with config_context(show_progress=False if options.quiet else None):
            return int(options.run(options))
    except (SkkoError, OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; say nothing at exit
            return 1
        if os.environ.get("SKKO_TRACEBACK"):
            raise
        print(f"skko: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("skko: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _let_anything_print() -> None:
    """A terminal of CP949 has no emoji: better an escape than an error after the work."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show_warning(message: Warning | str, category: type[Warning], *place: Any) -> None:
    """One line for a user; where in the code it arose is for programmers, and warnings of others are not for users."""
    if issubclass(category, SkkoWarning):
        print(f"skko: {message}", file=sys.stderr)


def format_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
        Parser whose options hold the command's function in ``run``.
    """
    parser = argparse.ArgumentParser(
        prog="skko",
        description="The scikit-learn toolkit for Korean text.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skko {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
