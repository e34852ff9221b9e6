"""One file of HTML with a map in it: the page beside this module, the data as JSON, and the letters that it needs."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.plotting._display import colours
from skko.plotting.fonts import bundled_font

_PAGE = Path(__file__).with_name("topic_map.html")
_LONGEST = 300  # characters of a text; a whole petition does not fit where the pointer is
_TABLES = {"cmap", "glyf", "loca", "head", "hhea", "hmtx", "maxp", "name", "OS/2", "post"}
_STEPS = 65_535  # to which places are rounded: far finer than a screen


def write_map(
    path: str | PathLike[str],
    coordinates: NDArray[Any],
    labels: NDArray[np.int64],
    names: Mapping[int, str],
    texts: Sequence[str],
    *,
    title: str,
) -> None:
    """Write the page.

    Parameters
    ----------
    path : path-like
        The file.
    coordinates : ndarray of float, shape (n_texts, 2)
        Place of each text.
    labels : ndarray of int, shape (n_texts,)
        Topic of each; -1 is none.
    names : mapping of int to str
        Name of each topic.
    texts : sequence of str, length n_texts
        Texts.
    title : str
        Title of the page.
    """
    from matplotlib.colors import to_hex

    places = np.asarray(coordinates, dtype=np.float64)
    if len(places):
        low = places.min(axis=0)
        extent = float((places.max(axis=0) - low).max()) or 1.0
        places = ((places - low) / extent * _STEPS).round()
    palette = colours(int(labels.max(initial=-1)) + 1)
    topics = [
        {"id": topic, "name": name, "size": int((labels == topic).sum()), "colour": to_hex(palette[topic])}
        for topic, name in names.items()
    ]
    data = {
        "topics": topics,
        "x": places[:, 0].astype(int).tolist(),
        "y": (_STEPS - places[:, 1]).astype(int).tolist(),
        "label": labels.tolist(),
        "text": [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in texts],
    }
    # No text can end the script that holds it, or open a comment in it.
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = _PAGE.read_text(encoding="utf-8")
    parts = {"title": escape(title), "data": packed, "font": _font(set(page + title + packed))}
    page = re.sub(r"\{\{(title|data|font)\}\}", lambda name: parts[name[1]], page)
    Path(path).write_text(page, encoding="utf-8", errors="replace")


def _font(letters: set[str]) -> str:
    """A rule with the letters that the page shows, so that Hangul is read where no font has it; empty without a font.

    Only the font of koreanize-matplotlib is put into files: its licence, the OFL, allows that.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    path = bundled_font()
    if path is None:
        return ""
    font = TTFont(path)
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables = [table for table in font.keys() if table not in _TABLES]  # noqa: SIM118
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(letter) for letter in letters])
    subsetter.subset(font)
    font.flavor = "woff"
    file = BytesIO()
    font.save(file)
    packed = b64encode(file.getvalue()).decode("ascii")
    return f'@font-face {{ font-family: skko; src: url("data:font/woff;base64,{packed}"); }}'
