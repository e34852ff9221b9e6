"""``skko paraphrases``: texts of a file that say the same."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = """examples:
  skko paraphrases inquiries.csv --text 문의
  skko paraphrases inquiries.csv --threshold 0.9 --out pairs.csv
  skko paraphrases questions.txt --max-overlap 0.8 --json
"""
_SHOWN = 20
_LONGEST = 60


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = commands.add_parser(
        "paraphrases",
        help="find the texts of a file that say the same",
        description="Find pairs of texts that say the same, and the groups they form.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="csv, tsv, txt, jsonl or parquet file")
    parser.add_argument(
        "--model", default="skko-mini", help="embedding model (default: skko-mini, which needs no download)"
    )
    parser.add_argument("--threshold", type=float, default=0.8, help="least cosine of a pair (default: 0.8)")
    parser.add_argument("--top-k", type=int, metavar="K", help="keep a pair only among the K nearest of either text")
    parser.add_argument(
        "--max-overlap", type=float, metavar="SHARE", help="leave out pairs that share more of their letters, 0 to 1"
    )
    parser.add_argument("--out", metavar="FILE", help="write all pairs to a csv file")
    parser.add_argument("--text", metavar="COLUMN", help="column of the texts, by name or position from 0")
    parser.add_argument(
        "--format", choices=["csv", "tsv", "txt", "jsonl", "parquet"], help="format, if the name does not say"
    )
    parser.add_argument("--no-header", action="store_true", help="the first line of the file is a row")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
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
    from skko.datasets import load_texts
    from skko.paraphrase import make_paraphrase_miner

    header = not options.no_header
    texts = load_texts(options.file, text=options.text, format=options.format, header=header, missing="drop").texts
    miner = make_paraphrase_miner(options.model, threshold=options.threshold, top_k=options.top_k)
    groups = miner.fit_predict(texts)
    pairs = miner[-1].to_frame(texts, max_overlap=options.max_overlap)
    n_groups = int(groups.max(initial=-1)) + 1
    if options.out is not None:
        # With a mark at the start, so that Excel reads it as UTF-8.
        pairs.to_csv(options.out, index=False, encoding="utf-8-sig")
        print(f"skko: {len(pairs):,} pairs written to {Path(options.out)}", file=sys.stderr)
    if options.json:
        found = {"n_texts": len(texts), "n_groups": n_groups, "groups": groups.tolist(), "pairs": _facts(pairs)}
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(_as_text(len(texts), n_groups, pairs, options.threshold))
    return 0


def _facts(pairs: "pd.DataFrame") -> list[dict[str, Any]]:
    rounded = pairs.astype({"score": float}).round({"score": 6, "overlap": 6})
    return [{str(name): value for name, value in row.items()} for row in rounded.to_dict(orient="records")]


def _as_text(n_texts: int, n_groups: int, pairs: "pd.DataFrame", threshold: float) -> str:
    head = f"{n_texts:,} texts, {len(pairs):,} pairs with cosine {threshold} or more, {n_groups:,} groups"
    columns = (pairs[name].head(_SHOWN).tolist() for name in ("score", "text_i", "text_j"))
    rows = [f"  {score:.2f}  {_short(i)}  =  {_short(j)}" for score, i, j in zip(*columns, strict=True)]
    more = [f"  and {len(pairs) - _SHOWN:,} more: --out FILE writes them all"] if len(pairs) > _SHOWN else []
    return "\n".join([head, *rows, *more])


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
