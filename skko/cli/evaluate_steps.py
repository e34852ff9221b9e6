"""The work of ``skko evaluate``: systems from options, reports into files."""

import argparse
from pathlib import Path
from typing import Any

from skko.evaluation import EvaluationReport
from skko.models.presets import find_preset
from skko.search import KoSemanticSearch
from skko.text import KoMorphemeVectorizer


def systems_of(options: argparse.Namespace) -> dict[str, Any]:
    """Make what was asked for.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command: models, searches, ``bm25`` and vectorizers.

    Returns
    -------
    dict of str to object
        Systems by name.
    """
    systems: dict[str, Any] = {name: name for name in options.model}
    systems |= {f"{name} and BM25": _search(name, lexical=True) for name in options.search}
    if options.bm25:
        systems["BM25"] = _search(None, lexical=True, alpha=0.0)
    for kind in options.vectorizer:
        systems[f"TF-IDF, {kind}"] = _vectorizer(kind)
    return systems


def _search(model: str | None, **options: Any) -> KoSemanticSearch:
    preset = find_preset(model) if model else None
    if preset is not None:
        options |= {"query_prompt": preset.query_prompt, "document_prompt": preset.passage_prompt}
    return KoSemanticSearch(preset.name if preset else model, **options)


def _vectorizer(kind: str) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if kind == "characters":
        return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    return KoMorphemeVectorizer()


def save_reports(reports: list[EvaluationReport], path: str | None) -> None:
    """Write reports, each to a file of its own.

    Parameters
    ----------
    reports : list of EvaluationReport
        What was measured.
    path : str or None
        The file; of several reports the names of theirs are numbered. None writes nothing.
    """
    if path is None:
        return
    file = Path(path)
    for number, report in enumerate(reports, start=1):
        report.save(file if len(reports) == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}"))
