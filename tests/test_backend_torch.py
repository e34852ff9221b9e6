"""The torch backend from inside: tokens as the model's own tokeniser gives them, threads, memory that is short."""

import gc
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, XLMRobertaModel

from skko.exceptions import DeviceMemoryError
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.backends.tokenisation import Tokeniser
from skko.models.spec import ModelSpec

# More than one block of the tokeniser, with repetitions, an empty text and one that is cut.
TEXTS = ["환불해 주세요", "", "the quick brown fox", "로그인이 안 돼요 " * 60, "나는 오늘 영화를 보았다"] * 70


@pytest.fixture
def encoder(tiny_a):
    return SentenceTransformerEncoder(ModelSpec(str(tiny_a)))


# Tokens


@pytest.mark.parametrize("padding_side", ["right", "left"])
@pytest.mark.parametrize("names", [["input_ids", "attention_mask"], ["input_ids", "token_type_ids", "attention_mask"]])
def test_batches_are_what_the_models_tokeniser_makes(padding_side, names, tiny_a):
    tokenizer = AutoTokenizer.from_pretrained(tiny_a, padding_side=padding_side)
    tokenizer.model_input_names = names
    tokeniser = Tokeniser.of_transformers(tokenizer)
    for max_length in (5, 20, 128, None):
        table = tokeniser(TEXTS, max_length)
        whole = tokenizer(TEXTS)["input_ids"]
        if max_length is not None:
            assert table.n_truncated == sum(len(ids) > max_length for ids in whole)
        for rows in (np.array([3]), np.array([1, 1]), np.array([4, 0, 3, 299, 256, 255]), np.arange(len(TEXTS))):
            chosen = [TEXTS[row] for row in rows]
            expected = tokenizer(
                chosen, padding=True, truncation=max_length is not None, max_length=max_length, return_tensors="np"
            )
            found = table.padded(rows)
            assert set(found) == set(expected) == set(names)
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values)
            np.testing.assert_array_equal(table.lengths[rows], expected["attention_mask"].sum(axis=1))
            ids = expected["input_ids"][expected["attention_mask"] == 1]
            np.testing.assert_array_equal(table.packed(rows)["input_ids"], ids)


def test_no_texts_are_no_tokens(encoder):
    table = encoder.tokenise([], prompt="", max_length=None)
    assert len(table.lengths) == table.n_truncated == 0


def test_tokens_are_held_in_four_bytes_each(encoder):
    table = encoder.tokenise(TEXTS, prompt="query: ", max_length=None)
    assert sum(values.nbytes for values in table.columns.values()) == 4 * table.lengths.sum() * len(table.columns)


# Threads


def test_threads_share_an_encoder(encoder):
    # Each thread has a limit of its own, and truncation is a state of the tokeniser.
    def work(max_length):
        table = encoder.tokenise(TEXTS, prompt="", max_length=max_length)
        rows = np.arange(len(TEXTS))[max_length % 7 :: 31]
        return table.lengths, encoder.embed(table, rows)

    limits = [3, 10, 40, 128] * 3
    expected = {limit: work(limit) for limit in set(limits)}
    with ThreadPoolExecutor(6) as pool:
        for limit, (lengths, vectors) in zip(limits, pool.map(work, limits), strict=True):
            np.testing.assert_array_equal(lengths, expected[limit][0])
            np.testing.assert_allclose(vectors, expected[limit][1], atol=1e-6)


def test_a_model_that_prepares_texts_itself_works_in_threads():
    encoder = SentenceTransformerEncoder(ModelSpec("skko-mini"))

    def work(number):
        tokens = encoder.tokenise(TEXTS[number:], prompt="", max_length=None)
        return encoder.embed(tokens, np.arange(20))

    expected = [work(number) for number in range(5)]
    with ThreadPoolExecutor(5) as pool:
        for found, vectors in zip(pool.map(work, range(5)), expected, strict=True):
            np.testing.assert_array_equal(found, vectors)


def test_the_models_own_preparation_and_ours_share_a_tokeniser(tiny_a, tmp_path):
    # Pooling that leaves the prompt out is arranged by the model itself, which pads and cuts in its own way.
    model = SentenceTransformer(str(tiny_a), device="cpu")
    model[1].include_prompt = False
    model.save(str(tmp_path / "model"))
    encoder = SentenceTransformerEncoder(ModelSpec(str(tmp_path / "model")))

    def work(prompt):
        tokens = encoder.tokenise(TEXTS, prompt=prompt, max_length=None)
        return encoder.embed(tokens, np.arange(0, len(TEXTS), 31))

    prompts = ["", "the "]
    expected = {prompt: work(prompt) for prompt in prompts}
    assert np.abs(expected[""] - expected["the "]).max() > 0.01
    with ThreadPoolExecutor(4) as pool:
        for prompt, vectors in zip(prompts * 6, pool.map(work, prompts * 6), strict=True):
            np.testing.assert_allclose(vectors, expected[prompt], atol=1e-6)


# Vectors


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_vectors_are_those_of_sentence_transformers_in_the_same_dtype(dtype, tiny_a):
    encoder = SentenceTransformerEncoder(ModelSpec(str(tiny_a), dtype=dtype))
    texts = TEXTS[:5]
    found = encoder.embed(encoder.tokenise(texts, prompt="", max_length=None), np.arange(5))
    peer = SentenceTransformer(str(tiny_a), device="cpu", model_kwargs={"dtype": getattr(torch, dtype)})
    expected = peer.encode(texts, convert_to_tensor=True).float().numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6 if dtype == "float32" else 1e-2)


# Memory


def fail_with(monkeypatch, error):
    def forward(self, *args, **kwargs):
        raise error

    monkeypatch.setattr(XLMRobertaModel, "forward", forward)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allo"
        ),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate"
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.93 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
        MemoryError(),
    ],
    ids=lambda error: str(error)[:30] or type(error).__name__,
)
def test_memory_that_is_short_is_one_error_however_it_is_said(error, encoder, monkeypatch):
    table = encoder.tokenise(["가"], prompt="", max_length=None)
    fail_with(monkeypatch, error)
    with pytest.raises(DeviceMemoryError) as raised:
        encoder.embed(table, np.array([0]))
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("no")], ids=str
)
def test_other_errors_stay_what_they_are(error, encoder, monkeypatch):
    table = encoder.tokenise(["가"], prompt="", max_length=None)
    fail_with(monkeypatch, error)
    with pytest.raises(type(error), match=str(error)):
        encoder.embed(table, np.array([0]))


def test_what_the_failed_batch_held_is_let_go(encoder, monkeypatch):
    # Held by the frames of the error, it would be missing from the smaller batch that follows.
    held = []
    inner = torch.nn.LayerNorm.forward

    def forward(self, given):
        out = inner(self, given)
        held.append(weakref.ref(out))
        if len(held) == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return out

    monkeypatch.setattr(torch.nn.LayerNorm, "forward", forward)
    table = encoder.tokenise(["가"], prompt="", max_length=None)
    with pytest.raises(DeviceMemoryError) as raised:
        encoder.embed(table, np.array([0]))
    gc.collect()
    assert raised.value.__cause__.__traceback__ is not None
    assert [reference() for reference in held] == [None] * 4


SHORT_OF_MEMORY = """
import resource, sys
import numpy as np
from skko.exceptions import DeviceMemoryError
from skko.models.backends.sentence_transformer import SentenceTransformerEncoder
from skko.models.spec import ModelSpec

encoder = SentenceTransformerEncoder(ModelSpec(sys.argv[1]))
table = encoder.tokenise(["로그인이 안 돼요 " * 60, "환불"], prompt="", max_length=None)
first = encoder.embed(table, np.arange(2))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (50 << 20), -1))
try:
    encoder.embed(table, np.zeros(4_000, dtype=int))
except DeviceMemoryError as error:
    print(repr(error.__cause__)[:60])
np.testing.assert_allclose(encoder.embed(table, np.arange(2)), first)
print("goes on")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_a_cpu_that_runs_out_of_memory_goes_on_with_less(tiny_a):
    result = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(tiny_a)], capture_output=True, text=True, check=False
    )
    cause, last = result.stdout.splitlines()
    assert "RuntimeError" in cause or "MemoryError" in cause
    assert last == "goes on", result.stderr
