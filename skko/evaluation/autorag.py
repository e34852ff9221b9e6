"""The AutoRAG Korean embedding benchmark: the model card's table for any system."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skko.evaluation.data import RetrievalData
from skko.evaluation.published import CUTS, METRICS, corrected_autorag, published_autorag
from skko.evaluation.report import EvaluationReport
from skko.evaluation.retrieval import evaluate_retrieval
from skko.exceptions import DataFileError
from skko.metrics.ranks import Order
from skko.optional import import_optional

_FILES = {"queries": "qa_v4.parquet", "corpus": "ocr_corpus_v3.parquet"}
_HOME = "https://github.com/Marker-Inc-Korea/AutoRAG-example-korean-embedding-benchmark"
_TITLES = {"f1": "F1", "recall": "Recall", "precision": "Precision", "map": "mAP", "mrr": "mRR", "ndcg": "NDCG"}


def read_autorag(folder: str | PathLike[str]) -> RetrievalData:
    """Read the AutoRAG benchmark, or any set in AutoRAG's layout.

    Parameters
    ----------
    folder : path-like
        Folder with ``qa_v4.parquet`` and ``ocr_corpus_v3.parquet``, or with one file each whose name begins with
        ``qa`` and has ``corpus`` in it.

    Returns
    -------
    RetrievalData
        114 queries and 720 passages of the benchmark; relevant passages as groups.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataFileError
        If a file has not AutoRAG's columns.
    """
    folder = Path(folder)
    asked = _read(_find(folder, "queries", "qa*.parquet"), ["qid", "query", "retrieval_gt"])
    found = _read(_find(folder, "corpus", "*corpus*.parquet"), ["doc_id", "contents"])
    groups = {qid: _groups(gt) for qid, gt in zip(asked["qid"], asked["retrieval_gt"], strict=True)}
    queries = dict(zip(asked["qid"], asked["query"], strict=True))
    return RetrievalData("autorag", queries, dict(zip(found["doc_id"], found["contents"], strict=True)), groups)


def evaluate_autorag(
    system: Any, data: RetrievalData, *, order: Order = "best_first", name: str | None = None, **options: Any
) -> EvaluationReport:
    """Evaluate a system with AutoRAG's metrics at 1, 3, 5 and 10.

    Parameters
    ----------
    system : str, ModelSpec, transformer or searcher
        As in :func:`evaluate_retrieval`.
    data : RetrievalData
        From :func:`read_autorag`.
    order : {"best_first", "worst_first"}, default="best_first"
        Which passage stands first. The published table has the worst there; see the documentation.
    name : str or None, default=None
        What to call the system.
    **options : dict
        Prompts, as in :func:`evaluate_retrieval`.

    Returns
    -------
    EvaluationReport
        24 scores, such as ``"mrr@10"``, and their values for each query.
    """
    report = evaluate_retrieval(
        system,
        data.queries,
        data.corpus,
        data.qrels,
        k=dict.fromkeys(METRICS, CUTS),
        similarity=("cosine",),
        convention="autorag",
        order=order,
        name=name,
        data=data.name,
        **options,
    )
    scores = {one.removeprefix("cosine_"): value for one, value in report.scores.items()}
    items = {one.removeprefix("cosine_"): values for one, values in report.items.items()}
    return EvaluationReport(
        report.task, report.system, report.data, scores, "ndcg@10", items, report.settings, report.provenance
    )


def autorag_table(
    reports: Iterable[EvaluationReport] = (), *, published: bool = False, order: Order = "best_first"
) -> pd.DataFrame:
    """Put reports into one table, beside the 18 systems of the model card if wanted.

    Parameters
    ----------
    reports : iterable of EvaluationReport
        From :func:`evaluate_autorag`, with the same order.
    published : bool, default=False
        Whether to add the published systems: as published with ``order="worst_first"``, and else as their ranks say
        (see :func:`corrected_autorag`).
    order : {"best_first", "worst_first"}, default="best_first"
        Order of the rankings.

    Returns
    -------
    pandas.DataFrame
        A row a system, columns such as ``"mrr@10"``.

    Raises
    ------
    ValueError
        If a report has another order.

    Examples
    --------
    >>> from skko.evaluation import autorag_table
    >>> autorag_table(published=True).shape
    (18, 24)
    """
    columns = [f"{name}@{k}" for name in METRICS for k in CUTS]
    rows = {}
    for report in reports:
        if report.settings.get("order") != order:
            raise ValueError(f"The report of {report.system} is {report.settings.get('order')}, not {order}.")
        rows[report.system] = [report.scores[column] for column in columns]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float)
    if published:
        known = published_autorag() if order == "worst_first" else corrected_autorag()
        table = pd.concat([table, known[columns]]) if len(table) else known[columns]
    return table.rename_axis("system")


def autorag_markdown(table: pd.DataFrame) -> str:
    """Lay a table out as the model card does: one for each k.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`autorag_table`.

    Returns
    -------
    str
        Four tables in Markdown. A dash is a figure that nobody knows.
    """
    width = max([len("Model name"), *(len(str(name)) for name in table.index)])
    parts = []
    for k in CUTS:
        lines = [f"- Top-k {k}", "", f"| {'Model name':<{width}} | " + " | ".join(_TITLES.values()) + " |"]
        lines.append("| " + " | ".join(["-" * width, *(["---"] * len(METRICS))]) + " |")
        for name, row in table.iterrows():
            values = [row[f"{metric}@{k}"] for metric in METRICS]
            shown = ["–" if np.isnan(value) else f"{value:.4f}" for value in values]
            lines.append(f"| {name!s:<{width}} | " + " | ".join(shown) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _find(folder: Path, what: str, pattern: str) -> Path:
    path = folder / _FILES[what]
    if path.is_file():
        return path
    others = sorted(folder.glob(pattern))
    if len(others) == 1:
        return others[0]
    raise FileNotFoundError(f"There is no {path} (the {what} of the AutoRAG benchmark). It comes from {_HOME}.")


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    import_optional("pyarrow", extra="parquet", purpose="read parquet files")
    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        raise DataFileError(f"{path} cannot be read as AutoRAG's, with columns {columns}: {error}.") from error


def _groups(gt: Any) -> list[list[str]]:
    return [[str(one) for one in group] for group in gt]
