"""What the tests of search share: texts, and what is read of results."""

import pytest

from skko import KoEmbeddingTransformer
from skko.datasets import load_inquiries
from skko.search import KoSemanticSearch

INQUIRIES = load_inquiries()
TEXTS = list(INQUIRIES.texts[:120])
QUERIES = ["환불은 언제 되나요", "배송이 늦어요", "비밀번호를 잊었어요", "", "zzz"]
MINI = KoEmbeddingTransformer("skko-mini", cache=False)


def make(**params) -> KoSemanticSearch:
    return KoSemanticSearch(MINI, show_progress=False, **params)


def rows(results) -> list[list[int]]:
    return [[hit.row for hit in hits] for hits in results]


def everything(results) -> list[list[tuple]]:
    return [[(hit.id, round(hit.score, 5), hit.text, hit.span) for hit in hits] for hits in results]


@pytest.fixture(scope="module")
def fitted() -> KoSemanticSearch:
    topics = [{"topic": topic, "row": row} for row, topic in enumerate(INQUIRIES.topics[:120].tolist())]
    return make().fit(TEXTS, ids=[f"q{row}" for row in range(120)], metadata=topics)
