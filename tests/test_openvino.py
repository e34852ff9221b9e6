"""The OpenVINO backend against torch: the same vectors, converted once, whatever happens to what is kept."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules

from skko import KoEmbeddingTransformer
from skko.exceptions import CacheWarning, MissingDependencyError, ModelNotAvailableError
from skko.models.backends import openvino as backend
from skko.models.registry import registry
from skko.models.spec import ModelSpec
from tests.children import in_a_child, in_children
from tests.embedding import convert_by_openvino, embed_by_openvino, openvino_threads
from tests.tiny import build_xlm_roberta

if find_spec("openvino") is None:  # importing it would have its telemetry told of every conversion
    pytest.skip("needs OpenVINO", allow_module_level=True)

TEXTS = ["환불해 주세요", "배송이 늦어요", "", "the quick brown fox", "로그인이 안 돼요 " * 8, "날씨가 정말 좋네요"]


def embed(model, **params):
    registry.clear()
    return KoEmbeddingTransformer(str(model), backend="openvino", cache=False, **params).fit_transform(TEXTS)


def by_torch(model, **params):
    return KoEmbeddingTransformer(str(model), cache=False, **params).fit_transform(TEXTS)


@pytest.fixture(scope="module")
def tiny_a(tmp_path_factory):
    """With one layer, as conversion takes a time for each; ``calm`` has two."""
    return build_xlm_roberta(tmp_path_factory.mktemp("models") / "a", seed=0, n_layers=1)


@pytest.fixture(scope="module")
def tiny_b(tmp_path_factory):
    return build_xlm_roberta(tmp_path_factory.mktemp("models") / "b", seed=1, n_layers=1)


@pytest.fixture(scope="module")
def _folder(tmp_path_factory):
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def converted(_folder, monkeypatch):
    """A cache directory that the tests of this module share, as conversion takes seconds."""
    monkeypatch.setenv("SKKO_CACHE_DIR", str(_folder))
    return _folder / "openvino"


@pytest.mark.parametrize("params", [{}, {"prompt": "query: "}, {"max_length": 100}, {"batch_tokens": 7}], ids=str)
def test_vectors_are_those_of_torch(tiny_a, converted, params):
    np.testing.assert_allclose(embed(tiny_a, **params), by_torch(tiny_a, **params), atol=2e-6)


def test_bfloat16_is_near(tiny_a, converted):
    cosines = (embed(tiny_a, dtype="bfloat16") * by_torch(tiny_a)).sum(axis=1)
    assert 0.995 < cosines.min() <= 1.00001


def test_mean_pooling_and_a_dense_layer_come_along(tiny_a, converted, tmp_path):
    plain = SentenceTransformer(str(tiny_a), device="cpu")
    layers = [plain[0], modules.Pooling(48, pooling_mode="mean"), modules.Dense(48, 16), modules.Normalize()]
    SentenceTransformer(modules=layers, device="cpu").save(str(tmp_path / "dense"))
    vectors = embed(tmp_path / "dense")
    assert vectors.shape == (len(TEXTS), 16)
    np.testing.assert_allclose(vectors, by_torch(tmp_path / "dense"), atol=2e-6)


def test_a_conversion_is_kept_for_the_user_alone_and_used_without_torch(tiny_a, converted):
    embed(tiny_a)
    assert in_a_child(embed_by_openvino, str(tiny_a), "환불해 주세요") == ((1, 48), [])
    assert {path.stat().st_mode & 0o777 for path in (converted, *converted.iterdir())} == {0o700}


def test_other_weights_are_another_model(tiny_a, tiny_b, converted, tmp_path):
    model = shutil.copytree(tiny_a, tmp_path / "model")
    first = embed(model)
    shutil.copytree(tiny_b, model, dirs_exist_ok=True)
    second = embed(model)
    np.testing.assert_allclose(second, by_torch(tiny_b), atol=2e-6)
    assert np.abs(first - second).max() > 0.1


def folder_of(model):
    """Where the conversion of a model is kept."""
    return backend._folder(ModelSpec(str(model), backend="openvino"))


def read_graph(folder):
    """A conversion as it is before it is written: with its graph in memory."""
    import openvino

    kept = backend._read(folder)
    return replace(kept, graph=openvino.Core().read_model(kept.graph))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("model.xml", "cut"),
        ("model.bin", "changed"),
        ("model.bin", "cut"),
        ("model.bin", "removed"),
        ("model.json", "removed"),
        ("tokenizer.json", "cut"),
        ("references.npy", "changed"),
    ],
)
def test_a_damaged_conversion_is_made_again(tiny_a, converted, tmp_path, monkeypatch, name, how):
    expected = embed(tiny_a)
    sound = folder_of(tiny_a)
    shutil.copytree(converted.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path))
    folder = folder_of(tiny_a)
    # What conversion does is tested elsewhere, and takes the most of the time.
    conversions = []
    monkeypatch.setattr(backend, "_convert", lambda spec: conversions.append(spec) or read_graph(sound))
    content = (folder / name).read_bytes()
    if how == "removed":
        (folder / name).unlink()
    elif how == "cut":
        (folder / name).write_bytes(content[: len(content) // 2])
    else:
        (folder / name).write_bytes(content[::-1])
    with pytest.warns(CacheWarning, match="converted again"):
        vectors = embed(tiny_a)
    np.testing.assert_allclose(vectors, expected, atol=2e-6)
    np.testing.assert_allclose(embed(tiny_a), expected, atol=2e-6)  # without a warning
    assert len(conversions) == 1


def test_a_graph_of_another_model_is_not_believed(tiny_a, tiny_b, converted, tmp_path, monkeypatch):
    embed(tiny_a), embed(tiny_b)
    shutil.copytree(converted.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path))
    for name in ("model.xml", "model.bin"):
        shutil.copy(folder_of(tiny_b) / name, folder_of(tiny_a) / name)
    with pytest.warns(CacheWarning, match="other vectors than by torch"):
        vectors = embed(tiny_a)
    np.testing.assert_allclose(vectors, by_torch(tiny_a), atol=2e-6)


def test_without_a_disk_it_is_converted_at_every_start(tiny_a, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.warns(CacheWarning, match="cannot be kept"):
        vectors = embed(tiny_a)
    np.testing.assert_allclose(vectors, by_torch(tiny_a), atol=2e-6)


def test_the_fingerprint_tells_backend_and_dtype(tiny_a, converted):
    specs = [{"backend": b, "dtype": d} for b in ("torch", "openvino") for d in ("float32", "bfloat16")]
    fitted = [KoEmbeddingTransformer(str(tiny_a), **spec).fit([]) for spec in specs]
    assert len({embedder.model_fingerprint_ for embedder in fitted}) == 4


def test_what_cannot_be_done_is_an_error_with_the_remedy(tiny_a, converted):
    with pytest.raises(ValueError, match='Use backend="torch"'):
        KoEmbeddingTransformer("skko-mini", backend="openvino").fit([])
    with pytest.raises(ValueError, match=r"float16.* not known to the openvino backend"):
        KoEmbeddingTransformer(str(tiny_a), backend="openvino", dtype="float16").fit([])
    with pytest.raises(ValueError, match='pass device="cpu"'):
        registry.get(ModelSpec(str(tiny_a), backend="openvino", device="meta"))
    with pytest.raises(ModelNotAvailableError):
        KoEmbeddingTransformer(str(converted), backend="openvino").fit([])


def test_the_extra_is_named_where_it_is_missing(tiny_a, monkeypatch, converted):
    monkeypatch.setitem(sys.modules, "openvino", None)
    registry.clear()
    with pytest.raises(MissingDependencyError, match=r"skko\[openvino\]"):
        KoEmbeddingTransformer(str(tiny_a), backend="openvino", max_length=11).fit_transform(["가"])


@pytest.mark.parametrize(("asked", "torch_first", "n_threads"), [("1", False, 1), ("2,1", False, 2), ("2", True, 1)])
def test_threads_are_those_that_a_worker_is_given(tiny_a, converted, monkeypatch, asked, torch_first, n_threads):
    embed(tiny_a)  # so that the child has a conversion
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert in_a_child(openvino_threads, str(tiny_a), torch_first) == n_threads


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A model whose random weights are no wider than those of trained ones, so that rounding them is harmless."""
    return build_xlm_roberta(tmp_path_factory.mktemp("calm") / "model", seed=5, dimension=128, spread=0.05)


def test_int8_is_near_and_rounded(calm, converted):
    exact, vectors = by_torch(calm), embed(calm, dtype="int8")
    assert 0.995 < (exact * vectors).sum(axis=1).min() < 0.9999999
    np.testing.assert_allclose(embed(calm, dtype="int8"), vectors, atol=2e-6)  # from the disk
    np.testing.assert_allclose(embed(calm), exact, atol=2e-6)  # the same conversion


def test_batches_do_not_change_int8_vectors(calm, converted):
    together = embed(calm, dtype="int8", batch_tokens=10_000)
    np.testing.assert_allclose(embed(calm, dtype="int8", batch_tokens=1), together, atol=2e-5)


def test_a_dtype_too_coarse_for_a_model_is_an_error_and_the_conversion_stays(tmp_path, converted):
    # Wide random weights make attention a choice between two tokens, which rounding turns over.
    wild = build_xlm_roberta(tmp_path / "wild", seed=6, n_layers=6, spread=1.0)
    for _ in range(2):  # from torch, and from the disk
        with pytest.raises(ModelNotAvailableError, match=r'cosine 0\..*dtype="float32"'):
            embed(wild, dtype="int8")
        assert folder_of(wild).exists() is (_ == 1)
        embed(wild)


def test_what_a_killed_process_left_is_removed_in_a_day(tiny_b, tmp_path, monkeypatch):
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path))
    for name, age in [(".part-old", 100_000), (".part-new", 60)]:
        (tmp_path / "openvino" / name).mkdir(parents=True)
        (tmp_path / "openvino" / name / "model.bin").write_bytes(b"half")
        os.utime(tmp_path / "openvino" / name, (time.time() - age,) * 2)
    embed(tiny_b)
    left = {path.name for path in (tmp_path / "openvino").iterdir()}
    assert left == {".part-new", folder_of(tiny_b).name}


def test_two_processes_convert_at_once_and_nobody_is_told(tiny_b, tmp_path, monkeypatch):
    monkeypatch.setenv("SKKO_CACHE_DIR", str(tmp_path))
    assert in_children(convert_by_openvino, *[(str(tiny_b),)] * 2) == [([], [])] * 2
    assert len(list((tmp_path / "openvino").iterdir())) == 1


def test_short_memory_has_its_name(tiny_a, converted):
    embed(tiny_a)
    script = (
        "import resource, numpy as np; from skko.exceptions import DeviceMemoryError\n"
        "from skko.models.registry import registry; from skko.models.spec import ModelSpec\n"
        f"encoder = registry.get(ModelSpec({str(tiny_a)!r}, backend='openvino'))\n"
        "tokens = encoder.tokenise(['환불해 주세요 ' * 40], prompt='', max_length=None)\n"
        "def embed(n): return encoder.embed(tokens, np.zeros(n, dtype=int))\n"
        "embed(2)\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (500 << 20), resource.RLIM_INFINITY))\n"
        "try: embed(30_000)\n"
        "except DeviceMemoryError as error: print('short', embed(2).shape)"
    )
    # With one thread it would need less.
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "short (2, 48)", done.stderr
