"""What ``skko demo`` found, as text for a terminal."""

import unicodedata
from typing import Any

from skko.cli.output import shorten


def as_text(result: dict[str, Any]) -> str:
    """Lay out the result of a demo.

    Parameters
    ----------
    result : dict
        What ``run_steps`` returned, with ``seconds``.

    Returns
    -------
    str
        Lines of text.
    """
    parts = [f"{result['n_texts']:,} texts ({result['data']}), model {result['model']}"]
    if result["best_score"] is not None:
        parts.append(_classification(result))
    parts += [_topics(result), _pairs(result), _hits(result), _costs(result)]
    return "\n\n".join(parts)


def _classification(result: dict[str, Any]) -> str:
    n_fits = result["n_folds"] * result["n_candidates"]
    params = ", ".join(f"{name}={value}" for name, value in result["best_params"].items())
    head = (
        f"== Classification: {result['n_folds']} folds x {result['n_candidates']} candidates = {n_fits} fits\n"
        f"accuracy {result['best_score']:.3f} with {params}; always the largest class: {result['baseline_score']:.3f}\n"
        "true class, and how often each class was predicted:"
    )
    names, counts = result["classes"], result["confusion"]
    wide = max(_width(name) for name in names)
    cell = max(len(str(count)) for row in counts for count in row)
    rows = [
        f"  {_padded(name, wide)}  " + " ".join(f"{count or '.':>{cell}}" for count in row)
        for name, row in zip(names, counts, strict=True)
    ]
    left_out = ", ".join(f"{name} ({count})" for name, count in result["labels_left_out"].items())
    rare = [f"left out, too few texts for {result['n_folds']} folds: {left_out}"] if left_out else []
    return "\n".join([head, *rows, *rare])


def _topics(result: dict[str, Any]) -> str:
    head = f"== Topics: {result['n_topics']}, {result['noise']:.0%} of the texts in none"
    if "topics_nmi" in result:
        head += f"; agreement with the labels (NMI) {result['topics_nmi']:.2f}"
    rows = [f"  {topic['size']:>6,}  {' '.join(topic['keywords'])}" for topic in result["topics"][:20]]
    more = [f"  and {len(result['topics']) - 20} more"] if len(result["topics"]) > 20 else []
    return "\n".join([head, *rows, *more])


def _pairs(result: dict[str, Any]) -> str:
    head = f"== Paraphrases: {result['n_pairs']:,} pairs with cosine {result['threshold']} or more"
    if "pairs_precision" in result:
        head += f"; precision {result['pairs_precision']:.2f}, recall {result['pairs_recall']:.2f}"
    rows = [
        f"  {pair['score']:.2f}  {'  =  '.join(shorten(text, 40) for text in pair['texts'])}"
        for pair in result["pairs"]
    ]
    return "\n".join([head, *rows])


def _hits(result: dict[str, Any]) -> str:
    rows = [f"  {hit['score']:.2f}  {shorten(hit['text'], 100)}" for hit in result["hits"]]
    return "\n".join([f"== Search: {shorten(result['query'], 100)}", *rows])


def _costs(result: dict[str, Any]) -> str:
    loads = f"{result['model_loads']} model load{'' if result['model_loads'] == 1 else 's'}"
    return (
        f"== Cost: {result['texts_encoded']:,} texts encoded, {loads}, {result['seconds']} s\n"
        f"topic map: {result['map']}"
    )


def _width(text: str) -> int:
    """Columns on a terminal, where a Hangul syllable takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
