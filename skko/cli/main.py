"""The command ``skko``: arguments in, exit code out; the work is in a module a command."""

import argparse
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
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
from skko.cli.options import UsageError
from skko.config import config_context
from skko.exceptions import SkkoError, SkkoWarning

_INTERRUPTED = 130  # as a shell reports SIGINT
_COMMANDS = (demo, embed, classify, topics, paraphrases, search, finetune, evaluate, models, cache, completion)
_REMEDIES = {
    errno.EACCES: "change its permissions, or name another",
    errno.EEXIST: "remove it, or name another",
    errno.ENOENT: "make the folder it lies in, or name another",
    errno.ENOSPC: "make room, or write elsewhere",
    errno.ENOTDIR: "name a folder",
    errno.EROFS: "write elsewhere",
}
_EPILOG = """exit codes:
  0 it worked; 1 it failed, and standard error says why; 2 the command line is not understood; 130 Ctrl-C
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

    Raises
    ------
    SystemExit
        With 2 if the arguments are not understood or contradict each other.
    """
    _let_anything_print()
    options = format_parser().parse_args(arguments)
    warnings.showwarning = _warning_teller()
    try:
        with config_context(show_progress=False if options.quiet else None):
            return int(options.run(options))
    except UsageError as error:
        parser: argparse.ArgumentParser = options.parser
        parser.error(str(error))
    except (SkkoError, OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; say nothing at exit
            return 1
        if os.environ.get("SKKO_TRACEBACK"):
            raise
        print(f"skko: {_said(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("skko: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _let_anything_print() -> None:
    """A terminal of CP949 has no emoji: better an escape than an error after the work."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _warning_teller() -> Callable[..., None]:
    """Tell a user each warning once, in a line, without its place in the code; those of others are not for users."""
    told: set[str] = set()

    def tell(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, SkkoWarning) and str(message) not in told:
            told.add(str(message))
            print(f"skko: {message}", file=sys.stderr)

    return tell


def _said(error: Exception) -> str:
    """The cause and the remedy; the system's own errors name only the cause."""
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}: {_REMEDIES[error.errno]}."
    return str(error) or type(error).__name__


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
    parser.add_argument("--version", "-V", action="version", version=f"skko {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
