"""Write the model as a plain sentence-transformers directory."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer


def save_model(table: torch.Tensor, tokenizer: Tokenizer, out: Path) -> None:
    """Save a table and its tokeniser as a ``StaticEmbedding`` and a ``Normalize`` module.

    Parameters
    ----------
    table : Tensor of float32, shape (n_pieces, dimension)
        One vector a piece.
    tokenizer : Tokenizer
        The tokeniser of the pieces.
    out : Path
        Folder to write to; files of the same names are replaced.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    out.mkdir(parents=True, exist_ok=True)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()], device="cpu"
    )
    model.save(str(out), create_model_card=False)
    save_file(_half_on_disk(table), out / "model.safetensors")
    # StaticEmbedding writes an indented file, a third larger.
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _half_on_disk(table: torch.Tensor) -> dict[str, torch.Tensor]:
    """Lay the table out in float16 such that it loads as float32.

    A float16 ``embedding.weight`` stays float16 in memory: vectors come out as float16, and an empty text divides 0
    by an epsilon that float16 rounds to 0, which is NaN. Of a file in model2vec's layout, StaticEmbedding multiplies
    ``embeddings`` by the float32 ``weights`` of their rows, and so the product is float32.
    """
    return {"embeddings": table.half().contiguous(), "weights": torch.ones(len(table))}


def size_of(directory: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
