"""``skko embed``: the texts of files as vectors in a folder."""

import argparse
import math
from typing import Any

from skko.cli.files import STANDARD_INPUT
from skko.cli.options import UsageError, add_command, add_model, add_reading, at_least, between
from skko.cli.output import print_result

_EXAMPLES = """examples:
  skko embed news/*.csv --text 본문 --id 번호 --out vectors
  skko embed corpus.parquet --text content --out vectors --shards parquet --model dragonkue/bge-m3-ko
  skko embed archive/ --out vectors --engine ray --address auto --workers 8 --gpus 0.5
Run it again to go on where it was stopped.
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
        "embed",
        run,
        help="embed corpora of any size into a folder",
        description="Embed the texts of files into a folder of shards, with a manifest.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "corpus", nargs="+", metavar="CORPUS", help="csv, tsv, txt, jsonl or parquet files, folders of them, patterns"
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    parser.add_argument("--id", metavar="COLUMN", help="column of ids (default: name of the file and row)")
    add_model(parser)
    parser.add_argument("--shards", choices=["npy", "parquet"], default="npy", help="how to write (default: npy)")
    parser.add_argument(
        "--shard-rows", type=at_least(1), default=10_000, metavar="N", help="texts of a shard (default: 10,000)"
    )
    parser.add_argument("--drop-missing", action="store_true", help="leave out rows without a text")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, … (default: auto)")
    parser.add_argument("--engine", choices=["local", "ray"], default="local", help="who computes (default: local)")
    parser.add_argument("--address", help="of the Ray cluster (default: one on this machine)")
    parser.add_argument("--workers", type=at_least(1), default=1, metavar="N", help="workers of Ray (default: 1)")
    parser.add_argument(
        "--cpus", type=between(0, math.inf), default=1, metavar="N", help="processors of a worker (default: 1)"
    )
    parser.add_argument(
        "--gpus", type=between(0, math.inf), default=0, metavar="N", help="GPUs of a worker, such as 0.5 (default: 0)"
    )
    add_reading(parser)


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
    from skko.distributed import embed_corpus

    if STANDARD_INPUT in options.corpus:
        raise UsageError("a corpus is read twice, and again to go on with it, so it is no standard input: name files")
    missing = "drop" if options.drop_missing else "error"
    embeddings = embed_corpus(
        options.corpus,
        options.out,
        model=options.model,
        text=options.text,
        id=options.id,
        format=options.shards,
        shard_rows=options.shard_rows,
        engine=options.engine,
        address=options.address,
        workers=options.workers,
        num_cpus=options.cpus,
        num_gpus=options.gpus,
        device=options.device,
        reading={
            "format": options.format,
            "header": not options.no_header,
            "encoding": options.encoding,
            "missing": missing,
        },
    )
    n_rows, dimension = embeddings.shape
    lines = [f"{n_rows:,} texts × {dimension} in {options.out}", f"sha256 {embeddings.manifest['sha256']}"]
    print_result(embeddings.manifest, lines, options)
    return 0
