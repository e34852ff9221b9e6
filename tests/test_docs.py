"""What the documentation says runs, and names every public name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import skko

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_readme_code_runs(readme):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, readme, "exec"), namespace)
    assert namespace["vectors"].shape == (566, 256)


def test_both_readmes_say_the_same_commands():
    commands = [
        re.findall(r"^(?:make|skko|pip) \S.*?(?=\s{2,}|$)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("README.md", "README.ko.md")
    ]
    assert commands[0] == commands[1]
    assert "make demo" in commands[0]


def test_the_api_page_names_every_public_name():
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   ([\w.]+)$", page, re.MULTILINE))
    assert set(skko.__all__) - {"__version__"} <= listed


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_run(example):
    command = [sys.executable, str(ROOT / "examples" / example)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") >= 3


def test_nothing_names_a_path_of_one_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in files:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".csv", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert str(Path.home()) + "/" not in text or str(Path.home()) == "/", name
