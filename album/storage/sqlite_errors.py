"""SQLite connections that raise the album's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from album.errors import (
    DAMAGED,
    DISK_FULL,
    HALF_CHARACTER,
    NO_SUCH_NUMBER,
    READ_ONLY,
    AlbumError,
)

P = ParamSpec("P")
R = TypeVar("R")


class DamagedDatabaseError(AlbumError, sqlite3.DatabaseError):
    """Raised when a page of `album.db` is not as SQLite wrote it."""

    sqlite_errorname: str


def _translated(method: Callable[P, R]) -> Callable[P, R]:
    """Translate damage, unencodable text and out-of-range numbers into album errors."""

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except sqlite3.DatabaseError as error:
            raise translate_error(error) from error
        except UnicodeEncodeError as error:
            raise AlbumError(HALF_CHARACTER) from error
        except OverflowError as error:
            raise AlbumError(NO_SUCH_NUMBER) from error

    return wrapped


class TranslatingCursor(sqlite3.Cursor):
    """Cursor that raises the album's errors."""

    execute = _translated(sqlite3.Cursor.execute)
    executemany = _translated(sqlite3.Cursor.executemany)
    fetchone = _translated(sqlite3.Cursor.fetchone)
    fetchmany = _translated(sqlite3.Cursor.fetchmany)
    fetchall = _translated(sqlite3.Cursor.fetchall)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        try:
            yield from iter(super().__next__, self)  # up to its end: no row is a cursor
        except sqlite3.DatabaseError as error:
            raise translate_error(error) from error


class TranslatingConnection(sqlite3.Connection):
    """Connection that opens translating cursors."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(TranslatingCursor).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        return self.cursor(TranslatingCursor).executemany(sql, parameters)


def translate_error(error: sqlite3.DatabaseError) -> sqlite3.DatabaseError:
    """Return the album's error for a damaged file, or the error unchanged."""
    kind = getattr(error, "sqlite_errorname", "")
    undecodable = not kind and "decode to UTF-8" in str(error)
    pages = kind.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) and kind != "SQLITE_CORRUPT_VTAB"
    if isinstance(error, DamagedDatabaseError) or not (pages or undecodable):
        return error  # an index of texts that is damaged is made again
    damaged = DamagedDatabaseError(DAMAGED)
    damaged.sqlite_errorname = kind or "SQLITE_CORRUPT"
    return damaged


def write_failure(error: sqlite3.OperationalError) -> str:
    """Return the message for a failed write.

    Raises:
        sqlite3.OperationalError: the album's own SQL is at fault.
    """
    kind = getattr(error, "sqlite_errorname", "")
    if kind == "SQLITE_FULL":
        return DISK_FULL
    if kind.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "Another program keeps the album's database to itself: close it and try again."
    if kind.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return READ_ONLY
    if kind.startswith("SQLITE_IOERR"):
        return "The disk of the album does not answer as it must: check it and try again."
    raise error  # a fault of the album's own
