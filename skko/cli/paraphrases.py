"""``skko paraphrases``: texts of a file that say the same."""

import argparse
from typing import TYPE_CHECKING, Any

from skko.cli.files import check_table, read_file, write_table
from skko.cli.options import add_command, add_file, add_model, at_least, between
from skko.cli.output import note, print_result, shorten

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = """examples:
  skko paraphrases inquiries.csv --text 문의
  skko paraphrases inquiries.csv --threshold 0.9 --out pairs.csv
  skko paraphrases questions.txt --max-overlap 0.8 --json
"""
_SHOWN = 20


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "paraphrases",
        run,
        help="find the texts of a file that say the same",
        description="Find pairs of texts that say the same, and the groups they form.",
        examples=_EXAMPLES,
    )
    add_file(parser)
    add_model(parser)
    parser.add_argument("--threshold", type=between(-1, 1), default=0.8, help="least cosine of a pair (default: 0.8)")
    parser.add_argument(
        "--top-k", type=at_least(1), metavar="K", help="keep a pair only among the K nearest of either text"
    )
    parser.add_argument(
        "--max-overlap",
        type=between(0, 1),
        metavar="SHARE",
        help="leave out pairs that share more of their letters, 0 to 1",
    )
    parser.add_argument("--out", metavar="FILE", help="write all pairs: csv, tsv, jsonl or parquet")


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
    import numpy as np

    from skko.paraphrase import make_paraphrase_miner

    out = None if options.out is None else check_table(options.out)
    data = read_file(options)
    texts = data.texts
    miner = make_paraphrase_miner(options.model, threshold=options.threshold, top_k=options.top_k)
    groups = miner.fit_predict(texts)
    pairs = miner[-1].to_frame(texts, max_overlap=options.max_overlap)
    pairs[["i", "j"]] = np.array(data.rows)[pairs[["i", "j"]]]
    pairs["overlap"] = pairs["overlap"].round(4)
    n_groups = int(groups.max(initial=-1)) + 1
    if out is not None:
        write_table(pairs, out)
        note(f"{len(pairs):,} pairs written to {out}", options)
    found = {
        "n_texts": len(texts),
        "n_groups": n_groups,
        "rows": data.rows,
        "groups": groups.tolist(),
        "pairs": _facts(pairs),
    }
    print_result(found, _lines(len(texts), n_groups, pairs, options.threshold), options)
    return 0


def _facts(pairs: "pd.DataFrame") -> list[dict[str, Any]]:
    rounded = pairs.astype({"score": float}).round({"score": 6})
    return [{str(name): value for name, value in row.items()} for row in rounded.to_dict(orient="records")]


def _lines(n_texts: int, n_groups: int, pairs: "pd.DataFrame", threshold: float) -> list[str]:
    head = f"{n_texts:,} texts, {len(pairs):,} pairs with cosine {threshold} or more, {n_groups:,} groups"
    columns = (pairs[name].head(_SHOWN).tolist() for name in ("score", "text_i", "text_j"))
    rows = [f"  {score:.2f}  {shorten(i)}  =  {shorten(j)}" for score, i, j in zip(*columns, strict=True)]
    more = [f"  and {len(pairs) - _SHOWN:,} more: --out FILE writes them all"] if len(pairs) > _SHOWN else []
    return [head, *rows, *more]
