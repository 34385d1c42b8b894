"""PhotoStore: the rows of the photos and their vectors.

`album.db` is the truth about them; whatever else lies in the data folder, but the originals, can be
made again from it. Every method is one transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from album.domain.filters import Filter
from album.domain.known_names import KnownNames
from album.domain.photo import ImageFacts, Photo, Place, SearchFilters
from album.errors import PhotoNotFoundError
from album.storage.database import Database, now
from album.storage.photo_filters import FilterMasks, all_labels
from album.storage.photo_table import Facts, FactTable, Mask
from models.interfaces import Embeddings

IDS_PER_STATEMENT = 500  # well under SQLite's limit on parameters
LARGEST = 2**63 - 1  # SQLite takes no larger number


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
    place: Place | None = None


class PhotoStore:
    """What the album knows of its photos; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writing = database.writing
        self._facts = FactTable(database)
        self._names = (-1, KnownNames())  # as of a revision

    # Photos

    def add(
        self,
        new: NewPhoto,
        model_id: str | None = None,
        embedding: Embeddings | None = None,
        *,
        import_id: int | None = None,
    ) -> int | None:
        """Store a photo with its vector: all of it or nothing. None where its bytes are here.

        Args:
            new: the photo.
            model_id: whose vector `embedding` is.
            embedding: (d,) float32 of L2 norm 1; None leaves the encoding for later.
            import_id: the import that adds it.
        """
        with self.writing() as db:
            columns = self._columns(db, new) | {"added_at": now(), "import_id": import_id}
            row = db.execute(
                f"INSERT INTO photos ({', '.join(columns)}) VALUES ({_marks(columns)})"
                " ON CONFLICT (sha256) DO NOTHING RETURNING photo_id",
                tuple(columns.values()),
            ).fetchone()
            if row is None:
                return None
            photo_id = int(row[0])
            self._set_keywords(db, photo_id, new.facts.keywords)
            if model_id is not None and embedding is not None:
                self._add_vector(db, model_id, photo_id, embedding)
        return photo_id

    def replace(self, photo_id: int, new: NewPhoto, model_id: str, embedding: Embeddings) -> None:
        """Give a photo other bytes, as when its file was edited where it lies.

        Captions and labels stay; vectors of the old bytes go.
        """
        with self.writing() as db:
            self._update(db, photo_id, self._columns(db, new) | {"missing_since": None})
            self._set_keywords(db, photo_id, new.facts.keywords)
            db.execute("DELETE FROM embeddings WHERE photo_id = ?", (photo_id,))
            self._add_vector(db, model_id, photo_id, embedding)

    def set_facts(
        self, photo_id: int, facts: ImageFacts, file_time: datetime, place: Place | None
    ) -> None:
        """Replace what is known of a photo whose bytes are the same, as from a new sidecar."""
        with self.writing() as db:
            self._update(db, photo_id, self._fact_columns(db, facts, file_time, place))
            self._set_keywords(db, photo_id, facts.keywords)

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
            rows = self.database.connection.execute(
                f"SELECT * FROM photos WHERE photo_id IN ({_marks(some)})", some
            )
            found.update((row["photo_id"], _photo(row)) for row in rows)
        return found

    def by_sha256(self, sha256: str) -> Photo | None:
        """The photo with these bytes, if the album has it."""
        row = self.database.connection.execute(
            "SELECT * FROM photos WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return None if row is None else _photo(row)

    def move(self, photo_id: int, path: Path | None, filename: str | None = None) -> None:
        """Note that the original lies at `path` now (None: the album keeps it itself), and under
        which name, if that is another."""
        columns: dict[str, Any] = {"path": path_value(path), "missing_since": None}
        with self.writing() as db:
            self._update(db, photo_id, columns | ({"filename": filename} if filename else {}))

    def place_of(self, photo_id: int) -> Place | None:
        """Where a photo was taken, by name."""
        row = self.database.connection.execute(
            "SELECT places.* FROM photos JOIN places USING (place_id) WHERE photo_id = ?",
            (photo_id,),
        ).fetchone()
        return None if row is None else _place(row)

    def keywords_of(self, photo_id: int) -> list[str]:
        """What the file of a photo calls it, in alphabetical order."""
        rows = self.database.connection.execute(
            "SELECT keyword FROM keywords WHERE photo_id = ? ORDER BY keyword", (photo_id,)
        )
        return [row[0] for row in rows]

    def count(
        self,
        filters: SearchFilters | None = None,
        conditions: Sequence[Filter] = (),
        written: Mapping[str, npt.NDArray[np.int64]] | None = None,
    ) -> int:
        """How many photos pass `filters` and meet `conditions`, as `matching_ids` takes them."""
        filters = filters or SearchFilters()
        if filters == SearchFilters() and not conditions:
            row = self.database.connection.execute("SELECT count(*) FROM photos").fetchone()
            return int(row[0])
        return int(np.count_nonzero(self._passing(filters, conditions, written)[1]))

    def newest(
        self,
        filters: SearchFilters,
        offset: int,
        limit: int,
        conditions: Sequence[Filter] = (),
        written: Mapping[str, npt.NDArray[np.int64]] | None = None,
    ) -> list[Photo]:
        """The photos that `matching_ids` has, latest capture time first."""
        if filters == SearchFilters() and not conditions:
            rows = self.database.connection.execute(
                "SELECT * FROM photos ORDER BY taken_at DESC, photo_id DESC LIMIT ? OFFSET ?",
                (min(limit, LARGEST), min(offset, LARGEST)),
            )
            return [_photo(row) for row in rows]
        facts, mask = self._passing(filters, conditions, written)
        places = facts.newest_first[mask[facts.newest_first]][offset : offset + limit]
        ids = facts.photo_ids[places].tolist()
        photos = self.get_many(ids)
        return [photos[photo_id] for photo_id in ids if photo_id in photos]

    def matching_ids(
        self,
        filters: SearchFilters,
        conditions: Sequence[Filter] = (),
        written: Mapping[str, npt.NDArray[np.int64]] | None = None,
    ) -> npt.NDArray[np.int64]:
        """(n,) rising ids of the photos that pass `filters` and meet `conditions`.

        Args:
            filters: all of them must be passed.
            conditions: facts of one type are alternatives, but for labels.
            written: the ids of the photos that write each phrase of `conditions`, which the index
                of texts knows: `TextIndex.written(conditions)`.
        """
        facts, mask = self._passing(filters, conditions, written)
        return facts.photo_ids[mask]

    def times_of(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(n,) rising ids of all photos, and (n,) when they were taken.

        In seconds since 1970 by each camera's own clock, so that they compare as dates do. Both are
        kept: don't write into them.
        """
        facts = self._facts.now()
        return facts.photo_ids, facts.seconds

    def photo_table(self) -> Facts:
        """When the photos were taken and how that is known, as of now; see `Facts.rows`."""
        return self._facts.now()

    def known_names(self) -> KnownNames:
        """What photos are called: their places in both languages, cameras, lenses and labels."""
        revision = self._facts.revision()
        if self._names[0] != revision:
            facts = self._facts.now()
            places = set(facts.place_ids)
            self._names = (
                revision,
                KnownNames(
                    places=frozenset(
                        name
                        for row in self.database.connection.execute(
                            "SELECT place_id, town, town_ko, country, country_ko FROM places"
                        )
                        if row[0] in places
                        for name in row[1:]
                        if name
                    ),
                    cameras=frozenset(facts.names("camera").values()),
                    lenses=frozenset(facts.names("lens").values()),
                    labels=frozenset(all_labels(self.database)),
                ),
            )
        return self._names[1]

    def all_photos(self) -> Iterator[Photo]:
        """Every photo, by id; new ones added meanwhile may or may not be among them."""
        last = 0
        while rows := self.database.connection.execute(
            "SELECT * FROM photos WHERE photo_id > ? ORDER BY photo_id LIMIT 1000", (last,)
        ).fetchall():
            yield from map(_photo, rows)
            last = rows[-1]["photo_id"]

    def outline(self) -> Iterator[tuple[int, int, bool, bool]]:
        """Of every photo, by id: its id, how many bytes its original has, whether that lies in a
        folder of the person's own, and whether there is a caption, a label or stars."""
        rows = self.database.connection.execute(
            "SELECT photo_id, size_bytes, path IS NOT NULL, coalesce(rating, 0) <> 0"
            " OR EXISTS (SELECT 1 FROM labels WHERE labels.photo_id = photos.photo_id)"
            " OR EXISTS (SELECT 1 FROM captions WHERE captions.photo_id = photos.photo_id)"
            " FROM photos ORDER BY photo_id"
        )
        for photo_id, size_bytes, in_place, told in rows:
            yield photo_id, size_bytes, bool(in_place), bool(told)

    def values_of(self, column: str) -> list[str]:
        """The different values of "camera", "file_type" or "label", most frequent first."""
        table = {"camera": "photos", "file_type": "photos", "label": "labels"}[column]
        rows = self.database.connection.execute(
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
        rows = self.database.connection.execute(
            "SELECT * FROM photos WHERE photo_id > ? AND NOT EXISTS (SELECT 1 FROM embeddings AS e"
            " WHERE e.photo_id = photos.photo_id AND e.model_id = ?) ORDER BY photo_id LIMIT ?",
            (after, model_id, limit),
        )
        return [_photo(row) for row in rows]

    def encoded_by(self) -> dict[str, int]:
        """How many photos each model has encoded, by model_id."""
        rows = self.database.connection.execute(
            "SELECT model_id, count(*) FROM embeddings GROUP BY model_id"
        )
        return {row[0]: row[1] for row in rows}

    def last_seq(self, model_id: str) -> int:
        """Grows with each vector that is added for the model; 0 where it has none."""
        row = self.database.connection.execute(
            "SELECT max(seq) FROM embeddings WHERE model_id = ?", (model_id,)
        ).fetchone()
        return int(row[0] or 0)

    def embedded_ids(self, model_id: str) -> npt.NDArray[np.int64]:
        """(n,) photo ids in the order of the matrix rows."""
        return _ids(
            self.database.connection.execute(
                "SELECT photo_id FROM embeddings WHERE model_id = ? ORDER BY seq", (model_id,)
            )
        )

    def ids_of_other_length(self, model_id: str, first: int, d: int) -> list[int]:
        """The photos whose vector, from row `first` in matrix order on, is not one of (d,)."""
        rows = self.database.connection.execute(
            "SELECT photo_id FROM embeddings WHERE model_id = ?1 AND seq >= (SELECT seq FROM"
            " embeddings WHERE model_id = ?1 ORDER BY seq LIMIT 1 OFFSET ?2)"
            " AND (typeof(vector) <> 'blob' OR length(vector) <> ?3)",
            (model_id, first, 4 * d),
        )
        return [row[0] for row in rows]

    def forget_vectors(self, model_id: str, photo_ids: Sequence[int]) -> None:
        """Have photos encoded by a model again."""
        with self.writing() as db:
            db.executemany(
                "DELETE FROM embeddings WHERE model_id = ? AND photo_id = ?",
                [(model_id, photo_id) for photo_id in photo_ids],
            )

    def vectors(
        self, model_id: str, first: int, d: int, portion: int = 4096, *, only_d: bool = False
    ) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """Ids (b,) and vectors (b, d) in matrix order, from row `first` on, a portion at a time.

        Args:
            model_id: whose.
            first: the row of the matrix to begin with.
            d: the length of a vector; -1: any, as long as all have the same.
            portion: rows at the most in each step.
            only_d: pass over vectors of another length than `d`.

        Raises:
            ValueError: a vector has another length, unless `only_d`.
        """
        those = f" AND typeof(vector) = 'blob' AND length(vector) = {4 * d}" if only_d else ""
        row = self.database.connection.execute(
            "SELECT seq FROM embeddings WHERE model_id = ? ORDER BY seq LIMIT 1 OFFSET ?",
            (model_id, first),
        ).fetchone()
        seq = 0 if row is None else row[0] - 1
        while row is not None and (
            rows := self.database.connection.execute(
                "SELECT seq, photo_id, vector FROM embeddings WHERE model_id = ? AND seq > ?"
                f"{those} ORDER BY seq LIMIT ?",
                (model_id, seq, portion),
            ).fetchall()
        ):
            seq = rows[-1]["seq"]
            ids = np.array([row["photo_id"] for row in rows], dtype=np.int64)
            flat = np.frombuffer(b"".join(row["vector"] for row in rows), dtype="<f4")
            yield ids, flat.reshape(len(rows), d)

    def vectors_of(
        self, model_id: str, photo_ids: Sequence[int]
    ) -> dict[int, npt.NDArray[np.float32]]:
        """The (d,) float32 vectors, of L2 norm 1, of those of `photo_ids` that have one, by id."""
        found: dict[int, npt.NDArray[np.float32]] = {}
        for some in _portions(photo_ids):
            rows = self.database.connection.execute(
                "SELECT photo_id, vector FROM embeddings WHERE model_id = ?"
                f" AND photo_id IN ({_marks(some)})",
                (model_id, *some),
            )
            found.update((row[0], np.frombuffer(row[1], dtype="<f4")) for row in rows)
        return found

    def _passing(
        self,
        filters: SearchFilters,
        conditions: Sequence[Filter],
        written: Mapping[str, npt.NDArray[np.int64]] | None,
    ) -> tuple[Facts, Mask]:
        facts = self._facts.now()
        return facts, FilterMasks(self.database, facts, written).passing(filters, conditions)

    def _columns(self, db: sqlite3.Connection, new: NewPhoto) -> dict[str, Any]:
        return {
            "sha256": new.sha256,
            "filename": new.filename,
            "path": path_value(new.path),
            "size_bytes": new.size_bytes,
            **self._fact_columns(db, new.facts, new.file_time, new.place),
        }

    def _fact_columns(
        self, db: sqlite3.Connection, facts: ImageFacts, file_time: datetime, place: Place | None
    ) -> dict[str, Any]:
        taken_at = facts.taken_at or file_time
        return {
            "file_type": facts.file_type,
            "width": facts.width,
            "height": facts.height,
            "taken_at": taken_at.isoformat(
                timespec="milliseconds" if taken_at.microsecond else "seconds"
            ),
            "taken_from": (facts.taken_from or "exif") if facts.taken_at else "file",
            "taken_offset": facts.taken_offset,
            "camera": facts.camera,
            "lens": facts.lens,
            "exposure_s": facts.exposure_s,
            "f_number": facts.f_number,
            "iso": facts.iso,
            "focal_mm": facts.focal_mm,
            "orientation": facts.orientation,
            "rating": facts.rating,
            "latitude": facts.latitude,
            "longitude": facts.longitude,
            "place_id": None if place is None else self._place_id(db, place),
        }

    @staticmethod
    def _place_id(db: sqlite3.Connection, place: Place) -> int:
        names = (place.country_code, place.town, place.town_ko, place.country, place.country_ko)
        db.execute(
            "INSERT OR IGNORE INTO places (country_code, town, town_ko, country, country_ko)"
            " VALUES (?, ?, ?, ?, ?)",
            names,
        )
        row = db.execute(
            "SELECT place_id FROM places WHERE country_code = ? AND town = ? AND town_ko = ?",
            names[:3],
        ).fetchone()
        return int(row[0])

    @staticmethod
    def _update(db: sqlite3.Connection, photo_id: int, columns: dict[str, Any]) -> None:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        db.execute(
            f"UPDATE photos SET {assignments} WHERE photo_id = ?", (*columns.values(), photo_id)
        )

    @staticmethod
    def _set_keywords(db: sqlite3.Connection, photo_id: int, keywords: Sequence[str]) -> None:
        db.execute("DELETE FROM keywords WHERE photo_id = ?", (photo_id,))
        db.executemany(
            "INSERT OR IGNORE INTO keywords (photo_id, keyword) VALUES (?, ?)",
            [(photo_id, keyword) for keyword in keywords],
        )

    @staticmethod
    def _add_vector(
        db: sqlite3.Connection, model_id: str, photo_id: int, embedding: Embeddings
    ) -> None:
        db.execute(
            "INSERT OR IGNORE INTO embeddings (model_id, photo_id, vector) VALUES (?, ?, ?)",
            (model_id, photo_id, embedding.astype("<f4").tobytes()),
        )


def path_value(path: Path | None) -> str | bytes | None:
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
        taken_offset=row["taken_offset"],
        camera=row["camera"],
        lens=row["lens"],
        exposure_s=row["exposure_s"],
        f_number=row["f_number"],
        iso=row["iso"],
        focal_mm=row["focal_mm"],
        orientation=row["orientation"],
        rating=row["rating"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        added_at=datetime.fromisoformat(row["added_at"]),
        missing=row["missing_since"] is not None,
    )


def _place(row: sqlite3.Row) -> Place:
    return Place(
        row["town"], row["town_ko"], row["country_code"], row["country"], row["country_ko"]
    )


def _ids(cursor: sqlite3.Cursor) -> npt.NDArray[np.int64]:
    cursor.row_factory = None
    return np.fromiter((photo_id for (photo_id,) in cursor), dtype=np.int64)


def _portions(photo_ids: Sequence[int]) -> Iterator[list[int]]:
    """Those ids that a photo can have, as many at once as one statement takes."""
    for start in range(0, len(photo_ids), IDS_PER_STATEMENT):
        some = map(int, photo_ids[start : start + IDS_PER_STATEMENT])
        yield [photo_id for photo_id in some if 0 < photo_id <= LARGEST]


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
