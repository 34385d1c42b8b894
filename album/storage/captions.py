"""Rows of captions by people and by models.

A caption by hand serves both languages and is locked: no model replaces it. Replaced captions are
kept as history. Every method is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from album.domain.captions import MissingCaptions, PastCaption
from album.domain.photo import Caption
from album.storage.database import Database, now
from album.storage.statements import id_batches, placeholders
from models.interfaces import CaptionResult

BY_HAND = ""  # the language of a person's caption


class CaptionStore:
    """Captions of photos, safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Reading

    def get_many(self, photo_ids: Sequence[int], language: str = "ko") -> dict[int, Caption]:
        """Return the caption of each photo for a reader of `language`.

        A person's own precedes a model's in that language, which precedes one in another.
        """
        captions: dict[int, Caption] = {}
        for batch in id_batches(photo_ids):
            rows = self.database.connection.execute(
                f"SELECT * FROM captions WHERE photo_id IN ({placeholders(batch)})"
                " ORDER BY language = '', language = ?, language DESC",
                (*batch, language),
            )
            captions.update((row["photo_id"], _caption(row)) for row in rows)  # the last one stays
        return captions

    def captions_by_language(self, photo_id: int) -> dict[str, Caption]:
        """Return a photo's captions by language, "" for the person's own."""
        rows = self.database.connection.execute(
            "SELECT * FROM captions WHERE photo_id = ? ORDER BY language", (photo_id,)
        )
        return {row["language"]: _caption(row) for row in rows}

    def texts(self, most: int) -> list[str]:
        """Return the `most` distinct captions, the last one written first."""
        rows = self.database.connection.execute(
            "SELECT text FROM captions GROUP BY text"
            " ORDER BY max(written_at) DESC, max(photo_id) DESC LIMIT ?",
            (most,),
        )
        return [row[0] for row in rows]

    def read_text(self, photo_id: int) -> str:
        """Return the text that a model read in the photo, or ""."""
        row = self.database.connection.execute(
            "SELECT text FROM read_texts WHERE photo_id = ?", (photo_id,)
        ).fetchone()
        return "" if row is None else str(row[0])

    def keywords_of(self, photo_id: int) -> list[str]:
        """Return a model's keywords for the photo, in alphabetical order."""
        rows = self.database.connection.execute(
            "SELECT keyword FROM caption_keywords WHERE photo_id = ? ORDER BY keyword", (photo_id,)
        )
        return [row[0] for row in rows]

    def history(self, photo_id: int) -> list[PastCaption]:
        """Return the earlier captions of a photo, the latest first."""
        rows = self.database.connection.execute(
            "SELECT * FROM caption_history WHERE photo_id = ? ORDER BY history_id DESC", (photo_id,)
        )
        return [
            PastCaption(
                row["history_id"], _caption(row), datetime.fromisoformat(row["replaced_at"])
            )
            for row in rows
        ]

    def counts(self) -> tuple[int, int, int]:
        """Count the photos with a caption, waiting for one, and failed."""
        row = self.database.connection.execute(
            "SELECT (SELECT count(DISTINCT photo_id) FROM captions),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NULL),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NOT NULL)"
        ).fetchone()
        return row[0], row[1], row[2]

    def missing_of_import(self, import_id: int) -> MissingCaptions:
        """Count the photos of an import that have no caption, by reason."""
        total, waiting, failed, why = self.database.connection.execute(
            "SELECT count(*), count(q.photo_id) - count(q.failure), count(q.failure),"
            " coalesce(min(q.failure), '') FROM photos AS p"
            " LEFT JOIN caption_queue AS q USING (photo_id) WHERE p.import_id = ?"
            " AND NOT EXISTS (SELECT 1 FROM captions AS c WHERE c.photo_id = p.photo_id)",
            (import_id,),
        ).fetchone()
        return MissingCaptions(waiting, failed, why, total - waiting - failed)

    # Which photos

    def without_caption(self) -> list[int]:
        """Return photos that have no caption, by id."""
        return self._ids(
            "SELECT photo_id FROM photos WHERE photo_id NOT IN (SELECT photo_id FROM captions)"
            " ORDER BY photo_id"
        )

    def written_by(self, model_id: str) -> list[int]:
        """Return photos with a caption of this model, by id."""
        return self._ids(
            "SELECT DISTINCT photo_id FROM captions WHERE model_id = ? ORDER BY photo_id", model_id
        )

    def models(self) -> dict[str, int]:
        """Count the photos with a caption of each model, by model_id."""
        rows = self.database.connection.execute(
            "SELECT model_id, count(DISTINCT photo_id) FROM captions WHERE model_id IS NOT NULL"
            " GROUP BY model_id ORDER BY model_id"
        )
        return {row[0]: row[1] for row in rows}

    def locked(self, photo_ids: Sequence[int]) -> set[int]:
        """Return the photos whose caption a person wrote."""
        locked: set[int] = set()
        for batch in id_batches(photo_ids):
            locked.update(
                self._ids(
                    f"SELECT photo_id FROM captions WHERE photo_id IN ({placeholders(batch)})"
                    " AND model_id IS NULL",
                    *batch,
                )
            )
        return locked

    # Writing

    def write_by_hand(self, photo_id: int, text: str) -> None:
        """Replace all captions by a person's `text`, or remove them for "".

        Replaced captions become history.
        """
        with self.database.writing() as db:
            _retire(db, photo_id, None, text)
            if text:
                _insert(db, photo_id, Caption(text, BY_HAND, None, datetime.now()))

    def write_by_model(
        self, photo_id: int, result: CaptionResult, model_id: str, prompt_version: str
    ) -> bool:
        """Store a model's captions unless a person wrote one.

        Captions in other languages stay. Keywords and read text are replaced as soon as there are
        any.

        Args:
            photo_id: a photo that may be deleted.
            result: captions by "ko" and "en".
            model_id: the model.
            prompt_version: the version of its instructions.

        Returns:
            Whether the captions were stored.
        """
        with self.database.writing() as db:
            if not db.execute("SELECT 1 FROM photos WHERE photo_id = ?", (photo_id,)).fetchone():
                return False
            at = datetime.now()
            if result.keywords or result.text_in_photo:
                self._set_keywords_and_text(db, photo_id, result, model_id, prompt_version)
            if self.locked([photo_id]):
                return False
            for language, text in result.captions.items():
                _retire(db, photo_id, language, text)
                _insert(db, photo_id, Caption(text, language, model_id, at, prompt_version))
        return True

    def put(self, photo_id: int, caption: Caption) -> None:
        """Replace the caption in its language, without history."""
        with self.database.writing() as db:
            _insert(db, photo_id, caption)

    def restore(self, photo_id: int, captions: Iterable[Caption]) -> None:
        """Restore captions from a sidecar if the photo has none.

        A caption that was deleted here stays deleted.
        """
        with self.database.writing() as db:
            if self.captions_by_language(photo_id):
                return
            deleted = {past.caption.text for past in self.history(photo_id)}
            for caption in captions:
                if caption.text and caption.text not in deleted:
                    _insert(db, photo_id, caption)

    @staticmethod
    def _set_keywords_and_text(
        db: sqlite3.Connection, photo_id: int, result: CaptionResult, model_id: str, version: str
    ) -> None:
        db.execute("DELETE FROM caption_keywords WHERE photo_id = ?", (photo_id,))
        db.executemany(
            "INSERT OR IGNORE INTO caption_keywords VALUES (?, ?)",
            [(photo_id, keyword) for keyword in result.keywords],
        )
        db.execute("DELETE FROM read_texts WHERE photo_id = ?", (photo_id,))
        if result.text_in_photo:
            db.execute(
                "INSERT INTO read_texts VALUES (?, ?, ?, ?, ?)",
                (photo_id, result.text_in_photo, model_id, version, now()),
            )

    def _ids(self, query: str, *values: Any) -> list[int]:
        return [row[0] for row in self.database.connection.execute(query, values)]


def _retire(db: sqlite3.Connection, photo_id: int, language: str | None, text: str) -> None:
    """Move the caption in a language (None: in all) to the history.

    A caption of equal `text` is not recorded, since nothing has changed.
    """
    among = "photo_id = ?" + ("" if language is None else " AND language = ?")
    values = (photo_id,) if language is None else (photo_id, language)
    db.execute(
        "INSERT INTO caption_history (photo_id, language, text, model_id, prompt_version,"
        " written_at, replaced_at) SELECT photo_id, language, text, model_id, prompt_version,"
        f" written_at, ? FROM captions WHERE {among} AND text <> ?",
        (now(), *values, text),
    )
    db.execute(f"DELETE FROM captions WHERE {among}", values)


def _insert(db: sqlite3.Connection, photo_id: int, caption: Caption) -> None:
    db.execute(
        "INSERT INTO captions (photo_id, language, text, model_id, prompt_version, written_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (photo_id, language) DO UPDATE SET"
        " text = excluded.text, model_id = excluded.model_id,"
        " prompt_version = excluded.prompt_version, written_at = excluded.written_at",
        (
            photo_id,
            caption.language,
            caption.text,
            caption.model_id,
            caption.prompt_version,
            caption.written_at.isoformat(timespec="seconds"),
        ),
    )


def _caption(row: sqlite3.Row) -> Caption:
    return Caption(
        row["text"],
        row["language"],
        row["model_id"],
        datetime.fromisoformat(row["written_at"]),
        row["prompt_version"],
    )
