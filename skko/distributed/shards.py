"""Shards on disk: vectors and ids of some rows, whole or not there at all."""

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from skko.exceptions import DataFileError
from skko.optional import import_optional

Format = Literal["npy", "parquet"]
FORMATS = get_args(Format)
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Shard:
    """What is known of a shard that has been written.

    Attributes
    ----------
    number : int
        Its place, from 0.
    n_rows : int
        Rows in it.
    files : dict of str to str
        Names of its files with their SHA-256.
    """

    number: int
    n_rows: int
    files: dict[str, str]


def write_shard(
    folder: Path, number: int, ids: list[str], vectors: NDArray[np.float32], format: Format = "npy"
) -> Shard:
    """Write a shard; its record is written last, so that a shard with a record is whole.

    Parameters
    ----------
    folder : pathlib.Path
        Where.
    number : int
        Its place, from 0.
    ids : list of str, length n_rows
        Ids.
    vectors : ndarray of float32, shape (n_rows, dimension)
        Vectors.
    format : {"npy", "parquet"}, default="npy"
        An array that can be mapped into memory with the ids beside it as JSON, or one table with the columns ``id``
        and ``vector``.

    Returns
    -------
    Shard
        Its record.
    """
    name = f"shard-{number:06d}"
    if format == "parquet":
        files = {f"{name}.parquet": _put(folder / f"{name}.parquet", lambda file: _write_table(file, ids, vectors))}
    else:
        content = json.dumps(ids, ensure_ascii=False).encode("utf-8", "surrogatepass")
        files = {
            f"{name}.npy": _put(folder / f"{name}.npy", lambda file: np.save(file, vectors, allow_pickle=False)),
            f"{name}.ids.json": _put(folder / f"{name}.ids.json", lambda file: file.write(content)),
        }
    shard = Shard(number, len(ids), files)
    put_json(folder / f"{name}.done.json", asdict(shard))
    return shard


def put_json(path: Path, content: Any) -> None:
    """Write a file of JSON at once or not at all.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    content : object
        What to write.
    """
    _put(path, lambda file: file.write(json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8")))


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed had not finished.

    Parameters
    ----------
    folder : pathlib.Path
        Where; nobody else is writing to it.
    """
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)


def finished_shards(folder: Path, bounds: list[tuple[int, int]]) -> dict[int, Shard]:
    """Read the records of the shards that are there.

    Parameters
    ----------
    folder : pathlib.Path
        Where.
    bounds : list of tuple of int
        The first row of each shard, and one past its last.

    Returns
    -------
    dict of int to Shard
        By number; none whose record or files are damaged.
    """
    found = {}
    for record in folder.glob("shard-*.done.json"):
        try:
            shard = Shard(**json.loads(record.read_text(encoding="utf-8")))
            start, stop = bounds[shard.number]
            if shard.n_rows == stop - start and all((folder / name).is_file() for name in shard.files):
                found[shard.number] = shard
        except (ValueError, TypeError, LookupError):
            continue
    return found


def read_shard(folder: Path, shard: Shard) -> tuple[list[str], NDArray[np.float32]]:
    """Read a shard back.

    Parameters
    ----------
    folder : pathlib.Path
        Where.
    shard : Shard
        Its record.

    Returns
    -------
    ids : list of str, length n_rows
        Ids.
    vectors : ndarray of float32, shape (n_rows, dimension)
        Vectors; of an npy file mapped into memory, not read.
    """
    names = list(shard.files)
    if names[0].endswith(".parquet"):
        parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="read parquet files")
        table = parquet.read_table(folder / names[0])
        flat = table["vector"].combine_chunks().flatten().to_numpy()
        return table["id"].to_pylist(), flat.reshape(shard.n_rows, -1)
    vectors = np.load(folder / names[0], mmap_mode="r", allow_pickle=False)
    return json.loads((folder / names[1]).read_bytes().decode("utf-8", "surrogatepass")), vectors


def check_shard(folder: Path, shard: Shard) -> None:
    """Compare the files of a shard with its record.

    Parameters
    ----------
    folder : pathlib.Path
        Where.
    shard : Shard
        Its record.

    Raises
    ------
    DataFileError
        If a file is missing or differs.
    """
    for name, expected in shard.files.items():
        path = folder / name
        if not path.is_file():
            raise DataFileError(f"{path} is missing. Embed the corpus again: only what is missing is made.")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise DataFileError(
                f"{path} is damaged: its SHA-256 is {found}, not {expected}. Remove it and embed again."
            )


def _put(path: Path, write: Any) -> str:
    """Write beside, bring to the disk, put in place; return the SHA-256."""
    beside = path.with_name(f"{_UNFINISHED}{path.name}.{uuid.uuid4().hex}")
    beside.touch(mode=0o600)
    try:
        with beside.open("r+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return digest


def _write_table(file: Any, ids: list[str], vectors: NDArray[np.float32]) -> None:
    parquet = import_optional("pyarrow.parquet", extra="parquet", purpose="write parquet files")
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(vectors).ravel())
    rows = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    table = pa.table({"id": pa.array(ids, pa.string()), "vector": rows})
    # Vectors have nothing that compression or a dictionary would find.
    parquet.write_table(table, file, compression="none", use_dictionary=False)
