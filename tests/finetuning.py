"""What the tests of fine-tuning share: a small static model, and one thread."""

from pathlib import Path

import pytest
import torch

from skko.models import mini_path


def build_small_static(path: Path, dimension: int = 32) -> str:
    """Write the first dimensions of skko-mini as a model, which tunes in an eighth of its time, and return its path."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    mini = SentenceTransformer(str(mini_path()), device="cpu")
    table = next(mini.parameters()).detach().numpy()[:, :dimension].copy()
    layers = [modules.StaticEmbedding(mini.tokenizer, embedding_weights=table), modules.Normalize()]
    SentenceTransformer(modules=layers, device="cpu").save(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def one_thread():
    """Matrices are so small that threads would only wait for each other."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
