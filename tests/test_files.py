"""load_texts on real files: formats, encodings, and errors that name the cause."""

import json

import pandas as pd
import pytest

from skko.datasets import load_texts
from skko.datasets.files import load_columns
from skko.exceptions import DataFileError, SkkoWarning

TEXTS = ["배송이 늦어요", "환불, 되나요?", '따옴표 "둘"', "똠방각하 뷁"]
LABELS = ["배송", "환불", "기타", "기타"]


def table(separator=",", quote=True):
    cells = [
        (f'"{t.replace(chr(34), chr(34) * 2)}"' if quote else t, label) for t, label in zip(TEXTS, LABELS, strict=True)
    ]
    return "\n".join(["문장" + separator + "주제", *(separator.join(row) for row in cells)])


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("cp949", "cp949"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_in_every_encoding(encoding, seen, newline, tmp_path):
    path = tmp_path / "고객 문의.csv"
    path.write_bytes(table().replace("\n", newline).encode(encoding))
    data = load_texts(path, label="주제")
    assert (data.texts, data.labels) == (TEXTS, LABELS)
    assert (data.text_column, data.label_column, data.encoding) == ("문장", "주제", seen)
    assert list(data.to_frame().columns) == ["text", "label"]


def test_tsv_takes_quotation_marks_as_they_are(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(table("\t", quote=False) + '\n"열기만 한 따옴표\t기타\n다음 줄\t기타', encoding="utf-8")
    assert load_texts(path).texts == [*TEXTS, '"열기만 한 따옴표', "다음 줄"]


def test_only_line_breaks_end_a_line(tmp_path):
    (tmp_path / "a.txt").write_text("한\u2028줄\x0b이다\r둘\n", encoding="utf-8")
    assert load_texts(tmp_path / "a.txt").texts == ["한\u2028줄\x0b이다", "둘"]
    (tmp_path / "a.jsonl").write_text('{"text": "한\u2028줄"}\n', encoding="utf-8")
    assert load_texts(tmp_path / "a.jsonl").texts == ["한\u2028줄"]


def test_columns_by_position_in_a_file_without_header(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("0\t1\t첫 문장\n0\t2\t둘째 문장\n", encoding="utf-8")
    data = load_texts(path, format="tsv", header=False, text="2", label=1)
    assert (data.texts, data.labels) == (["첫 문장", "둘째 문장"], ["1", "2"])


def test_txt_is_a_text_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\ufeff하나\r\n\r\n둘\n", encoding="utf-8")
    assert load_texts(path).texts == ["하나", "둘"]


def test_csv_keeps_line_breaks_and_words_like_na(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text\n"두\n줄"\nNA\nnull\n', encoding="utf-8")
    assert load_texts(path).texts == ["두\n줄", "NA", "null"]


@pytest.mark.parametrize("name", ["a.jsonl", "petitions_2019-06"])
def test_jsonl_also_without_an_ending(name, tmp_path):
    path = tmp_path / name
    rows = [{"content": t, "n": i} for i, t in enumerate(TEXTS)]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    data = load_texts(path, label="n")
    assert (data.texts, data.labels) == (TEXTS, ["0", "1", "2", "3"])


def test_parquet(tmp_path):
    pd.DataFrame({"text": TEXTS, "label": [1, 2, 3, 3]}).to_parquet(tmp_path / "a.parquet")
    data = load_texts(tmp_path / "a.parquet", label="label")
    assert (data.texts, data.labels, data.encoding) == (TEXTS, ["1", "2", "3", "3"], None)


def test_rows_without_a_text_are_named_or_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n가,1\n,2\n  ,3\n나,4\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"2 rows without a text .*row 1 is the first"):
        load_texts(path)
    with pytest.warns(SkkoWarning, match="2 rows"):
        data = load_texts(path, label="label", missing="drop")
    assert (data.texts, data.labels, data.rows) == (["가", "나"], ["1", "4"], [0, 3])
    kept = load_texts(path, missing="keep")
    assert (kept.texts, kept.rows) == (["가", "", "", "나"], [0, 1, 2, 3])


def test_a_missing_label_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n가,1\n나,\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"no label .* at row 1"):
        load_texts(path, label="label")


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", b"", {}, "is empty"),
        ("a.csv", b"a,b\n1,2\n", {}, "say which holds the texts"),
        ("a.csv", b"a,b\n1,2\n", {"text": "c"}, "no column 'c'; its columns are"),
        ("a.csv", b"a,b\n1,2\n", {"text": 7}, "no column 7"),
        ("a.csv", b'text\n"open', {}, "cannot be read as csv"),
        ("a.jsonl", b'{"text": ', {}, "cannot be read as jsonl"),
        ("a.parquet", b"PAR1 nonsense", {}, "cannot be read as parquet"),
        ("a.csv", b"text\n\xff\xff\x81\n", {}, "line 2"),
        ("a.csv", "text\n가\n".encode(), {"encoding": "ascii"}, "ascii"),
        ("a.docx", b"text", {}, "pass format="),
        ("a.csv", b"text\na\n", {"format": "xml"}, "format='xml'"),
    ],
    ids=range(11),
)
def test_broken_files_are_named(name, content, options, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFileError, match=message):
        load_texts(tmp_path / name, **options)


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(FileNotFoundError, match="no file"):
            load_texts(path)


def test_columns_are_read_at_once(tmp_path):
    path = tmp_path / "쌍.csv"
    path.write_text("가,나,점수\n하나,둘,1\n셋,,2\n", encoding="utf-8")
    opened = []

    class Counted(type(path)):
        def open(self, *args, **kwargs):
            opened.append(args)
            return super().open(*args, **kwargs)

    one = load_texts(Counted(path), text="가", label="점수")
    of_one = len(opened)
    opened.clear()
    both = load_columns(Counted(path), ["가", "나"], label="점수", missing="keep")
    assert len(opened) == of_one
    assert both == [one, load_texts(path, text="나", label="점수", missing="keep")]
    assert both[1].texts == ["둘", ""]
