"""The work of ``skko classify``: estimate, predict, report."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from skko.text.normalization import normalise


def estimate(pipeline: Any, texts: list[str], labels: list[str], n_folds: int) -> dict[str, Any]:
    """Estimate the accuracy by cross-validation in which no text is on both sides.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        The classifier.
    texts, labels : list of str
        What it learns from.
    n_folds : int
        Folds; fewer where a label has fewer texts, and below 2 nothing is estimated.

    Returns
    -------
    dict
        ``accuracy``, ``std``, ``folds`` and ``baseline``; empty where nothing was estimated.
    """
    numbers: dict[str, int] = {}
    together = [numbers.setdefault(text, len(numbers)) for text in normalise(texts)]
    rarest = min(Counter(label for _, label in set(zip(together, labels, strict=True))).values())
    n_folds = min(n_folds, rarest)
    if n_folds < 2:
        return {}
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    scores = cross_val_score(pipeline, texts, labels, groups=together, cv=folds)
    baseline = max(Counter(labels).values()) / len(labels)
    return {"accuracy": float(scores.mean()), "std": float(scores.std()), "folds": n_folds, "baseline": baseline}


def predictions(classifier: Any, texts: list[str]) -> pd.DataFrame:
    """Label texts.

    Parameters
    ----------
    classifier : estimator
        A fitted classifier.
    texts : list of str
        Texts.

    Returns
    -------
    pandas.DataFrame
        Columns ``text``, ``label`` and ``probability``; a row without a text has no label and no probability.
    """
    table = pd.DataFrame({"text": texts, "label": "", "probability": np.nan})
    rows = [row for row, text in enumerate(texts) if text.strip()]
    if rows:
        shares = np.asarray(classifier.predict_proba([texts[row] for row in rows]))
        table.loc[rows, "label"] = np.asarray(classifier.classes_)[shares.argmax(axis=1)].astype(str)
        table.loc[rows, "probability"] = shares.max(axis=1).round(4)
    return table


def report(classifier: Any, texts: list[str], labels: list[str]) -> dict[str, Any]:
    """Compare predictions with known labels.

    Parameters
    ----------
    classifier : estimator
        A fitted classifier.
    texts, labels : list of str
        Texts and their labels.

    Returns
    -------
    dict
        ``texts``, ``accuracy``, ``macro_f1``, ``classes`` (each with ``precision``, ``recall``, ``f1`` and ``texts``),
        ``names`` and ``confusion``; ``unknown`` counts texts whose label the classifier has never seen.
    """
    predicted = [str(label) for label in classifier.predict(texts)]
    names = sorted({*labels, *predicted})
    parts = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    kinds = ("precision", "recall", "f1", "texts")
    classes = {
        name: {
            kind: float(part[at]) if kind != "texts" else int(part[at]) for kind, part in zip(kinds, parts, strict=True)
        }
        for at, name in enumerate(names)
    }
    known = {str(name) for name in classifier.classes_}
    present = [entry["f1"] for entry in classes.values() if entry["texts"]]
    return {
        "texts": len(texts),
        "accuracy": float(accuracy_score(labels, predicted)),
        "macro_f1": float(np.mean(present)),
        "unknown": sum(label not in known for label in labels),
        "classes": classes,
        "names": names,
        "confusion": confusion_matrix(labels, predicted, labels=names).tolist(),
    }


def report_lines(found: dict[str, Any]) -> list[str]:
    """Lay out a report.

    Parameters
    ----------
    found : dict
        What :func:`report` returned.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [f"{found['texts']:,} texts: accuracy {found['accuracy']:.3f}, macro F1 {found['macro_f1']:.3f}"]
    if found["unknown"]:
        lines.append(f"{found['unknown']:,} texts have labels that the classifier has never seen")
    lines.append("  precision  recall      F1   texts  label")
    lines += [
        f"  {entry['precision']:>9.3f}  {entry['recall']:>6.3f}  {entry['f1']:>6.3f}  {entry['texts']:>6,}  {name}"
        for name, entry in found["classes"].items()
    ]
    return lines + ([f"confusion: {found['plot']}"] if "plot" in found else [])


def draw_confusion(found: dict[str, Any], path: Path) -> None:
    """Draw what was taken for what.

    Parameters
    ----------
    found : dict
        What :func:`report` returned.
    path : pathlib.Path
        The image.
    """
    import matplotlib

    from skko.plotting.confusion import ConfusionDisplay

    matplotlib.use("Agg")  # a file is wanted, and there may be no screen
    ConfusionDisplay(np.array(found["confusion"]), found["names"]).plot().save(path)
