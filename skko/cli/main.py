"""The command ``skko``: arguments in, exit code out; the work is in a module a command."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from skko._version import __version__
from skko.cli import cache, classify, demo, embed, evaluate, finetune, models, paraphrases, search, topics
from skko.exceptions import SkkoError, SkkoWarning

_INTERRUPTED = 130  # as a shell reports SIGINT


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
    options = format_parser().parse_args(arguments)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
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
        epilog="Set SKKO_TRACEBACK=1 to see where an error came from.",
    )
    parser.add_argument("--version", action="version", version=f"skko {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo.add_parser(commands)
    embed.add_parser(commands)
    classify.add_parser(commands)
    evaluate.add_parser(commands)
    finetune.add_parser(commands)
    models.add_parser(commands)
    paraphrases.add_parser(commands)
    search.add_parser(commands)
    topics.add_parser(commands)
    cache.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
