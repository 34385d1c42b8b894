"""An album of any earlier version keeps its captions and the photos that wait for one."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from album.storage.caption_queue import CaptionQueue
from album.storage.captions import CaptionStore
from album.storage.database import Database
from album.storage.migrations import MIGRATIONS, split_statements
from album.storage.photo_table import FactTable
from album.storage.text_index import TextIndex

PHOTOS = 5


def old_album(path: Path, version: int) -> None:
    """As the album of `version` left it."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = ON")
    for number, script in enumerate(MIGRATIONS[:version], start=1):
        for statement in split_statements(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
    for number in range(1, PHOTOS + 1):
        db.execute(
            "INSERT INTO photos (sha256, filename, file_type, size_bytes, width, height, taken_at,"
            " taken_from, added_at) VALUES (?, 'x.jpg', 'JPEG', 1, 4, 3,"
            " '2019-08-03T10:00:00', 'exif', '2020-01-01T00:00:00')",
            (f"{number:064x}",),
        )
    db.executemany(
        "INSERT INTO captions VALUES (?, ?, ?, ?, '2020-01-02T03:04:05')",
        [(1, "우리 바다", "", None), (2, "A dog.", "en", "gemini-x"), (3, "개", "ko", "gemini-x")],
    )
    db.executemany(
        "INSERT INTO caption_queue VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (2, "ko", 0, 1, time.time() + 1e6, None, 1000.5),
            (4, "ko", 1, 0, 0, None, 1001.5),
            (5, "en", 0, 5, 0, "Gemini declined this photo (SAFETY).", 1002.5),
        ],
    )
    db.commit()
    db.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_nothing_that_was_written_or_waits_is_lost(tmp_path, version):
    old_album(tmp_path / "album.db", version)

    database = Database(tmp_path / "album.db")
    captions, queue = CaptionStore(database), CaptionQueue(database)

    mine, english, korean = (captions.captions_by_language(number) for number in (1, 2, 3))
    assert [(it, got.text, got.by_hand) for it, got in mine.items()] == [("", "우리 바다", True)]
    assert english["en"].text == "A dog."
    assert english["en"].model_id == korean["ko"].model_id == "gemini-x"
    assert korean["ko"].written_at.year == 2020
    assert captions.counts() == (3, 2, 1)
    jobs = queue.jobs()
    assert {job.languages: (job.total, job.waiting, job.failed) for job in jobs} == {
        ("ko",): (2, 2, 0),
        ("en",): (1, 0, 1),
    }
    first, second = queue.claim(time.time(), 60), queue.claim(time.time(), 60)
    assert first is not None
    assert second is not None
    assert (first.photo_id, first.tries, second.photo_id, second.tries) == (4, 0, 2, 1)
    assert queue.claim(time.time(), 60) is None
    failure = queue.waiting(5)
    assert failure is not None
    assert failure.failure == "Gemini declined this photo (SAFETY)."
    assert database.faults() == []
    database.close()


def test_new_texts_are_found_at_once(tmp_path):
    old_album(tmp_path / "album.db", len(MIGRATIONS) - 1)
    database = Database(tmp_path / "album.db")
    texts, facts = TextIndex(database), FactTable(database)
    assert texts.find("바다").photo_ids.tolist() == [1]
    before = facts.revision()

    database.connection.execute("INSERT INTO caption_keywords VALUES (4, 'heron')")
    database.connection.execute("INSERT INTO read_texts VALUES (5, '영수증', 'm', '1', '2020')")

    assert texts.find("heron").photo_ids.tolist() == [4]
    assert texts.find("영수증").photo_ids.tolist() == [5]
    assert facts.revision() > before
    database.close()
