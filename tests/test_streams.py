"""stream_texts: what load_texts reads, in blocks of any size."""

import json
import tracemalloc

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skko.datasets import _tables, load_texts, stream_texts, streams
from skko.exceptions import DataFileError, SkkoWarning

TEXTS = ["배송이 늦어요", "환불, 되나요?", '따옴표 "둘"\n다음 줄', "똠방각하 뷁", "NA", "끝"]
IDS = ["7", "6", "5", "4", "3", "2"]


def write(folder, kind, encoding="utf-8"):
    path = folder / f"문의 목록.{kind}"
    frame = pd.DataFrame({"번호": [int(one) for one in IDS], "문장": TEXTS})
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        lines = [json.dumps(row, ensure_ascii=False) for row in frame.to_dict("records")]
        path.write_text("\n\n".join(lines), encoding=encoding)
    elif kind == "txt":
        path.write_bytes("\r\n".join(["", *(text.replace("\n", " ") for text in TEXTS)]).encode(encoding))
    else:
        frame.to_csv(path, index=False, encoding=encoding)
    return path


@pytest.fixture(params=[1, 2, 5, 8_192])
def blocks(request, monkeypatch):
    monkeypatch.setattr(streams, "_BLOCK_ROWS", request.param)
    monkeypatch.setattr(_tables, "_BLOCK_BYTES", request.param)
    return request.param


KINDS = "csv:utf-8 csv:cp949 csv:utf-16 csv:utf-8-sig jsonl:cp949 txt:utf-8 txt:utf-16 parquet:".split()


@pytest.mark.parametrize(("kind", "encoding"), [kind.split(":") for kind in KINDS])
def test_blocks_join_to_what_load_texts_reads(kind, encoding, blocks, tmp_path):
    path = write(tmp_path, kind, encoding)
    columns = {} if kind == "txt" else {"text": "문장", "id": "번호"}
    found = list(stream_texts(path, **columns))
    assert [text for block in found for text in block.texts] == load_texts(path, text=columns.get("text")).texts
    assert [row for block in found for row in block.rows] == list(range(len(TEXTS)))
    if columns:
        assert [one for block in found for one in block.ids] == IDS
    assert kind == "parquet" or max(map(len, found)) <= blocks


@given(st.lists(st.text("가a\r\n \u2028", max_size=4), max_size=12), st.integers(1, 9))
def test_lines_are_the_same_in_blocks_of_any_size(parts, size):
    import io

    content = "".join(parts)
    expected = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tables, "_BLOCK_BYTES", size)
        found = list(_tables.text_lines(io.StringIO(content, newline="")))
    assert [line for line in found if line] == [line for line in expected if line]


def test_rows_without_a_text_are_named_or_left_out(blocks, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,n\n가,1\n나,2\n,3\n다,4\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"1 rows without a text .*row 2 is the first"):
        list(stream_texts(path))
    with pytest.warns(SkkoWarning, match="row 2 is the first"):
        found = list(stream_texts(path, id="n", missing="drop"))
    assert [row for block in found for row in block.rows] == [0, 1, 3]
    assert [one for block in found for one in block.ids] == ["1", "2", "4"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.txt", b"\n \n", "is empty"),
        ("a.csv", b"a,b\n1,2\n", "say which holds the texts"),
        ("a.csv", b"text,n\n1,2\n3,4,5\n", "cannot be read as csv"),
        ("a.jsonl", b'{"text": "a"}\n{"text": ', "line 2"),
        ("a.jsonl", b'{"text": "a"}\n\n[1]', "line 3 holds list where the first holds dict"),
        ("a.parquet", b"PAR1 nonsense", "cannot be read as parquet"),
        ("a.csv", b"text\nab\n\xff\xff\x81\n", "line 3"),
    ],
)
def test_broken_files_are_named(name, content, message, blocks, tmp_path):
    if blocks == 1 and "3,4,5" in content.decode("latin-1") and pd.__version__ < "3.1":
        pytest.skip("pandas before 3.1 looks for rows that are too long in the first block alone")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFileError, match=message):
        list(stream_texts(tmp_path / name))


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(n_rows: int) -> int:
        path = tmp_path / f"{n_rows}.csv"
        path.write_text("text\n" + "문장이 하나 있습니다\n" * n_rows, encoding="utf-8")
        tracemalloc.start()
        assert sum(map(len, stream_texts(path))) == n_rows
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # imports
    assert peak(160_000) < 1.5 * peak(40_000)
