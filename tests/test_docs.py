"""What the pages say runs, and names every public name."""

import pkgutil
import re
import subprocess
import tempfile
import textwrap
from importlib import import_module
from pathlib import Path

import pytest
from matplotlib import pyplot

import skko
from skko.models import remote_usage
from tests.embedding_server import EmbeddingServer

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# What the build writes, and pages with a test of their own.
_ELSEWHERE = ("_api/", "_build/", "_gallery/", "_results/", "model_selection.md", "services.md", "ko/services.md")
_KOREAN = DOCS / "ko"


@pytest.fixture(autouse=True)
def _pages_write_where_pytest_tidies_up(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def blocks(page: str) -> list[str]:
    """The Python blocks of a page, also those in tables; what stands in {code-block} is code of others."""
    return [textwrap.dedent(code) for code in re.findall(r"^[ *-]*```python\n(.*?)^ *```$", page, re.DOTALL | re.M)]


def run(path: Path, **replaced: str) -> dict[str, object]:
    """Run the blocks of a page one after the other."""
    page = path.read_text(encoding="utf-8")
    for old, new in replaced.items():
        page = page.replace(old, new)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(page), 1):
        exec(compile(block, f"{path.name}, block {number}", "exec"), names)
    pyplot.close("all")
    return names


PAGES = [
    name
    for name in sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    if not name.startswith(_ELSEWHERE) and blocks((DOCS / name).read_text(encoding="utf-8"))
]


def test_blocks_are_found_where_they_stand():
    page = "```python\na = 1\n```\n* - ```python\n    b = [\n        a\n    ]\n    ```\n"
    page += "* - ```{code-block} python\n    c\n    ```\n"
    assert blocks(page) == ["a = 1\n", "b = [\n    a\n]\n"]
    assert {"get_started.md", "classification.md", "coming_from/bertopic.md", "ko/get_started.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_pages_runs(page):
    run(DOCS / page)


@pytest.mark.socket
@pytest.mark.parametrize("page", ["services.md", "ko/services.md"])
def test_code_of_the_pages_about_services_runs_against_a_server(page, fresh_cache, monkeypatch):
    monkeypatch.delenv("SKKO_API_KEY", raising=False)
    with EmbeddingServer(key="none") as server:
        run(DOCS / page, **{"http://localhost:8080": server.address})
        assert sum(len(request["body"]["input"]) for request in server.answered) >= 500
        assert f"{server.address}/v1#dragonkue/bge-m3-ko" in remote_usage()


def test_every_page_of_the_guide_has_a_korean_one():
    english = re.search(r":caption: Guide\n\n(.*?)```", (DOCS / "index.md").read_text(encoding="utf-8"), re.DOTALL)
    korean = {path.stem for path in _KOREAN.glob("*.md")}
    assert {*english[1].split(), "get_started"} <= korean | {"corpora", "command_line"}


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_readme_code_runs(readme):
    assert run(ROOT / readme)["vectors"].shape == (566, 256)


def test_both_readmes_say_the_same_commands():
    commands = [
        re.findall(r"^(?:make|skko|pip) \S.*?(?=\s{2,}|$)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("README.md", "README.ko.md")
    ]
    assert commands[0] == commands[1]
    assert "make demo" in commands[0]


def public_names() -> dict[str, set[str]]:
    """The public names of skko and of each of its public packages."""
    rooms = [room.name for room in pkgutil.iter_modules(skko.__path__) if room.ispkg and room.name != "cli"]
    names = {room: {*import_module(f"skko.{room}").__all__} for room in rooms}
    errors = import_module("skko.exceptions")
    names["exceptions"] = {name for name, thing in vars(errors).items() if isinstance(thing, type)}
    return names | {"": {*skko.__all__} - {"__version__"}}


def test_the_api_page_names_every_public_name():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   ([\w.]+)$", page, re.MULTILINE)
    assert len(listed) == len(set(listed))
    at_the_top = {*skko.__all__}
    wanted = {
        name if name in at_the_top else f"{room}.{name}" for room, names in public_names().items() for name in names
    }
    assert sorted(wanted - set(listed)) == []
    assert sorted(set(listed) - wanted) == []


def test_public_packages_are_found():
    names = public_names()
    assert {"classification", "metrics", "similarity", "datasets", "plotting"} <= set(names)
    assert "KoTopicModel" in names["clustering"] & names[""]
    assert "DataFileError" in names["exceptions"]


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_are_pages_of_the_gallery(example):
    """Which runs them all when the documentation is built, and ends with the first that fails."""
    text = (ROOT / "examples" / example).read_text(encoding="utf-8")
    title, underline = text.split("\n")[1:3]
    assert text.startswith('"""\n')
    assert underline == "=" * len(title)
    assert text.count("\n# %%\n") >= 3


def test_nothing_names_a_path_of_one_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in files:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".csv", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert str(Path.home()) + "/" not in text or str(Path.home()) == "/", name
