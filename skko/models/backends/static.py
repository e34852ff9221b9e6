"""Static models, whose text vector is the mean of its tokens' vectors: by NumPy and SciPy, without torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.preprocessing import normalize

from skko.exceptions import ModelNotAvailableError
from skko.models.backends.tokenisation import Tokeniser, TokenTable
from skko.models.backends.words import WordTokeniser, splits_at_spaces
from skko.models.fingerprint import directory_fingerprint
from skko.models.hub import describe
from skko.models.identity import model_fingerprint
from skko.models.spec import ModelFacts, ModelSpec

# What a modules.json may name, by the last part of the name: a vector a token and their mean, then unit length.
_MODULES = (["StaticEmbedding"], ["StaticEmbedding", "Normalize"])
# What its weights may be: as sentence-transformers saves them, or as model2vec does (rows that tokens share, a weight a
# token), which sentence-transformers reads too.
_TENSORS = (
    {"embedding.weight"},
    {"embeddings", "weights"},
    {"embeddings", "mapping"},
    {"embeddings", "mapping", "weights"},
)
_DTYPES = {"I8", "F16", "F32", "I32", "I64"}
_LARGEST_HEADER = 1 << 20
# Tokens a batch: the larger the better, but for the memory of the sums.
_BATCH_TOKENS = 1 << 16
# A batch of fewer tokens than so many-th of the vocabulary: to read a vector again takes less than to look for it.
_FEW = 64


def is_static(spec: ModelSpec) -> bool:
    """Tell whether a model is a directory with a static model in it, and nothing that asks for torch.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    bool
        Whether :class:`StaticEncoder` can run it on a CPU.
    """
    if spec.directory is None or spec.backend != "torch" or spec.dtype != "float32":
        return False
    try:
        modules = json.loads((spec.directory / "modules.json").read_text(encoding="utf-8"))
        if [module["type"].rpartition(".")[2] for module in modules] not in _MODULES or modules[0]["path"]:
            return False
        tensors = _header(spec.directory / "model.safetensors")
        return set(tensors) in _TENSORS and {tensor["dtype"] for tensor in tensors.values()} <= _DTYPES
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # whoever loads it says what is wrong with it


@dataclass(frozen=True, slots=True)
class _TokenVectors:
    """Vectors of tokens as a file holds them: ``table[ids]`` are float32 rows.

    Attributes
    ----------
    vectors : ndarray of int8, float16 or float32, shape (n_rows, dimension)
        Rows, which tokens may share.
    row_of : ndarray of int or None, shape (n_tokens,)
        Row of each token; None if each has its own.
    weights : ndarray of float or None, shape (n_tokens,)
        What a token's row is multiplied by.
    """

    vectors: NDArray[Any]
    row_of: NDArray[np.integer] | None
    weights: NDArray[np.floating] | None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of safetensors."""
        from safetensors.numpy import load_file

        tensors: dict[str, NDArray[Any]] = load_file(path)
        if "embedding.weight" in tensors:
            return cls(tensors["embedding.weight"], None, None)
        return cls(tensors["embeddings"], tensors.get("mapping"), tensors.get("weights"))

    @property
    def n_tokens(self) -> int:
        """Tokens that have a row."""
        return len(self.vectors if self.row_of is None else self.row_of)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def __getitem__(self, ids: NDArray[np.integer]) -> NDArray[np.float32]:
        rows = ids if self.row_of is None else self.row_of[ids]
        vectors: NDArray[np.float32] = self.vectors[rows].astype(np.float32, copy=False)
        if self.weights is not None:
            vectors *= self.weights[ids].astype(np.float32)[:, None]
        return vectors


class StaticEncoder:
    """A static model in a directory, on the CPU. Its vectors are those of sentence-transformers.

    Parameters
    ----------
    spec : ModelSpec
        What to load; :func:`is_static` holds for it.

    Attributes
    ----------
    facts : ModelFacts
        What is known of the model without running it.
    batch_tokens : int
        Cost of a batch that suits the model.

    Raises
    ------
    ModelNotAvailableError
        If the model cannot be read.

    Notes
    -----
    Sums are a product of a sparse matrix, texts by vocabulary, with the matrix of token vectors. Weights stay in memory
    as they lie in the file, often bytes; only the rows that a batch needs become float32. Importing torch and
    sentence-transformers takes many times longer than to load and to run such a model.
    """

    batch_tokens = _BATCH_TOKENS

    def __init__(self, spec: ModelSpec) -> None:
        directory = spec.directory
        if directory is None:
            raise ValueError(f"{spec.name!r} is not a directory.")
        try:
            self._table = _TokenVectors.load(directory / "model.safetensors")
            self._tokeniser = _tokeniser(directory / "tokenizer.json")
            settings = _settings(directory)
            self._normalise = len(_read_json(directory / "modules.json")) > 1
        except (ImportError, MemoryError):
            raise
        except Exception as error:  # a damaged file surfaces as almost anything
            raise ModelNotAvailableError(
                f"The static model in {directory} cannot be read ({describe(error)}). If it came with skko, install "
                "skko again; else copy the model again."
            ) from error
        self.facts = ModelFacts(
            fingerprint=model_fingerprint(spec, directory_fingerprint(directory)),
            dimension=self._table.dimension,
            max_length=None,
            default_prompt=settings.get("prompts", {}).get(settings.get("default_prompt_name") or "", ""),
        )

    def tokenise(self, texts: Sequence[str], *, prompt: str, max_length: int | None) -> TokenTable:
        """Make texts ready, each behind the prompt.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Texts.
        prompt : str
            Text to put before each.
        max_length : int or None
            Longest input in tokens; None reads all.

        Returns
        -------
        Tokens
            The texts with their lengths.
        """
        return self._tokeniser([prompt + text for text in texts] if prompt else texts, max_length)

    def embed(self, tokens: TokenTable, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Embed some rows as one batch.

        Parameters
        ----------
        tokens : Tokens
            What :meth:`tokenise` returned.
        rows : ndarray of int, shape (n_rows,)
            Which of its texts.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            Means of the tokens' vectors, of unit length if the model says so; zero for a text without tokens.
        """
        lengths = tokens.lengths[rows]
        ids = tokens.packed(rows)["input_ids"]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        used, columns = self._different(ids)
        texts = csr_array((np.ones(len(ids), dtype=np.float32), columns, ends), shape=(len(rows), len(used)))
        vectors: NDArray[np.float32] = texts @ self._table[used]
        vectors /= np.maximum(lengths, 1).astype(np.float32)[:, None]
        return normalize(vectors, copy=False) if self._normalise and len(vectors) else vectors

    def _different(self, ids: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
        """Tokens whose vectors are wanted, and the place of each id among them."""
        if len(ids) < self._table.n_tokens // _FEW:
            return ids, np.arange(len(ids))
        # Marked in an array, the tokens that occur are found in a fifth of the time of sorting them.
        places = np.zeros(self._table.n_tokens, dtype=np.int32)
        places[ids] = 1
        used = np.flatnonzero(places)
        places[used] = np.arange(len(used))
        return used, places[ids]


def _header(path: Path) -> dict[str, Any]:
    """Names and types of the tensors in a safetensors file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        tensors: dict[str, Any] = json.loads(file.read(min(size, _LARGEST_HEADER)))
    return {name: tensor for name, tensor in tensors.items() if name != "__metadata__"}


def _tokeniser(path: Path) -> Tokeniser | WordTokeniser:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    if splits_at_spaces(tokenizer):
        return WordTokeniser(tokenizer)
    return Tokeniser(
        tokenizer,
        fill={"input_ids": 0},
        mask=False,
        padding_side="right",
        truncation_side="right",
        special_tokens=False,
    )


def _settings(directory: Path) -> dict[str, Any]:
    """What sentence-transformers keeps of a whole model; older ones keep nothing."""
    path = directory / "config_sentence_transformers.json"
    return _read_json(path) if path.is_file() else {}


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
