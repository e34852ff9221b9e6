"""``skko embed``: the texts of files as vectors in a folder."""

import argparse
import json
import sys
from typing import Any

_EXAMPLES = """examples:
  skko embed news/*.csv --text 본문 --id 번호 --out vectors
  skko embed corpus.parquet --text content --out vectors --format parquet --model dragonkue/bge-m3-ko
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
    parser = commands.add_parser(
        "embed",
        help="embed corpora of any size into a folder",
        description="Embed the texts of files into a folder of shards, with a manifest.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "corpus", nargs="+", metavar="CORPUS", help="csv, tsv, txt, jsonl or parquet files, folders of them, patterns"
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    parser.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    parser.add_argument("--id", metavar="COLUMN", help="column of ids (default: name of the file and row)")
    parser.add_argument(
        "--model", default="skko-mini", help="embedding model (default: skko-mini, which needs no download)"
    )
    parser.add_argument("--format", choices=["npy", "parquet"], default="npy", help="how to write (default: npy)")
    parser.add_argument(
        "--shard-rows", type=int, default=10_000, metavar="N", help="texts of a shard (default: 10,000)"
    )
    parser.add_argument("--no-header", action="store_true", help="the first line of the files is a row")
    parser.add_argument("--encoding", help="of the files (default: UTF-8, or else CP949)")
    parser.add_argument("--drop-missing", action="store_true", help="leave out rows without a text")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, … (default: auto)")
    parser.add_argument("--engine", choices=["local", "ray"], default="local", help="who computes (default: local)")
    parser.add_argument("--address", help="of the Ray cluster (default: one on this machine)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="workers of Ray (default: 1)")
    parser.add_argument("--cpus", type=float, default=1, metavar="N", help="processors of a worker (default: 1)")
    parser.add_argument("--gpus", type=float, default=0, metavar="N", help="GPUs of a worker, such as 0.5 (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the manifest as one JSON object and nothing else")
    parser.set_defaults(run=run)


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

    missing = "drop" if options.drop_missing else "error"
    embeddings = embed_corpus(
        options.corpus,
        options.out,
        model=options.model,
        text=options.text,
        id=options.id,
        format=options.format,
        shard_rows=options.shard_rows,
        engine=options.engine,
        address=options.address,
        workers=options.workers,
        num_cpus=options.cpus,
        num_gpus=options.gpus,
        device=options.device,
        reading={"header": not options.no_header, "encoding": options.encoding, "missing": missing},
    )
    n_rows, dimension = embeddings.shape
    if options.json:
        print(json.dumps(embeddings.manifest, ensure_ascii=False))
    else:
        print(f"{n_rows:,} texts × {dimension} in {options.out}", file=sys.stdout)
        print(f"sha256 {embeddings.manifest['sha256']}")
    return 0
