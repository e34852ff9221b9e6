"""Embeddings of a corpus, read back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skko.distributed.job import MANIFEST
from skko.distributed.shards import Shard, check_shard, read_shard
from skko.exceptions import DataFileError


@dataclass(frozen=True)
class CorpusEmbeddings:
    """Vectors of a corpus on disk, shard by shard.

    Attributes
    ----------
    folder : pathlib.Path
        Where they lie.
    manifest : dict
        Model, fingerprint, dimension, parameters, corpus, number of rows and the SHA-256 of every file.
    """

    folder: Path
    manifest: dict[str, Any]

    def __len__(self) -> int:
        return int(self.manifest["n_rows"])

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of rows and of dimensions.

        Returns
        -------
        tuple of int
            ``(n_rows, dimension)``.
        """
        return len(self), int(self.manifest["dimension"])

    def shards(self) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Read the shards in order.

        Yields
        ------
        ids : list of str
            Ids of some rows.
        vectors : ndarray of float32, shape (n, dimension)
            Their vectors; of npy files mapped into memory.
        """
        for shard in self._records():
            yield read_shard(self.folder, shard)

    def ids(self) -> list[str]:
        """Read all ids.

        Returns
        -------
        list of str, length n_rows
            Ids in the order of the corpus.
        """
        return [one for ids, _ in self.shards() for one in ids]

    def to_numpy(self) -> NDArray[np.float32]:
        """Read all vectors into memory.

        Returns
        -------
        ndarray of float32, shape (n_rows, dimension)
            Vectors in the order of the corpus.
        """
        vectors = np.empty(self.shape, dtype=np.float32)
        start = 0
        for _, part in self.shards():
            vectors[start : start + len(part)] = part
            start += len(part)
        return vectors

    def verify(self) -> None:
        """Compare every file with its checksum.

        Raises
        ------
        DataFileError
            If one is missing or damaged.
        """
        for shard in self._records():
            check_shard(self.folder, shard)

    def _records(self) -> list[Shard]:
        return [Shard(**record) for record in self.manifest["shards"]]


def open_embeddings(folder: str | PathLike[str]) -> CorpusEmbeddings:
    """Open what :func:`embed_corpus` wrote.

    Parameters
    ----------
    folder : path-like
        Where.

    Returns
    -------
    CorpusEmbeddings
        The embeddings; nothing but the manifest is read yet.

    Raises
    ------
    DataFileError
        If the folder holds no finished embeddings.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skko.distributed import embed_corpus, open_embeddings
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "문의.txt").write_text("배송이 늦어요\\n환불해 주세요\\n", encoding="utf-8")
    >>> _ = embed_corpus(folder / "문의.txt", folder / "vectors", model="skko-mini", show_progress=False)
    >>> embeddings = open_embeddings(folder / "vectors")
    >>> embeddings.shape, embeddings.ids()
    ((2, 256), ['문의.txt:0', '문의.txt:1'])
    """
    path = Path(folder) / MANIFEST
    try:
        return CorpusEmbeddings(Path(folder), json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataFileError(
            f"{folder} has no {MANIFEST}: its embeddings are not finished, or never begun. Embed the corpus again, and "
            "what is done already is kept."
        ) from None
    except ValueError as error:
        raise DataFileError(f"{path} is damaged ({error}). Remove it and embed the corpus again.") from error
