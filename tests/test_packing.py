"""Texts one behind another in a single row get the vectors that they get padded."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from transformers import AutoConfig, AutoModel, AutoTokenizer

from skko.models.backends import packing
from skko.models.backends.packing import ATTENTION, Packer, checked_packer, make_packer
from skko.models.backends.tokenisation import Tokeniser, TokenTable

PAD = 1
POOLINGS = ["cls", "mean", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens"]
BATCHES = {
    "one text": [7],
    "one token": [1],
    "equal lengths": [5, 5, 5],
    "mixed lengths": [40, 17, 17, 9, 9, 9, 2],
    "texts of one token": [6, 1, 1],
    "not sorted": [3, 60, 1, 3, 12],
}


def table_of(lengths, padding_side="right", vocabulary=100):
    ids = np.random.default_rng(0).integers(3, vocabulary, sum(lengths)).astype(np.int32)
    columns = {"input_ids": ids, "token_type_ids": np.zeros_like(ids)}
    fill = {"input_ids": PAD, "token_type_ids": 0}
    return TokenTable(np.array(lengths), 0, columns, fill, padding_side, mask=True)


def padded(model, table, rows):
    features = {name: torch.from_numpy(values).to(model.device) for name, values in table.padded(rows).items()}
    with torch.inference_mode():
        return model({**features, "modality": "text"})["sentence_embedding"].numpy()


def packed(packer, table, rows):
    with torch.inference_mode():
        return packer.embed(table, rows).numpy()


@pytest.fixture
def load(tiny_a, tmp_path):
    """Load tiny models of several architectures, twice the same where asked twice."""

    def load(kind="xlm-roberta", pooling="cls", dtype="float32", **settings):
        path = tmp_path / kind
        if not path.exists():
            shape = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
            config = AutoConfig.for_model(
                kind, vocab_size=100, pad_token_id=PAD, max_position_embeddings=130, initializer_range=0.3, **shape
            )
            for name, value in settings.items():
                setattr(config, name, value)
            torch.manual_seed(0)
            AutoModel.from_config(config).save_pretrained(path)
            AutoTokenizer.from_pretrained(tiny_a).save_pretrained(path)
        first = modules.Transformer(str(path), model_kwargs={"dtype": getattr(torch, dtype)})
        return SentenceTransformer(modules=[first, modules.Pooling(48, pooling_mode=pooling)], device="cpu").eval()

    return load


@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_packed_is_padded_for_every_pooling(lengths, pooling, load):
    table, rows = table_of(lengths), np.arange(len(lengths))
    expected = padded(load(pooling=pooling), table, rows)
    np.testing.assert_allclose(packed(Packer(load(pooling=pooling)), table, rows), expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "camembert", "electra", "roberta", "xlm-roberta"])
def test_packed_is_padded_for_every_architecture(kind, load):
    table, rows = table_of([40, 17, 17, 3]), np.array([3, 0, 2, 1])
    packer, why_not = checked_packer(
        load(kind, "mean"), Tokeniser.of_transformers(load(kind, "mean").tokenizer), "float32"
    )
    assert why_not is None
    np.testing.assert_allclose(
        packed(packer, table, rows), padded(load(kind, "mean"), table, rows), atol=2e-5, rtol=1e-5
    )


def test_texts_in_a_row_do_not_see_each_other(load):
    table = table_of([9, 30, 9, 1])
    packer = Packer(load(pooling="mean"))
    together = packed(packer, table, np.arange(4))
    alone = np.vstack([packed(packer, table, np.array([row])) for row in range(4)])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    assert np.abs(together[0] - together[2]).max() > 0.01  # two texts of one length are two texts


def test_a_text_that_spells_the_padding_token_keeps_its_positions(load):
    table = table_of([6, 9, 4])
    table.columns["input_ids"][[2, 7, 8, 18]] = PAD
    rows = np.arange(3)
    # As sentence-transformers reads it alone, where nothing is padded.
    expected = np.vstack([padded(load(pooling="mean"), table, rows[[row]]) for row in rows])
    np.testing.assert_allclose(packed(Packer(load(pooling="mean")), table, rows), expected, atol=2e-5)


def test_padding_on_the_left(load):
    table, rows = table_of([9, 3, 14], padding_side="left"), np.arange(3)
    for pooling in POOLINGS:
        expected = padded(load(pooling=pooling), table, rows)
        np.testing.assert_allclose(packed(Packer(load(pooling=pooling)), table, rows), expected, atol=2e-5, rtol=1e-5)


def test_padded_batches_still_work_on_a_packed_model(load):
    table, rows = table_of([40, 17, 3]), np.arange(3)
    model = load()
    expected = padded(model, table, rows)
    Packer(model)
    assert model.transformers_model.config._attn_implementation == ATTENTION
    np.testing.assert_array_equal(padded(model, table, rows), expected)


@pytest.mark.parametrize(("dtype", "least"), [("float16", 0.9999), ("bfloat16", 0.995)])
def test_half_precision(dtype, least, load):
    model = load(dtype=dtype)
    packer, why_not = checked_packer(model, Tokeniser.of_transformers(model.tokenizer), dtype)
    assert why_not is None
    table, rows = table_of([40, 17, 3]), np.arange(3)
    with torch.inference_mode():
        found = packer.embed(table, rows).float().numpy()
    expected = padded(load(), table, rows)
    cosines = (found * expected).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > least


# What is not packed


def test_a_model_that_looks_at_its_batch_is_left_as_it_was(load):
    model = load()
    # The same text gets another vector where the batch has another shape.
    model.transformers_model.embeddings.register_forward_hook(
        lambda module, given, out: out + torch.sin(out * out.shape[1])
    )
    packer, why_not = checked_packer(model, Tokeniser.of_transformers(model.tokenizer), "float32")
    assert packer is None
    assert "differ" in why_not
    assert model.transformers_model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("mpnet", {}, "mpnet"),
        ("bert", {"is_decoder": True}, "bert"),
        ("bert", {"output_hidden_states": True}, "states of all layers"),
    ],
    ids=str,
)
def test_models_that_forbid_it_say_why(kind, settings, reason, load):
    model = load(kind, **settings)
    packer, why_not = checked_packer(model, Tokeniser.of_transformers(model.tokenizer), "float32")
    assert packer is None
    assert reason in why_not
    assert model.transformers_model.config._attn_implementation != ATTENTION


def test_on_a_cpu_batches_are_padded_and_the_encoder_says_so(tiny_a):
    from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
    from skko.models.spec import ModelSpec

    encoder = SentenceTransformerEncoder(ModelSpec(str(tiny_a)))
    assert encoder.why_padded == "packing is used on cuda, and this is cpu"
    assert encoder._model.transformers_model.config._attn_implementation == "sdpa"


def test_models_without_attention_are_padded():
    from skko.models.spec import mini_path

    model = SentenceTransformer(str(mini_path()), device="cpu")
    assert make_packer(model, None, "float32")[0] is None
    assert checked_packer(model, None, "float32") == (None, "the model has no attention")


# On CUDA


def test_the_call_made_on_cuda_is_attention_within_each_text():
    # A CPU has no such kernel, so one written by its definition takes its place behind torch's own function.
    varlen = pytest.importorskip("torch.nn.attention.varlen")

    @varlen._varlen_attn.register_kernel("cpu")
    def by_definition(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal, scale, window_size, *others):
        assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
        assert max_q == max_k == int(cu_seq_q.diff().max())
        assert not is_causal
        assert list(window_size) == [-1, -1]
        out = torch.empty_like(query)
        for start, stop in zip(cu_seq_q[:-1].tolist(), cu_seq_k[1:].tolist(), strict=True):
            weights = torch.einsum("qhd,khd->hqk", query[start:stop], key[start:stop]) * scale
            out[start:stop] = torch.einsum("hqk,khd->qhd", weights.softmax(-1), value[start:stop])
        return out, torch.empty(query.shape[1], len(query)), torch.zeros(2, dtype=torch.uint64)

    runs = [(9, 2), (4, 1), (1, 3)]
    ends = torch.tensor([0, 9, 18, 22, 23, 24, 25], dtype=torch.int32)
    query, key, value = torch.randn(3, 25, 4, 12, generator=torch.Generator().manual_seed(0))
    found = packing._attend_at_once(query, key, value, ends, 9, 0.3)
    torch.testing.assert_close(found, packing._attend_by_length(query, key, value, runs, 0.3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(("dtype", "least"), [("float16", 0.999), ("bfloat16", 0.99)])
def test_on_cuda_packed_is_padded(dtype, least, tiny_a):
    from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
    from skko.models.spec import ModelSpec

    texts = ["환불해 주세요", "가", "로그인이 안 돼요 " * 8, "환불해 주세요"]
    vectors = []
    for spec in (ModelSpec(str(tiny_a), device="cuda", dtype=dtype), ModelSpec(str(tiny_a))):
        encoder = SentenceTransformerEncoder(spec)
        assert (encoder.why_padded is None) == (spec.device == "cuda")
        vectors.append(encoder.embed(encoder.tokenise(texts, prompt="", max_length=None), np.arange(4)))
    assert (vectors[0] * vectors[1]).sum(axis=1).min() > least
