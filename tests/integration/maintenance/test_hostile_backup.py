"""What somebody hides in the database of a backup is never run, and never comes back."""

from __future__ import annotations

import itertools
import os
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from album.errors import AlbumError
from album.maintenance.backup import backup
from album.maintenance.restore import restore
from album.service import Album
from album.storage.database import Database, new_database
from album.storage.migrations import MIGRATIONS
from album.storage.restored_rows import copy_rows
from album.storage.untrusted_database import MadeUpError, UntrustedDatabase
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import FakeEncoder
from tests.support.hostile_rows import (
    EXTRAS,
    FALSE_TABLES,
    PHOTOS,
    UNSOUND_ROWS,
    changed,
    fill,
    run,
    schema,
    without_triggers,
)
from tests.support.library import Library, PlainDecoder, library, photo, rows

PATIENCE_S = 60  # of a test that would hang for good


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.fixture
def source(tmp_path) -> Iterator[Library]:
    """An album with at least one row in every table."""
    with library(tmp_path / "data") as made:
        for number in range(PHOTOS):
            made.add(photo(tmp_path / "photos" / f"{number}.jpg", number), keep=True)
        fill(made.database)
        yield made


def saved(source: Library, file: Path) -> Path:
    backup(source.database, source.store, source.originals, file, with_originals=True)
    return file


def snapshot(source: Library, path: Path) -> Path:
    source.database.snapshot(path)
    return path


# What runs by itself


@pytest.mark.parametrize("kind", EXTRAS)
def test_nothing_but_rows_comes_out_of_a_backup(source, tmp_path, captioner, kind):
    Database(tmp_path / "new.db").close()
    before = rows(source.database)
    file = changed(saved(source, tmp_path / "album.zip"), EXTRAS[kind])
    started = time.monotonic()

    restore(file, tmp_path / "restored")

    assert time.monotonic() - started < PATIENCE_S
    assert schema(tmp_path / "restored" / "album.db") == schema(tmp_path / "new.db")
    with library(tmp_path / "restored") as restored:
        restored.add(photo(tmp_path / "more" / "9.jpg", 99), keep=True)
        assert restored.store.count() == PHOTOS + 1
        after = rows(restored.database)
        for table in ("captions", "labels", "embeddings", "keywords"):
            assert [row for row in after[table] if row in before[table]] == before[table]


@pytest.mark.parametrize("kind", FALSE_TABLES)
def test_non_plain_table_is_refused_unread(source, tmp_path, kind):
    file = changed(saved(source, tmp_path / "album.zip"), *FALSE_TABLES[kind])
    started = time.monotonic()

    with pytest.raises(AlbumError) as refusal:
        restore(file, tmp_path / "restored")

    assert time.monotonic() - started < PATIENCE_S
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "restored").exists()


# What rows say

VALUES = ("x'ff00'", "'nonsense'", "-7", "9007199254740993", "9e999", "1e300", "NULL", "''")


def test_column_is_refused_when_value_is_foreign(source, tmp_path):
    """Each value in turn: refused, replaced by what is not known, or of the column's own type."""
    good = snapshot(source, tmp_path / "good.db")
    copy_rows(good, tmp_path / "copy.db")
    empty = [table for table, held in rows_of(tmp_path / "copy.db").items() if not held]
    assert empty == []
    refused = kept = 0
    for table, column in columns_of(good):
        for number, value in enumerate(VALUES):
            bad = tmp_path / "bad.db"
            bad.write_bytes(good.read_bytes())
            try:
                run(
                    bad,
                    "PRAGMA ignore_check_constraints = ON",
                    *without_triggers(good),
                    f"UPDATE OR IGNORE {table} SET {column} = {value}",
                )
            except sqlite3.IntegrityError:
                continue  # SQLite itself lets nobody write it
            target = tmp_path / f"{table}-{column}-{number}.db"
            try:
                copy_rows(bad, target)
            except MadeUpError:
                refused += 1
                continue
            finally:
                bad.unlink()
            kept += 1
            assert wrong_types(target) == [], (table, column, value)
    assert refused > 200
    assert kept > 50


def columns_of(path: Path) -> list[tuple[str, str]]:
    db = sqlite3.connect(path)
    found = db.execute(
        "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    ).fetchall()
    db.close()
    return found


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    database = Database(path)
    try:
        return rows(database)
    finally:
        database.close()


def wrong_types(path: Path) -> list[str]:
    """Columns with a value of another type than they are declared with, by name."""
    db = sqlite3.connect(path)
    wrong = []
    for table, name, kind in db.execute(
        "SELECT m.name, c.name, c.type FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    ).fetchall():
        types = {row[0] for row in db.execute(f"SELECT DISTINCT typeof({name}) FROM {table}")}
        allowed = {"null", kind.lower()} | ({"blob"} if name == "path" else set())
        if not types <= allowed:
            wrong.append(f"{table}.{name}: {types}")
    db.close()
    return wrong


@pytest.mark.parametrize("kind", UNSOUND_ROWS)
def test_nonsensical_row_refuses_the_backup(source, tmp_path, kind):
    drop = without_triggers(snapshot(source, tmp_path / "good.db"))
    file = changed(saved(source, tmp_path / "album.zip"), *drop, UNSOUND_ROWS[kind])

    with pytest.raises(AlbumError, match=r"album\.db"):
        restore(file, tmp_path / "restored")

    assert not (tmp_path / "restored").exists()


def test_nonsensical_photo_fact_is_dropped(source, tmp_path):
    file = changed(
        saved(source, tmp_path / "album.zip"),
        "UPDATE photos SET latitude = 9e999, rating = 77, iso = 'high', lens = x'00'",
    )

    restore(file, tmp_path / "restored")

    with library(tmp_path / "restored") as restored:
        first = restored.store.get(1)
        assert (first.latitude, first.rating, first.iso, first.lens) == (None,) * 4
        assert (first.camera, first.longitude) == ("A", 129)


def as_blob(vector: np.ndarray) -> str:
    return f"x'{vector.astype('<f4').tobytes().hex()}'"


AXIS = np.eye(1, FakeEncoder.dim, dtype=np.float32)[0]
VECTORS = {
    "short": "x'0000803f'",
    "no floats": "x'00'",
    "empty": "x''",
    "of another width": as_blob(np.eye(1, 24, dtype=np.float32)[0]),
    "not a number": as_blob(AXIS * np.nan),
    "endless": as_blob(np.full_like(AXIS, np.inf)),
    "of no length": as_blob(AXIS * 0),
    "too long": as_blob(AXIS * 1e30),
}


@pytest.mark.parametrize("kind", VECTORS)
def test_nonsensical_vector_is_encoded_again(source, tmp_path, captioner, kind):
    file = changed(
        saved(source, tmp_path / "album.zip"),
        f"UPDATE embeddings SET vector = {VECTORS[kind]} WHERE photo_id > 1",
    )

    restore(file, tmp_path / "restored")

    album = Album(tmp_path / "restored", DefaultClassifiers(), captioner, decoder=PlainDecoder())
    try:
        album.active.set_encoder(FakeEncoder(), fill=False)
        assert album.store.encoded_by() == {"fake": 1}
        album.active.encode_missing(album.active.current())
        assert album.store.encoded_by() == {"fake": PHOTOS}
        assert len(album.search.find("blue", limit=9).hits) > 0
    finally:
        album.close()


def test_rows_are_restored_with_their_ids(source, tmp_path):
    before = rows(source.database)
    copy_rows(snapshot(source, tmp_path / "saved.db"), tmp_path / "copy.db")

    assert rows_of(tmp_path / "copy.db") == before


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_backup_of_earlier_version_is_migrated(tmp_path, version):
    with new_database(tmp_path / "saved.db", version) as db:
        db.execute(
            "INSERT INTO photos (photo_id, sha256, filename, file_type, size_bytes, width, height,"
            " taken_at, taken_from, added_at) VALUES (3, ?, 'a.jpg', 'JPEG', 5, 4, 3,"
            " '2020-01-02T03:04:05.678', 'exif', '2026-01-01T00:00:00')",
            ("a" * 64,),
        )
        db.execute("INSERT INTO labels (photo_id, label) VALUES (3, 'sea')")
        db.execute(
            "INSERT INTO captions (photo_id, text, language, written_at)"
            " VALUES (3, '바다', 'ko', '2026-01-01T00:00:00')"
        )

    copy_rows(tmp_path / "saved.db", tmp_path / "copy.db")

    after = rows_of(tmp_path / "copy.db")
    assert [row[:3] for row in after["photos"]] == [(3, "a" * 64, "a.jpg")]
    assert after["labels"] == [(3, "sea", "person", None)]
    assert [row[:3] for row in after["captions"]] == [(3, "", "바다")]
    assert [row[0] for row in after["changes"]] == [3]


# Pages that lie


def test_cyclic_pages_end(tmp_path):
    """Five pages, each of which names the next one dozens of times: billions of rows."""
    path = tmp_path / "rows.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 512")
    db.execute("CREATE TABLE photos (photo_id INTEGER PRIMARY KEY, text TEXT)")
    db.executemany("INSERT INTO photos (text) VALUES (?)", [("x" * 20,)] * 40_000)
    db.commit()
    (root,) = db.execute("SELECT rootpage FROM sqlite_master").fetchone()
    db.close()
    content = bytearray(path.read_bytes())

    def children(page: int) -> list[int]:
        """Where the numbers of the pages below an inner page stand in the file."""
        start = (page - 1) * 512
        count = struct.unpack_from(">H", content, start + 3)[0]
        cells = struct.unpack_from(f">{count}H", content, start + 12)
        return [start + cell for cell in cells] + [start + 8]

    def kind(page: int) -> int:
        return content[(page - 1) * 512]

    inner = [page for page in range(2, len(content) // 512 + 1) if kind(page) == 5]
    leaf = next(page for page in range(2, len(content) // 512 + 1) if kind(page) == 13)
    chain = [root, *[page for page in inner if page != root][:4], leaf]
    for page, below in itertools.pairwise(chain):
        for place in children(page):
            struct.pack_into(">I", content, place, below)
    path.write_bytes(content)

    with (
        UntrustedDatabase(path, ["photos"]) as untrusted,
        pytest.raises(MadeUpError, match="more than it does"),
    ):
        for _ in untrusted.rows("photos", ["photo_id", "text"]):
            pass


@pytest.mark.parametrize("seed", range(3))
def test_damaged_pages_never_raise_a_traceback(source, tmp_path, seed):
    good = snapshot(source, tmp_path / "good.db").read_bytes()
    rng = np.random.default_rng(seed)
    copies = 0
    for number in range(60):
        bad = bytearray(good)
        page = int(rng.integers(0, len(good) // 4096)) * 4096
        for place in rng.integers(page, page + 4096, rng.choice([1, 20, 400])):
            bad[place] = rng.choice([0, 0xFF, rng.integers(256)])
        (tmp_path / "bad.db").write_bytes(bad)
        target = tmp_path / f"{number}.db"
        try:
            copy_rows(tmp_path / "bad.db", target)
        except MadeUpError:
            continue
        copies += 1
        assert wrong_types(target) == []
    assert 0 < copies < 60


def test_reader_selects_only_known_columns_of_plain_tables(source, tmp_path, monkeypatch):
    path = snapshot(source, tmp_path / "saved.db")
    run(path, "CREATE VIEW evil AS SELECT * FROM photos")

    with UntrustedDatabase(path, ["photos"]) as untrusted:
        assert len(list(untrusted.rows("photos", ["photo_id"]))) == PHOTOS
        for statement in (
            "SELECT * FROM evil",
            "SELECT * FROM labels",
            "SELECT load_extension('x')",
            "ATTACH '/tmp/x.db' AS x",
            "DELETE FROM photos",
            "PRAGMA query_only = OFF",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                untrusted._db.execute(statement)
    assert list(tmp_path.glob("saved.db?*")) == []
