"""Static models without torch: sentence-transformers' vectors, and nothing of it imported."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from skko import KoEmbeddingTransformer
from skko.exceptions import ModelNotAvailableError
from skko.models.backends import is_static
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.backends.static import StaticEncoder
from skko.models.registry import registry
from skko.models.spec import MINI, ModelSpec, mini_path

TEXTS = [
    "배송이 너무 늦어요",
    "환불해 주세요. " * 200,
    "배송이 너무 늦어요".encode().decode(),
    "각",  # decomposed
    "iPhone 15 Pro 256GB를 2,990,000원에 샀다 👍🏽",
    "漢字와 한글",
    " ",
    "",
]
WORDS = ["[UNK]", "배송이", "너무", "늦어요", "환불해", "주세요", "."]


def build_static(folder: Path, tensors: dict[str, np.ndarray], normalize: bool = True) -> Path:
    """Write a static model of a few words as sentence-transformers lays it out."""
    folder.mkdir(exist_ok=True)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file(tensors, folder / "model.safetensors")
    names = ["sentence_transformers.models.StaticEmbedding", "sentence_transformers.models.Normalize"]
    chosen = [{"idx": i, "name": str(i), "path": f"{i}_{i}" if i else "", "type": n} for i, n in enumerate(names)]
    (folder / "modules.json").write_text(json.dumps(chosen if normalize else chosen[:1]))
    if normalize:
        (folder / "1_1").mkdir(exist_ok=True)
    return folder


def random(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


LAYOUTS = {
    "plain": {"embedding.weight": random(7, 16)},
    "half": {"embedding.weight": random(7, 16, dtype="float16")},
    "weighted": {"embeddings": random(7, 16, dtype="float16"), "weights": random(7)},
    "bytes": {"embeddings": (50 * random(7, 16)).astype(np.int8), "weights": random(7)},
    "shared": {"embeddings": random(3, 16), "mapping": np.array([0, 1, 2, 2, 1, 0, 0], dtype=np.int32)},
    "both": {
        "embeddings": random(3, 16, dtype="float16"),
        "mapping": np.array([0, 1, 2, 2, 1, 0, 0]),
        "weights": random(7),
    },
}


def assert_same_vectors(spec: ModelSpec) -> None:
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(spec.directory), device="cpu").float()
    expected = peer.encode(TEXTS)
    encoder = StaticEncoder(spec)
    found = encoder.embed(encoder.tokenise(TEXTS, prompt="", max_length=None), np.arange(len(TEXTS)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    prompted = encoder.embed(encoder.tokenise(TEXTS, prompt="환불해 ", max_length=None), np.arange(len(TEXTS)))
    np.testing.assert_allclose(prompted, peer.encode(TEXTS, prompt="환불해 "), atol=2e-6)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_vectors_are_those_of_sentence_transformers(layout, normalize, tmp_path):
    folder = build_static(tmp_path / "model", LAYOUTS[layout], normalize)
    spec = ModelSpec(str(folder))
    assert is_static(spec)
    assert_same_vectors(spec)


def test_mini_gives_the_vectors_of_sentence_transformers():
    assert is_static(ModelSpec(MINI))
    assert_same_vectors(ModelSpec(MINI))


def test_it_has_the_fingerprint_of_the_torch_backend():
    assert StaticEncoder(ModelSpec(MINI)).facts == SentenceTransformerEncoder(ModelSpec(MINI)).facts


def test_rows_in_any_order_and_batch():
    encoder = StaticEncoder(ModelSpec(MINI))
    tokens = encoder.tokenise(TEXTS, prompt="", max_length=None)
    many = encoder.embed(tokens, np.tile(np.arange(len(TEXTS)), 100))  # enough to read each token's vector once
    together = encoder.embed(tokens, np.arange(len(TEXTS)))
    np.testing.assert_array_equal(many, np.tile(together, (100, 1)))
    for row in reversed(range(len(TEXTS))):
        np.testing.assert_array_equal(encoder.embed(tokens, np.array([row]))[0], together[row])


def test_the_default_prompt_is_the_models(tmp_path):
    folder = build_static(tmp_path / "model", LAYOUTS["plain"])
    settings = {"prompts": {"query": "환불해 "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings), encoding="utf-8")
    facts = StaticEncoder(ModelSpec(str(folder))).facts
    assert facts == SentenceTransformerEncoder(ModelSpec(str(folder))).facts
    assert facts.default_prompt == "환불해 "


def test_nothing_of_torch_is_imported(tmp_path):
    script = (
        "import sys; from skko import KoEmbeddingTransformer\n"
        "print(KoEmbeddingTransformer('skko-mini').fit_transform(['배송이 늦어요', '환불']).shape)\n"
        "print(sorted({'torch', 'sentence_transformers', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["(2, 256)", "[]"]


def test_a_transformer_is_not_static(tiny_a):
    assert not is_static(ModelSpec(str(tiny_a)))
    assert not is_static(ModelSpec("dragonkue/bge-m3-ko"))
    assert not is_static(ModelSpec(MINI, dtype="float16"))
    assert isinstance(registry.get(ModelSpec(str(tiny_a))), SentenceTransformerEncoder)


@pytest.mark.parametrize("broken", ["modules.json", "model.safetensors"])
def test_what_cannot_be_read_is_left_to_torch_to_explain(broken, tmp_path):
    folder = build_static(tmp_path / "model", LAYOUTS["plain"])
    (folder / broken).write_bytes(b"\xff" * 40)
    with pytest.raises(ModelNotAvailableError, match="cannot be read"):
        KoEmbeddingTransformer(str(folder)).fit([])


def test_a_damaged_tokeniser_is_an_error_with_a_remedy(tmp_path):
    folder = build_static(tmp_path / "model", LAYOUTS["plain"])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelNotAvailableError, match="copy the model again"):
        KoEmbeddingTransformer(str(folder)).fit([])


def test_memory_of_the_bundled_model():
    script = (
        "import os, resource; from skko.models.spec import MINI, ModelSpec; from skko.models.registry import registry\n"
        "import tokenizers, safetensors.numpy\n"
        "def resident(): return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "before = resident(); encoder = registry.get(ModelSpec(MINI)); print((resident() - before) >> 20)"
    )
    if not Path("/proc/self/statm").exists():
        pytest.skip("reads the memory of a process as Linux tells it")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 120
    assert sum(path.stat().st_size for path in mini_path().rglob("*") if path.is_file()) < 30 << 20
