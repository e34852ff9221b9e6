"""What the training of skko-mini is judged by, and what its pieces find without its vectors."""

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.data_home import accept, write_files
from training import evaluate
from training.pieces import pieces
from training.questions import HELD_OUT
from training.subwords import make_tokenizer

TEXTS = [f"{i}번 강은 {i}도에 있다. 길이는 {i}킬로미터 물은 {i}급이라 한다. {i}번 산에서 온다." for i in range(12)]
MEASURE = "Wikipedia question in its words to passage, recall@1"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Iterator[Path]:
    """Twelve held-out articles of three sentences, and a petition."""
    articles = [{"id": f"{i}0", "title": f"{i}번 강", "text": text} for i, text in enumerate(TEXTS)]
    petition = {"title": "청원", "category": "기타", "content": "꼭 들어주세요.", "num_agree": 1, "petition_idx": "1"}
    petition |= {"begin": "2019-06-03", "end": "2019-07-03", "status": ""}
    lines = "".join(json.dumps(article, ensure_ascii=False) + "\n" for article in articles)
    files = {"kowiki/kowiki_110k.jsonl.xz": lzma.compress(lines.encode())}
    folder = tmp_path_factory.mktemp("data")
    write_files(folder, files | {"petitions/petitions_2019-06": json.dumps(petition, ensure_ascii=False) + "\n"})
    with pytest.MonkeyPatch.context() as patch:
        accept(folder, patch)
        yield folder


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return make_tokenizer(
        Counter(dict.fromkeys("강 산 물 길이 번 급 는 은 에서 온다 있다 0 1 2 3 4 5 6 7 8 9".split(), 30)), size=300
    )


def test_questions_hold_half_of_the_words_of_a_sentence_that_their_document_holds(data, tokenizer):
    asked: list[list[str]] = []

    def encode(texts):
        asked.append(list(texts))
        return np.zeros((len(texts), 1), dtype=np.float32)

    evaluate.retrieval(encode, data)
    questions = next(texts for texts in asked if texts[0].endswith(HELD_OUT[0]) and "번 강" not in texts[0])
    documents = asked[asked.index(questions) + 1]
    assert len(questions) == len(documents) == 12
    for i, (question, document) in enumerate(zip(questions, documents, strict=True)):
        middle = f"길이는 {i}킬로미터 물은 {i}급이라 한다."
        kept = question.removesuffix(HELD_OUT[i % len(HELD_OUT)]).split()
        words = middle.rstrip(".").split()
        assert kept == [word for word in words if word in kept]
        assert len(kept) == 2
        assert middle in document
        assert document in TEXTS[i]


def test_sparse_vectors_are_judged_as_dense_ones(data, tokenizer):
    vectorizer = pieces(tokenizer).fit(TEXTS)
    sparse = evaluate.retrieval(vectorizer.transform, data)
    assert sparse == evaluate.retrieval(lambda texts: vectorizer.transform(texts).toarray(), data)
    assert 0 < sparse[MEASURE] <= 1


@pytest.mark.parametrize("logarithms", [False, True])
def test_pieces_are_counted(tokenizer, logarithms):
    weights = np.random.default_rng(0).uniform(1, 2, tokenizer.get_vocab_size()).astype(np.float32)
    vectorizer = pieces(tokenizer, weights, logarithms=logarithms)
    text = "강강 산에서 물 물 물"
    expected = np.zeros(len(weights))
    for piece, count in Counter(tokenizer.encode(text).ids).items():
        expected[piece] = weights[piece] * (1 + np.log(count) if logarithms else count)
    found = vectorizer.transform([text]).toarray()[0]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), rtol=1e-5)
