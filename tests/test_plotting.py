"""Plots: Hangul is drawn, settings are left alone, the display keeps its data."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

from skko.exceptions import FontWarning
from skko.plotting import TopicMapDisplay, fonts, hangul_font, korean_text

mpl.use("Agg")
from matplotlib import font_manager, pyplot

PLACES = np.random.default_rng(0).normal(size=(30, 2))
LABELS = np.repeat([0, 1, -1], 10)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def test_the_font_has_hangul():
    from fontTools.ttLib import TTCollection, TTFont

    path = font_manager.findfont(hangul_font(), fallback_to_default=False)
    font = TTCollection(path).fonts[0] if path.endswith(".ttc") else TTFont(path)
    assert all(ord(letter) in font.getBestCmap() for letter in "한글환불")


def test_a_map_is_drawn_without_missing_letters(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = TopicMapDisplay.from_predictions(PLACES, LABELS, names={0: "배송 택배", 1: "환불 반품"})
        display.save(tmp_path / "지도.png")
    assert (tmp_path / "지도.png").read_bytes().startswith(b"\x89PNG")
    assert [text.get_text() for text in display.ax_.texts] == ["배송 택배", "환불 반품"]
    assert "33%" in display.ax_.get_title()


def test_every_text_is_a_point():
    display = TopicMapDisplay.from_predictions(PLACES, LABELS)
    assert sum(len(points.get_offsets()) for points in display.ax_.collections) == 30
    assert display.names == {0: "0", 1: "1"}


def test_it_draws_into_given_axes():
    _, ax = pyplot.subplots()
    assert TopicMapDisplay.from_predictions(PLACES, LABELS, ax=ax).ax_ is ax


def test_the_users_settings_are_left_alone():
    before = dict(mpl.rcParams)
    TopicMapDisplay.from_predictions(PLACES, LABELS)
    assert dict(mpl.rcParams) == before


def test_without_a_font_there_is_one_clear_warning(monkeypatch):
    monkeypatch.setattr(fonts, "hangul_font", lambda: None)
    with pytest.warns(FontWarning, match=r"skko\[viz\]") as caught, korean_text():
        pass
    assert len(caught) == 1


@pytest.mark.parametrize(("places", "labels"), [(PLACES[:, :1], LABELS), (PLACES, LABELS[:5])], ids=["1-D", "too few"])
def test_shapes_are_checked(places, labels):
    with pytest.raises(ValueError, match="n_texts"):
        TopicMapDisplay.from_predictions(places, labels)


@pytest.mark.parametrize("labels", [np.full(30, -1), np.zeros(30, int)], ids=["all noise", "one topic"])
def test_edge_cases_are_drawn(labels, tmp_path):
    TopicMapDisplay.from_predictions(PLACES, labels).save(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000
