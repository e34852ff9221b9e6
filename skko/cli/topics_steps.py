"""The work of ``skko topics``: find topics, write tables, draw."""

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from skko.cli.output import shorten
from skko.clustering import KoTopicModel, make_topic_clusterer
from skko.plotting import TopicHierarchyDisplay, TopicKeywordsDisplay, TopicMapDisplay, TopicTimelineDisplay

if TYPE_CHECKING:
    from skko.datasets.files import Texts

_SHOWN = 20
_LONGEST = 300  # characters of a typical text in the table of topics; a cell of a spreadsheet takes 32,767
_MOST_TIMES = 60  # dates on an axis; with more, months are drawn
_MOST_VALUES = 30  # bars that can be read


def find_topics(data: "Texts", options: argparse.Namespace) -> dict[str, Any]:
    """Find topics and write what is known of them.

    Parameters
    ----------
    data : Texts
        Texts; their labels are what topics are drawn over.
    options : argparse.Namespace
        Of the command.

    Returns
    -------
    dict
        Figures, topics and the files written, ready for JSON.
    """
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)  # first of all: nothing is computed for a folder that cannot be
    clusterer = make_topic_clusterer(options.model, min_cluster_size=options.min_size, random_state=options.seed)
    texts = data.texts
    model = KoTopicModel(clusterer).fit(texts)
    if options.topics is not None and options.topics < model.n_topics_:
        model = model.merge_topics(options.topics)
    if options.all:
        model = model.reduce_outliers(texts)
    if options.save is not None:
        model.save(options.save)
    files = [*_write_tables(model, data, out), *_draw(model, texts, data.labels, out, options.seed)]
    return {
        "n_texts": len(texts),
        "n_topics": model.n_topics_,
        "noise": round(float((model.labels_ < 0).mean()), 4),
        "topics": [{"topic": t.label, "size": t.size, "keywords": list(t.keywords)} for t in model.topics_],
        "files": [str(path) for path in files],
    }


def topic_lines(found: dict[str, Any]) -> list[str]:
    """Lay out what was found for a terminal.

    Parameters
    ----------
    found : dict
        What :func:`find_topics` returned.

    Returns
    -------
    list of str
        Lines.
    """
    head = f"{found['n_texts']:,} texts, {found['n_topics']:,} topics, {found['noise']:.0%} of the texts in none"
    rows = [f"  {t['topic']:>4}  {t['size']:>6,}  {' '.join(t['keywords'])}" for t in found["topics"][:_SHOWN]]
    more = [f"  and {found['n_topics'] - _SHOWN:,} more: topics.csv"] if found["n_topics"] > _SHOWN else []
    none = [] if found["n_topics"] else ["  try a smaller --min-size, or more texts"]
    return [head, *rows, *more, *none, "written: " + ", ".join(found["files"])]


def _write_tables(model: KoTopicModel, data: "Texts", out: Path) -> list[Path]:
    topics = model.topics_.to_frame()
    topics["texts"] = [" | ".join(shorten(text, _LONGEST) for text in chosen) for chosen in topics["texts"]]
    names = {**model.topics_.names(), -1: ""}
    assignments = pd.DataFrame(
        {
            "row": data.rows,
            "text": data.texts,
            "topic": model.labels_,
            "name": [names[label] for label in model.labels_.tolist()],
            "probability": model.probabilities_.round(4),
        }
    )
    written = {"topics.csv": topics, "assignments.csv": assignments}
    for name, table in written.items():
        table.to_csv(out / name, index=False, encoding="utf-8-sig")  # with a mark, so that Excel reads UTF-8
    return [out / name for name in written]


def _draw(model: KoTopicModel, texts: list[str], values: list[str] | None, out: Path, seed: int) -> list[Path]:
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("Agg")  # files are wanted, and there may be no screen
    written = [out / "map.png", out / "map.html"]
    with warnings.catch_warnings():
        # Emoji and rare letters are not in every font; the plots stay readable.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        drawn: list[tuple[str, Any]] = []
        places = TopicMapDisplay.from_estimator(model, texts, random_state=seed)
        places.save_html(out / "map.html")
        drawn.append(("map.png", places))
        if model.n_topics_:
            drawn.append(("keywords.png", TopicKeywordsDisplay.from_estimator(model)))
        if model.n_topics_ > 1:
            drawn.append(("hierarchy.png", TopicHierarchyDisplay.from_estimator(model)))
        if values is not None:
            drawn.append(("timeline.png", TopicTimelineDisplay.from_estimator(model, _column(values))))
        for name, display in drawn:
            display.save(out / name)
            pyplot.close(display.figure_)
    return [*written, *(out / name for name, _ in drawn[1:])]


def _column(values: list[str]) -> pd.Series:
    """Numbers and dates as such; dates by months where they are many; of names those that there is room for."""
    column = pd.Series(values)
    numbers = pd.to_numeric(column, errors="coerce")
    # Years and other numbers that a plot has room for; 20260131 is a date.
    if numbers.notna().all() and not column.str.fullmatch(r"\d{8}").all():
        return numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas says that it guesses; so it does
        dates = pd.to_datetime(column, errors="coerce")
    if dates.notna().all():
        return pd.Series(dates.dt.to_period("M").dt.to_timestamp() if dates.nunique() > _MOST_TIMES else dates)
    frequent = column.value_counts().index[:_MOST_VALUES]
    return column.where(column.isin(frequent))
