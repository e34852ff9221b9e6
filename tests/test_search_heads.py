"""BGE-M3's other functions on a tiny model of its layout, beside their definitions computed with transformers alone."""

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from skko.exceptions import ModelNotAvailableError
from skko.search import KoSemanticSearch
from tests.hub import DOWN, hub_settings, serve_hub

TEXTS = [
    "환불해 주세요",
    "배송이 늦어요 배송이",
    "오늘 날씨가 정말 좋네요",
    "로그인이 안 돼요 도구입니다",
    "영화를 보았다",
]
QUERY = "배송이 늦어요 정말"
DIMENSION, TOKEN_DIMENSION = 48, 20


@pytest.fixture(scope="module")
def m3(tiny_a: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout of BAAI/bge-m3: a sentence model with two linear layers beside it."""
    path = tmp_path_factory.mktemp("m3") / "model"
    shutil.copytree(tiny_a, path)
    torch.manual_seed(3)
    sparse = torch.nn.Linear(DIMENSION, 1)
    torch.nn.init.constant_(sparse.bias, 1.0)  # most tokens weigh something, and some nothing
    torch.save(sparse.state_dict(), path / "sparse_linear.pt")
    torch.save(torch.nn.Linear(DIMENSION, TOKEN_DIMENSION).state_dict(), path / "colbert_linear.pt")
    return path


class Definition:
    """One text at a time, without padding."""

    def __init__(self, path: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        plain = path.parent / "plain"
        shutil.copytree(path, plain, dirs_exist_ok=True)
        self.tokenizer = AutoTokenizer.from_pretrained(plain)
        self.model = AutoModel.from_pretrained(plain).float().eval()
        self.layers = {
            head: torch.load(path / f"{head}_linear.pt", weights_only=True) for head in ("sparse", "colbert")
        }

    def states(self, text: str) -> tuple[list[int], torch.Tensor]:
        ids = self.tokenizer(text)["input_ids"]
        with torch.inference_mode():
            return ids, self.model(torch.tensor([ids])).last_hidden_state[0]

    def linear(self, head: str, states: torch.Tensor) -> np.ndarray:
        layer = self.layers[head]
        return (states.double() @ layer["weight"].T.double() + layer["bias"].double()).numpy()

    def weights(self, text: str) -> dict[int, float]:
        ids, states = self.states(text)
        found: dict[int, float] = defaultdict(float)
        for token, weight in zip(ids, self.linear("sparse", states)[:, 0], strict=True):
            if token not in self.tokenizer.all_special_ids:
                found[token] = max(found[token], weight)
        return found

    def sparse(self, query: str, text: str) -> float:
        left, right = self.weights(query), self.weights(text)
        return sum(weight * right[token] for token, weight in left.items() if token in right)

    def token_vectors(self, text: str) -> np.ndarray:
        rows = self.linear("colbert", self.states(text)[1][1:])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def colbert(self, query: str, text: str) -> float:
        return float((self.token_vectors(query) @ self.token_vectors(text).T).max(axis=1).mean())


def test_scores_are_those_of_the_definitions(m3, tmp_path):
    definition = Definition(m3)
    expected = {
        row: {"sparse": definition.sparse(QUERY, text), "colbert": definition.colbert(QUERY, text)}
        for row, text in enumerate(TEXTS)
    }
    assert any(scores["sparse"] > 0 for scores in expected.values())
    search = KoSemanticSearch(str(m3), heads=("sparse", "colbert"), show_progress=False).fit(TEXTS[:2])
    search.add(TEXTS[2:])
    search.save(tmp_path / "index")
    for some in (search, KoSemanticSearch.load(tmp_path / "index")):
        (hits,) = some.search([QUERY])
        assert sorted(hit.row for hit in hits) == list(range(5))
        for hit in hits:
            assert set(hit.parts) == {"dense", "lexical", "sparse", "colbert"}
            for part, score in expected[hit.row].items():
                assert hit.parts[part] == pytest.approx(score, abs=2e-5)


@pytest.mark.parametrize("head", ["sparse", "colbert"])
def test_one_head_alone_orders_by_its_score(m3, head):
    definition = Definition(m3)
    search = KoSemanticSearch(str(m3), heads=(head,), alpha={head: 1}, show_progress=False).fit(TEXTS)
    scores = {row: getattr(definition, head)(QUERY, text) for row, text in enumerate(TEXTS)}
    order = sorted((row for row in scores if head == "colbert" or scores[row] > 0), key=lambda row: -scores[row])
    (hits,) = search.search([QUERY])
    assert [hit.row for hit in hits] == order
    assert [hit.score for hit in hits] == pytest.approx([scores[row] for row in order], abs=2e-5)
    search.remove([order[0]])
    assert [hit.id for hit in search.search([QUERY])[0]] == order[1:]


def test_passages_have_heads_too(m3):
    definition = Definition(m3)
    search = KoSemanticSearch(
        str(m3), heads=("colbert",), alpha={"colbert": 1}, split="sentences", show_progress=False
    ).fit(["환불해 주세요. 배송이 늦어요!", "영화를 보았다."])
    (hits,) = search.search([QUERY])
    by_hand = {passage: definition.colbert(QUERY, passage) for passage in ("환불해 주세요.", "배송이 늦어요!")}
    hit = next(hit for hit in hits if hit.row == 0)
    assert hit.passage == max(by_hand, key=by_hand.__getitem__)
    assert hit.score == pytest.approx(max(by_hand.values()), abs=2e-5)


def test_heads_without_texts(m3):
    search = KoSemanticSearch(str(m3), heads=("sparse", "colbert"), show_progress=False).fit([])
    assert search.search([QUERY])[0] == []
    assert [hit.row for hit in search.add([QUERY]).search([QUERY])[0]] == [0]


@pytest.mark.parametrize("head", ["sparse", "colbert"])
def test_a_model_without_the_head_is_refused(tiny_b, head):
    for model in (str(tiny_b), "skko-mini"):
        with pytest.raises(ModelNotAvailableError, match=f"no {head}_linear.pt"):
            KoSemanticSearch(model, heads=(head,), show_progress=False).fit(TEXTS)


SNIPPET = """
import sys
from skko.exceptions import ModelNotAvailableError
from skko.search import KoSemanticSearch
for model in ("BAAI/bge-m3", "dragonkue/bge-m3-ko"):
    try:
        search = KoSemanticSearch(model, heads=("sparse", "colbert"), lexical=False, show_progress=False)
        search.fit(sys.argv[1:])
        print([(hit.id, hit.parts) for hit in search.search([sys.argv[1]])[0]])
    except ModelNotAvailableError as error:
        print(error)
"""


def run_snippet(home: Path, address: str) -> str:
    """Search in a fresh process, with a hub cache of its own."""
    env = os.environ | hub_settings(home, address) | {"PYTHONUTF8": "1"}
    command = [sys.executable, "-c", SNIPPET, *TEXTS]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.socket
def test_heads_come_from_the_hub_and_are_found_again_without_it(m3, tiny_b, tmp_path):
    with serve_hub({"BAAI/bge-m3": m3, "dragonkue/bge-m3-ko": tiny_b}) as (address, requests):
        with_heads, without = run_snippet(tmp_path / "hub", address).splitlines()
        assert "'colbert'" in with_heads
        assert "'dragonkue/bge-m3-ko' has no sparse_linear.pt" in without
        assert sum("GET" in request and "sparse_linear.pt" in request for request in requests) == 1
    again = run_snippet(tmp_path / "hub", DOWN)
    assert again.splitlines()[0] == with_heads
