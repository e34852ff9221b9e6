"""Types of weights and arithmetic: near to float32, told apart in the cache, and refused where they cannot run."""

import numpy as np
import pytest

from skko import KoEmbeddingTransformer
from skko.exceptions import DeviceNotAvailableError
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from tests.tiny import build_xlm_roberta

TEXTS = ["환불해 주세요", "배송이 늦어요", "the quick brown fox", "로그인이 안 돼요 " * 8, "날씨가 정말 좋네요"]

# Least cosine to float32 on the tiny models, which are wilder than trained ones: their random weights are wide.
LEAST = {"float16": 0.9999, "bfloat16": 0.995, "int8": 0.95}


@pytest.mark.parametrize("dtype", LEAST)
def test_vectors_are_near_those_of_float32(tiny_a, dtype):
    exact = KoEmbeddingTransformer(str(tiny_a), cache=False).fit_transform(TEXTS)
    vectors = KoEmbeddingTransformer(str(tiny_a), dtype=dtype, cache=False).fit_transform(TEXTS)
    assert vectors.dtype == np.float32
    assert (vectors * exact).sum(axis=1).min() > LEAST[dtype]
    assert not np.array_equal(vectors, exact)


@pytest.mark.parametrize("dtype", ["auto", "float32"])
def test_a_checkpoint_in_half_precision_runs_in_float32(tmp_path, dtype):
    path = str(build_xlm_roberta(tmp_path / "half", seed=3, dtype="float16"))
    embedder = KoEmbeddingTransformer(path, dtype=dtype, cache=False).fit([])
    embedder.transform(TEXTS)
    parameters = registry.get(ModelSpec(path)).facts, registry.get(ModelSpec(path))._model.parameters()
    assert {str(parameter.dtype) for parameter in parameters[1]} == {"torch.float32"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_static_model_in_half_precision(dtype):
    exact = KoEmbeddingTransformer("skko-mini", cache=False).fit_transform(TEXTS)
    vectors = KoEmbeddingTransformer("skko-mini", dtype=dtype, cache=False).fit_transform(TEXTS)
    assert (vectors * exact).sum(axis=1).min() > 0.999


def test_each_dtype_has_its_own_fingerprint(tiny_a):
    dtypes = ["float32", *LEAST]
    fitted = [KoEmbeddingTransformer(str(tiny_a), dtype=dtype).fit([]) for dtype in dtypes]
    assert len({embedder.model_fingerprint_ for embedder in fitted}) == len(dtypes)


def test_int8_is_for_the_cpu(tiny_a):
    with pytest.raises((ValueError, DeviceNotAvailableError)):
        KoEmbeddingTransformer(str(tiny_a), dtype="int8", device="cuda").fit([])
    with pytest.raises(ValueError, match=r"int8.* runs on the CPU alone"):
        registry.get(ModelSpec(str(tiny_a), dtype="int8", device="meta"))
