"""``skko completion``: what a shell needs to complete commands, options and file names."""

import argparse
from typing import Any

from skko.cli.options import add_command
from skko.cli.output import print_result

_EXAMPLES = """examples:
  skko completion bash > ~/.local/share/bash-completion/completions/skko
  skko completion zsh > "${fpath[1]}/_skko"
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
        "completion",
        run,
        help="print a script that completes commands in a shell",
        description="Print a script that lets a shell complete commands, options and file names.",
        examples=_EXAMPLES,
    )
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="which shell")


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
    from skko.cli.main import format_parser
    from skko.optional import import_optional

    shtab = import_optional("shtab", extra="completion", purpose="complete commands")
    parser = format_parser()
    _complete_files(parser, shtab)
    script = shtab.complete(parser, options.shell)
    print_result({"shell": options.shell, "script": script}, [script], options)
    return 0


def _complete_files(parser: argparse.ArgumentParser, shtab: Any) -> None:
    """Let arguments that are shown as files or folders be completed as such."""
    kinds = {"FILE": shtab.FILE, "CORPUS": shtab.FILE, "REPORT.json": shtab.FILE, "DIR": shtab.DIRECTORY}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command, shtab)
        elif isinstance(action.metavar, str) and action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
