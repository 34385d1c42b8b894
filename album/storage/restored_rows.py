"""Rows of a backup, checked and copied into a new database.

The album's own migrations create the new database. Only known columns of known tables are copied.
No trigger, view, index or table of another program is kept. The text index is rebuilt.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from album.domain.captions import LANGUAGES, JobState
from album.domain.labels import Giver, RuleKind, checked_rule
from album.domain.photo import ImportKind, ImportState, RequestedState, TakenFrom
from album.errors import AlbumError
from album.storage.database import new_database
from album.storage.import_rows import LOOK_AGAIN
from album.storage.migrations import MIGRATIONS
from album.storage.untrusted_database import MadeUpError, UntrustedDatabase

MAX_ID = 1 << 24
"""Highest photo id: tables in memory have an entry for each id up to the highest."""
MAX_WHOLE = 1 << 53
MAX_MODEL_ID_LENGTH = 200  # characters: files are named by it
SMALLEST_D = 8
NORM_TOLERANCE = 0.1
PORTION = 1000
_LAST_UNIX_TIME = 4e9  # of the year 2096

Check = Callable[[Any], bool]
"""Return whether a value other than NULL is valid in its column."""


def copy_rows(source: Path, target: Path) -> None:
    """Copy valid rows of a saved database to a new one.

    An invalid embedding is left out, since its photo can be encoded again.

    Args:
        source: the saved database, perhaps a hostile one.
        target: a file that does not exist yet.

    Raises:
        MadeUpError: a table is missing, or a row is invalid.
        OSError: the new database cannot be written.
    """
    with UntrustedDatabase(source, _known_tables()) as saved:
        if not 1 <= saved.version <= len(MIGRATIONS):
            raise MadeUpError("its database is of no version of the album")
        try:
            with new_database(target, saved.version) as db:
                _copy(saved, db)
        except sqlite3.IntegrityError as error:  # a duplicate, or of no photo
            raise MadeUpError(f"its rows contradict each other ({error})") from error


def _copy(saved: UntrustedDatabase, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA defer_foreign_keys = ON")  # tables come in any order
    tables = _tables(db)
    tables.sort(key=lambda table: table == "changes")  # the others number changes of their own
    for table in tables:
        columns = _columns(db, table)
        if table == "changes":
            db.execute("DELETE FROM changes")
        rows = _checked(table, columns, saved.rows(table, [*columns]))
        if table == "embeddings":
            rows = _valid_vectors(rows, [*columns])
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        while portion := list(islice(rows, PORTION)):
            db.executemany(insert, portion)
    if "changes" in tables:
        db.execute(
            "INSERT OR IGNORE INTO changes SELECT photo_id,"
            " photo_id + (SELECT coalesce(max(revision), 0) FROM changes) FROM photos"
        )
    _copy_sequences(saved, db, tables)


def _copy_sequences(
    saved: UntrustedDatabase, db: sqlite3.Connection, tables: Sequence[str]
) -> None:
    """Continue the saved album's ids, so that none is reused."""
    counted = {row[0]: row[1] for row in db.execute("SELECT name, seq FROM sqlite_sequence")}
    for table, seq in saved.rows("sqlite_sequence", ("name", "seq")):
        if table not in tables:
            continue
        if not _whole(0, MAX_ID if table == "photos" else MAX_WHOLE)(seq):
            raise MadeUpError(f"a number of its table {table} makes no sense")
        if table not in counted:
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, seq))
        elif seq > counted[table]:
            db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (seq, table))


def _known_tables() -> list[str]:
    """Return every table that any version of the album had."""
    return re.findall(r"CREATE TABLE (\w+)", "".join(MIGRATIONS))


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [row[0] for row in rows]


def _columns(db: sqlite3.Connection, table: str) -> dict[str, tuple[Check, bool]]:
    """Return a table's columns with their checks and nullability."""
    return {
        name: (_CHECKS.get(f"{table}.{name}") or _CHECKS.get(name) or _OF_TYPE[kind], nullable)
        for name, kind, nullable in db.execute(
            'SELECT name, type, "notnull" = 0 AND pk = 0 FROM pragma_table_info(?)', (table,)
        )
    }


def _checked(
    table: str, columns: Mapping[str, tuple[Check, bool]], rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the valid rows, with NULL for invalid facts of a photo.

    Raises:
        MadeUpError: another value is invalid.
    """
    names, checks = [*columns], [*columns.values()]
    for row in rows:
        values = list(row)
        for at, (check, nullable) in enumerate(checks):
            value = values[at]
            if nullable if value is None else check(value):
                continue
            if f"{table}.{names[at]}" not in _FACTS:
                raise MadeUpError(f"a row of its table {table} makes no sense")
            values[at] = None
        if table in _WHOLE_ROW and not _WHOLE_ROW[table](dict(zip(names, values, strict=True))):
            raise MadeUpError(f"a row of its table {table} makes no sense")
        yield tuple(values)


def _valid_vectors(
    rows: Iterable[tuple[Any, ...]], columns: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Yield rows with a finite embedding of norm 1 and consistent width."""
    model, vector = columns.index("model_id"), columns.index("vector")
    width: dict[str, int] = {}
    for row in rows:
        content = row[vector]
        if len(content) % 4 or len(content) < 4 * SMALLEST_D:
            continue
        floats = np.frombuffer(content, "<f4")
        with np.errstate(over="ignore", invalid="ignore"):
            norm = float(np.sqrt(floats @ floats))
        if not abs(norm - 1) <= NORM_TOLERANCE:  # also where it is NaN
            continue
        if width.setdefault(row[model], len(floats)) == len(floats):
            yield row


# Checks of values


def _whole(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _number(least: float, most: float) -> Check:
    def check(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and least <= value <= most

    return check


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _line(most: int) -> Check:
    return lambda value: isinstance(value, str) and 0 < len(value) <= most and "\0" not in value


def _one_of(*values: str) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _matching(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _file_name(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", ".", "..") and not set("/\0") & set(value)


def _path(value: Any) -> bool:
    """Return whether a value is a path: text, or non-Unicode bytes."""
    return (
        isinstance(value, str | bytes)
        and len(value) > 0
        and (
            ("\0" if isinstance(value, str) else b"\0") not in value  # type: ignore[operator]
        )
    )


def _time(value: Any) -> bool:
    """Return whether a value is a naive ISO 8601 time."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _json(check: Check) -> Check:
    def is_valid(value: Any) -> bool:
        try:
            return isinstance(value, str) and check(json.loads(value))
        except (ValueError, RecursionError):
            return False

    return is_valid


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _spelled_paths(value: Any) -> bool:
    """Return whether a value is paths in Latin-1 spelling."""
    return _texts(value) and all(
        max(map(ord, item), default=0) < 256 and "\0" not in item for item in value
    )


def _counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_whole(0, MAX_WHOLE)(item) for item in value.values())


def _rule(row: Mapping[str, Any]) -> bool:
    """Return whether the columns of a rule make a usable one."""
    try:
        definition = json.loads(row["definition"])
        checked_rule(row["label"], row["kind"], definition, bool(row["living"]))
    except (AlbumError, ValueError, TypeError, LookupError, RecursionError):
        return False
    return True


def _rules_before(value: Any) -> bool:
    """Return whether a value is rows of label_rules by label.

    Their keys become column names when a change is undone.
    """
    return isinstance(value, dict) and all(
        row is None
        or (
            isinstance(row, dict)
            and row.keys() == _OF_RULE.keys()
            and row["label"] == label
            and all(
                nullable if row[name] is None else check(row[name])
                for name, (check, nullable) in _OF_RULE.items()
            )
            and _rule(row)
        )
        for label, row in value.items()
    )


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?", re.ASCII)
_OF_TYPE: Final[Mapping[str, Check]] = {
    "TEXT": _text,
    "INTEGER": _whole(-MAX_WHOLE, MAX_WHOLE),
    "REAL": _number(-1e15, 1e15),
    "BLOB": lambda value: isinstance(value, bytes),
}
_GIVER = _one_of(*get_args(Giver), "refused")
_LANGUAGE = _one_of("", *LANGUAGES)
_LANGUAGES_WANTED = _matching(rf"({'|'.join(LANGUAGES)})(,({'|'.join(LANGUAGES)}))*")
_SHARE, _FLAG = _number(0, 1), _whole(0, 1)
_SECONDS = _number(0, _LAST_UNIX_TIME)
_OF_RULE: Final[Mapping[str, tuple[Check, bool]]] = {
    "label": (_line(MAX_WHOLE), False),
    "kind": (_one_of(*get_args(RuleKind)), False),
    "definition": (_text, False),
    "living": (_FLAG, False),
    "model_id": (_line(MAX_MODEL_ID_LENGTH), True),
    "seen": (_whole(0, MAX_WHOLE), False),
    "made_at": (_time, False),
}
_CHECKS: Final[Mapping[str, Check]] = {
    # Of any table.
    "photo_id": _whole(1, MAX_ID),
    "model_id": _line(MAX_MODEL_ID_LENGTH),
    "label": _line(MAX_WHOLE),
    "size_bytes": _whole(0, MAX_WHOLE),
    "written_at": _time,
    "asked_at": _time,
    "ended_at": _time,
    "language": _LANGUAGE,
    "languages": _LANGUAGES_WANTED,
    "probability": _SHARE,
    "was_probability": _SHARE,
    "was_by": _GIVER,
    "is_by": _GIVER,
    # Of one.
    "photos.sha256": _matching("[0-9a-f]{64}"),
    "photos.filename": _file_name,
    "photos.path": _path,
    "photos.width": _whole(0, 1 << 31),
    "photos.height": _whole(0, 1 << 31),
    "photos.taken_at": _time,
    "photos.taken_from": _one_of(*get_args(TakenFrom)),
    "photos.added_at": _time,
    "photos.orientation": _whole(1, 8),
    "photos.latitude": _number(-90, 90),
    "photos.longitude": _number(-180, 180),
    "photos.taken_offset": _whole(-24 * 60, 24 * 60),
    "photos.rating": _whole(-1, 5),
    "files.mtime_ns": _whole(-(1 << 63), (1 << 63) - 1),
    "files.path": lambda value: isinstance(value, bytes) and b"\0" not in value,
    "imports.kind": _one_of(*get_args(ImportKind)),
    "imports.sources": _json(_spelled_paths),
    "imports.caption_language": _LANGUAGES_WANTED,
    "imports.state": _one_of(*get_args(ImportState)),
    "imports.wish": _one_of(*get_args(RequestedState), LOOK_AGAIN),
    "imports.skipped": _json(_counts),
    "changes.revision": _whole(1, MAX_WHOLE),
    "labels.given_by": _one_of(*get_args(Giver)),
    **{f"label_rules.{name}": check for name, (check, _) in _OF_RULE.items()},
    "label_acts.labels": _json(_texts),
    "label_acts.rules_before": _json(_rules_before),
    "label_acts.done_at": _time,
    "label_acts.undone_at": _time,
    "caption_history.replaced_at": _time,
    "read_texts.read_at": _time,
    "caption_jobs.state": _one_of(*get_args(JobState)),
    "caption_queue.language": _LANGUAGES_WANTED,
    "caption_queue.not_before": _SECONDS,
    "caption_queue.claimed_until": _SECONDS,
    "caption_queue.requested_at": _SECONDS,
    "caption_requests.at": _SECONDS,
    "caption_rests.until": _SECONDS,
}
"""Check by table and column, or by a column of any table. Others are checked by type."""
_FACTS: Final = frozenset(
    f"photos.{name}"
    for name in (
        "camera",
        "lens",
        "latitude",
        "longitude",
        "taken_offset",
        "exposure_s",
        "f_number",
        "iso",
        "focal_mm",
        "rating",
    )
)
"""Nullable columns that become NULL when their value is invalid."""
_WHOLE_ROW: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {"label_rules": _rule}
