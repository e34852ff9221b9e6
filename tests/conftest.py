"""Fixtures: tiny models, counters, and no network outside the tests that own a server."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("SKKO_DEVICE", "cpu")

from tests.tiny import build_xlm_roberta


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "skko-cache"))
    if request.node.get_closest_marker("socket"):
        return
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> Any:
        if self.family == getattr(socket, "AF_UNIX", None):
            return connect(self, address)
        raise RuntimeError(f"This test opened a socket to {address}; only tests marked 'socket' may.")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def tiny_a(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny XLM-RoBERTa sentence model."""
    return build_xlm_roberta(tmp_path_factory.mktemp("models") / "a", seed=0)


@pytest.fixture(scope="session")
def tiny_b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same architecture with other weights."""
    return build_xlm_roberta(tmp_path_factory.mktemp("models") / "b", seed=1)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[int, int]]]:
    """Count from outside skko what reaches the model: (texts encoded, models loaded) since the test began."""
    from sentence_transformers import SentenceTransformer
    from transformers import XLMRobertaModel

    from skko.embedding.cache import shared_cache
    from skko.models.registry import registry

    registry.clear()
    shared_cache.clear()
    texts, loads = [0], [0]
    forward, init = XLMRobertaModel.forward, SentenceTransformer.__init__

    def count_texts(self: Any, *args: Any, **kwargs: Any) -> Any:
        texts[0] += len(kwargs["input_ids"] if "input_ids" in kwargs else args[0])
        return forward(self, *args, **kwargs)

    def count_loads(self: Any, *args: Any, **kwargs: Any) -> None:
        loads[0] += 1
        init(self, *args, **kwargs)

    monkeypatch.setattr(XLMRobertaModel, "forward", count_texts)
    monkeypatch.setattr(SentenceTransformer, "__init__", count_loads)
    yield lambda: (texts[0], loads[0])
    registry.clear()
