"""``skko models``: the models that skko knows by name, and how each is used."""

import argparse
from dataclasses import asdict
from typing import Any

from skko.cli.options import add_command
from skko.cli.output import print_result

_EXAMPLES = """examples:
  skko models
  skko models KoE5
  skko models --json
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
        "models",
        run,
        help="list the models that skko knows by name",
        description="List the models that skko knows by name, or all that is known of one. Any other model of "
        "sentence-transformers works too, by its id or directory.",
        examples=_EXAMPLES,
    )
    parser.add_argument("name", nargs="?", help="a model, by its name or its name in the AutoRAG table")


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
    from skko.models.presets import find_preset, list_models

    if options.name is None:
        models = list_models()
        print_result([asdict(model) for model in models], _table(models), options)
        return 0
    model = find_preset(options.name)
    if model is None:
        raise ValueError(f"skko knows no model {options.name!r} by name; it may work all the same. See: skko models")
    known = asdict(model)
    width = max(map(len, known))
    lines = [f"{name:<{width}}  {_shown(value)}" for name, value in known.items()]
    print_result(known, lines, options)
    return 0


def _table(models: Any) -> list[str]:
    rows = [("model", "dim", "tokens", "pooling", "query prompt", "passage prompt", "source")]
    rows += [
        (
            model.name,
            str(model.dimension),
            "any" if model.max_length is None else str(model.max_length),
            model.pooling,
            _short(model.query_prompt),
            _short(model.passage_prompt),
            model.source,
        )
        for model in models
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(prompt: str | None) -> str:
    text = repr(prompt) if prompt else "-"
    return text if len(text) <= 24 else f"{text[:22]}…'"


def _shown(value: Any) -> str:
    return "-" if value is None else repr(value) if isinstance(value, str) and value != value.strip() else str(value)
