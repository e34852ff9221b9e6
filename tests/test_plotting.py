"""Plots: Hangul is drawn, settings are left alone, the display keeps its data."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

from skko.exceptions import FontWarning
from skko.plotting import ConfusionDisplay, TopicMapDisplay, fonts, hangul_font, korean_text

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


def test_names_on_a_map_stand_clear_of_each_other():
    places = np.repeat([[0.0, 0.0], [0.01, 0.01], [0.0, 0.02], [1.0, 1.0], [0.02, 0.0]], 10, axis=0)
    names = {topic: f"낱말{topic} 배송 상자" for topic in range(5)}
    drawn = TopicMapDisplay.from_predictions(places, np.repeat(range(5), 10), names=names).plot()
    drawn.figure_.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in drawn.ax_.texts]
    assert len(boxes) == 5
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    x, y = drawn.ax_.texts[0].get_position()
    assert (x, y) == pytest.approx((0, 0), abs=1e-9)  # the largest stays where it is


def test_a_name_that_has_no_room_is_left_out_and_the_larger_topics_keep_theirs():
    topics = np.repeat(range(12), 4)
    names = {topic: f"낱말{topic} 배송 상자" for topic in range(12)}
    drawn = TopicMapDisplay.from_predictions(np.zeros((48, 2)), topics, names=names).plot()
    drawn.figure_.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in drawn.ax_.texts]
    assert [text.get_text() for text in drawn.ax_.texts] == [names[topic] for topic in range(7)]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


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


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: TopicMapDisplay.from_predictions(PLACES, LABELS, names={0: "배송", 1: "환불"}, ax=ax),
        lambda ax: ConfusionDisplay(np.eye(2, dtype=int), ["배송", "환불"]).plot(ax),
    ],
)
def test_it_draws_into_given_axes(draw):
    whole = pyplot.figure()
    ax = whole.subfigures(1, 2)[0].subplots()
    display = draw(ax)
    assert (display.ax_, display.figure_) == (ax, whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # letters missing from a font
        whole.canvas.draw()


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
