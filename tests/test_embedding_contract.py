"""The contract of KoEmbeddingTransformer: input, output, life cycle."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sentence_transformers import SentenceTransformer
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from skko import EmbeddingCache, KoEmbeddingTransformer
from skko.exceptions import (
    DeviceNotAvailableError,
    ModelMismatchError,
    ModelNotAvailableError,
    TruncationWarning,
    VersionWarning,
)
from skko.models import ModelSpec
from tests.tiny import build_xlm_roberta

TEXTS = [
    f"{a} {b} {i}" for i in range(20) for a, b in [("환불해", "주세요"), ("배송이", "늦어요"), ("로그인이", "안 돼요")]
]


@pytest.fixture(scope="module")
def reference(tiny_a: Path) -> Any:
    return SentenceTransformer(str(tiny_a), device="cpu").encode(TEXTS)


def test_vectors_are_those_of_encode(tiny_a, reference):
    vectors = KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (60, 48)
    assert vectors.flags.writeable
    assert (vectors * reference).sum(axis=1).min() > 0.99999


def test_long_and_short_texts_in_one_call_are_those_of_encode(tiny_a):
    texts = [text * n for n, text in zip([1, 9, 3, 1, 20, 2] * 5, TEXTS, strict=False)]
    reference = SentenceTransformer(str(tiny_a), device="cpu").encode(texts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        vectors = KoEmbeddingTransformer(str(tiny_a), batch_tokens=64).fit_transform(texts)
    assert (vectors * reference).sum(axis=1).min() > 0.99999


CONTAINERS = {
    "tuple": tuple,
    "object array": lambda texts: np.array(texts, dtype=object),
    "str array": np.array,
    "column array": lambda texts: np.array(texts, dtype=object)[:, None],
    "series with another index": lambda texts: pd.Series(texts, index=range(len(texts), 0, -1)),
    "frame": lambda texts: pd.DataFrame({"text": texts}),
    "polars series": pl.Series,
    "polars frame": lambda texts: pl.DataFrame({"text": texts}),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_gives_the_same_vectors_in_order(container, tiny_a, reference):
    vectors = KoEmbeddingTransformer(str(tiny_a)).fit_transform(container(TEXTS))
    np.testing.assert_allclose(vectors, reference, atol=1e-5)


BAD = {
    "a bare str": ("문장", TypeError, "single str"),
    "None": (["가", None], ValueError, "row 1"),
    "NaN": (["가", float("nan")], ValueError, "row 1"),
    "NA": (["가", "나", pd.NA], ValueError, "row 2"),
    "a number": (["가", 2], TypeError, "row 1"),
    "bytes": ([b"x"], TypeError, "row 0"),
    "two columns": ([["a", "b"], ["c", "d"]], ValueError, "2"),
    "a frame of two columns": (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "df"),
    "half a surrogate pair": (["가", "\ud83d"], ValueError, "row 1"),
}


@pytest.mark.parametrize(("X", "error", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_bad_input_is_named(X, error, message, method, tiny_a):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit([])
    with pytest.raises(error, match=message):
        getattr(embedder, method)(X)


def test_no_texts_give_no_rows(tiny_a):
    assert KoEmbeddingTransformer(str(tiny_a)).fit(TEXTS).transform([]).shape == (0, 48)
    assert KoEmbeddingTransformer(str(tiny_a), truncate_dim=8).fit_transform([]).shape == (0, 8)


def test_fit_sets_what_is_known_of_the_model(tiny_a):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit(TEXTS)
    assert (embedder.embedding_dim_, embedder.n_features_out_, embedder.device_) == (48, 48, "cpu")
    assert len(embedder.model_fingerprint_) == 64
    assert embedder.get_feature_names_out()[-1] == "koembeddingtransformer47"


def test_set_params_model_changes_the_vectors(tiny_a, tiny_b, reference):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit(TEXTS)
    other = embedder.set_params(model=str(tiny_b)).fit(TEXTS).transform(TEXTS)
    assert not np.allclose(other, reference, atol=1e-2)


def test_another_model_after_fit_is_an_error(tiny_a, tiny_b):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit(TEXTS).set_params(model=str(tiny_b))
    with pytest.raises(ModelMismatchError, match="fit again"):
        embedder.transform(TEXTS)


def test_other_weights_in_the_same_directory_are_another_model(tmp_path):
    path = build_xlm_roberta(tmp_path / "m", seed=0)
    embedder = KoEmbeddingTransformer(str(path)).fit(TEXTS)
    before = embedder.transform(TEXTS)
    build_xlm_roberta(path, seed=1)
    with pytest.raises(ModelMismatchError):
        embedder.transform(TEXTS)
    assert not np.allclose(embedder.fit(TEXTS).transform(TEXTS), before, atol=1e-2)


def test_a_copy_of_the_directory_is_the_same_model(tiny_a, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_a, tmp_path / "사본 폴더")
    first, second = (KoEmbeddingTransformer(str(path)).fit([]) for path in (tiny_a, copy))
    assert first.model_fingerprint_ == second.model_fingerprint_


def test_clone_and_pickle_carry_no_weights(tiny_a, reference, counting):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit(TEXTS)
    pickled = pickle.dumps(embedder)
    assert len(pickled) < 2_000
    np.testing.assert_allclose(pickle.loads(pickled).transform(TEXTS), reference, atol=1e-5)
    np.testing.assert_allclose(clone(embedder).fit(TEXTS).transform(TEXTS), reference, atol=1e-5)
    assert counting() == (60, 1)


def test_a_pickle_of_another_version_says_so(tiny_a, monkeypatch):
    pickled = pickle.dumps(KoEmbeddingTransformer(str(tiny_a)))
    monkeypatch.setattr("skko.base.__version__", "999.0")
    with pytest.warns(VersionWarning, match=r"999\.0"):
        pickle.loads(pickled)


def test_looking_at_an_estimator_loads_nothing(tiny_a, counting):
    embedder = KoEmbeddingTransformer(str(tiny_a))
    for name in dir(embedder):
        getattr(embedder, name, None)
    repr(embedder)
    embedder._repr_html_()
    make_pipeline(embedder)._repr_html_()
    clone(embedder).get_params()
    assert counting() == (0, 0)


def test_a_fitted_pickle_is_looked_at_without_loading(tiny_a, counting):
    pickled = pickle.dumps(KoEmbeddingTransformer(str(tiny_a)).fit([]))
    loads = counting()[1]
    embedder = pickle.loads(pickled)
    repr(embedder), embedder._repr_html_(), dir(embedder), embedder.get_feature_names_out()
    assert counting() == (0, loads)


@pytest.mark.parametrize(("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output(container, frame, tiny_a, reference):
    embedder = KoEmbeddingTransformer(str(tiny_a)).set_output(transform=container)
    out = embedder.fit_transform(pd.Series(TEXTS))
    assert isinstance(out, frame)
    assert list(out.columns) == embedder.get_feature_names_out().tolist()
    np.testing.assert_allclose(out.to_numpy(), reference, atol=1e-5)
    assert embedder.similarity(TEXTS[:2]).shape == (2, 2)


def test_set_output_keeps_the_index_of_a_series(tiny_a):
    series = pd.Series(TEXTS[:3], index=[7, 5, 3])
    out = KoEmbeddingTransformer(str(tiny_a)).set_output(transform="pandas").fit_transform(series)
    assert out.index.tolist() == [7, 5, 3]


@pytest.mark.parametrize("column", ["review", ["review"]], ids=["series", "frame"])
def test_in_a_column_transformer(column, tiny_a):
    frame = pd.DataFrame({"review": TEXTS, "stars": np.arange(60.0)})
    joined = ColumnTransformer([("text", KoEmbeddingTransformer(str(tiny_a)), column)], remainder="passthrough")
    assert joined.fit_transform(frame).shape == (60, 49)
    assert joined.transform(frame.iloc[:2]).shape == (2, 49)


def test_similarity_of_texts_and_of_vectors(tiny_a):
    embedder = KoEmbeddingTransformer(str(tiny_a)).fit([])
    vectors = embedder.transform(TEXTS[:4])
    expected = vectors @ vectors.T
    for A in (TEXTS[:4], vectors):
        np.testing.assert_allclose(embedder.similarity(A), expected, atol=1e-6)
    assert embedder.similarity(TEXTS[:4], TEXTS[:3]).shape == (4, 3)
    assert embedder.similarity(TEXTS[:2]).dtype == np.float32
    assert embedder.similarity([], TEXTS[:3]).shape == (0, 3)


def test_similarity_of_unnormalised_vectors_is_a_cosine(tiny_a):
    embedder = KoEmbeddingTransformer(str(tiny_a), normalize=False).fit([])
    assert embedder.similarity(3 * embedder.transform(TEXTS[:1])) == pytest.approx(1)


def test_truncated_vectors_have_unit_length_again(tiny_a):
    full = KoEmbeddingTransformer(str(tiny_a)).fit_transform(TEXTS)
    short = KoEmbeddingTransformer(str(tiny_a), truncate_dim=8).fit_transform(TEXTS)
    assert short.shape == (60, 8)
    np.testing.assert_allclose(np.linalg.norm(short, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(short, full[:, :8] / np.linalg.norm(full[:, :8], axis=1, keepdims=True), atol=1e-5)


def test_normalize_false_leaves_what_the_model_gives(tiny_a, reference):
    raw = KoEmbeddingTransformer(str(tiny_a), normalize=False, truncate_dim=8).fit_transform(TEXTS)
    np.testing.assert_allclose(raw, reference[:, :8], atol=1e-5)


def test_prompt_is_that_of_encode(tiny_a):
    expected = SentenceTransformer(str(tiny_a), device="cpu").encode(TEXTS, prompt="query: ")
    vectors = KoEmbeddingTransformer(str(tiny_a), prompt="query: ").fit_transform(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_models_own_default_prompt_is_used_unless_told_otherwise(tiny_a, tmp_path, reference):
    model = SentenceTransformer(str(tiny_a), device="cpu", prompts={"q": "질문: "}, default_prompt_name="q")
    model.save(str(tmp_path / "prompted"))
    spec = str(tmp_path / "prompted")
    np.testing.assert_allclose(KoEmbeddingTransformer(spec).fit_transform(TEXTS), model.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(KoEmbeddingTransformer(spec, prompt="").fit_transform(TEXTS), reference, atol=1e-5)


def test_long_texts_are_cut_as_encode_cuts_them_and_counted(tiny_a):
    texts = ["짧은 문장", "아주 긴 문장 " * 100, "또 긴 문장 " * 100]
    embedder = KoEmbeddingTransformer(str(tiny_a))
    with pytest.warns(TruncationWarning, match="2 of 3 texts are longer than 128 tokens"):
        vectors = embedder.fit_transform(texts)
    expected = SentenceTransformer(str(tiny_a), device="cpu").encode(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_max_length_cuts_sooner_and_never_later_than_the_model(tiny_a):
    texts = ["한국어 문장을 임베딩으로 바꾸는 도구입니다 " * 3]
    model = SentenceTransformer(str(tiny_a), device="cpu")
    model.max_seq_length = 10
    with pytest.warns(TruncationWarning, match="10 tokens"):
        vectors = KoEmbeddingTransformer(str(tiny_a), max_length=10).fit_transform(texts)
    np.testing.assert_allclose(vectors, model.encode(texts), atol=1e-5)
    with pytest.raises(ValueError, match="129 is more than the 128"):
        KoEmbeddingTransformer(str(tiny_a), max_length=129).fit_transform(texts)


def test_odd_texts_are_embedded(tiny_a):
    texts = ["", " ", "\n", "👨‍👩‍👧", "\u1112\u1161\u11ab", "ㅋ" * 50, "\x00", "A" * 200]
    vectors = KoEmbeddingTransformer(str(tiny_a)).fit_transform(texts)
    assert np.isfinite(vectors).all()


def test_decomposed_hangul_is_another_text(tiny_a):
    # NFC is KoTextNormalizer's work; the transformer embeds exactly what it is given.
    composed, decomposed = KoEmbeddingTransformer(str(tiny_a)).fit_transform(
        ["한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"]
    )
    assert not np.allclose(composed, decomposed)


def test_half_precision_checkpoints_run_in_float32(tmp_path):
    path = build_xlm_roberta(tmp_path / "half", seed=0, dtype="float16")
    vectors = KoEmbeddingTransformer(str(path)).fit_transform(TEXTS)
    expected = SentenceTransformer(str(path), device="cpu", model_kwargs={"dtype": "float32"}).encode(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_dtype_changes_vectors_a_little_and_the_fingerprint(tiny_a, reference):
    embedder = KoEmbeddingTransformer(str(tiny_a), dtype="bfloat16").fit([])
    vectors = embedder.transform(TEXTS)
    assert vectors.dtype == np.float32
    assert 0.98 < (vectors * reference).sum(axis=1).min() < 0.999999
    assert embedder.model_fingerprint_ != KoEmbeddingTransformer(str(tiny_a)).fit([]).model_fingerprint_


@pytest.mark.parametrize("device", ["cuda:7", "tpu", "cpu:1"])
def test_a_missing_device_is_an_error_that_lists_the_present(device, tiny_a):
    with pytest.raises(DeviceNotAvailableError, match="which has cpu"):
        KoEmbeddingTransformer(str(tiny_a), device=device).fit([])


def test_the_environment_chooses_the_automatic_device(tiny_a, monkeypatch):
    monkeypatch.setenv("SKKO_DEVICE", "cuda:9")
    with pytest.raises(DeviceNotAvailableError, match="cuda:9"):
        KoEmbeddingTransformer(str(tiny_a)).fit([])
    assert KoEmbeddingTransformer(str(tiny_a), device="cpu").fit([]).device_ == "cpu"


@pytest.mark.parametrize(
    "params",
    [
        {"model": 3},
        {"truncate_dim": 0},
        {"max_length": 0},
        {"dtype": "int3"},
        {"backend": "tensorflow"},
        {"cache": True},
        {"batch_tokens": -1},
        {"normalize": "yes"},
        {"show_progress": 7},
    ],
    ids=str,
)
def test_wrong_parameters_are_named(params, tiny_a):
    embedder = KoEmbeddingTransformer(str(tiny_a)).set_params(**params)
    with pytest.raises(ValueError, match=next(iter(params))):
        embedder.fit([])


def test_truncate_dim_beyond_the_model_is_an_error(tiny_a):
    with pytest.raises(ValueError, match="truncate_dim=49 is more than the 48"):
        KoEmbeddingTransformer(str(tiny_a), truncate_dim=49).fit([])


def test_a_directory_that_is_no_model_is_an_error(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotAvailableError, match="sentence-transformers model"):
        KoEmbeddingTransformer(str(tmp_path)).fit([])


def test_broken_weights_are_an_error(tiny_a, tmp_path):
    import shutil

    broken = shutil.copytree(tiny_a, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelNotAvailableError, match="cannot be read"):
        KoEmbeddingTransformer(str(broken)).fit([])


def test_a_spec_names_a_model_as_a_str_does(tiny_a, reference):
    embedder = KoEmbeddingTransformer(ModelSpec(str(tiny_a)))
    np.testing.assert_allclose(clone(embedder).fit_transform(TEXTS), reference, atol=1e-5)


def test_callbacks_hear_of_every_batch(tiny_a):
    class Recorder:
        def __init__(self) -> None:
            self.done: list[int] = []

        def setup(self, estimator: Any, context: Any) -> None: ...
        def teardown(self, estimator: Any, context: Any) -> None: ...
        def on_fit_task_begin(self, estimator: Any, context: Any) -> None: ...

        def on_fit_task_end(self, estimator: Any, context: Any, *, metadata: Any = None) -> None:
            if context.task_name == "embed-batch":
                self.done.append(metadata["texts_done"])

    recorder = Recorder()
    embedder = KoEmbeddingTransformer(str(tiny_a), cache=EmbeddingCache(), batch_tokens=100).set_callbacks(recorder)
    embedder.fit_transform(TEXTS)
    assert len(recorder.done) > 5
    assert recorder.done == sorted(recorder.done)
    assert recorder.done[-1] == 60


def test_scikit_learns_progress_bar_runs_inside_a_pipeline(tiny_a, capsys):
    from sklearn.linear_model import LogisticRegression

    pipeline = make_pipeline(KoEmbeddingTransformer(str(tiny_a), cache=False), LogisticRegression())
    pipeline.set_callbacks(ProgressBar())
    pipeline.fit(TEXTS, np.tile([0, 1, 2], 20))
    assert "KoEmbeddingTransformer" in capsys.readouterr().out


def test_progress_goes_to_standard_error_when_asked_for(tiny_a, capsys):
    KoEmbeddingTransformer(str(tiny_a), cache=False, show_progress=True).fit_transform(TEXTS)
    shown = capsys.readouterr()
    assert "embedding" in shown.err
    assert "60/60" in shown.err
    assert shown.out == ""
    KoEmbeddingTransformer(str(tiny_a), cache=False, show_progress=False).fit_transform(TEXTS)
    assert capsys.readouterr().err == ""
