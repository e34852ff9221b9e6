"""The 18 systems of the model card's table as presets, and pooling where a repository ships none."""

import dataclasses

import numpy as np
import pytest

from skko import KoEmbeddingTransformer, list_models
from skko.datasets import load_inquiries
from skko.evaluation import evaluate_retrieval, published_autorag
from skko.evaluation._search import embedders
from skko.models import presets


def test_every_published_system_is_a_preset():
    known = {preset.benchmark_name for preset in list_models() if preset.benchmark_name}
    assert known == set(published_autorag().index)
    assert len(known) == 18
    for name in known:
        assert presets.find_preset(name).benchmark_name == name


def test_where_a_repository_ships_no_pooling_the_preset_says_it(tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel, AutoTokenizer

    from tests.tiny import build_xlm_roberta

    build_xlm_roberta(tmp_path / "m", seed=3)
    plain = tmp_path / "m-transformers"  # a transformer without modules.json, as BM-K/KoSimCSE-roberta is
    texts = ["배송이 늦어요", "환불해 주세요 로그인이 안 돼요"]
    mean = SentenceTransformer(str(plain), device="cpu").encode(texts, normalize_embeddings=True)
    assert KoEmbeddingTransformer(str(plain), cache=False).fit_transform(texts) == pytest.approx(mean, abs=1e-5)

    from skko.models.registry import registry

    registry.clear()
    known = presets.find_preset("KoSimCSE-roberta")
    assert (known.pooling, known.ships_pooling) == ("cls", False)
    monkeypatch.setitem(presets._BY_NAME, str(plain), known)
    batch = AutoTokenizer.from_pretrained(plain)(texts, padding=True, return_tensors="pt")
    first = AutoModel.from_pretrained(plain).eval()(**batch).last_hidden_state[:, 0].detach().numpy()
    found = KoEmbeddingTransformer(str(plain), normalize=False, cache=False).fit_transform(texts)
    assert found == pytest.approx(first, abs=1e-5)
    assert not np.allclose(found / np.linalg.norm(found, axis=1, keepdims=True), mean, atol=1e-2)
    registry.clear()


# The public systems that run on one's own machine and need no code of others, by what they are made of.
ARCHITECTURES = {
    "paraphrase-multilingual-mpnet-base-v2": "xlm-roberta",
    "paraphrase-multilingual-MiniLM-L12-v2": "bert",
    "KoSimCSE-roberta": "roberta",
    "ko-sroberta-multitask": "roberta",
    "kf-deberta-multitask": "deberta-v2",
    "multilingual-e5-large-instruct": "xlm-roberta",
    "KoE5": "xlm-roberta",
    "BGE-m3": "xlm-roberta",
    "bge-m3-korean": "xlm-roberta",
    "BGE-m3-ko": "xlm-roberta",
}


def build_stand_in(path, preset, architecture):
    """A tiny model with the modules of the true one, and the fast tokeniser of tests.tiny."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import AutoConfig, AutoModel

    from tests.tiny import build_xlm_roberta

    build_xlm_roberta(path, seed=4, max_length=256)
    plain = path.with_name(path.name + "-transformers")
    sizes = {
        "vocab_size": 150,
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "max_position_embeddings": 258,
        "pad_token_id": 1,
        "initializer_range": 0.3,
    }
    AutoModel.from_config(AutoConfig.for_model(architecture, **sizes)).save_pretrained(plain)
    if not preset.ships_pooling:
        return plain
    layers = [modules.Transformer(str(plain)), modules.Pooling(48, pooling_mode=preset.pooling)]
    layers += [modules.Normalize()] if preset.normalized else []
    SentenceTransformer(modules=layers, device="cpu").save(str(path))
    return path


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_stand_in_of_each_local_system_runs_as_its_preset_says(name, tmp_path, monkeypatch):
    from transformers import AutoModel, AutoTokenizer

    preset = presets.find_preset(name)
    path = build_stand_in(tmp_path / "m", preset, ARCHITECTURES[name])
    monkeypatch.setitem(presets._BY_NAME, str(path), dataclasses.replace(preset, name=str(path)))
    texts = load_inquiries().texts[:6]
    plain = tmp_path / "m-transformers"
    tokenizer, model = AutoTokenizer.from_pretrained(plain), AutoModel.from_pretrained(plain).eval()
    if preset.ships_pooling:  # saved anew with the modules
        tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path).eval()
    query, passage = embedders(str(path), None, None)
    for embedder, prompt in ((query, preset.query_prompt), (passage, preset.passage_prompt)):
        batch = tokenizer([(prompt or "") + text for text in texts], padding=True, truncation=True, return_tensors="pt")
        states = model(**batch).last_hidden_state.detach().numpy()
        mask = batch["attention_mask"].numpy()[:, :, None]
        expected = states[:, 0] if preset.pooling == "cls" else (states * mask).sum(axis=1) / mask.sum(axis=1)
        if preset.normalized:
            expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert embedder.fit([]).transform(texts) == pytest.approx(expected, abs=2e-5)
    report = evaluate_retrieval(str(path), texts[:2], texts, {0: [0], 1: [1]})
    assert report.settings["query_prompt"] == preset.query_prompt
    assert report.settings["passage_prompt"] == preset.passage_prompt
