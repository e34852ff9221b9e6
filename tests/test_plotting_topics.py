"""Displays of a topic model, and the interactive map in a browser."""

import json
import re
import shutil
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from skko import make_topic_clusterer
from skko.clustering import KoTopicModel
from skko.datasets import load_inquiries
from skko.plotting import (
    TopicHierarchyDisplay,
    TopicKeywordsDisplay,
    TopicMapDisplay,
    TopicTimelineDisplay,
)

mpl.use("Agg")
from matplotlib import pyplot

INQUIRIES = load_inquiries()
TEXTS = list(INQUIRIES.texts[:250])
TRAP = "</script><script>document.title='깨짐'</script><!-- {{title}} {{data}}"


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def model() -> KoTopicModel:
    return KoTopicModel(make_topic_clusterer("skko-mini", random_state=0, show_progress=False)).fit(TEXTS)


def saved(display, path) -> bytes:
    """Draw into a file, where a missing letter or any other warning fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display.save(path)
    return path.read_bytes()


def test_the_map_of_a_model(model, tmp_path):
    display = TopicMapDisplay.from_estimator(model, TEXTS)
    np.testing.assert_array_equal(display.labels, model.labels_)
    assert display.names == model.topics_.names()
    again = TopicMapDisplay.from_estimator(model, TEXTS)
    np.testing.assert_array_equal(display.coordinates, again.coordinates)
    assert saved(display, tmp_path / "map.png").startswith(b"\x89PNG")


def test_words_of_a_model(model, tmp_path):
    display = TopicKeywordsDisplay.from_estimator(model, n_topics=3, n_keywords=5)
    assert len(display.axes_) == 3
    for ax, topic in zip(display.axes_, model.topics_, strict=False):
        assert [label.get_text() for label in ax.get_yticklabels()] == list(topic.keywords[:5])
        assert [bar.get_width() for bar in ax.patches] == list(topic.weights[:5])
    saved(display, tmp_path / "words.png")


def test_the_tree_of_a_model(model, tmp_path):
    display = TopicHierarchyDisplay.from_estimator(model)
    assert len(display.ax_.lines) == model.n_topics_ - 1
    labels = {label.get_text() for label in display.ax_.get_yticklabels()}
    assert labels == {f"{name} ({topic})" for topic, name in model.topics_.names().items()}
    assert max(line.get_xdata().max() for line in display.ax_.lines) == model.hierarchy().linkage[-1, 2]
    joins = model.hierarchy().linkage[:, 2]
    assert 0 < display.ax_.get_xlim()[0] < joins[0]
    saved(display, tmp_path / "tree.png")
    two = TopicHierarchyDisplay.from_estimator(model.merge_topics(2))
    assert two.ax_.get_xlim()[0] == 0


@pytest.mark.parametrize("kind", ["names", "dates", "numbers"])
def test_topics_over_a_column(model, kind, tmp_path):
    months = pd.Series(pd.date_range("2026-01-01", periods=6, freq="MS")).sample(250, replace=True, random_state=0)
    values = {"names": INQUIRIES.topics[:250], "dates": months, "numbers": np.arange(250) // 50 + 2020}[kind]
    display = TopicTimelineDisplay.from_estimator(model, values, n_topics=2)
    drawn = len(display.ax_.lines) if kind != "names" else len(display.ax_.containers)
    assert drawn == 2
    if kind == "numbers":
        expected = np.bincount(np.arange(250)[model.labels_ == 0] // 50, minlength=5)
        np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), expected)
    saved(display, tmp_path / "over.png")


def test_html_holds_everything_and_no_text_breaks_out(tmp_path):
    texts = [TRAP, "배송이 늦어요", "가" * 1000]
    display = TopicMapDisplay.from_predictions(np.eye(3)[:, :2], [0, 0, -1], names={0: "<b>배송"}, texts=texts)
    display.save_html(tmp_path / "지도.html", title="<지도> {{data}}")
    page = (tmp_path / "지도.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 2
    assert not re.search(r"(src|href)\s*=|@import|https?://", page)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert data["text"][:2] == texts[:2]
    assert len(data["text"][2]) == 300
    assert data["label"] == [0, 0, -1]
    assert data["topics"][0]["name"] == "<b>배송"
    assert "&lt;지도&gt; {{data}}" in page
    assert "data:font/woff;base64," in page


def test_html_needs_texts(tmp_path):
    with pytest.raises(ValueError, match="texts="):
        TopicMapDisplay.from_predictions(np.eye(2), [0, 0]).save_html(tmp_path / "map.html")
    with pytest.raises(ValueError, match="as many"):
        TopicMapDisplay.from_predictions(np.eye(2), [0, 0], texts=["하나"])


# In a process of its own: playwright runs an event loop and talks to its driver, which other tests forbid.
BROWSE = r"""
import json, sys
from playwright.sync_api import sync_playwright

with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url.partition(":")[0]))
    page.goto("file://" + sys.argv[2])
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(200)
    ink = "[...ink.getImageData(0, 0, canvas.width, canvas.height).data].filter(x => x > 0).length"
    found = {"title": page.title(), "all": page.inner_text("#found"), "ink": page.evaluate(ink)}
    found["font"] = page.evaluate("document.fonts.check('14px skko', '한글')")
    page.screenshot(path=sys.argv[3])
    page.fill("#search", "배송")
    found["search"] = page.inner_text("#found")
    place = page.evaluate("(i => [i, px(i), py(i)])(matches.indexOf(true))")
    page.mouse.move(*place[1:])
    page.wait_for_timeout(100)
    found["row"], found["tip"] = page.evaluate("hovered"), page.inner_text("#tip span")
    page.fill("#search", "")
    page.uncheck("input[data-topic='0']")
    found["without"] = page.inner_text("#found")
    page.click("#none")
    page.wait_for_timeout(200)
    found["none"], found["no ink"] = page.inner_text("#found"), page.evaluate(ink)
    page.click("#all")
    found["again"] = page.inner_text("#found")
    print(json.dumps({**found, "errors": errors, "requests": requests}))
    browser.close()
"""


def test_the_interactive_map_in_a_browser(model, tmp_path):
    pytest.importorskip("playwright", reason="playwright is not installed")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    texts = [*TEXTS[:-1], TRAP]
    display = TopicMapDisplay.from_predictions(
        np.random.default_rng(0).normal(size=(250, 2)), model.labels_, names=model.topics_.names(), texts=texts
    )
    display.save_html(tmp_path / "map.html", title="문의 지도")
    command = [sys.executable, "-c", BROWSE, browser, str(tmp_path / "map.html"), str(tmp_path / "map.png")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["errors"] == []
    assert set(found["requests"]) <= {"file", "data"}
    assert found["title"] == "문의 지도"
    assert found["all"] == found["again"] == "문장 250개"
    assert found["search"] == f"문장 {sum('배송' in text for text in texts)}개 찾음"
    assert "배송" in found["tip"]
    assert found["tip"] == texts[found["row"]]
    assert found["without"] == f"문장 {(model.labels_ != 0).sum()}개"
    assert found["none"] == "문장 0개"
    assert found["ink"] > found["no ink"] == 0
    assert found["font"]
    assert (tmp_path / "map.png").stat().st_size > 5_000
