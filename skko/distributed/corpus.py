"""A corpus: the rows of many files, one after the other, read in shards."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

import numpy as np

from skko.datasets.streams import TEXT_SUFFIXES, stream_texts
from skko.exceptions import DataFileError
from skko.progress import ShowProgress, progress_bar

_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Scan:
    """What a corpus holds.

    Attributes
    ----------
    n_rows : int
        Texts.
    digest : str
        SHA-256 of all ids and texts, in order.
    """

    n_rows: int
    digest: str


@dataclass(frozen=True)
class Corpus:
    """Files of texts, and how to read them.

    Attributes
    ----------
    files : tuple of str
        Paths, in order.
    names : tuple of str
        What ids call them: paths below what was asked for.
    text, id : str, int or None
        Columns, as in :func:`~skko.datasets.stream_texts`.
    format, encoding : str or None
        As there.
    header : bool
        As there.
    missing : {"error", "drop"}
        As there.
    """

    files: tuple[str, ...]
    names: tuple[str, ...]
    text: str | int | None = None
    id: str | int | None = None
    format: str | None = None
    header: bool = True
    encoding: str | None = None
    missing: Literal["error", "drop"] = "error"

    @classmethod
    def of(cls, sources: str | PathLike[str] | Sequence[str | PathLike[str]], **options: Any) -> "Corpus":
        """Find the files.

        Parameters
        ----------
        sources : path-like or sequence of path-like
            Files, folders, whose files with a known ending are taken, and patterns such as ``news/*.csv``.
        **options : dict
            How to read them.

        Returns
        -------
        Corpus
            The corpus.

        Raises
        ------
        FileNotFoundError
            If a source is not there, or has no file of texts.
        """
        wanted = [sources] if isinstance(sources, (str, PathLike)) else sources
        found = [pair for source in wanted for pair in _find(fspath(source))]
        files, names = tuple(path for path, _ in found), tuple(name for _, name in found)
        twice = next((path for path, count in Counter(files).items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is asked for twice, so its rows would be embedded twice: name it once.")
        if len(set(names)) < len(names):
            above = os.path.commonpath(files)
            names = tuple(Path(file).relative_to(above).as_posix() for file in files)
        return cls(files, names, **options)

    def scan(self, show_progress: ShowProgress = "auto") -> Scan:
        """Read everything once, so that what is broken is known before anything is embedded.

        Parameters
        ----------
        show_progress : bool or "auto", default="auto"
            Whether to show a progress bar.

        Returns
        -------
        Scan
            Number of rows, and their digest.
        """
        digest, n_rows = hashlib.sha256(), 0
        n_bytes = sum(Path(file).stat().st_size for file in self.files)
        with progress_bar(n_bytes, "reading", unit="B", show=show_progress) as bar:
            for ids, texts in self._blocks(bar.update):
                n_rows += len(texts)
                for part in (*ids, *texts):
                    content = part.encode("utf-8", "surrogatepass")
                    digest.update(len(content).to_bytes(8, "little") + content)
        return Scan(n_rows, digest.hexdigest())

    def describe(self) -> dict[str, Any]:
        """Say how the corpus is read, without where on this machine it lies.

        Returns
        -------
        dict
            For a manifest.
        """
        return {name: value for name, value in asdict(self).items() if name != "files"} | {"names": list(self.names)}

    def _blocks(self, on_file: Any = None) -> Iterator[tuple[list[str], list[str]]]:
        options = {name: getattr(self, name) for name in ("text", "id", "format", "header", "encoding", "missing")}
        for file, name in zip(self.files, self.names, strict=True):
            for block in stream_texts(file, **options):
                ids = [f"{name}:{row}" for row in block.rows] if block.ids is None else block.ids
                yield ids, block.texts
            if on_file is not None:
                on_file(Path(file).stat().st_size)


class Cursor:
    """Reads rows of a corpus in ascending order; rows between are read and passed over.

    Parameters
    ----------
    corpus : Corpus
        The corpus.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._rewind()

    def _rewind(self) -> None:
        self._blocks = self._corpus._blocks()
        self._first = 0
        self._ids: list[str] = []
        self._texts: list[str] = []

    def read(self, start: int, stop: int) -> tuple[list[str], list[str]]:
        """Read some rows.

        Parameters
        ----------
        start, stop : int
            The first row, and one past the last.

        Returns
        -------
        ids, texts : list of str
            Of these rows; fewer where the corpus ends.
        """
        if start < self._first:  # a shard that was lost elsewhere
            self._rewind()
        while self._first + len(self._texts) < stop:
            block = next(self._blocks, None)
            if block is None:
                break
            self._drop(start)
            self._ids += block[0]
            self._texts += block[1]
        self._drop(start)
        n_rows = stop - start
        return self._ids[:n_rows], self._texts[:n_rows]

    def _drop(self, start: int) -> None:
        n_passed = int(np.clip(start - self._first, 0, len(self._texts)))
        del self._ids[:n_passed], self._texts[:n_passed]
        self._first += n_passed


def _find(source: str) -> list[tuple[str, str]]:
    """Files that a source names, with what to call them."""
    path = Path(source)
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXT_SUFFIXES and file.is_file())
        found = [(str(file.resolve()), file.relative_to(path).as_posix()) for file in inside]
        if not found:
            raise FileNotFoundError(f"The folder {path} has no file of texts ({', '.join(sorted(TEXT_SUFFIXES))}).")
        return found
    if path.exists():
        return [(str(path.resolve()), path.name)]
    n_fixed = next((at for at, part in enumerate(path.parts) if _MAGIC & set(part)), len(path.parts))
    if n_fixed < len(path.parts):
        above, pattern = Path(*path.parts[:n_fixed]), str(Path(*path.parts[n_fixed:]))
        matches = sorted(file for file in above.glob(pattern) if file.is_file())
        if matches:
            return [(str(file.resolve()), file.relative_to(above).as_posix()) for file in matches]
    raise FileNotFoundError(f"There is no file, folder or match of {source!r}.")


def shard_bounds(n_rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Cut rows into shards, by their number alone.

    Parameters
    ----------
    n_rows : int
        Rows of the corpus.
    shard_rows : int
        Rows of a shard.

    Returns
    -------
    list of tuple of int
        The first row of each shard, and one past its last.
    """
    if n_rows == 0:
        raise DataFileError("The corpus has no text.")
    return [(start, min(start + shard_rows, n_rows)) for start in range(0, n_rows, shard_rows)]
