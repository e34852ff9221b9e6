"""``skko search``: find what answers a question, in a file of texts or in a saved index."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skko.cli.files import STANDARD_INPUT, read_columns, source
from skko.cli.options import UsageError, add_command, add_reading, at_least, between
from skko.cli.output import note, print_result, shorten

if TYPE_CHECKING:
    from skko.search import Hit, KoSemanticSearch

_EXAMPLES = """examples:
  skko search faq.csv --text 질문 --query "돈을 돌려받고 싶어요"
  skko search faq.csv                          asks for queries, one a line
  skko search manuals.txt --split sentences --save manuals-index
  skko search manuals-index < queries.txt
"""
_LONGEST = 100


def add_parser(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        Where to add it.
    """
    parser = add_command(
        commands,
        "search",
        run,
        help="search a file of texts, by meaning and by words",
        description="Search a file of texts, or an index that --save wrote. Without --query, queries are read from the "
        "terminal or from standard input, one a line. JSON is one object a query.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "corpus",
        metavar="CORPUS",
        help="csv, tsv, txt, jsonl or parquet file, the folder of an index, or - for texts from standard input",
    )
    parser.add_argument(
        "--query", type=_query, action="append", metavar="TEXT", help="what to search for; may be given several times"
    )
    parser.add_argument(
        "--top-k", type=at_least(1), default=5, metavar="N", help="texts to show for each query (default: 5)"
    )
    parser.add_argument(
        "--model", help="embedding model (default: skko-mini, which needs no download; an index knows its own)"
    )
    parser.add_argument(
        "--alpha", type=between(0, 1), help="share of the model against the words, 0 to 1 (default: 0.8)"
    )
    parser.add_argument("--split", type=_split, metavar="HOW", help="cut texts: sentences, or windows of N characters")
    parser.add_argument("--save", metavar="DIR", help="keep the index in a folder, to be searched again at once")
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
    if options.corpus == STANDARD_INPUT and not (options.query or options.save):
        raise UsageError("standard input holds the texts, so the queries cannot come from there: pass --query")
    search = _open(options) if Path(options.corpus).is_dir() else _fit(options)
    if options.save is not None:
        search.save(options.save)
        note(f"{search.n_documents_:,} texts indexed in {options.save}", options)
        if options.query is None and (options.corpus == STANDARD_INPUT or sys.stdin.isatty()):
            return 0
    for query in options.query or _asked():
        hits = search.search([query], options.top_k)[0]
        print_result({"query": query, "hits": [_facts(hit) for hit in hits]}, _lines(query, hits), options)
    return 0


def _open(options: argparse.Namespace) -> "KoSemanticSearch":
    from skko.search import KoSemanticSearch

    if options.split is not None:
        raise UsageError(f"{options.corpus} is an index, whose texts are cut already: --split is for files")
    search = KoSemanticSearch.load(options.corpus, embedder=options.model)
    if options.alpha is not None:
        search.set_params(alpha=options.alpha)
    return search


def _fit(options: argparse.Namespace) -> "KoSemanticSearch":
    from skko.search import KoSemanticSearch

    (data,) = read_columns(source(options.corpus), options, [options.text], missing="drop")
    params = {} if options.alpha is None else {"alpha": options.alpha}
    search: KoSemanticSearch = KoSemanticSearch(options.model or "skko-mini", split=options.split, **params)
    search.fit(data.texts, ids=data.rows)
    return search


def _asked() -> Iterator[str]:
    """Queries from the terminal, with a prompt, or from standard input, as they come."""
    for line in _typed() if sys.stdin.isatty() else map(_decoded, sys.stdin.buffer):
        if query := line.strip():
            yield query


def _typed() -> Iterator[str]:
    while True:
        try:
            yield input("query> ")
        except EOFError:
            print()
            return


def _decoded(line: bytes) -> str:
    """A line in one of the two encodings that Korean text comes in."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("cp949")


def _facts(hit: "Hit") -> dict[str, Any]:
    return {
        "id": hit.id,
        "score": round(hit.score, 6),
        "passage": hit.passage,
        "span": list(hit.span),
        "parts": {part: round(score, 6) for part, score in hit.parts.items()},
    }


def _lines(query: str, hits: list["Hit"]) -> list[str]:
    rows = [f"  {hit.score:.2f}  {hit.id:>5}  {shorten(hit.passage, _LONGEST)}" for hit in hits]
    return [f"== {shorten(query, _LONGEST)}", *(rows or ["  nothing found"])]


def _query(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("an empty text answers to nothing")
    return value


def _split(value: str) -> str | int:
    return value if value == "sentences" else at_least(1)(value)
