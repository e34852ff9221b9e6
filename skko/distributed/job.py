"""One embedding of a corpus: what it is made of, what is done, and the lock on its folder."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skko.distributed.corpus import Corpus, Scan, shard_bounds
from skko.distributed.shards import Format, Shard, finished_shards, put_json, remove_unfinished, write_shard
from skko.embedding import KoEmbeddingTransformer
from skko.exceptions import DataFileError
from skko.folders import private_folder
from skko.models.identity import local_content
from skko.models.spec import ModelSpec
from skko.text.normalization import normalise

MANIFEST = "manifest.json"
_JOB = "job.json"
_VERSION = 1


@dataclass(frozen=True)
class Job:
    """What every engine needs to know to make any shard.

    Attributes
    ----------
    corpus : Corpus
        The rows.
    embedder : KoEmbeddingTransformer
        Fitted, without a cache: a cached vector was computed in another batch, and its last bit may differ.
    folder : pathlib.Path
        Where shards are written.
    scan : Scan
        What the corpus held when it was read.
    shard_rows : int
        Rows of a shard.
    format : {"npy", "parquet"}
        How shards are written.
    """

    corpus: Corpus
    embedder: KoEmbeddingTransformer
    folder: Path
    scan: Scan
    shard_rows: int
    format: Format

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """The first row of each shard, and one past its last.

        Returns
        -------
        list of tuple of int
            By number of the shard.
        """
        return shard_bounds(self.scan.n_rows, self.shard_rows)

    def facts(self) -> dict[str, Any]:
        """Say what the vectors follow from.

        Returns
        -------
        dict
            Model, parameters and corpus; the same facts give the same files. ``revision`` is the commit of a hub's
            model, the digest of a directory's files, or the address of a service.
        """
        parameters = self.embedder.get_params()
        spec = parameters["model"] if isinstance(parameters["model"], ModelSpec) else ModelSpec(parameters["model"])
        kept = ("backend", "dtype", "prompt", "max_length", "truncate_dim", "normalize")
        return {
            "version": _VERSION,
            "model": spec.name,
            "revision": local_content(spec),
            "fingerprint": self.embedder.model_fingerprint_,
            "dimension": int(self.embedder.embedding_dim_),
            "parameters": {name: parameters[name] for name in kept},
            "corpus": {**self.corpus.describe(), **asdict(self.scan)},
            "shard_rows": self.shard_rows,
            "format": self.format,
        }

    @contextmanager
    def opened(self) -> Iterator[dict[int, Shard]]:
        """Take the folder for oneself, and find the shards that are there.

        Yields
        ------
        dict of int to Shard
            Finished shards by number.

        Raises
        ------
        DataFileError
            If the folder holds something else, or vectors of another corpus, model or parameters.
        OSError
            If another process is writing to it.
        """
        from filelock import FileLock, Timeout

        private_folder(self.folder)
        facts = json.loads(json.dumps(self.facts(), ensure_ascii=False))
        try:
            with FileLock(self.folder / ".lock", timeout=0, mode=0o600):
                if (self.folder / _JOB).exists():
                    _compare(self.folder, json.loads((self.folder / _JOB).read_text(encoding="utf-8")), facts)
                elif any(path.name != ".lock" for path in self.folder.iterdir()):
                    raise DataFileError(f"{self.folder} holds something else than embeddings: choose another folder.")
                else:
                    put_json(self.folder / _JOB, facts)
                remove_unfinished(self.folder)
                yield finished_shards(self.folder, self.bounds)
        except Timeout as error:
            raise BlockingIOError(f"Another process is writing to {self.folder}: wait for it, or stop it.") from error

    def embed(self, number: int, ids: list[str], texts: list[str]) -> Shard:
        """Embed the rows of a shard and write it.

        Parameters
        ----------
        number : int
            The shard.
        ids, texts : list of str
            Its rows.

        Returns
        -------
        Shard
            Its record.

        Raises
        ------
        DataFileError
            If there are not as many rows as when the corpus was read.
        """
        start, stop = self.bounds[number]
        if len(texts) != stop - start:
            raise DataFileError("The corpus has changed while it was embedded: choose another folder and begin again.")
        vectors = np.asarray(self.embedder.transform(normalise(texts)))
        return write_shard(self.folder, number, ids, vectors, self.format)

    def finish(self, shards: dict[int, Shard]) -> None:
        """Write the manifest, which says that all is there.

        Parameters
        ----------
        shards : dict of int to Shard
            All shards by number.
        """
        ordered = [shards[number] for number in range(len(self.bounds))]
        sums = "".join(digest for shard in ordered for digest in shard.files.values())
        content = {
            **self.facts(),
            "n_rows": self.scan.n_rows,
            "sha256": hashlib.sha256(sums.encode()).hexdigest(),
            "shards": [asdict(shard) for shard in ordered],
        }
        put_json(self.folder / MANIFEST, content)


def _compare(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Say what differs from what the folder was begun with."""
    different = sorted(name for name in now if before.get(name) != now[name])
    if different:
        changes = "; ".join(f"{name} was {_short(before.get(name))} and is {_short(now[name])}" for name in different)
        raise DataFileError(f"{folder} holds other embeddings ({changes}): choose another folder, or remove this one.")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:60]}… ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
