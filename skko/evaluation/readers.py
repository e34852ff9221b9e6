"""Retrieval sets from files, in the layouts of BEIR, MIRACL, TREC and parquet."""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from skko.evaluation.data import RetrievalData, StreamedCorpus
from skko.exceptions import DataFileError
from skko.optional import import_optional

Layout = Literal["beir", "miracl", "trec", "parquet"]
_PARQUET_ROWS = 4_096
_IDS, _TEXTS = ("_id", "docid", "id", "doc_id", "qid"), ("text", "contents", "query", "body")
_QUERY, _DOCUMENT = ("query-id", "query_id", "qid"), ("corpus-id", "corpus_id", "docid", "doc_id")


def read_retrieval(folder: str | PathLike[str], layout: Layout, *, split: str | None = None) -> RetrievalData:
    """Read a retrieval set. Its corpus stays in the files, and is read each time it is gone through.

    Parameters
    ----------
    folder : path-like
        Where the set is.
    layout : {"beir", "miracl", "trec", "parquet"}
        ``"beir"``: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/SPLIT.tsv``. ``"miracl"``: ``topics*.tsv``,
        ``qrels*.tsv`` and ``docs-*.jsonl.gz`` anywhere below. ``"trec"``: ``queries*.tsv`` or ``topics*.tsv``,
        ``qrels*`` with four columns, and ``corpus*`` or ``collection*`` as tsv or jsonl. ``"parquet"``: ``corpus``,
        ``queries`` and ``qrels``, each a file or a folder of parquet, as on the Hugging Face hub. Files may be
        gzipped.
    split : str or None, default=None
        Which judgements: a part of the file's name. None takes the only one, or else ``test`` or ``dev``.

    Returns
    -------
    RetrievalData
        Queries that are judged, passages with their title before the text, and grades.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataFileError
        If a file is not what its place says, or it is not clear which is meant.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "corpus.tsv").write_text("d1\\t배송이 늦어요\\n", encoding="utf-8")
    >>> _ = (folder / "queries.tsv").write_text("q1\\t택배 지연\\n", encoding="utf-8")
    >>> _ = (folder / "qrels.txt").write_text("q1 0 d1 1\\n")
    >>> read_retrieval(folder, "trec").qrels
    {'q1': {'d1': 1}}
    """
    folder = Path(folder)
    if layout not in _READERS:
        raise ValueError(f"layout must be one of {sorted(_READERS)}, got {layout!r}.")
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    queries, corpus, qrels = _READERS[layout](folder, split)
    judged = {one: text for one, text in queries.items() if one in qrels}
    if not judged:
        raise DataFileError(f"No query of {folder} is judged: do the files belong together?")
    return RetrievalData(folder.resolve().name, judged, corpus, qrels)


_Parts = tuple[dict[str, str], StreamedCorpus, dict[str, dict[str, int]]]


def _beir(folder: Path, split: str | None) -> _Parts:
    queries = dict(_json_passages([_one(folder, ["queries.jsonl"])]))
    corpus = StreamedCorpus(partial(_json_passages, [_one(folder, ["corpus.jsonl"])]))
    return queries, corpus, _qrels(_one(folder, ["qrels/*.tsv", "qrels/*.tsv.gz"], split))


def _miracl(folder: Path, split: str | None) -> _Parts:
    queries = dict(_tab_passages(_one(folder, ["**/topics*.tsv"], split)))
    files = _some(folder, ["**/docs-*.jsonl.gz", "**/docs-*.jsonl"])
    return queries, StreamedCorpus(partial(_json_passages, files)), _qrels(_one(folder, ["**/qrels*.tsv"], split))


def _trec(folder: Path, split: str | None) -> _Parts:
    queries = dict(_tab_passages(_one(folder, ["queries*.tsv*", "topics*.tsv*"], split)))
    files = _some(folder, ["corpus*", "collection*"])
    jsonl = ".jsonl" in files[0].suffixes
    read = partial(_json_passages, files) if jsonl else partial(_all_tab_passages, files)
    return queries, StreamedCorpus(read), _qrels(_one(folder, ["qrels*"], split))


def _parquet(folder: Path, split: str | None) -> _Parts:
    queries = dict(_parquet_passages(_tables(folder, "queries", split)))
    corpus = StreamedCorpus(partial(_parquet_passages, _tables(folder, "corpus", None)))
    qrels: dict[str, dict[str, int]] = {}
    for path, row in _parquet_rows(_tables(folder, "qrels", split)):
        query, document = (str(_field(row, names, path)) for names in (_QUERY, _DOCUMENT))
        qrels.setdefault(query, {})[document] = int(row.get("score", row.get("relevance", 1)))
    return queries, corpus, qrels


_READERS = {"beir": _beir, "miracl": _miracl, "trec": _trec, "parquet": _parquet}


def _some(folder: Path, patterns: Sequence[str]) -> list[Path]:
    found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    if not found:
        raise FileNotFoundError(f"There is no {' or '.join(patterns)} in {folder}.")
    return found


def _one(folder: Path, patterns: Sequence[str], split: str | None = None) -> Path:
    """The file that fits, and its split."""
    found = _some(folder, [*patterns, *(f"{one}.gz" for one in patterns if not one.endswith(("*", ".gz")))])
    for wanted in [split] if split else ["", "test", "dev"]:
        fitting = [path for path in found if wanted in path.name]
        if len(fitting) == 1:
            return fitting[0]
    names = [path.name for path in found]
    raise DataFileError(f"{folder} has {names}: say which is meant, with split=, a part of the name.")


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def _json_passages(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DataFileError(f"{path}, line {number}, is not JSON: {error}.") from error
                yield _passage(row, f"{path}, line {number}")


def _passage(row: Any, where: Any) -> tuple[str, str]:
    """Id and text, the title before it as BEIR and MTEB have it."""
    if not isinstance(row, dict):
        raise DataFileError(f"{where}, holds a {type(row).__name__} where an object with id and text is expected.")
    title, text = row.get("title") or "", _field(row, _TEXTS, where)
    if not isinstance(text, str) or not isinstance(title, str):
        raise DataFileError(f"{where}, has no text.")
    return str(_field(row, _IDS, where)), f"{title} {text}".strip()


def _field(row: dict[str, Any], names: Sequence[str], where: Any) -> Any:
    for name in names:
        if name in row:
            return row[name]
    raise DataFileError(f"{where}, has none of {list(names)}; it has {sorted(row)[:8]}.")


def _tab_passages(path: Path) -> Iterator[tuple[str, str]]:
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            one, tab, text = line.rstrip("\r\n").partition("\t")
            if not tab:
                raise DataFileError(f"{path}, line {number}, has no tab between id and text.")
            yield one, text.replace("\t", " ")


def _all_tab_passages(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        yield from _tab_passages(path)


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    """Three columns with a header (BEIR), or TREC's four without."""
    qrels: dict[str, dict[str, int]] = {}
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            fields = next(csv.reader([line.strip()], delimiter="\t")) if "\t" in line else line.split()
            if not fields or (number == 1 and fields[0] in _QUERY):
                continue
            try:
                grade = int(float(fields[-1]))
                query, document = (fields[0], fields[2]) if len(fields) == 4 else (fields[0], fields[1])
                if len(fields) not in (3, 4):
                    raise ValueError(f"{len(fields)} columns")
            except (ValueError, IndexError) as error:
                raise DataFileError(f"{path}, line {number}, is no judgement ({error}).") from error
            qrels.setdefault(query, {})[document] = grade
    return qrels


def _tables(folder: Path, name: str, split: str | None) -> list[Path]:
    found = _some(folder, [f"{name}*.parquet", f"{name}/*.parquet"])
    fitting = [path for path in found if split in path.name] if split else found
    return fitting or found


def _parquet_rows(files: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="read parquet files")
    for path in files:
        try:
            for batch in parquet.ParquetFile(path).iter_batches(_PARQUET_ROWS):
                for row in batch.to_pylist():
                    yield path, row
        except (OSError, ValueError) as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(f"{path} cannot be read as parquet: {error}.") from error


def _parquet_passages(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path, row in _parquet_rows(files):
        yield _passage(row, path)
