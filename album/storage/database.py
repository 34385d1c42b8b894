"""Connections and transactions of `album.db`.

SQLite with a write-ahead log: one connection per thread, closed when the thread ends. Readers
never wait. Writers take turns, including those of other processes. Only the stores and indexes
of `album.storage` run SQL.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from album.errors import DAMAGED, AlbumError
from album.storage.migrations import MIGRATIONS, apply_migrations
from album.storage.sqlite_errors import DamagedDatabaseError, TranslatingConnection, write_failure

BUSY_TIMEOUT_S = 60  # another process may import, in transactions of milliseconds


class _ThreadConnection:
    """Connection of one thread, closed when the thread ends.

    The statement cache of a connection refers back to it. Without this class a connection would
    stay open until the garbage collector finds it.
    """

    def __init__(self, connection: TranslatingConnection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """One `album.db`, safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path` and migrate its schema.

        On a read-only disk, a database of the current version opens for reading.

        Raises:
            AlbumError: the file is no album, damaged, of a later version, or cannot be written.
        """
        self._path = path
        self._mode = _reading_mode(path)
        self._threads = threading.local()
        self._connections: weakref.WeakSet[TranslatingConnection] = weakref.WeakSet()
        self._connecting = threading.Lock()  # apart: a new reader does not wait for a writer
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if _is_emptied(path):
            raise DamagedDatabaseError(DAMAGED)
        try:
            self._migrate()
        except AlbumError:
            self.close()
            raise
        except sqlite3.DatabaseError as error:
            self.close()
            raise AlbumError(
                "{path} cannot be opened as an album: {reason}.", path=path, reason=error
            ) from error

    def close(self) -> None:
        """Close every connection for good."""
        with self._lock, self._connecting:
            for connection in list(self._connections):
                connection.close()
            self._connections.clear()

    @property
    def read_only(self) -> bool:
        """Whether the disk allows no writing."""
        return bool(self._mode)

    @property
    def connection(self) -> sqlite3.Connection:
        """Connection of this thread, for reading."""
        held: _ThreadConnection | None = getattr(self._threads, "held", None)
        if held is None:
            connection = sqlite3.connect(
                self._path.absolute().as_uri() + self._mode,
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,  # closed by whichever thread closes the database
                factory=TranslatingConnection,
            )
            held = _ThreadConnection(connection)  # closes it also where one of the next lines fails
            connection.row_factory = sqlite3.Row
            if not self._mode:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")  # the file may be hostile
            self._threads.held = held
            with self._connecting:
                self._connections.add(connection)
        return held.connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that excludes other writers, or join the open one.

        Raises:
            AlbumError: the disk is full, or another program locks the database.
        """
        with self._lock:
            db = self.connection
            if db.in_transaction:
                yield db
                return
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:  # SQLite itself may have rolled back, as on a full disk
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                raise AlbumError(write_failure(error)) from error

    def snapshot(self, target: Path) -> None:
        """Write one consistent copy to `target` while others read and write.

        Raises:
            AlbumError: the copy cannot be written.
        """
        try:
            copy = sqlite3.connect(target)
            try:
                self.connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise AlbumError(
                "{target} cannot be written: {reason}.", target=target, reason=error
            ) from error

    def refuse_damage(self) -> None:
        """Read every page once, before this copy replaces an earlier one.

        Raises:
            DamagedDatabaseError: a page is not as SQLite wrote it.
        """
        # Not quick_check: in SQLite 3.40 it finds fault with tables without a rowid.
        if _own_faults(self.connection.execute("PRAGMA integrity_check(10)")):
            raise DamagedDatabaseError(DAMAGED)

    def faults(self) -> list[str]:
        """List what SQLite finds wrong with the file, one line each."""
        own = _own_faults(self.connection.execute("PRAGMA integrity_check"))
        dangling = self.connection.execute("PRAGMA foreign_key_check").fetchall()
        if own:
            own.append(DAMAGED)
        return [f"album.db: {line}" for line in own] + [
            f"album.db: a row of {row[0]} belongs to no photo" for row in dangling
        ]

    def _migrate(self) -> None:
        if self.read_only:
            self._refuse_other_version(self.connection)
            return
        with self.writing() as db:
            version = self._refuse_other_version(db)
            apply_migrations(db, version, len(MIGRATIONS))

    def _refuse_other_version(self, db: sqlite3.Connection) -> int:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise AlbumError(
                "{path} was made by a later version of the album; update this one.", path=self._path
            )
        if version < len(MIGRATIONS) and self.read_only:
            raise AlbumError(
                "{path} is of an earlier version of the album and on a disk that cannot be "
                "written to: copy its folder to another disk and open it there.",
                path=self._path,
            )
        return version


@contextmanager
def new_database(path: Path, version: int) -> Iterator[sqlite3.Connection]:
    """Create a database of `version` and fill it in one transaction.

    It is written without a journal, so the file is invalid after a failure.

    Raises:
        OSError: it cannot be written.
    """
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        apply_migrations(db, 0, version)
        yield db
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error
    finally:
        db.close()


def _is_emptied(path: Path) -> bool:
    """Return whether the file is empty beside photos of an album.

    Without photos, a first start was interrupted before it wrote anything.
    """
    if not path.is_file() or path.stat().st_size or Path(f"{path}-wal").exists():
        return False
    return any(
        name
        for cache in ("photos", "thumbnails", "embeddings")
        for _, _, names in os.walk(path.parent / cache)
        for name in names
    )


def _reading_mode(path: Path) -> str:
    """Return the URI suffix that opens a database, "" if writable.

    Raises:
        AlbumError: it cannot be read without writing first.
    """
    folder_writable = os.access(path.parent, os.W_OK)
    if not path.exists() or (folder_writable and os.access(path, os.W_OK)):
        return ""
    log = Path(f"{path}-wal")
    if folder_writable or Path(f"{path}-shm").exists():
        return "?mode=ro"
    if log.exists() and log.stat().st_size:
        raise AlbumError(
            "{log} holds changes that cannot be read on a disk that cannot be written to: copy "
            "the album's folder to another disk and open it there.",
            log=log,
        )
    return "?mode=ro&immutable=1"  # it needs no file beside it


def _own_faults(checks: Iterable[sqlite3.Row]) -> list[str]:
    """List the faults that a check reports for the album's own tables."""
    # From SQLite 3.44 on it also looks into the index of texts, which can be made again.
    return [row[0] for row in checks if row[0] != "ok" and "FTS5 table" not in row[0]]


def now() -> str:
    """Return the local time as rows hold it, to the second."""
    return datetime.now().isoformat(timespec="seconds")
