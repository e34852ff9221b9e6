"""Write the model as a plain sentence-transformers directory."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

_LARGEST_BYTE = 127


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
    save_file(in_bytes(table), out / "model.safetensors")
    # StaticEmbedding writes an indented file, a third larger.
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def in_bytes(table: torch.Tensor) -> dict[str, torch.Tensor]:
    """Lay a table out in bytes such that it loads as float32.

    Of a file in model2vec's layout, ``StaticEmbedding`` multiplies ``embeddings`` by the float32 ``weights`` of their
    rows: whole numbers up to 127 times a step a row. Half of a float16 table's size for a cosine of .9999 to it.

    Parameters
    ----------
    table : Tensor of float32, shape (n_pieces, dimension)
        One vector a piece.

    Returns
    -------
    dict of str to Tensor
        ``embeddings`` as int8 and ``weights`` as float32.
    """
    steps = table.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / _LARGEST_BYTE
    return {"embeddings": (table / steps[:, None]).round().to(torch.int8).contiguous(), "weights": steps}


def load_model(directory: Path) -> tuple[torch.Tensor, Tokenizer]:
    """Read what :func:`save_model` wrote.

    Parameters
    ----------
    directory : Path
        Its folder.

    Returns
    -------
    table : Tensor of float32, shape (n_pieces, dimension)
        One vector a piece.
    tokenizer : Tokenizer
        The tokeniser of the pieces.
    """
    tensors = load_file(directory / "model.safetensors")
    table = tensors["embeddings"].float() * tensors["weights"][:, None]
    return table, Tokenizer.from_file(str(directory / "tokenizer.json"))


def size_of(directory: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
