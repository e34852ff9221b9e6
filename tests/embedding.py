"""What tests of embedding do in processes of their own; kept apart from them, so that these begin without torch."""

import gc
import os
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np

from skko import EmbeddingCache, KoEmbeddingTransformer
from skko.embedding import _compute, encode_counts
from skko.models.backends import words
from skko.models.registry import registry
from skko.models.spec import ModelSpec


class ReportingTransformer(KoEmbeddingTransformer):
    """Writes into a folder how many texts each call had to encode: workers have no other way to say it."""

    def __init__(self, model, *, cache="auto", batch_tokens="auto", folder=None):
        super().__init__(model, cache=cache, batch_tokens=batch_tokens)
        self.folder = folder

    def _embed(self, texts, on_batch=None):
        before = encode_counts()
        vectors = super()._embed(texts, on_batch)
        n_encoded = (encode_counts() - before).texts_encoded
        (Path(self.folder) / f"{os.getpid()}-{time.monotonic_ns()}").write_text(str(n_encoded))
        return vectors


def claim(directory, keys, send):
    """Say that this process will embed the texts of some keys, and live on."""
    cache = EmbeddingCache(directory)
    send.send(cache.claim(keys).sum())
    time.sleep(600)


def count_encoded(model, texts):
    """Embed, and count: (texts encoded, models loaded)."""
    KoEmbeddingTransformer(model).fit_transform(texts)
    return encode_counts().texts_encoded, encode_counts().model_loads


def peak_beyond_result(n_texts, cache):
    """Bytes that embedding takes at its peak, beyond the vectors that it returns."""
    _compute._CHUNK_TEXTS = 2_048
    words._MOST_BYTES = 1 << 17  # else the words are remembered of few and of many texts, and are more of many
    texts = [f"배송이 늦어요 {i}" for i in range(n_texts)]
    embedder = KoEmbeddingTransformer("skko-mini", cache=cache).fit([])
    embedder.transform(texts[:10])
    gc.collect()
    tracemalloc.start()
    vectors = embedder.transform(texts)
    return tracemalloc.get_traced_memory()[1] - vectors.nbytes


def embed_by_openvino(model, text):
    """The shape of a text's vector, and what of torch has been imported for it."""
    encoder = registry.get(ModelSpec(model, backend="openvino"))
    vectors = encoder.embed(encoder.tokenise([text], prompt="", max_length=None), np.array([0]))
    return vectors.shape, [name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules]


def convert_by_openvino(model):
    """Forks, as OpenVINO's telemetry does to tell of a conversion, and what of it has been imported."""
    warnings.simplefilter("error", UserWarning)  # of what cannot be kept
    forks = []
    os.register_at_fork(before=lambda: forks.append(1))
    registry.get(ModelSpec(model, backend="openvino"))
    return forks, [name for name in sys.modules if name.startswith("openvino_telemetry")]


def openvino_threads(model, torch_first):
    """Threads of a model, where torch may have been given one."""
    if torch_first:
        import torch

        torch.set_num_threads(1)
    encoder = registry.get(ModelSpec(model, backend="openvino"))
    return int(encoder._compiled.get_property("INFERENCE_NUM_THREADS"))


def embed_card(texts):
    """The model card's snippet through skko: what it gives, or the error."""
    warnings.simplefilter("ignore")
    embedder = KoEmbeddingTransformer()
    try:
        vectors = embedder.fit_transform(texts)
    except OSError as error:
        return {"error": type(error).__name__, "message": str(error)}
    similarity = embedder.similarity(vectors)
    return {"vectors": vectors.tolist(), "dtype": str(vectors.dtype), "shape": similarity.shape}


def download(name, files=None):
    """Download a model of the hub, or some files of it, without skko."""
    from huggingface_hub import hf_hub_download, snapshot_download

    if files is None:
        snapshot_download(name)
    else:
        for file in files:
            hf_hub_download(name, file)
