"""Public data sets as frames: a few rows in the layout of each file, with what makes readers go wrong."""

import inspect
import json
import lzma
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skko import datasets
from skko.datasets._catalogue import DATA_SETS
from skko.exceptions import DataNotAvailableError
from tests.data_home import accept, write_files

FETCHERS = [name for name in datasets.__all__ if name.startswith("fetch_")]
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Write files by their paths, take them for the published ones, and return their folder."""

    def put(files):
        write_files(tmp_path, files)
        accept(tmp_path, monkeypatch)
        return tmp_path

    return put


def test_korsts_keeps_rows_with_quotation_marks_and_the_zeros_of_ids(home):
    head = "genre\tfilename\tyear\tid\tscore\tsentence1\tsentence2\n"
    rows = 'main-news\theadlines\t2012test\t0001\t2.6666666666666665\t"열기만 했다.\tNA\n'
    rows += "main-captions\timages\t2014\t0042\t5\t남자가 뛴다.\t남자가 달린다."  # the file ends without a line break
    frame = datasets.fetch_korsts("dev", data_home=home({"kornlu/sts-dev.tsv": head + rows}))
    assert frame["sentence1"].tolist() == ['"열기만 했다.', "남자가 뛴다."]
    assert frame["sentence2"].tolist() == ["NA", "남자가 달린다."]
    assert frame["id"].tolist() == ["0001", "0042"]
    assert frame["score"].tolist() == [2.6666666666666665, 5.0]  # to the last bit


def test_xnli(home):
    rows = 'sentence1\tsentence2\tgold_label\n그가 말했다, "엄마.\t전화했다.\tneutral\n'
    rows += '그가 말했다, "엄마.\t"말했다.\tentailment\n'
    frame = datasets.fetch_xnli("test", data_home=home({"kornlu/xnli.test.ko.tsv": rows}))
    assert frame.columns.tolist() == ["sentence1", "sentence2", "gold_label"]
    assert frame["gold_label"].tolist() == ["neutral", "entailment"]


def test_question_pair_says_same_where_the_file_says_0(home):
    rows = "question1\tquestion2\tis_duplicate\n이별했어\t헤어졌어\t0\n이별했어\t배고파\t1\n"
    frame = datasets.fetch_question_pair("validation", data_home=home({"question_pair/validation.txt": rows}))
    assert frame["same"].tolist() == [True, False]
    assert frame.columns.tolist() == ["question1", "question2", "same"]


def test_chatbot_has_three_labels_and_commas_in_quotation_marks(home):
    rows = 'Q,A,label\r\n12시 땡!,하루가 또 가네요.,0\r\n뭘 하지?,"팔찌나 양말, 모자요.",2\r\n정리할까,네.,2   '
    frame = datasets.fetch_chatbot(data_home=home({"chatbot/ChatbotData.csv": rows}))
    assert frame["label"].tolist() == [0, 2, 2]
    assert frame["answer"].tolist() == ["하루가 또 가네요.", "팔찌나 양말, 모자요.", "네."]


def test_sae4k_takes_away_the_mark_and_nothing_else(home):
    rows = "메일 왔는지 확인해줘\t메일 왔는지\t0\r\n세탁기 돌려줄 수 있니 \t세탁기 돌리기\t4"
    frame = datasets.fetch_sae4k(data_home=home({"sae4k/sae4k_v1.txt": b"\xef\xbb\xbf" + rows.encode()}))
    assert frame["sentence"].tolist() == ["메일 왔는지 확인해줘", "세탁기 돌려줄 수 있니 "]
    assert frame["label"].tolist() == [0, 4]


def test_parakqc_and_stylekqc_number_their_groups(home):
    parakqc = "\r\n".join(f"{row // 10}\t3\t{row}번 말" for row in range(30))
    stylekqc = "topic\tsentence\n" + "".join(f"{row // 10}\t{row}번 말\n" for row in range(20))
    folder = home({"parakqc/paraKQC_v1.txt": parakqc, "stylekqc/topic/dev.tsv": stylekqc})
    first, second = datasets.fetch_parakqc(data_home=folder), datasets.fetch_stylekqc("dev", data_home=folder)
    assert first["group"].tolist() == first["topic"].tolist() == np.repeat([0, 1, 2], 10).tolist()
    assert first.columns.tolist() == ["topic", "act", "text", "group"]
    assert second["group"].tolist() == second["topic"].tolist() == np.repeat([0, 1], 10).tolist()
    assert second["sentence"][19] == "19번 말"


def test_intents(home):
    frame = datasets.fetch_intents(
        data_home=home({"3i4k/fci_train_val.txt": "0\t만화\r\n2\t이 약 효과가 확실한 거죠 "})
    )
    assert frame["label"].tolist() == [0, 2]
    assert frame["text"].tolist() == ["만화", "이 약 효과가 확실한 거죠 "]


def test_ynat_names_its_topics(home):
    rows = 'index,title,topic_idx\r\n619,말컹 극장골…22 무승부,5\r\n7,"美, 관세",4\r\n9,null,0\r\n'
    frame = datasets.fetch_ynat(data_home=home({"ynat/train.csv": rows}))
    assert frame["topic"].tolist() == ["스포츠", "세계", "IT과학"]
    assert frame["title"].tolist() == ["말컹 극장골…22 무승부", "美, 관세", "null"]
    assert frame["index"].tolist() == [619, 7, 9]


def test_sentineg_has_one_order_of_columns(home):
    files = {
        "train": "ID\tText\tLabel\r\n1\t잘 지워져요\t1\r\n",
        "dev": "ID\tLabel\tText\r\n1\t1\t만족입니다",
        "test": "ID\tLabel_origin\tText_origin\tLabel\tText\tCategory_neg\r\n1\t1\t잘 지워져요\t0\t잘 안 지워져요\t1",
    }
    folder = home({f"kobest_sentineg/{part}.tsv": rows for part, rows in files.items()})
    frames = [datasets.fetch_sentineg(part, data_home=folder) for part in files]
    assert [frame.columns.tolist()[:3] for frame in frames] == [["id", "text", "label"]] * 3
    assert frames[1].loc[0].tolist() == [1, "만족입니다", 1]
    assert frames[2].loc[0].to_dict() == {
        "id": 1,
        "text": "잘 안 지워져요",
        "label": 0,
        "text_origin": "잘 지워져요",
        "label_origin": 1,
        "category_neg": 1,
    }


def test_nsmc(home):
    rows = 'movie_id\trating\treview\n10001\t10\t"토토\n10001\t1\t별로"\n'
    frame = datasets.fetch_nsmc(data_home=home({"nsmc_raw/reviews.tsv.xz": lzma.compress(rows.encode())}))
    assert frame["rating"].tolist() == [10, 1]
    assert frame["review"].tolist() == ['"토토', '별로"']


def petition(title: str, day: str) -> str:
    row = {"category": "기타", "begin": day, "end": "2019-07-01", "content": "한\u2028줄\x0b이다.", "num_agree": 3}
    return json.dumps({**row, "petition_idx": "579845", "status": "청원종료", "title": title}, ensure_ascii=False)


def test_petitions_are_cut_at_line_breaks_alone_and_come_in_the_order_asked(home):
    days = {"2019-04": "2019-04-30", "2019-06": "2019-06-03"}
    files = {f"petitions/petitions_{month}": petition(month, day) + "\n" for month, day in days.items()}
    frame = datasets.fetch_petitions(["2019-06", "2019-04"], data_home=home(files))
    assert frame["title"].tolist() == ["2019-06", "2019-04"]
    assert frame["content"].tolist() == ["한\u2028줄\x0b이다."] * 2
    assert frame["begin"].tolist() == [pd.Timestamp("2019-06-03"), pd.Timestamp("2019-04-30")]
    assert frame["num_agree"].tolist() == [3, 3]
    assert frame.index.tolist() == [0, 1]
    assert len(datasets.fetch_petitions("2019-04", data_home=home({}))) == 1


@pytest.mark.parametrize(
    ("months", "message"), [([], "at least one month"), (["2019-07"], "no '2019-07' of petitions")]
)
def test_months_that_there_are_not(months, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        datasets.fetch_petitions(months, data_home=tmp_path)


def test_kowiki_is_read_in_blocks(home, monkeypatch):
    monkeypatch.setattr("skko.datasets.documents._BLOCK_ROWS", 2)
    rows = [{"id": str(number), "title": f"문서 {number}", "text": "한\u2028줄(, )"} for number in (20, 22, 24, 26, 36)]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    frame = datasets.fetch_kowiki(data_home=home({"kowiki/kowiki_110k.jsonl.xz": lzma.compress(content.encode())}))
    assert frame["id"].tolist() == [20, 22, 24, 26, 36]
    assert frame["text"].tolist() == ["한\u2028줄(, )"] * 5
    assert frame.index.tolist() == list(range(5))


def test_autorag_reads_as_the_evaluation_does(home, tmp_path):
    pytest.importorskip("pyarrow")
    from skko.evaluation import read_autorag

    asked = {
        "index": [0],
        "qid": ["q"],
        "query": ["인가 요건은?"],
        "generation_gt": [["답"]],
        "retrieval_gt": [[["a"], ["b"]]],
    }
    found = {"doc_id": ["a", "b"], "contents": ["인가", "절차"], "metadata": [{"n": 1}, {"n": 2}]}
    (tmp_path / "autorag").mkdir()
    pd.DataFrame(asked).to_parquet(tmp_path / "autorag" / "qa_v4.parquet")
    pd.DataFrame(found).to_parquet(tmp_path / "autorag" / "ocr_corpus_v3.parquet")
    data = datasets.fetch_autorag(data_home=home({}))
    assert data.queries.loc[0, ["retrieval_gt", "generation_gt"]].tolist() == [[["a"], ["b"]], ["답"]]
    assert data.passages.to_dict("list") == {"doc_id": ["a", "b"], "contents": ["인가", "절차"]}
    assert read_autorag(data.folder).queries == {"q": "인가 요건은?"}


@pytest.mark.parametrize("name", FETCHERS)
def test_all_fetchers_take_the_same_parameters(name, tmp_path):
    fetch = getattr(datasets, name)
    if name == "fetch_autorag":
        pytest.importorskip("pyarrow")
    last = list(inspect.signature(fetch).parameters.values())[-2:]
    assert [(one.name, one.kind.name, one.default) for one in last] == [
        ("data_home", "KEYWORD_ONLY", None),
        ("download_if_missing", "KEYWORD_ONLY", True),
    ]
    with pytest.raises(DataNotAvailableError, match="is missing"):
        fetch(data_home=tmp_path, download_if_missing=False)


def test_the_documentation_says_sizes_and_licences_of_the_catalogue():
    rows = re.findall(r"^\| `(fetch_\w+)` \|(.*)\|$", (DOCS / "datasets.md").read_text(encoding="utf-8"), re.MULTILINE)
    said = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    assert sorted(said) == FETCHERS
    for name, cells in said.items():
        data_set = DATA_SETS["3i4k" if name == "fetch_intents" else name.removeprefix("fetch_")]
        megabytes = sum(file.n_bytes for file in data_set.files.values()) / 1e6
        assert data_set.licence in cells[1], name
        assert cells[2] == f"{megabytes:.1f}", name
