"""Rows of imports and of the files that they read.

An import is its row: any process that opens the library can see its progress and resume it. Files
are known by size and time, so that a file is read again only when it has changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from album.domain.photo import (
    ENDED_BY,
    ImportFailure,
    ImportKind,
    ImportRecord,
    ImportState,
    RequestedState,
)
from album.errors import AlbumError
from album.storage.database import Database, now
from album.storage.import_rows import (
    LOOK_AGAIN,
    FileStamp,
    KnownFile,
    import_from_row,
    path_range,
    spell_path,
)

COUNTERS = ("done", "added", "already_here", "updated", "missing")


class ImportStore:
    """Imports with their counters, failures and files."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writing = database.writing

    # Imports

    def begin(
        self,
        kind: ImportKind,
        sources: Sequence[Path],
        caption_language: str | None = None,
        skipped: Mapping[str, int] | None = None,
    ) -> int:
        """Add an import that waits to run.

        Returns:
            Its id.
        """
        spelled = json.dumps([spell_path(path) for path in sources])
        with self.writing() as db:
            row = db.execute(
                "INSERT INTO imports"
                " (kind, sources, caption_language, skipped, state, wish, asked_at)"
                " VALUES (?, ?, ?, ?, 'waiting', 'run', ?) RETURNING import_id",
                (kind, spelled, caption_language, json.dumps(skipped or {}), now()),
            ).fetchone()
        return int(row[0])

    def forget(self, import_id: int) -> None:
        """Delete an import from the list, keeping its photos."""
        with self.writing() as db:
            db.execute("DELETE FROM imports WHERE import_id = ?", (import_id,))

    def get(self, import_id: int) -> ImportRecord:
        """Return one import.

        Raises:
            AlbumError: there is none with this id.
        """
        records = self._records("WHERE import_id = ?", import_id)
        if not records:
            raise AlbumError("There is no import {import_id}.", import_id=import_id)
        return records[0]

    def recent(self, limit: int) -> list[ImportRecord]:
        """Return the latest imports, the last one first."""
        return self._records("ORDER BY import_id DESC LIMIT ?", limit)

    def unfinished(self) -> list[ImportRecord]:
        """Return imports that have not ended, the oldest first."""
        return self._records("WHERE state IN ('waiting', 'running', 'paused') ORDER BY import_id")

    def cancelled(self) -> list[int]:
        """Return the ids of cancelled imports."""
        rows = self.database.connection.execute(
            "SELECT import_id FROM imports WHERE state = 'cancelled'"
        )
        return [row[0] for row in rows]

    def request_state(self, import_id: int, state: RequestedState) -> None:
        """Ask an import to run, pause or cancel, in any process."""
        with self.writing() as db:
            db.execute("UPDATE imports SET wish = ? WHERE import_id = ?", (state, import_id))

    def request_rescan(self, import_id: int) -> bool:
        """Ask a running import to scan its sources once more.

        Returns:
            False where it runs no longer, or is about to be paused or cancelled.
        """
        with self.writing() as db:
            return bool(
                db.execute(
                    "UPDATE imports SET wish = ? WHERE import_id = ? AND state = 'running'"
                    " AND wish IN ('run', ?)",
                    (LOOK_AGAIN, import_id, LOOK_AGAIN),
                ).rowcount
            )

    def finish(self, import_id: int) -> bool:
        """Mark an import as done unless a rescan is requested.

        Returns:
            Whether it is done.
        """
        with self.writing() as db:
            again = db.execute(
                "UPDATE imports SET wish = 'run' WHERE import_id = ? AND wish = ?",
                (import_id, LOOK_AGAIN),
            ).rowcount
            if not again:
                self.set_state(import_id, "done")
        return not again

    def end_as_requested(self, import_id: int, state: RequestedState) -> bool:
        """Mark an import as paused or cancelled if that is still requested."""
        with self.writing():
            still = self.get(import_id).requested_state == state
            if still:
                self.set_state(import_id, ENDED_BY[state])
        return still

    def complete_interrupted(self, import_id: int) -> None:
        """Mark an interrupted import as done after another imported its files."""
        with self.writing() as db:
            db.execute(
                "UPDATE imports SET state = 'done', problem = NULL, ended_at = ?,"
                " already_here = already_here + max(total - done, 0), done = max(total, done)"
                " WHERE import_id = ? AND state = 'running'",
                (now(), import_id),
            )

    def set_state(self, import_id: int, state: ImportState, *, problem: str | None = None) -> None:
        """Set the state of an import, with the `problem` that stopped it."""
        ended = now() if state in ("done", "cancelled", "failed") else None
        with self.writing() as db:
            db.execute(
                "UPDATE imports SET state = ?, problem = ?, ended_at = ? WHERE import_id = ?",
                (state, problem, ended, import_id),
            )

    def set_total(self, import_id: int, total: int, skipped: Mapping[str, int]) -> None:
        """Set the number of files to import, and others by kind."""
        with self.writing() as db:
            db.execute(
                "UPDATE imports SET total = ?, skipped = ? WHERE import_id = ?",
                (total, json.dumps(dict(skipped)), import_id),
            )

    def reset_counters(self, import_id: int, done: int) -> None:
        """Restart the counters of an import that kept `done` files.

        Photos that it added stay counted.
        """
        with self.writing() as db:
            db.execute(
                "UPDATE imports SET done = ?, already_here = CASE WHEN ? THEN already_here ELSE 0"
                " END, updated = CASE WHEN ? THEN updated ELSE 0 END,"
                " added = (SELECT count(*) FROM photos WHERE photos.import_id = imports.import_id)"
                " WHERE import_id = ?",
                (done, done, done, import_id),
            )

    def advance(
        self, import_id: int, counts: Mapping[str, int], current: str, seconds: float
    ) -> None:
        """Add to an import's counters, and to a growing folder's total.

        Args:
            import_id: the import.
            counts: the increments by name, of `COUNTERS`.
            current: the name of the last file.
            seconds: the time at work since the last call.
        """
        assignments = "".join(f"{name} = {name} + ?, " for name in COUNTERS)
        increments = [counts.get(name, 0) for name in COUNTERS]
        with self.writing() as db:
            db.execute(
                f"UPDATE imports SET {assignments}total = max(total, done + ?), current = ?,"
                " seconds = seconds + ? WHERE import_id = ?",
                (*increments, counts.get("done", 0), current, seconds, import_id),
            )

    def fail(self, import_id: int, path: Path, reason: str) -> None:
        """Record a file that did not become a photo."""
        with self.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO import_failures VALUES (?, ?, ?)",
                (import_id, os.fsencode(path), reason),
            )

    def failures(self, import_id: int, limit: int = -1) -> list[ImportFailure]:
        """Return the files that did not become photos, by path.

        A `limit` below 0 means all.
        """
        rows = self.database.connection.execute(
            "SELECT path, reason FROM import_failures WHERE import_id = ? ORDER BY path LIMIT ?",
            (import_id, limit),
        )
        return [ImportFailure(Path(os.fsdecode(row["path"])), row["reason"]) for row in rows]

    def added_by(self, import_id: int, newest: int = -1) -> list[int]:
        """Return ids of the photos an import added, the last first.

        A `newest` below 0 means all.
        """
        rows = self.database.connection.execute(
            "SELECT photo_id FROM photos WHERE import_id = ? ORDER BY photo_id DESC LIMIT ?",
            (import_id, newest),
        )
        return [row[0] for row in rows]

    # Files

    def find_file(self, path: str) -> KnownFile | None:
        """Return what is known of the file at `path`."""
        row = self.database.connection.execute(
            "SELECT f.*, p.path = CAST(f.path AS TEXT) OR p.path = f.path AS is_original,"
            " p.missing_since FROM files AS f LEFT JOIN photos AS p USING (photo_id)"
            " WHERE f.path = ?",
            (os.fsencode(path),),
        ).fetchone()
        if row is None:
            return None
        return KnownFile(
            FileStamp(row["size_bytes"], row["mtime_ns"], row["sidecars"]),
            row["import_id"],
            row["photo_id"],
            is_original=bool(row["is_original"]),
            missing=row["missing_since"] is not None,
        )

    def count_files(self, import_id: int) -> int:
        """Count the files that this import read, and none since."""
        row = self.database.connection.execute(
            "SELECT count(*) FROM files WHERE import_id = ?", (import_id,)
        ).fetchone()
        return int(row[0])

    def record_file(
        self, import_id: int, path: Path, stamp: FileStamp, photo_id: int | None
    ) -> None:
        """Record a file that was read, with `photo_id` None if unreadable."""
        with self.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                (
                    os.fsencode(path),
                    stamp.size_bytes,
                    stamp.mtime_ns,
                    stamp.sidecars,
                    photo_id,
                    import_id,
                ),
            )

    def touch_files(self, import_id: int, paths: Sequence[str]) -> None:
        """Assign unchanged files to this import."""
        with self.writing() as db:
            db.executemany(
                "UPDATE files SET import_id = ? WHERE path = ?",
                [(import_id, os.fsencode(path)) for path in paths],
            )

    def forget_file(self, path: Path) -> None:
        """Delete what is known of the file at `path`."""
        with self.writing() as db:
            db.execute("DELETE FROM files WHERE path = ?", (os.fsencode(path),))

    def places_of(self, photo_id: int) -> list[Path]:
        """Return every path where the bytes of a photo were read."""
        rows = self.database.connection.execute(
            "SELECT path FROM files WHERE photo_id = ? ORDER BY path", (photo_id,)
        )
        return [Path(os.fsdecode(row[0])) for row in rows]

    def unvisited_photos(self, folder: Path, import_id: int) -> Iterator[tuple[Path, int]]:
        """Yield (path, photo id) below `folder` that this import has not read."""
        low, high = path_range(folder)
        rows = self.database.connection.execute(
            "SELECT path, photo_id FROM files WHERE path >= ? AND path < ?"
            " AND photo_id IS NOT NULL AND import_id IS NOT ?",
            (low, high, import_id),
        ).fetchall()
        for row in rows:
            yield Path(os.fsdecode(row["path"])), row["photo_id"]

    def counts_below(self, folder: Path) -> tuple[int, int]:
        """Count the photos below `folder`, and the missing ones among them."""
        low, high = path_range(folder)
        row = self.database.connection.execute(
            "SELECT count(DISTINCT photo_id), count(DISTINCT photo_id) FILTER"
            " (WHERE missing_since IS NOT NULL) FROM files JOIN photos USING (photo_id)"
            " WHERE files.path >= ? AND files.path < ?",
            (low, high),
        ).fetchone()
        return row[0], row[1]

    def known_bytes(self, archive: Path, import_id: int) -> int:
        """Count the bytes of a zip that the album holds.

        Args:
            archive: the zip.
            import_id: for an upload, only what this import added is known.
        """
        low, high = path_range(archive)
        row = self.database.connection.execute(
            "SELECT (SELECT total(size_bytes) FROM files WHERE path >= ? AND path < ?"
            " AND photo_id IS NOT NULL),"
            " (SELECT total(size_bytes) FROM photos WHERE import_id = ?)",
            (low, high, import_id),
        ).fetchone()
        return int(max(row))

    def mark_missing(self, photo_id: int, missing: bool) -> None:
        """Set whether the original of a photo is missing."""
        with self.writing() as db:
            db.execute(
                "UPDATE photos SET missing_since = CASE WHEN ? THEN coalesce(missing_since, ?) END"
                " WHERE photo_id = ?",
                (missing, now(), photo_id),
            )

    def _records(self, clauses: str, *values: int) -> list[ImportRecord]:
        rows = self.database.connection.execute(
            "SELECT *, (SELECT count(*) FROM import_failures AS f"
            f" WHERE f.import_id = imports.import_id) AS failed FROM imports {clauses}",
            values,
        )
        return [import_from_row(row) for row in rows]
