"""Rows of the photos and their embeddings.

`album.db` is the truth about them. Thumbnails and the embedding matrix can be rebuilt from it and
the originals. Every method that writes is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from album.domain.filters import Filter
from album.domain.known_names import KnownNames
from album.domain.photo import ImageFacts, Photo, Place, PlaceCount, SearchFilters
from album.errors import PhotoNotFoundError
from album.storage.database import Database, now
from album.storage.label_names import rules_version
from album.storage.photo_filters import FilterMasks, read_known_names, read_places
from album.storage.photo_rows import (
    NewPhoto,
    fact_columns,
    path_value,
    photo_columns,
    photo_from_row,
    place_from_row,
    set_keywords,
    update_photo,
)
from album.storage.photo_table import Facts, FactTable, Mask
from album.storage.statements import id_array, id_batches, placeholders, possible_ids
from models.interfaces import Embeddings


class PhotoStore:
    """Photos of the album, safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writing = database.writing
        self._facts = FactTable(database)
        self._names: tuple[object, KnownNames] = (None, KnownNames())  # as of a revision

    # Photos

    def add(
        self,
        new: NewPhoto,
        model_id: str | None = None,
        embedding: Embeddings | None = None,
        *,
        import_id: int | None = None,
    ) -> int | None:
        """Store a photo with its embedding unless its bytes exist already.

        Args:
            new: the photo.
            model_id: the model of `embedding`.
            embedding: (d,) float32 of L2 norm 1. None leaves the encoding for later.
            import_id: the import that adds it.

        Returns:
            The id of the new photo, or None.
        """
        with self.writing() as db:
            columns = photo_columns(db, new) | {"added_at": now(), "import_id": import_id}
            row = db.execute(
                f"INSERT INTO photos ({', '.join(columns)}) VALUES ({placeholders(columns)})"
                " ON CONFLICT (sha256) DO NOTHING RETURNING photo_id",
                tuple(columns.values()),
            ).fetchone()
            if row is None:
                return None
            photo_id = int(row[0])
            set_keywords(db, photo_id, new.facts.keywords)
            if model_id is not None and embedding is not None:
                self._add_vector(db, model_id, photo_id, embedding)
        return photo_id

    def replace(self, photo_id: int, new: NewPhoto, model_id: str, embedding: Embeddings) -> None:
        """Replace the bytes of a photo whose file in place was edited.

        Captions and labels stay. Embeddings of the old bytes are deleted.
        """
        with self.writing() as db:
            update_photo(db, photo_id, photo_columns(db, new) | {"missing_since": None})
            set_keywords(db, photo_id, new.facts.keywords)
            db.execute("DELETE FROM embeddings WHERE photo_id = ?", (photo_id,))
            self._add_vector(db, model_id, photo_id, embedding)

    def set_facts(
        self, photo_id: int, facts: ImageFacts, file_time: datetime, place: Place | None
    ) -> None:
        """Replace the metadata of a photo, as from a new sidecar."""
        with self.writing() as db:
            update_photo(db, photo_id, fact_columns(db, facts, file_time, place))
            set_keywords(db, photo_id, facts.keywords)

    def get(self, photo_id: int) -> Photo:
        """Return the photo with this id.

        Raises:
            PhotoNotFoundError: there is none.
        """
        photos = self.get_many([photo_id])
        if not photos:
            raise PhotoNotFoundError("This photo is not in the album.")
        return photos[photo_id]

    def get_many(self, photo_ids: Sequence[int]) -> dict[int, Photo]:
        """Return the existing photos among `photo_ids`, by id."""
        photos: dict[int, Photo] = {}
        for batch in id_batches(possible_ids(photo_ids)):
            rows = self.database.connection.execute(
                f"SELECT * FROM photos WHERE photo_id IN ({placeholders(batch)})", batch
            )
            photos.update((row["photo_id"], photo_from_row(row)) for row in rows)
        return photos

    def by_sha256(self, sha256: str) -> Photo | None:
        """Return the photo with these bytes, or None."""
        row = self.database.connection.execute(
            "SELECT * FROM photos WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return None if row is None else photo_from_row(row)

    def move(self, photo_id: int, path: Path | None, filename: str | None = None) -> None:
        """Set the path of an original, and its filename if given.

        A `path` of None means that the album keeps the original itself.
        """
        columns: dict[str, Any] = {"path": path_value(path), "missing_since": None}
        with self.writing() as db:
            update_photo(db, photo_id, columns | ({"filename": filename} if filename else {}))

    def place_of(self, photo_id: int) -> Place | None:
        """Return the place where a photo was taken, or None."""
        row = self.database.connection.execute(
            "SELECT places.* FROM photos JOIN places USING (place_id) WHERE photo_id = ?",
            (photo_id,),
        ).fetchone()
        return None if row is None else place_from_row(row)

    def keywords_of(self, photo_id: int) -> list[str]:
        """Return the keywords in the file of a photo, in alphabetical order."""
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
        """Count the photos that `matching_ids` would return."""
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
        """Return a page of the photos of `matching_ids`, as `Facts.newest_first` orders them."""
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
        """Return (n,) rising ids of photos that pass `filters` and `conditions`.

        Args:
            filters: all of them must be passed.
            conditions: facts of one type are alternatives, except labels.
            written: ids of the photos that contain each phrase of `conditions`, from
                `TextIndex.written(conditions)`.
        """
        facts, mask = self._passing(filters, conditions, written)
        return facts.photo_ids[mask]

    def photo_table(self) -> Facts:
        """Return the current facts of all photos (see `Facts.rows`)."""
        return self._facts.now()

    def revision(self) -> int:
        """Return a number that grows with each change of a photo."""
        return self._facts.revision()

    def places(self) -> list[PlaceCount]:
        """Count the photos of each country, and behind it of each of its towns."""
        return read_places(self.database, self._facts.now())

    def known_names(self) -> KnownNames:
        """Return the names that the photos carry, from places to keywords."""
        revision = (self.revision(), rules_version(self.database))
        if self._names[0] != revision:
            self._names = (revision, read_known_names(self.database, self._facts.now()))
        return self._names[1]

    def all_photos(self) -> Iterator[Photo]:
        """Yield every photo by id, possibly with those added meanwhile."""
        last = 0
        while rows := self.database.connection.execute(
            "SELECT * FROM photos WHERE photo_id > ? ORDER BY photo_id LIMIT 1000", (last,)
        ).fetchall():
            yield from map(photo_from_row, rows)
            last = rows[-1]["photo_id"]

    def outline(self) -> Iterator[tuple[int, int, bool, bool]]:
        """Yield (id, bytes, in place, annotated) of every photo, by id.

        In place: the original lies in a folder of the person's own. Annotated: the photo has a
        caption, a label or stars.
        """
        rows = self.database.connection.execute(
            "SELECT photo_id, size_bytes, path IS NOT NULL, coalesce(rating, 0) <> 0"
            " OR EXISTS (SELECT 1 FROM labels WHERE labels.photo_id = photos.photo_id)"
            " OR EXISTS (SELECT 1 FROM captions WHERE captions.photo_id = photos.photo_id)"
            " FROM photos ORDER BY photo_id"
        )
        for photo_id, size_bytes, in_place, annotated in rows:
            yield photo_id, size_bytes, bool(in_place), bool(annotated)

    def values_of(self, column: str) -> list[str]:
        """Return the distinct values of "camera", "file_type" or "label", most frequent first."""
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
        """Store (n, d) embeddings of existing photos, keeping those already stored."""
        with self.writing() as db:
            for photo_id, embedding in zip(photo_ids, embeddings, strict=True):
                self._add_vector(db, model_id, photo_id, embedding)

    def lacking(self, model_id: str, after: int, limit: int) -> list[Photo]:
        """Return photos without an embedding of this model, by id above `after`."""
        rows = self.database.connection.execute(
            "SELECT * FROM photos WHERE photo_id > ? AND NOT EXISTS (SELECT 1 FROM embeddings AS e"
            " WHERE e.photo_id = photos.photo_id AND e.model_id = ?) ORDER BY photo_id LIMIT ?",
            (after, model_id, limit),
        )
        return [photo_from_row(row) for row in rows]

    def encoded_by(self) -> dict[str, int]:
        """Count the photos that each model has encoded, by model_id."""
        rows = self.database.connection.execute(
            "SELECT model_id, count(*) FROM embeddings GROUP BY model_id"
        )
        return {row[0]: row[1] for row in rows}

    def last_seq(self, model_id: str) -> int:
        """Return the highest seq of the model's embeddings, 0 for none.

        It grows with each embedding that is added.
        """
        row = self.database.connection.execute(
            "SELECT max(seq) FROM embeddings WHERE model_id = ?", (model_id,)
        ).fetchone()
        return int(row[0] or 0)

    def embedded_ids(self, model_id: str) -> npt.NDArray[np.int64]:
        """Return (n,) photo ids in the order of the matrix rows."""
        return id_array(
            self.database.connection.execute(
                "SELECT photo_id FROM embeddings WHERE model_id = ? ORDER BY seq", (model_id,)
            )
        )

    def ids_of_other_length(self, model_id: str, first: int, d: int) -> list[int]:
        """Return photos whose embedding is not (d,), from row `first` on."""
        rows = self.database.connection.execute(
            "SELECT photo_id FROM embeddings WHERE model_id = ?1 AND seq >= (SELECT seq FROM"
            " embeddings WHERE model_id = ?1 ORDER BY seq LIMIT 1 OFFSET ?2)"
            " AND (typeof(vector) <> 'blob' OR length(vector) <> ?3)",
            (model_id, first, 4 * d),
        )
        return [row[0] for row in rows]

    def forget_vectors(self, model_id: str, photo_ids: Sequence[int]) -> None:
        """Delete embeddings, so that their photos are encoded again."""
        with self.writing() as db:
            db.executemany(
                "DELETE FROM embeddings WHERE model_id = ? AND photo_id = ?",
                [(model_id, photo_id) for photo_id in photo_ids],
            )

    def vectors(
        self, model_id: str, first: int, d: int, portion: int = 4096, *, only_d: bool = False
    ) -> Iterator[tuple[npt.NDArray[np.int64], Embeddings]]:
        """Yield ids (b,) and embeddings (b, d) in matrix order.

        Args:
            model_id: the model.
            first: the row of the matrix to begin with.
            d: the width of an embedding. -1: any, as long as all have the same.
            portion: the most rows in each step.
            only_d: skip embeddings of another width than `d`.

        Raises:
            ValueError: an embedding has another width, unless `only_d`.
        """
        only = f" AND typeof(vector) = 'blob' AND length(vector) = {4 * d}" if only_d else ""
        row = self.database.connection.execute(
            "SELECT seq FROM embeddings WHERE model_id = ? ORDER BY seq LIMIT 1 OFFSET ?",
            (model_id, first),
        ).fetchone()
        seq = 0 if row is None else row[0] - 1
        while row is not None and (
            rows := self.database.connection.execute(
                "SELECT seq, photo_id, vector FROM embeddings WHERE model_id = ? AND seq > ?"
                f"{only} ORDER BY seq LIMIT ?",
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
        """Return existing (d,) float32 embeddings of L2 norm 1, by photo id."""
        vectors: dict[int, npt.NDArray[np.float32]] = {}
        for batch in id_batches(possible_ids(photo_ids)):
            rows = self.database.connection.execute(
                "SELECT photo_id, vector FROM embeddings WHERE model_id = ?"
                f" AND photo_id IN ({placeholders(batch)})",
                (model_id, *batch),
            )
            vectors.update((row[0], np.frombuffer(row[1], dtype="<f4")) for row in rows)
        return vectors

    def _passing(
        self,
        filters: SearchFilters,
        conditions: Sequence[Filter],
        written: Mapping[str, npt.NDArray[np.int64]] | None,
    ) -> tuple[Facts, Mask]:
        facts = self._facts.now()
        return facts, FilterMasks(self.database, facts, written).passing(filters, conditions)

    @staticmethod
    def _add_vector(
        db: sqlite3.Connection, model_id: str, photo_id: int, embedding: Embeddings
    ) -> None:
        db.execute(
            "INSERT OR IGNORE INTO embeddings (model_id, photo_id, vector) VALUES (?, ?, ?)",
            (model_id, photo_id, embedding.astype("<f4").tobytes()),
        )
