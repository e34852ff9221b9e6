"""Folders of data sets for tests: a few rows in the layout of the authors, taken for the published files."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from skko.datasets._catalogue import DATA_SETS


def write_files(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files by their path below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def accept(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make the catalogue say of the files in a folder that they are the published ones."""
    for name, data_set in DATA_SETS.items():
        found = {}
        for subset, file in data_set.files.items():
            if (folder / file.path).is_file():
                content = (folder / file.path).read_bytes()
                found[subset] = replace(file, n_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        patch.setitem(DATA_SETS, name, replace(data_set, files={**data_set.files, **found}))
