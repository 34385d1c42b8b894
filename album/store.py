"""PhotoStore: the rows of the album. The only module that speaks SQL.

`album.db` is the truth about photos, their vectors, captions and labels; whatever else lies in the
data folder, but the originals, can be made again from it. Every method is one transaction.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from album.errors import AlbumError, PhotoNotFoundError
from album.photo import Caption, ImageFacts, Photo, SearchFilters
from models.interfaces import Embeddings

# Append only: a library made by any earlier version is brought up to date, step by step.
MIGRATIONS = (
    """
    CREATE TABLE photos (
        photo_id INTEGER PRIMARY KEY AUTOINCREMENT,
        sha256 TEXT NOT NULL UNIQUE,
        filename TEXT NOT NULL,
        path TEXT,              -- of an original in place; NULL: the album keeps it
        file_type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        taken_at TEXT NOT NULL, -- ISO 8601, the camera's own clock
        taken_from TEXT NOT NULL,
        camera TEXT,
        lens TEXT,
        latitude REAL,
        longitude REAL,
        added_at TEXT NOT NULL
    );
    CREATE INDEX photos_by_time ON photos ( -- with all that filters ask for: half the time
        taken_at DESC, photo_id DESC, camera, file_type, width, height, latitude
    );
    CREATE INDEX photos_by_camera ON photos (camera);
    CREATE TABLE embeddings (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the rows of the .npy matrix
        model_id TEXT NOT NULL,
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        vector BLOB NOT NULL,                  -- (d,) float32, little-endian, L2 norm 1
        UNIQUE (photo_id, model_id)
    );
    CREATE INDEX embeddings_in_order ON embeddings (model_id, seq, photo_id);
    CREATE TABLE captions (
        photo_id INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE,
        text TEXT NOT NULL,
        language TEXT NOT NULL,
        model_id TEXT,          -- NULL: written or edited by a person
        written_at TEXT NOT NULL
    );
    CREATE TABLE caption_queue (
        photo_id INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE,
        language TEXT NOT NULL,
        urgent INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0, -- Unix time: waiting for a retry, or at work until then
        failure TEXT,                       -- why it was given up; NULL: still to be done
        requested_at REAL NOT NULL
    );
    CREATE TABLE labels (
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        label TEXT NOT NULL,
        PRIMARY KEY (label, photo_id)
    ) WITHOUT ROWID;
    CREATE INDEX labels_by_photo ON labels (photo_id);
    """,
)

BUSY_TIMEOUT_S = 60  # another process may be importing; a group of rows takes it milliseconds
IDS_PER_STATEMENT = 500  # well under SQLite's limit on parameters
FILTERS_KEPT = 32  # each with 8 bytes for a photo that passes
NO_IDS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """All that a row needs, before it has an id."""

    sha256: str
    filename: str
    path: Path | None
    size_bytes: int
    facts: ImageFacts
    file_time: datetime
    """Stands in for the capture time where the file does not know it."""


@dataclass(frozen=True, slots=True)
class CaptionTask:
    """One photo that waits for a caption; `tries` counts the ones that failed."""

    photo_id: int
    language: str
    tries: int


class PhotoStore:
    """Rows in SQLite; one connection a thread, write-ahead log, so readers never wait."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path` and bring its schema up to date.

        Raises:
            AlbumError: the file is no album, or one of a later version.
        """
        self._path = path
        self._threads = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._passed: dict[SearchFilters, npt.NDArray[np.int64]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._migrate()
        except sqlite3.DatabaseError as error:
            raise AlbumError(f"{path} cannot be opened as an album: {error}.") from error

    def close(self) -> None:
        """Close every connection; the store is of no use afterwards."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    # Photos

    def add(
        self, new: NewPhoto, model_id: str | None = None, embedding: Embeddings | None = None
    ) -> int | None:
        """Store a photo with its vector: both rows or neither. None where its bytes are here.

        Args:
            new: the photo.
            model_id: whose vector `embedding` is.
            embedding: (d,) float32 of L2 norm 1; None leaves the encoding for later.
        """
        facts = new.facts
        with self.writing() as db:
            row = db.execute(
                "INSERT INTO photos (sha256, filename, path, file_type, size_bytes, width, height,"
                " taken_at, taken_from, camera, lens, latitude, longitude, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (sha256) DO NOTHING RETURNING photo_id",
                (
                    new.sha256,
                    new.filename,
                    _path_value(new.path),
                    facts.file_type,
                    new.size_bytes,
                    facts.width,
                    facts.height,
                    (facts.taken_at or new.file_time).isoformat(timespec="seconds"),
                    "exif" if facts.taken_at else "file",
                    facts.camera,
                    facts.lens,
                    facts.latitude,
                    facts.longitude,
                    _now(),
                ),
            ).fetchone()
            if row is None:
                return None
            photo_id = int(row[0])
            if model_id is not None and embedding is not None:
                self._add_vector(db, model_id, photo_id, embedding)
        return photo_id

    def get(self, photo_id: int) -> Photo:
        """The photo with this id.

        Raises:
            PhotoNotFoundError: there is none.
        """
        found = self.get_many([photo_id])
        if not found:
            raise PhotoNotFoundError("This photo is not in the album.")
        return found[photo_id]

    def get_many(self, photo_ids: Sequence[int]) -> dict[int, Photo]:
        """Those of `photo_ids` that exist, by id."""
        found: dict[int, Photo] = {}
        for some in _portions(photo_ids):
            rows = self._db.execute(
                f"SELECT * FROM photos WHERE photo_id IN ({_marks(some)})", some
            )
            found.update((row["photo_id"], _photo(row)) for row in rows)
        return found

    def by_sha256(self, sha256: str) -> Photo | None:
        """The photo with these bytes, if the album has it."""
        row = self._db.execute("SELECT * FROM photos WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else _photo(row)

    def move(self, photo_id: int, path: Path | None) -> None:
        """Note that the original now lies at `path`; None: the album keeps it itself."""
        with self.writing() as db:
            db.execute(
                "UPDATE photos SET path = ? WHERE photo_id = ?",
                (_path_value(path), photo_id),
            )

    def count(self, filters: SearchFilters | None = None) -> int:
        """How many photos pass `filters`."""
        where, values = _where(filters or SearchFilters())
        return int(self._db.execute(f"SELECT count(*) FROM photos{where}", values).fetchone()[0])

    def newest(self, filters: SearchFilters, offset: int, limit: int) -> list[Photo]:
        """Photos that pass `filters`, latest capture time first."""
        where, values = _where(filters)
        rows = self._db.execute(
            f"SELECT * FROM photos{where} ORDER BY taken_at DESC, photo_id DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [_photo(row) for row in rows]

    def matching_ids(self, filters: SearchFilters) -> npt.NDArray[np.int64]:
        """(n,) ids of the photos that pass `filters`, in no order."""
        if filters.has_caption is not None or filters.label is not None:
            return self._matching_ids(filters, above=0)
        # What a file says of itself never changes, so only photos that are new have to be asked.
        known = self._passed.get(filters, NO_IDS)
        ids = np.concatenate([known, self._matching_ids(filters, above=known.max(initial=0))])
        if len(self._passed) == FILTERS_KEPT:
            self._passed.clear()
        self._passed[filters] = ids
        return ids

    def all_photos(self) -> Iterator[Photo]:
        """Every photo, by id; new ones added meanwhile may or may not be among them."""
        last = 0
        while rows := self._db.execute(
            "SELECT * FROM photos WHERE photo_id > ? ORDER BY photo_id LIMIT 1000", (last,)
        ).fetchall():
            yield from map(_photo, rows)
            last = rows[-1]["photo_id"]

    def values_of(self, column: str) -> list[str]:
        """The different values of "camera", "file_type" or "label", most frequent first."""
        table = {"camera": "photos", "file_type": "photos", "label": "labels"}[column]
        rows = self._db.execute(
            f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
            f" GROUP BY {column} ORDER BY count(*) DESC, {column}"
        )
        return [row[0] for row in rows]

    # Vectors

    def add_embeddings(
        self, model_id: str, photo_ids: Sequence[int], embeddings: Embeddings
    ) -> None:
        """Store (n, d) vectors of photos that are here already; ones that exist stay."""
        with self.writing() as db:
            for photo_id, embedding in zip(photo_ids, embeddings, strict=True):
                self._add_vector(db, model_id, photo_id, embedding)

    def lacking(self, model_id: str, after: int, limit: int) -> list[Photo]:
        """Photos with an id above `after` that have no vector of this model yet, by id."""
        rows = self._db.execute(
            "SELECT * FROM photos WHERE photo_id > ? AND NOT EXISTS (SELECT 1 FROM embeddings AS e"
            " WHERE e.photo_id = photos.photo_id AND e.model_id = ?) ORDER BY photo_id LIMIT ?",
            (after, model_id, limit),
        )
        return [_photo(row) for row in rows]

    def encoded_by(self) -> dict[str, int]:
        """How many photos each model has encoded, by model_id."""
        rows = self._db.execute("SELECT model_id, count(*) FROM embeddings GROUP BY model_id")
        return {row[0]: row[1] for row in rows}

    def last_seq(self, model_id: str) -> int:
        """Grows with each vector that is added for the model; 0 where it has none."""
        row = self._db.execute(
            "SELECT max(seq) FROM embeddings WHERE model_id = ?", (model_id,)
        ).fetchone()
        return int(row[0] or 0)

    def embedded_ids(self, model_id: str) -> npt.NDArray[np.int64]:
        """(n,) photo ids in the order of the matrix rows."""
        return _ids(
            self._db.execute(
                "SELECT photo_id FROM embeddings WHERE model_id = ? ORDER BY seq", (model_id,)
            )
        )

    def vectors(
        self, model_id: str, first: int, d: int, portion: int = 4096
    ) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """Ids (b,) and vectors (b, d) in matrix order, from row `first` on, a portion at a time."""
        row = self._db.execute(
            "SELECT seq FROM embeddings WHERE model_id = ? ORDER BY seq LIMIT 1 OFFSET ?",
            (model_id, first),
        ).fetchone()
        seq = 0 if row is None else row[0] - 1
        while row is not None and (
            rows := self._db.execute(
                "SELECT seq, photo_id, vector FROM embeddings WHERE model_id = ? AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (model_id, seq, portion),
            ).fetchall()
        ):
            seq = rows[-1]["seq"]
            ids = np.array([row["photo_id"] for row in rows], dtype=np.int64)
            flat = np.frombuffer(b"".join(row["vector"] for row in rows), dtype="<f4")
            yield ids, flat.reshape(len(rows), d)

    # Captions and labels

    def captions_of(self, photo_ids: Sequence[int]) -> dict[int, Caption]:
        """The captions that these photos have, by photo id."""
        found: dict[int, Caption] = {}
        for some in _portions(photo_ids):
            rows = self._db.execute(
                f"SELECT * FROM captions WHERE photo_id IN ({_marks(some)})", some
            )
            found.update((row["photo_id"], _caption(row)) for row in rows)
        return found

    def caption_texts(self, most: int) -> list[str]:
        """The different captions of all photos, the one written last first, `most` of them."""
        rows = self._db.execute(
            "SELECT text FROM captions GROUP BY text"
            " ORDER BY max(written_at) DESC, max(photo_id) DESC LIMIT ?",
            (most,),
        )
        return [row[0] for row in rows]

    def set_caption(
        self, photo_id: int, text: str, language: str, model_id: str | None = None
    ) -> bool:
        """Store a caption and take the photo from the queue; empty text removes the caption.

        A caption by hand (`model_id` None) replaces any other; one by a model never replaces one
        by hand: False says that it was left out.
        """
        with self.writing() as db:
            db.execute("DELETE FROM caption_queue WHERE photo_id = ?", (photo_id,))
            if not text:
                db.execute("DELETE FROM captions WHERE photo_id = ?", (photo_id,))
                return True
            return (
                db.execute(
                    "INSERT INTO captions VALUES (?, ?, ?, ?, ?) ON CONFLICT (photo_id) DO UPDATE"
                    " SET text = excluded.text, language = excluded.language,"
                    " model_id = excluded.model_id, written_at = excluded.written_at"
                    " WHERE excluded.model_id IS NULL OR captions.model_id IS NOT NULL",
                    (photo_id, text, language, model_id, _now()),
                ).rowcount
                == 1
            )

    def queue_caption(self, photo_id: int, language: str, *, urgent: bool = False) -> None:
        """Ask for a caption; asking again forgets an earlier failure."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO caption_queue (photo_id, language, urgent, requested_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (photo_id) DO UPDATE SET tries = 0,"
                " failure = NULL, language = excluded.language,"
                " urgent = max(urgent, excluded.urgent),"
                # A task at work keeps its claim, so that nobody pays twice for it.
                " not_before = CASE WHEN tries = 0 AND failure IS NULL THEN not_before ELSE 0 END",
                (photo_id, language, int(urgent), time.time()),
            )

    def claim_caption(self, lease_s: float) -> CaptionTask | None:
        """The next photo to caption, hidden from other workers for `lease_s` seconds."""
        now = time.time()
        with self.writing() as db:
            row = db.execute(
                "UPDATE caption_queue SET not_before = ? WHERE photo_id = (SELECT photo_id"
                " FROM caption_queue WHERE failure IS NULL AND not_before <= ?"
                " ORDER BY urgent DESC, requested_at LIMIT 1)"
                " RETURNING photo_id, language, tries",
                (now + lease_s, now),
            ).fetchone()
        return None if row is None else CaptionTask(*row)

    def delay_caption(self, photo_id: int, tries: int, delay_s: float) -> None:
        """Leave a task in the queue for `delay_s` seconds after its failure number `tries`."""
        with self.writing() as db:
            db.execute(
                "UPDATE caption_queue SET tries = ?, not_before = ? WHERE photo_id = ?",
                (tries, time.time() + delay_s, photo_id),
            )

    def fail_caption(self, photo_id: int, reason: str) -> None:
        """Give a task up; it stays in the queue with the reason until it is asked for again."""
        with self.writing() as db:
            db.execute(
                "UPDATE caption_queue SET failure = ? WHERE photo_id = ?", (reason, photo_id)
            )

    def caption_failure(self, photo_id: int) -> tuple[bool, str | None]:
        """Whether the photo is in the queue, and why it was given up."""
        row = self._db.execute(
            "SELECT failure FROM caption_queue WHERE photo_id = ?", (photo_id,)
        ).fetchone()
        return (False, None) if row is None else (True, row[0])

    def caption_counts(self) -> tuple[int, int, int]:
        """How many photos have a caption, wait for one, and were given up."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM captions),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NULL),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NOT NULL)"
        ).fetchone()
        return row[0], row[1], row[2]

    def uncaptioned_ids(self) -> list[int]:
        """Photos without a caption that are not in the queue either, by id."""
        rows = self._db.execute(
            "SELECT photo_id FROM photos WHERE photo_id NOT IN (SELECT photo_id FROM captions)"
            " AND photo_id NOT IN (SELECT photo_id FROM caption_queue) ORDER BY photo_id"
        )
        return [row[0] for row in rows]

    def labels_of(self, photo_id: int) -> list[str]:
        """The labels on this photo, in alphabetical order."""
        rows = self._db.execute(
            "SELECT label FROM labels WHERE photo_id = ? ORDER BY label", (photo_id,)
        )
        return [row[0] for row in rows]

    def set_labels(self, photo_id: int, labels: Sequence[str]) -> None:
        """Replace the labels on this photo."""
        with self.writing() as db:
            db.execute("DELETE FROM labels WHERE photo_id = ?", (photo_id,))
            db.executemany(
                "INSERT OR IGNORE INTO labels (photo_id, label) VALUES (?, ?)",
                [(photo_id, label) for label in labels],
            )

    def _matching_ids(self, filters: SearchFilters, above: int) -> npt.NDArray[np.int64]:
        where, values = _where(filters)
        if above:
            where, values = f"{where or ' WHERE TRUE'} AND photo_id > ?", (*values, int(above))
        # One long text: a Python object for each row would take twice the time.
        (listed,) = self._db.execute(
            f"SELECT group_concat(photo_id) FROM photos{where}", values
        ).fetchone()
        return np.fromstring(listed or "", dtype=np.int64, sep=",")

    # The database itself

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file, one line each."""
        checks = [row[0] for row in self._db.execute("PRAGMA integrity_check")]
        dangling = self._db.execute("PRAGMA foreign_key_check").fetchall()
        return [f"album.db: {line}" for line in checks if line != "ok"] + [
            f"album.db: a row of {row[0]} belongs to no photo" for row in dangling
        ]

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other thread or process writes beside; nests in itself."""
        with self._lock:
            db = self._db
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @property
    def _db(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,  # closed by whichever thread closes the store
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._threads.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    def _migrate(self) -> None:
        with self.writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise AlbumError(
                    f"{self._path} was made by a later version of the album; update this one."
                )
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in _statements(script):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")

    @staticmethod
    def _add_vector(
        db: sqlite3.Connection, model_id: str, photo_id: int, embedding: Embeddings
    ) -> None:
        db.execute(
            "INSERT OR IGNORE INTO embeddings (model_id, photo_id, vector) VALUES (?, ?, ?)",
            (model_id, photo_id, embedding.astype("<f4").tobytes()),
        )


def _statements(script: str) -> list[str]:
    """The statements of a migration; `executescript` would commit between them."""
    without_comments = "\n".join(line.split("--")[0] for line in script.splitlines())
    return [part for part in without_comments.split(";") if part.strip()]


def _where(filters: SearchFilters) -> tuple[str, tuple[Any, ...]]:
    """The WHERE clause of the filters, empty where all is allowed, and its values."""
    conditions: list[str] = []
    values: list[Any] = []

    def must(condition: str, *used: Any) -> None:
        conditions.append(condition)
        values.extend(used)

    if filters.after is not None:
        must("taken_at >= ?", filters.after.isoformat())
    if filters.before is not None:
        must("taken_at < ?", filters.before.isoformat() + "U")  # "T..." sorts before "U"
    if filters.has_place is not None:
        must("latitude IS NOT NULL" if filters.has_place else "latitude IS NULL")
    if filters.camera is not None:
        must("camera = ?", filters.camera)
    if filters.file_type is not None:
        must("file_type = ?", filters.file_type)
    if filters.orientation is not None:
        sign = {"landscape": ">", "portrait": "<", "square": "="}[filters.orientation]
        must(f"width {sign} height")
    if filters.has_caption is not None:
        must(
            f"photo_id {'IN' if filters.has_caption else 'NOT IN'} (SELECT photo_id FROM captions)"
        )
    if filters.label is not None:
        must("photo_id IN (SELECT photo_id FROM labels WHERE label = ?)", filters.label)
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), tuple(values)


def _path_value(path: Path | None) -> str | bytes | None:
    """Text, or bytes for a name that is no Unicode, as old disks and zip files have them."""
    if path is None:
        return None
    raw = os.fsencode(path)
    return str(path) if raw == str(path).encode("utf-8", "replace") else raw


def _photo(row: sqlite3.Row) -> Photo:
    return Photo(
        photo_id=row["photo_id"],
        sha256=row["sha256"],
        filename=row["filename"],
        path=None if row["path"] is None else Path(os.fsdecode(row["path"])),
        file_type=row["file_type"],
        size_bytes=row["size_bytes"],
        width=row["width"],
        height=row["height"],
        taken_at=datetime.fromisoformat(row["taken_at"]),
        taken_from=row["taken_from"],
        camera=row["camera"],
        lens=row["lens"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        added_at=datetime.fromisoformat(row["added_at"]),
    )


def _caption(row: sqlite3.Row) -> Caption:
    return Caption(
        row["text"], row["language"], row["model_id"], datetime.fromisoformat(row["written_at"])
    )


def _ids(cursor: sqlite3.Cursor) -> npt.NDArray[np.int64]:
    cursor.row_factory = None
    return np.fromiter((photo_id for (photo_id,) in cursor), dtype=np.int64)


def _portions(photo_ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(photo_ids), IDS_PER_STATEMENT):
        yield [int(photo_id) for photo_id in photo_ids[start : start + IDS_PER_STATEMENT]]


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
