"""``skko cache``: what is kept in the cache directory, and how to be rid of it."""

import argparse
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from skko.cli.options import UsageError, add_command
from skko.cli.output import print_result
from skko.config import get_config

_EXAMPLES = """examples:
  skko cache info
  skko cache clear
  du -sh "$(skko cache path)"
"""

# What skko itself puts below the cache directory. A user may have named a directory that holds more.
_FOLDERS = {
    "embeddings": "vectors of texts",
    "openvino": "models converted for OpenVINO",
    "fingerprints": "digests of model files",
    "models": "what is known of models",
}
# Not to be computed again in seconds, and read by fitted tuners: to be removed only when it is asked for.
_TUNED = {"finetuned": "weights of tuned models"}


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "cache",
        run,
        help="show, find or empty the cache of vectors",
        description="Show, find or empty what skko keeps so as not to compute it again. It holds digests and vectors, "
        "never text. Tuned models, which fitted tuners read, stay unless --tuned is given. SKKO_CACHE_DIR names "
        "another directory.",
        examples=_EXAMPLES,
    )
    parser.add_argument("action", choices=["info", "clear", "path"], help="what to do")
    parser.add_argument("--tuned", action="store_true", help="clear the weights of tuned models, too")


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

    Raises
    ------
    UsageError
        If ``--tuned`` is given and nothing is to be cleared.
    """
    if options.tuned and options.action != "clear":
        raise UsageError(f"--tuned says what clear removes: {options.action} does not know it")
    directory: Path = get_config()["cache_dir"]
    if options.action == "path":
        print_result({"path": str(directory)}, [str(directory)], options)
    elif options.action == "info":
        print_result(*_info(directory), options)
    else:
        folders = [directory / name for name in (*_FOLDERS, *(_TUNED if options.tuned else ()))]
        freed = sum(map(_n_bytes, folders))
        _clear(folders)
        freed -= sum(map(_n_bytes, folders))
        print_result({"path": str(directory), "bytes_freed": freed}, [f"{freed / 1e6:,.1f} MB freed"], options)
    return 0


def _info(directory: Path) -> tuple[dict[str, Any], list[str]]:
    """What is kept, for programs and for people."""
    vectors = _vectors(directory)
    kinds = _FOLDERS | _TUNED
    folders = {name: _n_bytes(directory / name) for name in kinds}
    limit = get_config()["disk_cache_bytes"]
    facts = {"path": str(directory), "limit_bytes": limit, "bytes": folders, "vectors": vectors}
    lines = [str(directory)]
    lines += [f"{n_bytes / 1e6:>12,.1f} MB  {kinds[name]}" for name, n_bytes in folders.items()]
    lines += [f"{count:>12,}     vectors of {dimension:,} dimensions" for dimension, count in vectors.items()]
    return facts, [*lines, f"{limit / 1e6:>12,.1f} MB  most that vectors may take; the least used go first"]


def _vectors(directory: Path) -> dict[int, int]:
    """How many vectors there are by dimension; a folder that is not there is not made."""
    if not (directory / "embeddings").is_dir():
        return {}
    from skko.embedding import EmbeddingCache

    usage = EmbeddingCache(directory / "embeddings").usage()
    return {dimension: n_vectors for dimension, (n_vectors, _) in sorted(usage.items())}


def _clear(folders: Iterable[Path]) -> None:
    """Empty the cache; processes that use it go on."""
    for folder in folders:
        if folder.name == "embeddings" and folder.is_dir():
            from skko.embedding import EmbeddingCache

            EmbeddingCache(folder).clear()
        elif folder.is_dir():
            shutil.rmtree(folder)


def _n_bytes(folder: Path) -> int:
    """Size of a folder's files, from which other processes may remove some meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total
