"""Searches on disk: loaded whole, mapped, and safe from crashes, damage and other models."""

import itertools
import json
import os
import pickle
import shutil
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from skko.exceptions import DataFileError, ModelMismatchError
from skko.search import KoSemanticSearch
from tests.searching import INQUIRIES, MINI, QUERIES, TEXTS, everything, fitted, make, rows  # noqa: F401


@pytest.mark.parametrize("params", [{}, {"split": 20}, {"alpha": 0}, {"lexical": False, "alpha": 1}])
def test_a_loaded_search_finds_the_same_from_mapped_files(params, tmp_path):
    search = make(**params).fit(TEXTS, metadata=[{"n": row} for row in range(120)])
    search.save(tmp_path / "index")
    loaded = KoSemanticSearch.load(tmp_path / "index")
    assert everything(loaded.search(QUERIES)) == everything(search.search(QUERIES))
    where = {"n": range(20)}
    assert everything(loaded.search(QUERIES, where=where)) == everything(search.search(QUERIES, where=where))
    if loaded.index_.dense is not None:
        assert isinstance(loaded.index_.dense.rows.unit, np.memmap)
    assert isinstance(loaded.documents_.texts._data, np.memmap)
    assert {name: loaded.get_params()[name] for name in params} == params
    names = {path.suffix for path in (tmp_path / "index").rglob("*") if path.is_file()}
    assert names <= {".npy", ".json"}
    for path in (tmp_path / "index").rglob("*.npy"):
        np.load(path, allow_pickle=False)
    assert (tmp_path / "index").stat().st_mode & 0o077 == 0
    added = loaded.add(["새 글 환불"]).search(["새 글 환불"], 1)
    assert rows(added) == [[120]]
    loaded.save(tmp_path / "index")  # over the files that it has mapped
    assert rows(KoSemanticSearch.load(tmp_path / "index").search(["새 글 환불"], 1)) == [[120]]
    assert len(list((tmp_path / "index").iterdir())) == 2


def test_a_loaded_search_embeds_queries_alone(counting, tiny_a, tmp_path):
    KoSemanticSearch(str(tiny_a), show_progress=False).fit(TEXTS[:20]).save(tmp_path / "index")
    texts, loads = counting()
    assert texts >= 20
    search = KoSemanticSearch.load(tmp_path / "index")
    assert counting() == (texts, loads)
    search.search(["환불"])
    assert counting()[0] == texts + 1
    search.add(["새 글", "또 하나"]).remove([0])
    assert counting()[0] == texts + 3


def test_a_pickle_is_whole(fitted, tmp_path):
    fitted.save(tmp_path / "index")
    search = KoSemanticSearch.load(tmp_path / "index", embedder=MINI)
    data = pickle.dumps(search)
    shutil.rmtree(tmp_path / "index")
    assert everything(pickle.loads(data).search(QUERIES)) == everything(fitted.search(QUERIES))


class _Crash(BaseException):
    pass


def save_until(search: KoSemanticSearch, folder: Path, moment: int) -> bool:
    """Save, and at some write to the disk stop without a chance to tidy up; say whether it came so far."""
    moments = itertools.count()

    def counted(function):
        def call(*args, **kwargs):
            if next(moments) == moment:
                raise _Crash
            return function(*args, **kwargs)

        return call

    patches = [(np, "save"), (os, "fsync"), (Path, "replace")]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(shutil, "rmtree"))
        for place, name in patches:
            stack.enter_context(mock.patch.object(place, name, counted(getattr(place, name))))
        try:
            search.save(folder)
        except _Crash:
            return True
    return False


def test_a_crash_while_saving_leaves_the_old_index(tmp_path):
    old, new = make().fit(TEXTS[:5]), make().fit(TEXTS[5:30])
    old.save(tmp_path / "index")
    found = []
    for moment in itertools.count():
        crashed = save_until(new, tmp_path / "index", moment)
        opened = KoSemanticSearch.load(tmp_path / "index")
        found.append(everything(opened.search(QUERIES)))
        if not crashed:
            break
    before, after = everything(old.search(QUERIES)), everything(new.search(QUERIES))
    replaced = found.index(after)
    assert len(found) > 30
    assert found == [before] * replaced + [after] * (len(found) - replaced)
    assert replaced >= len(found) - 2  # only the wait for the disk comes after
    new.save(tmp_path / "index")
    assert len(list((tmp_path / "index").iterdir())) == 2  # what the crashes left is gone


def test_a_folder_of_something_else_is_not_touched(fitted, tmp_path):
    (tmp_path / "논문.txt").write_text("중요")
    with pytest.raises(FileExistsError, match="something else"):
        fitted.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["논문.txt"]


def test_damaged_indexes_are_told(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match="no index"):
        KoSemanticSearch.load(tmp_path / "none")
    fitted.save(tmp_path / "index")
    pointer = tmp_path / "index" / "index.json"
    facts = json.loads(pointer.read_text(encoding="utf-8"))
    for changed in (
        {**facts, "format": 99},
        {**facts, "version": "../elsewhere"},
        {**facts, "version": "v-" + "0" * 32},
        {name: value for name, value in facts.items() if name != "params"},
        {**facts, "params": {**facts["params"], "fusion": "none"}},
        [],
    ):
        pointer.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(DataFileError, match="fit and save it again"):
            KoSemanticSearch.load(tmp_path / "index")
    pointer.write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "index" / facts["version"] / "vectors.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DataFileError):
        KoSemanticSearch.load(tmp_path / "index")


def test_another_model_is_refused(tiny_a, tiny_b, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(tiny_a, path)
    search = KoSemanticSearch(str(path), show_progress=False).fit(TEXTS[:5])
    search.save(tmp_path / "index")
    shutil.rmtree(path)
    shutil.copytree(tiny_b, path)
    for changed in (search, KoSemanticSearch.load(tmp_path / "index")):
        with pytest.raises(ModelMismatchError, match="Fit again"):
            changed.search(["환불"])
        with pytest.raises(ModelMismatchError, match="Fit again"):
            changed.add(["환불"])
