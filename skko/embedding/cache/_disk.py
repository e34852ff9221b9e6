"""Vectors in a directory that all processes of a user share: an index in SQLite, and flat files of vectors."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skko.embedding.cache._owner import Owner
from skko.embedding.cache._segments import Segments
from skko.embedding.cache.keys import Keys
from skko.folders import private_folder

FORMAT = 1
_BLOCK = 4096  # keys a query; SQLite takes up to 32,766 parameters
_LOCK_SECONDS = 30.0
_INDEX_KIB = 65_536  # of the index in memory: keys are random, so every batch touches pages all over it
_CLAIM_SECONDS = 600.0  # no batch takes as long; only a claim whose owner cannot be told dead gets so old
_LOG_PAGES = 16_384  # 64 MB before the log is written into the index, which waits for the disk

_SCHEMA = (
    "CREATE TABLE segments (id INTEGER PRIMARY KEY AUTOINCREMENT, dimension INT, n_rows INT, used INT)",
    "CREATE TABLE vectors (key INTEGER PRIMARY KEY, segment INT, row INT, check_sum INT)",
    "CREATE TABLE claims (key INTEGER PRIMARY KEY, owner TEXT, since REAL)",
    f"PRAGMA user_version = {FORMAT}",
)


class FormatError(Exception):
    """The directory was written by another version of skko; the argument is the format it has."""


class DiskStore:
    """Vectors by digest, shared by threads and processes; the files least recently used go when it is full.

    The index says in which file and row a vector lies, and what its check sum must be. A vector is written before it
    is indexed, and both by one process at a time, so that a process that is killed leaves nothing half-known. Files
    are only ever appended to or removed: a reader never sees a row change.

    Parameters
    ----------
    directory : pathlib.Path
        Where; made if it is not there, for this user alone.

    Raises
    ------
    OSError, sqlite3.Error
        From every method, where the disk or the index does not do its part. :class:`FormatError` where another
        version of skko wrote it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.read_only = False
        self.n_damaged = 0
        self._segments = Segments(directory)
        self._owner = Owner(directory / "owners")
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def get(self, keys: Keys, out: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Copy the known vectors into their rows of ``out``, and say which they are."""
        found = np.zeros(len(keys), dtype=bool)
        with self._lock:
            for start in range(0, len(keys), _BLOCK):
                block = slice(start, start + _BLOCK)
                found[block] = self._get_block(keys[block], out[block])
        return found

    def put(self, keys: Keys, vectors: NDArray[np.float32], max_bytes: int) -> int:
        """Remember vectors, give up the claims on them, and return how many there were."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        capacity = self._segments.capacity(vectors.shape[1], max_bytes)
        done = 0
        while done < len(keys):
            with self._writing() as db:
                segment, n_rows = self._open_segment(db, vectors.shape[1], capacity)
                part = slice(done, done + capacity - n_rows)
                done += self._append(db, segment, n_rows, keys[part], vectors[part])
                gone = self._evict(db, max_bytes)
            self._segments.remove(gone)
        return done

    def claim(self, keys: Keys) -> NDArray[np.bool_]:
        """Reserve what is neither known nor reserved by a living process, and say which rows those are."""
        with self._writing() as db:
            taken = self._places(db, keys)[0]
            marks = ",".join("?" * len(keys))
            firsts = keys[:, 0].tolist()
            claims = db.execute(f"SELECT key, owner, since FROM claims WHERE key IN ({marks})", firsts).fetchall()
            if claims:
                now = time.time()
                living = {owner: self._owner.lives(owner) for owner in {owner for _, owner, _ in claims}}
                held = [key for key, owner, since in claims if living[owner] and now - since < _CLAIM_SECONDS]
                taken |= np.isin(keys[:, 0], held)
            rows = [(key, self._owner.name, time.time()) for key in keys[~taken, 0].tolist()]
            db.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", rows)
        return ~taken

    def release(self, keys: Keys) -> None:
        """Give up claims."""
        with self._writing() as db:
            _release(db, keys)

    def clear(self) -> None:
        """Forget every vector; other processes that read or write go on."""
        with self._writing() as db:
            gone = [segment for (segment,) in db.execute("SELECT id FROM segments")]
            db.execute("DELETE FROM vectors")
            db.execute("DELETE FROM segments")
        self._segments.remove(gone)  # and not what others have begun since
        with self._lock, suppress(sqlite3.OperationalError):  # which another process may be reading
            self._open().execute("VACUUM")
            self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def usage(self) -> dict[int, tuple[int, int]]:
        """Count vectors and bytes of files by dimension."""
        with self._lock:
            query = "SELECT dimension, sum(n_rows) FROM segments GROUP BY dimension"
            return {dimension: (n_rows, n_rows * 4 * dimension) for dimension, n_rows in self._open().execute(query)}

    def __len__(self) -> int:
        with self._lock:
            return int(self._open().execute("SELECT count(*) FROM vectors").fetchone()[0])

    def is_read_only(self) -> bool:
        """Whether vectors can be read and not written."""
        with self._lock:
            self._open()
            return self.read_only

    def start_anew(self) -> None:
        """Remove a damaged index and all vectors."""
        with self._lock:
            self.close()
            for path in self.directory.glob("index.sqlite*"):
                path.unlink(missing_ok=True)
            self._segments.keep_only(())

    def close(self) -> None:
        """Close the files and give up all claims; the next use opens them again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._segments.close()
            self._owner.leave()
            self._owner = Owner(self.directory / "owners")

    def after_fork(self) -> None:
        """Forget what belongs to the parent process, without closing it: SQLite allows neither use nor closing."""
        _of_parents.append((self._connection, self._owner))
        self._connection = None
        self._lock = threading.RLock()
        self._owner = Owner(self.directory / "owners")

    def _get_block(self, keys: Keys, out: NDArray[np.float32]) -> NDArray[np.bool_]:
        db = self._open()
        found, places = self._places(db, keys)
        segments = np.unique(places[found, 1]).tolist()
        for segment in segments:
            rows = np.flatnonzero(found & (places[:, 1] == segment))
            intact = self._segments.read(segment, places[rows, 2], places[rows, 3], keys[rows, 1], out, rows)
            if not intact.all():
                found[rows[~intact]] = False
                self._forget(segment, keys[rows[~intact], 0].tolist())
        if segments:
            self._mark_used(db, segments)
        return found

    def _places(self, db: sqlite3.Connection, keys: Keys) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which keys are indexed, and for each its row (key, segment, row, check sum)."""
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, segment, row, check_sum FROM vectors WHERE key IN ({marks}) ORDER BY key"
        known = db.execute(query, keys[:, 0].tolist()).fetchall()
        if not known:
            return np.zeros(len(keys), dtype=bool), np.zeros((len(keys), 4), dtype=np.int64)
        table = np.array(known, dtype=np.int64)
        at = np.searchsorted(table[:, 0], keys[:, 0]).clip(max=len(table) - 1)
        return table[at, 0] == keys[:, 0], table[at]

    def _forget(self, segment: int, keys: list[int]) -> None:
        """Take vectors out of the index whose bytes are not what was written."""
        if self._segments.exists(segment):  # if it does not, another process has just made room
            self.n_damaged += len(keys)
        with suppress(sqlite3.OperationalError), self._writing() as db:
            db.executemany("DELETE FROM vectors WHERE key = ?", [(key,) for key in keys])

    def _mark_used(self, db: sqlite3.Connection, segments: list[int]) -> None:
        """Make files the last to go. Time is counted in uses, and what is the newest already is not written again."""
        query = f"SELECT min(used), (SELECT max(used) FROM segments) FROM segments WHERE id IN {_listed(segments)}"
        oldest, newest = db.execute(query).fetchone()
        if oldest is not None and oldest < newest:
            # Where it cannot be written, only the order in which files go is less good.
            with suppress(sqlite3.OperationalError), self._writing() as db:
                db.execute(f"UPDATE segments SET used = {newest + 1} WHERE id IN {_listed(segments)}")

    def _open_segment(self, db: sqlite3.Connection, dimension: int, capacity: int) -> tuple[int, int]:
        """A file with room for at least one more vector, and the rows it has."""
        query = "SELECT id, n_rows FROM segments WHERE dimension = ? AND n_rows < ? ORDER BY id DESC LIMIT 1"
        known = db.execute(query, (dimension, capacity)).fetchone()
        if known is not None:
            return int(known[0]), int(known[1])
        return int(db.execute("INSERT INTO segments VALUES (NULL, ?, 0, 0)", (dimension,)).lastrowid or 0), 0

    def _append(
        self, db: sqlite3.Connection, segment: int, n_rows: int, keys: Keys, vectors: NDArray[np.float32]
    ) -> int:
        """Write vectors behind the rows of a file, index them, and return their number."""
        check_sums = self._segments.append(segment, n_rows, keys[:, 1], vectors)
        places = zip(keys[:, 0].tolist(), range(n_rows, n_rows + len(keys)), check_sums.tolist(), strict=True)
        db.executemany(f"INSERT OR REPLACE INTO vectors VALUES (?, {segment}, ?, ?)", places)
        db.execute(
            f"UPDATE segments SET n_rows = ?, used = (SELECT max(used) + 1 FROM segments) WHERE id = {segment}",
            (n_rows + len(keys),),
        )
        _release(db, keys)
        return len(keys)

    def _evict(self, db: sqlite3.Connection, max_bytes: int) -> list[int]:
        """Take the files least recently used out of the index until the others fit; they can be removed then."""
        rows = db.execute("SELECT id, 4 * dimension * n_rows FROM segments ORDER BY used, id").fetchall()
        excess = sum(size for _, size in rows) - max_bytes
        gone = []
        for segment, size in rows:
            if excess <= 0:
                break
            gone.append(segment)
            excess -= size
        if gone:
            db.execute(f"DELETE FROM vectors WHERE segment IN {_listed(gone)}")
            db.execute(f"DELETE FROM segments WHERE id IN {_listed(gone)}")
        return gone

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The index, for this process alone until the block ends; all of the block's changes or none are kept."""
        with self._lock:
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            private_folder(self.directory)
            self.read_only = self.read_only or not os.access(self.directory, os.W_OK)
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        path = self.directory / "index.sqlite"
        if not self.read_only:
            path.touch(mode=0o600)  # SQLite gives its other files the mode of this one
        # In a read-only directory there is no room for SQLite's own locks: "immutable" does without.
        mode = "mode=ro&immutable=1" if self.read_only else "mode=rw"
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}",
            uri=True,
            timeout=_LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if not self.read_only:
                _begin_log(db)
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
                db.execute(f"PRAGMA cache_size = -{_INDEX_KIB}")
                self._create(db)
            written_by = db.execute("PRAGMA user_version").fetchone()[0]
            if written_by != FORMAT:
                raise FormatError(written_by)
        except BaseException:
            db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        """Make the tables if there are none, and remove files that a killed process left out of the index."""
        db.execute("BEGIN IMMEDIATE")
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA:
                db.execute(statement)
        if db.execute("PRAGMA user_version").fetchone()[0] == FORMAT:
            self._segments.keep_only({segment for (segment,) in db.execute("SELECT id FROM segments")})
        db.execute("COMMIT")


def _begin_log(db: sqlite3.Connection) -> None:
    """Let readers go on while one writes. Where two processes begin at once SQLite refuses one of them, unawaited."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the higher bits tell kinds of it
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.005)


def _release(db: sqlite3.Connection, keys: Keys) -> None:
    db.executemany("DELETE FROM claims WHERE key = ?", [(key,) for key in keys[:, 0].tolist()])


def _listed(numbers: list[int]) -> str:
    return f"({','.join(map(str, numbers))})"


_of_parents: list[object] = []
