"""Fixtures: tiny models, counters, and no network outside the tests that own a server."""

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import build_xlm_roberta

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("SKKO_DEVICE", "cpu")
_cache = tempfile.TemporaryDirectory(prefix="skko-cache-", ignore_cleanup_errors=True)
os.environ["SKKO_CACHE_DIR"] = _cache.name
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell has it in what it runs in the background; the processes of these tests would not hear Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
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
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory where nothing is known yet; other tests share one."""
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "skko-cache"))
    return tmp_path / "skko-cache"


@pytest.fixture
def counting(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[int, int]]]:
    """Count from outside skko what reaches the model: (texts encoded, models loaded) since the test began."""
    from sentence_transformers import SentenceTransformer
    from transformers import XLMRobertaModel

    from skko.models.registry import registry

    registry.clear()
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
