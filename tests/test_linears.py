"""Linear layers on oneDNN: the same products, on the processors that gain by it."""

import numpy as np
import pytest
import torch

from skko.models.backends import linears
from skko.models.backends.linears import pack_linears, replace_linears
from skko.models.backends.loading import load_model
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.spec import ModelSpec

TEXTS = ["환불해 주세요", "배송이 너무 늦어요 " * 30, "", "USB-C 케이블 2개 🙂"]

needs_onednn = pytest.mark.skipif(
    not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")),
    reason="torch was built without oneDNN",
)


@pytest.fixture
def slow_mkl(monkeypatch):
    monkeypatch.setattr(linears, "_is_slow_for_mkl", lambda: True)


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (3, 5, 24), (0, 24)])
def test_products_are_those_of_the_layer(shape, bias, slow_mkl):
    torch.manual_seed(0)
    layer = torch.nn.Linear(24, 40, bias=bias)
    inputs = torch.randn(shape)
    packed = pack_linears(torch.nn.Sequential(layer))
    assert type(packed[0]) is not torch.nn.Linear
    with torch.inference_mode():
        torch.testing.assert_close(packed(inputs), layer(inputs))


@needs_onednn
def test_a_model_gives_the_same_vectors_with_every_layer_packed(tiny_a, slow_mkl, monkeypatch):
    spec = ModelSpec(str(tiny_a))
    packed = SentenceTransformerEncoder(spec)
    assert not any(type(module) is torch.nn.Linear for module in packed._model.modules())
    monkeypatch.setattr(linears, "_is_slow_for_mkl", lambda: False)
    plain = SentenceTransformerEncoder(spec)
    assert any(type(module) is torch.nn.Linear for module in plain._model.modules())
    vectors = [e.embed(e.tokenise(TEXTS, prompt="", max_length=None), np.arange(len(TEXTS))) for e in (packed, plain)]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert packed.facts == plain.facts


def test_what_others_convert_or_train_is_left_as_it_is(tiny_a, slow_mkl):
    model, _ = load_model(ModelSpec(str(tiny_a)))
    assert any(type(module) is torch.nn.Linear for module in model.modules())


@pytest.mark.parametrize(("vendor", "packed"), [("GenuineIntel", False), ("AuthenticAMD", True)])
def test_intel_keeps_mkl(vendor, packed, tmp_path, monkeypatch):
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        pytest.skip("torch was built without MKL or without oneDNN")
    described = tmp_path / "cpuinfo"
    described.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
    monkeypatch.setattr(linears, "Path", lambda _: described)
    monkeypatch.setattr(linears.platform, "machine", lambda: "x86_64")
    assert linears._is_slow_for_mkl() is packed
    monkeypatch.setattr(linears.platform, "machine", lambda: "arm64")
    assert not linears._is_slow_for_mkl()


def test_layers_are_replaced_wherever_they_are():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(2, 2)))
    replaced = []
    replace_linears(model, lambda layer: replaced.append(layer) or torch.nn.Identity())
    assert len(replaced) == 2
    assert not any(type(module) is torch.nn.Linear for module in model.modules())
