"""A font with Hangul for matplotlib, from the system or from koreanize-matplotlib."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from skko.exceptions import FontWarning

_KNOWN = (
    "Pretendard",
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
)


def hangul_font() -> str | None:
    """Find a font that shows Hangul, and make it known to matplotlib.

    Returns
    -------
    str or None
        Name of the family; None if there is none.
    """
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    for family in _KNOWN:
        if family in installed:
            return family
    bundled = bundled_font()
    if bundled is None:
        return None
    fontManager.addfont(bundled)
    return "NanumGothic"


@contextmanager
def korean_text() -> Iterator[None]:
    """Draw with a font that has Hangul inside the block; the user's settings are as they were after it.

    Yields
    ------
    None
        Nothing: the settings hold inside the block.

    Warns
    -----
    FontWarning
        If no such font is found.
    """
    from matplotlib import pyplot

    family = hangul_font()
    if family is None:
        warnings.warn(
            "No font with Hangul was found, so Korean text shows as boxes. Install one, e.g. with "
            "pip install 'skko[viz]'.",
            FontWarning,
            stacklevel=3,
        )
        yield
        return
    # Hangul fonts rarely have the typographic minus.
    with pyplot.rc_context({"font.family": [family, "DejaVu Sans"], "axes.unicode_minus": False}):
        yield


def bundled_font() -> Path | None:
    """Find the font file of koreanize-matplotlib without running the package, which changes global settings.

    Returns
    -------
    pathlib.Path or None
        The file; None if the package is not installed.
    """
    spec = find_spec("koreanize_matplotlib")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        font = Path(folder) / "fonts" / "NanumGothic.ttf"
        if font.is_file():
            return font
    return None
