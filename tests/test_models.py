"""Registry, presets, specs; the hub's protocol, with the server up and down."""

import os
import threading
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from skko import KoEmbeddingTransformer, config_context, list_models
from skko.models import ModelSpec
from skko.models.fingerprint import directory_fingerprint
from skko.models.registry import ModelRegistry, registry
from tests.children import in_a_child
from tests.embedding import download, embed_card
from tests.hub import COMMIT, DOWN, hub_settings, serve_hub

CARD = [
    "이집트 군대가 형제애를 단속하다",
    "이집트의 군대가 무슬림 형제애를 단속하다",
    "아르헨티나의 기예르모 코리아와 네덜란드의 마틴 버커크의 또 다른 준결승전도 매력적이다.",
]


def test_one_load_a_spec_however_many_threads_ask(tiny_a, counting):
    spec, got = ModelSpec(str(tiny_a)), []
    threads = [threading.Thread(target=lambda: got.append(registry.get(spec))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counting() == (0, 1)
    assert len({id(encoder) for encoder in got}) == 1


def test_the_registry_is_bounded_and_remembers_facts(tiny_a, tiny_b, counting):
    models = ModelRegistry()
    a, b = ModelSpec(str(tiny_a)), ModelSpec(str(tiny_b))
    with config_context(max_loaded_models=1):
        models.get(a), models.get(b)
        assert len(models._models) == 1
        assert models.facts(a).dimension == 48
        assert counting()[1] == 2
        models.get(a)
    assert counting()[1] == 3


def test_another_device_is_another_object_with_the_same_fingerprint(tiny_a):
    cpu, meta = ModelSpec(str(tiny_a)), ModelSpec(str(tiny_a), device="cpu:0")
    assert registry.get(cpu) is not registry.get(meta)
    assert registry.facts(cpu).fingerprint == registry.facts(meta).fingerprint


def test_fingerprint_follows_content_and_not_the_model_card(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "model.safetensors").write_bytes(b"weights")
    first = directory_fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("card")
    assert directory_fingerprint(tmp_path) == first
    (tmp_path / "sub" / "model.safetensors").write_bytes(b"Weights")
    assert directory_fingerprint(tmp_path) != first


def test_a_file_is_hashed_once(tmp_path, monkeypatch):
    import hashlib

    (tmp_path / "model.safetensors").write_bytes(b"weights")
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *args: (hashed.append(1), digest(*args))[1])
    assert directory_fingerprint(tmp_path) == directory_fingerprint(tmp_path)
    assert hashed == [1]


def test_presets_begin_with_the_bundled_model():
    names = [preset.name for preset in list_models()]
    assert names[:2] == ["skko-mini", "dragonkue/bge-m3-ko"]
    assert KoEmbeddingTransformer().model in names


def run_snippet(home: Path, address: str, **environment: str) -> dict:
    """Run the model card's snippet, through skko, in a process of its own with a hub cache of its own."""
    with patch.dict(os.environ, hub_settings(home, address) | environment):
        return in_a_child(embed_card, CARD)


def fetch(home: Path, address: str, *files: str) -> None:
    """Download the card's model, or some files of it, without skko."""
    with patch.dict(os.environ, hub_settings(home, address)):
        in_a_child(download, "dragonkue/bge-m3-ko", files or None)


@pytest.mark.socket
def test_the_model_cards_snippet_through_a_hub(tiny_a, tmp_path):
    from sentence_transformers import SentenceTransformer

    with serve_hub({"dragonkue/bge-m3-ko": tiny_a}) as (address, requests):
        first = run_snippet(tmp_path / "hub", address)
        assert any(f"/resolve/{COMMIT}/model.safetensors" in request for request in requests)
        n_requests = len(requests)
        again = run_snippet(tmp_path / "hub", address)
        # A downloaded model is used as it is: only the libraries' own start-up may have asked anything.
        assert not any("resolve" in request for request in requests[n_requests:])
    vectors = np.array(first["vectors"], dtype=np.float32)
    expected = SentenceTransformer(str(tiny_a), device="cpu").encode(CARD)
    assert (first["dtype"], vectors.shape, first["shape"]) == ("float32", (3, 48), (3, 3))
    assert (vectors * expected).sum(axis=1).min() >= 0.99999
    assert again["vectors"] == first["vectors"]
    down = run_snippet(tmp_path / "hub", DOWN)
    assert down["vectors"] == first["vectors"]


@pytest.mark.socket
def test_a_newer_download_is_not_answered_from_the_vectors_of_the_older(tiny_a, tiny_b, tmp_path):
    home, name, newer = tmp_path / "hub", "dragonkue/bge-m3-ko", "f" * 40
    with serve_hub({name: tiny_a}) as (address, _):
        first = run_snippet(home, address)
    with serve_hub({name: tiny_b}, commit=newer) as (address, _):
        assert run_snippet(home, address)["vectors"] == first["vectors"]  # a new commit comes by a download alone
        fetch(home, address)
        second = run_snippet(home, address)
    assert second["vectors"] != first["vectors"]


@pytest.mark.socket
@pytest.mark.parametrize("environment", [{}, {"SKKO_OFFLINE": "1"}], ids=["server down", "offline"])
def test_a_model_that_cannot_be_reached_names_itself_and_the_remedies(tmp_path, environment):
    error = run_snippet(tmp_path / "hub", DOWN, **environment)
    assert error["error"] == "ModelNotAvailableError"
    assert "dragonkue/bge-m3-ko" in error["message"]
    assert "hf download dragonkue/bge-m3-ko" in error["message"]
    assert 'model="skko-mini"' in error["message"]


@pytest.mark.socket
def test_weights_fetched_alone_are_not_mistaken_for_the_model(tiny_a, tmp_path):
    # transformers fetches config and weights only; pooling around them would be a guess.
    with serve_hub({"dragonkue/bge-m3-ko": tiny_a}) as (address, _):
        files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
        fetch(tmp_path / "hub", address, *files)
    error = run_snippet(tmp_path / "hub", DOWN)
    assert error["error"] == "ModelNotAvailableError"


@pytest.mark.socket
def test_a_damaged_download_is_found_and_removed(tiny_a, tmp_path):
    with serve_hub({"dragonkue/bge-m3-ko": tiny_a}, damaged="model.safetensors") as (address, _):
        error = run_snippet(tmp_path / "hub", address)
    assert error["error"] == "ModelNotAvailableError"
    assert "SHA-256" in error["message"]
    assert not list((tmp_path / "hub").rglob("model.safetensors"))
    with serve_hub({"dragonkue/bge-m3-ko": tiny_a}) as (address, _):
        assert "vectors" in run_snippet(tmp_path / "hub", address)
