"""Facts of all photos in memory, a short row for each.

At some forty bytes per photo, any query is a pass over arrays, which takes a millisecond where SQL
takes twenty. The database numbers every change, by any program, so the table is updated by reading
the rows that changed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from album.storage.database import Database
from album.storage.text_tokens import fold

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

ROW = np.dtype(
    [
        ("photo_id", "<i8"),
        ("taken_ms", "<i8"),  # since 1970 by the camera's own clock
        ("camera", "<i4"),  # number in `FactTable._numbers`, as the next two. None: 0
        ("lens", "<i4"),
        ("file_type", "<i4"),
        ("place_id", "<i8"),  # 0: not known
        ("timed", "?"),  # the time is known better than by the file's
        ("shape", "<i1"),  # 1 landscape, 0 square, -1 portrait
        ("ratio", "u1"),  # width to height, see `ratio_codes`
        ("placed", "?"),
        ("rating", "<i1"),
        ("captioned", "?"),
        ("screenshot", "?"),
    ]
)
_NAMES = ("camera", "lens", "file_type")
# Casts guard against a forged database, since SQLite stores any value in any column.
_SELECT = """
    SELECT photo_id, coalesce(strftime('%s', taken_at), 0) * 1000
            + CAST(substr(taken_at, 21, 3) AS INTEGER),
        CASE typeof(camera) WHEN 'text' THEN camera END,
        CASE typeof(lens) WHEN 'text' THEN lens END,
        CASE typeof(file_type) WHEN 'text' THEN file_type END,
        CAST(coalesce(place_id, 0) AS INTEGER), taken_from <> 'file',
        (width > height) - (width < height),
        CAST(width AS REAL) / max(CAST(height AS REAL), 1), latitude IS NOT NULL,
        min(max(CAST(coalesce(rating, 0) AS INTEGER), -1), 5),
        photo_id IN (SELECT photo_id FROM captions),
        CASE WHEN camera IS NULL THEN filename END, CASE WHEN camera IS NULL THEN path END
    FROM photos"""
_PORTION = 10_000
RATIO_STEPS = 32
"""Codes of a ratio for each doubling, so that neighbours differ by 2 %."""
SQUARE_RATIO = 128
"""Code of a square."""

_SCREENSHOT_FILE = re.compile(
    r"screen[ _-]?shot|simulator screen|cleanshot|capture(?![a-z])|스크린 ?샷"
    r"|화면[ _-]?캡[처쳐]|캡[처쳐](?![가-힣])"
)
_SCREENSHOT_FOLDERS = frozenset(
    {"screenshot", "screenshots", "screen shots", "screen captures", "스크린샷", "화면 캡처"}
)


class Facts:
    """Table at one moment, immutable."""

    def __init__(self, rows: npt.NDArray[Any], names: Sequence[str | None]) -> None:
        """Keep (n,) rows of `ROW` by rising id, and `names` by number."""
        self.rows = rows
        self._names = names

    @cached_property
    def photo_ids(self) -> Ids:
        """(n,) rising ids."""
        return np.ascontiguousarray(self.rows["photo_id"])

    @cached_property
    def seconds(self) -> Ids:
        """(n,) seconds since 1970 by the camera's own clock."""
        seconds: Ids = self.rows["taken_ms"] // 1000
        return seconds

    @cached_property
    def days(self) -> npt.NDArray[np.datetime64]:
        """(n,) capture days."""
        return (self.seconds // 86_400).astype("datetime64[D]")

    @cached_property
    def months(self) -> npt.NDArray[np.int64]:
        """(n,) capture months, 1 to 12."""
        return self.days.astype("datetime64[M]").astype(np.int64) % 12 + 1

    @cached_property
    def days_of_month(self) -> npt.NDArray[np.int64]:
        """(n,) capture days of the month, 1 to 31."""
        firsts = self.days.astype("datetime64[M]").astype("datetime64[D]")
        days: npt.NDArray[np.int64] = (self.days - firsts).astype(np.int64) + 1
        return days

    @cached_property
    def newest_first(self) -> npt.NDArray[np.intp]:
        """(n,) positions of the rows by falling capture time, then falling id.

        Photos that only their file gives a time come last: that is when they were copied.
        """
        return np.lexsort((self.rows["taken_ms"], self.rows["timed"]))[::-1]

    @cached_property
    def ranks(self) -> npt.NDArray[np.intp]:
        """(n,) place of each row in `newest_first`."""
        ranks = np.empty(len(self.rows), np.intp)
        ranks[self.newest_first] = np.arange(len(self.rows))
        return ranks

    def latest_first(self, photo_ids: Ids) -> npt.NDArray[np.intp]:
        """Return (k,) positions that sort (k,) ids as `newest_first` does."""
        places = np.minimum(np.searchsorted(self.photo_ids, photo_ids), len(self.rows) - 1)
        # An id that is gone takes the place of another, unless there is no photo at all.
        ranks = self.ranks[places] if len(self.rows) else places
        return np.argsort(ranks, kind="stable")

    def names(self, column: str) -> dict[int, str]:
        """Return the cameras, lenses or file types in use, by number."""
        used = np.flatnonzero(np.bincount(self.rows[column]))
        return {
            number: name for number in used.tolist() if (name := self._names[number]) is not None
        }

    @cached_property
    def photos_by_place(self) -> dict[int, int]:
        """Number of photos by id of their place."""
        counts = zip(*np.unique_counts(self.rows["place_id"]), strict=True)
        return {int(place_id): int(photos) for place_id, photos in counts if place_id}


class FactTable:
    """Cache of the newest `Facts`, safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._numbers: dict[str | None, int] = {None: 0}
        self._revision = 0
        self._facts = Facts(np.empty(0, ROW), [None])

    def revision(self) -> int:
        """Return a number that grows with each change of a photo."""
        row = self._database.connection.execute("SELECT max(revision) FROM changes").fetchone()
        return int(row[0] or 0)

    def now(self) -> Facts:
        """Return the current facts of all photos."""
        with self._lock:
            revision = self.revision()
            if revision == self._revision:
                return self._facts
            if revision < self._revision or not self._revision:
                facts = Facts(self._read(""), list(self._numbers))
            else:
                facts = self._patched(self._revision)
            # What is not committed may never have been.
            if not self._database.connection.in_transaction:
                self._facts, self._revision = facts, revision
            return facts

    def _patched(self, revision: int) -> Facts:
        """Return the facts updated by the changes after `revision`."""
        cursor = self._database.connection.execute(
            "SELECT photo_id FROM changes WHERE revision > ?", (revision,)
        )
        changed = np.array([row[0] for row in cursor], dtype=np.int64)
        # Read after it, so that it has all of them, and perhaps some that changed just now.
        new = self._read(
            "WHERE photo_id IN (SELECT photo_id FROM changes WHERE revision > ?)", revision
        )
        old, old_ids = self._facts.rows, self._facts.photo_ids
        touched = np.union1d(changed, new["photo_id"])
        places = np.searchsorted(old_ids, touched)
        places = places[np.append(old_ids, -1)[places] == touched]
        if np.array_equal(old[places], new):  # only texts have changed
            return self._facts
        rows = np.concatenate([np.delete(old, places), new])
        if (np.diff(rows["photo_id"]) < 0).any():
            rows = rows[np.argsort(rows["photo_id"], kind="stable")]
        return Facts(rows, list(self._numbers))

    def _read(self, where: str, *values: int) -> npt.NDArray[Any]:
        """Read rows from the database, by id."""
        cursor = self._database.connection.execute(f"{_SELECT} {where} ORDER BY photo_id", values)
        cursor.row_factory = None
        portions = [np.empty(0, ROW)]
        while records := cursor.fetchmany(_PORTION):
            columns = dict(
                zip((*(ROW.names or ()), "path"), zip(*records, strict=True), strict=True)
            )
            rows = np.empty(len(records), ROW)
            for name in _NAMES:
                columns[name] = tuple(
                    self._numbers.setdefault(value, len(self._numbers)) for value in columns[name]
                )
            columns["screenshot"] = tuple(
                filename is not None and is_screenshot(filename, path)
                for filename, path in zip(columns["screenshot"], columns.pop("path"), strict=True)
            )
            columns["ratio"] = tuple(ratio_codes(np.array(columns["ratio"], np.float64)).tolist())
            for name, column in columns.items():
                rows[name] = column
            portions.append(rows)
        return np.concatenate(portions)


def ratio_codes(ratios: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return (n,) codes of width to height, which a byte holds.

    A code is `SQUARE_RATIO + RATIO_STEPS * log2(ratio)`. What is beyond 1:16 counts as that.
    """
    logs = np.log2(np.clip(np.nan_to_num(ratios, nan=1.0), 1 / 16, 15.5))
    return np.round(SQUARE_RATIO + RATIO_STEPS * logs).astype(np.uint8)


def is_screenshot(filename: str, path: str | bytes | None) -> bool:
    """Return whether a file's name or folders indicate a screenshot."""
    if _SCREENSHOT_FILE.match(fold(filename)):
        return True
    if path is None:
        return False
    folders = path.decode("utf-8", "replace") if isinstance(path, bytes) else path
    return any(fold(part) in _SCREENSHOT_FOLDERS for part in PurePath(folders).parts[:-1])
