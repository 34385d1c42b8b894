"""Reader of plain tables in an untrusted SQLite file.

Nothing of the file is run. A hostile file can hold triggers, views, virtual tables and generated
columns, pages in circles and rows that share their bytes. None of these is read. A table is opened
when its statement in the schema says that it is a plain one, and reading ends where it yields more
than the file has.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

_LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: 200_000_000,  # bytes of a row: rules of labels are the longest
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 5,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 25_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_PRAGMAS: Final = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "query_only = ON",
    "mmap_size = 0",  # a file that shrinks meanwhile must be an error, not a signal
)
_STEPS = 10_000  # of SQLite's machine, after which the guard is asked
_STEPS_EACH_BYTE = 16  # a row of the most columns and the fewest bytes takes fewer
_FEWEST_STEPS = 10_000_000
_ROW_BYTES = 2  # that the shortest row takes in the file
_NAME = r"""("(?:[^"]|"")*"|'(?:[^']|'')*'|`[^`]*`|\[[^\]]*\]|[^\s"'`\[(;/]+)"""
_STATEMENT = re.compile(
    rf"CREATE (TABLE|VIEW|TRIGGER|(?:UNIQUE )?INDEX|VIRTUAL TABLE) {_NAME}(\s*\()?", re.IGNORECASE
)


class MadeUpError(ValueError):
    """Raised when a file is damaged or forged."""


class UntrustedDatabase:
    """One file, opened for reading only.

    Nothing is ever written beside it.
    """

    def __init__(self, path: Path, tables: Collection[str]) -> None:
        """Open a file that no other program has open.

        Args:
            path: the file.
            tables: the only ones that can be read.

        Raises:
            MadeUpError: it is no database, or its schema is not an honest one.
        """
        self._tables = {*tables, "sqlite_sequence"}
        size_bytes = path.stat().st_size
        self._bytes_left = size_bytes
        self._steps_left = _FEWEST_STEPS + _STEPS_EACH_BYTE * size_bytes
        # Immutable: a log beside it is not asked for, and no lock is taken.
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            for limit, most in _LIMITS.items():
                self._db.setlimit(limit, most)
            self._db.set_progress_handler(self._is_endless, _STEPS)
            with _translate_errors():
                for pragma in _PRAGMAS:
                    self._db.execute(f"PRAGMA {pragma}")
                (encoding,) = self._db.execute("PRAGMA encoding").fetchone()
                (self.version,) = self._db.execute("PRAGMA user_version").fetchone()
                self._db.set_authorizer(self._authorize)
                self._plain = self._plain_tables()
            if encoding != "UTF-8":
                raise MadeUpError("its texts are not UTF-8")
        except BaseException:
            self._db.close()
            raise

    version: int
    """`user_version` of the file: the number of migrations that it claims."""

    def rows(self, table: str, columns: Collection[str]) -> Iterator[tuple[object, ...]]:
        """Yield the values of some columns of each row, in no order.

        Raises:
            MadeUpError: the table, or one of its columns, is not a plain one, or is damaged.
        """
        if table not in self._plain:
            raise MadeUpError(f"its table {table} is missing")
        with _translate_errors():
            info = self._db.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
            stored = {name for _, name, _, _, _, _, hidden in info if hidden == 0}
            if not stored.issuperset(columns):
                raise MadeUpError(f"its table {table} lacks a column")
            names = ", ".join(f'"{column}"' for column in columns)
            # NOT INDEXED: an index may hold other values than the table.
            for row in self._db.execute(f'SELECT {names} FROM "{table}" NOT INDEXED'):
                self._bytes_left -= _ROW_BYTES + sum(
                    len(value) for value in row if isinstance(value, str | bytes)
                )
                if self._bytes_left < 0:  # rows that share their bytes, or pages in circles
                    raise MadeUpError("it claims to hold more than it does")
                yield row

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _plain_tables(self) -> set[str]:
        """Return the readable tables that the schema has once, as plain ones."""
        plain: set[str] = set()
        schema = self._db.execute("SELECT type, name, sql FROM sqlite_master")
        for kind, name, sql in schema:
            if sql is None:  # an index that SQLite made by itself
                continue
            statement = _STATEMENT.match(sql) if isinstance(sql, str) else None
            if statement is None:
                raise MadeUpError("its schema cannot be understood")
            statement_kind, quoted, opens = statement.groups()
            table = quoted.strip("\"'`[]").lower()
            if table not in self._tables and str(name).lower() not in self._tables:
                continue
            honest = (kind, name, statement_kind.upper()) == ("table", table, "TABLE") and opens
            if not honest or table in plain:
                raise MadeUpError(f"{table} is no plain table in it")
            plain.add(table)
        return plain

    def _authorize(
        self, action: int, first: str | None, second: str | None, _: str | None, by: str | None
    ) -> int:
        """Allow reading known tables, but not by a trigger or view (`by`)."""
        allowed = action == sqlite3.SQLITE_SELECT or (
            action == sqlite3.SQLITE_READ and (first in self._tables or first == "sqlite_master")
        )
        allowed = allowed or (action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo")
        return sqlite3.SQLITE_OK if allowed and by is None else sqlite3.SQLITE_DENY

    def _is_endless(self) -> bool:
        self._steps_left -= _STEPS
        return self._steps_left < 0


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, OverflowError) as error:
        raise MadeUpError(f"its database cannot be read ({error})") from error
