"""CaptionStore: the rows of what is written of photos, by people and by models.

A caption by hand stands for both languages and is locked: no model replaces it. What is replaced is
kept as history. Every method is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from album.domain.captions import PastCaption
from album.domain.photo import Caption
from album.storage.database import Database, now
from album.storage.statements import id_batches, placeholders
from models.interfaces import CaptionResult

BY_HAND = ""  # the language of a person's caption


class CaptionStore:
    """What is written of photos; methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Reading

    def get_many(self, photo_ids: Sequence[int], language: str = "ko") -> dict[int, Caption]:
        """The caption that a reader of `language` is shown of each photo that has one.

        A person's own before a model's in that language, that before one in another.
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
        """The captions of a photo by language; "" is the person's own."""
        rows = self.database.connection.execute(
            "SELECT * FROM captions WHERE photo_id = ? ORDER BY language", (photo_id,)
        )
        return {row["language"]: _caption(row) for row in rows}

    def texts(self, most: int) -> list[str]:
        """The different captions of all photos, the one written last first, `most` of them."""
        rows = self.database.connection.execute(
            "SELECT text FROM captions GROUP BY text"
            " ORDER BY max(written_at) DESC, max(photo_id) DESC LIMIT ?",
            (most,),
        )
        return [row[0] for row in rows]

    def read_text(self, photo_id: int) -> str:
        """What a model read in the photo, line by line; "" where nothing is."""
        row = self.database.connection.execute(
            "SELECT text FROM read_texts WHERE photo_id = ?", (photo_id,)
        ).fetchone()
        return "" if row is None else str(row[0])

    def keywords_of(self, photo_id: int) -> list[str]:
        """What a model calls the photo, in alphabetical order."""
        rows = self.database.connection.execute(
            "SELECT keyword FROM caption_keywords WHERE photo_id = ? ORDER BY keyword", (photo_id,)
        )
        return [row[0] for row in rows]

    def history(self, photo_id: int) -> list[PastCaption]:
        """The earlier captions of a photo, the latest first."""
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
        """How many photos have a caption, wait for one, and were given up."""
        row = self.database.connection.execute(
            "SELECT (SELECT count(DISTINCT photo_id) FROM captions),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NULL),"
            " (SELECT count(*) FROM caption_queue WHERE failure IS NOT NULL)"
        ).fetchone()
        return row[0], row[1], row[2]

    # Which photos

    def without_caption(self) -> list[int]:
        """Photos that have no caption at all, by id."""
        return self._ids(
            "SELECT photo_id FROM photos WHERE photo_id NOT IN (SELECT photo_id FROM captions)"
            " ORDER BY photo_id"
        )

    def written_by(self, model_id: str) -> list[int]:
        """Photos with a caption of this model, by id."""
        return self._ids(
            "SELECT DISTINCT photo_id FROM captions WHERE model_id = ? ORDER BY photo_id", model_id
        )

    def models(self) -> dict[str, int]:
        """How many photos have a caption of each model, by model_id."""
        rows = self.database.connection.execute(
            "SELECT model_id, count(DISTINCT photo_id) FROM captions WHERE model_id IS NOT NULL"
            " GROUP BY model_id ORDER BY model_id"
        )
        return {row[0]: row[1] for row in rows}

    def locked(self, photo_ids: Sequence[int]) -> set[int]:
        """Those of the photos whose caption a person wrote."""
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
        """Make `text` the caption, in place of all others, which become history; "" removes it."""
        with self.database.writing() as db:
            _retire(db, photo_id, None, text)
            if text:
                _insert(db, photo_id, Caption(text, BY_HAND, None, datetime.now()))

    def write_by_model(
        self, photo_id: int, said: CaptionResult, model_id: str, prompt_version: str
    ) -> bool:
        """Store what a model said of a photo; whether its captions are the photo's now.

        One by hand stays as it is. Captions in other languages stay, too; keywords and read text
        are replaced as soon as any came along.

        Args:
            photo_id: of a photo that may be gone.
            said: captions by "ko" and "en".
            model_id: who said it.
            prompt_version: by which instructions.
        """
        with self.database.writing() as db:
            if not db.execute("SELECT 1 FROM photos WHERE photo_id = ?", (photo_id,)).fetchone():
                return False
            at = datetime.now()
            if said.keywords or said.text_in_photo:
                self._set_seen(db, photo_id, said, model_id, prompt_version)
            if self.locked([photo_id]):
                return False
            for language, text in said.captions.items():
                _retire(db, photo_id, language, text)
                _insert(db, photo_id, Caption(text, language, model_id, at, prompt_version))
        return True

    def put(self, photo_id: int, caption: Caption) -> None:
        """Store a caption just as it is, in place of the one in its language, without history."""
        with self.database.writing() as db:
            _insert(db, photo_id, caption)

    def restore(self, photo_id: int, captions: Iterable[Caption]) -> None:
        """Store captions that were carried along with a photo, just as they are, if it has none.

        One that this photo had here and that is gone was taken away, and stays away.
        """
        with self.database.writing() as db:
            if self.captions_by_language(photo_id):
                return
            gone = {it.caption.text for it in self.history(photo_id)}
            for caption in captions:
                if caption.text and caption.text not in gone:
                    _insert(db, photo_id, caption)

    @staticmethod
    def _set_seen(
        db: sqlite3.Connection, photo_id: int, said: CaptionResult, model_id: str, version: str
    ) -> None:
        db.execute("DELETE FROM caption_keywords WHERE photo_id = ?", (photo_id,))
        db.executemany(
            "INSERT OR IGNORE INTO caption_keywords VALUES (?, ?)",
            [(photo_id, keyword) for keyword in said.keywords],
        )
        db.execute("DELETE FROM read_texts WHERE photo_id = ?", (photo_id,))
        if said.text_in_photo:
            db.execute(
                "INSERT INTO read_texts VALUES (?, ?, ?, ?, ?)",
                (photo_id, said.text_in_photo, model_id, version, now()),
            )

    def _ids(self, query: str, *values: Any) -> list[int]:
        return [row[0] for row in self.database.connection.execute(query, values)]


def _retire(db: sqlite3.Connection, photo_id: int, language: str | None, text: str) -> None:
    """Turn the caption of a photo in a language (None: in all) into history.

    One of the same `text` is no history: nobody would see what has changed.
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
