"""What somebody hides in the database of a backup is never run, and never comes back."""

from __future__ import annotations

import itertools
import os
import sqlite3
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from album.domain.labels import LabelPlan, LabelRule, PlannedLabel
from album.errors import AlbumError
from album.maintenance.backup import backup
from album.maintenance.restore import restore
from album.service import Album
from album.storage.caption_queue import CaptionQueue
from album.storage.database import MIGRATIONS, Database, new_database
from album.storage.imports import ImportStore
from album.storage.labels import LabelStore
from album.storage.restored_rows import copy_rows
from album.storage.untrusted_database import MadeUpError, UntrustedDatabase
from models.classifiers.factory import DefaultClassifiers
from tests.captioning import set_caption
from tests.fakes import FakeEncoder
from tests.service.library import Library, PlainDecoder, library, photo, rows
from tests.service.test_backup import rewritten

PHOTOS = 6
PATIENCE_S = 60  # of a test that would hang for good
WORDS = {
    "classes": ["sea", "town"], "class": "sea", "temperature": 1.0, "strictness": None,
    "wording": "ensemble",
}  # fmt: skip


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


def fill(database: Database) -> None:
    for photo_id in range(1, PHOTOS + 1):
        set_caption(database, photo_id, f"사진 {photo_id}", "ko")
    labels = LabelStore(database)
    labels.set_by_person(1, ["여행"])
    labels.refuse("sea", [2])
    for _ in range(2):
        rule = LabelRule("sea", "words", WORDS)
        ids, shares = np.array([3, 4]), np.array([0.9, 0.8], np.float32)
        none = np.empty(0, np.int64)
        planned = PlannedLabel(rule, ids, shares, none, 0, 0)
        labels.apply(LabelPlan((planned,), 0, "fake", 6), living=True)
    CaptionQueue(database).start_job([[1]], ["en"], time.time())
    imports = ImportStore(database)
    import_id = imports.begin("copy", [Path("/photos")], "ko,en", {"video": 2})
    imports.fail(import_id, Path("/photos/a.txt"), "It is no photo.")
    with database.writing() as db:
        db.execute("INSERT INTO places VALUES (7, 'Busan', '부산', 'KR', 'South Korea', '한국')")
        db.execute(
            "UPDATE photos SET place_id = 7, rating = 4, camera = 'A', latitude = 35.1,"
            " longitude = 129, import_id = ? WHERE photo_id < 3",
            (import_id,),
        )
        for table, values in (
            ("keywords", "(1, 'sea')"),
            ("files", "(CAST('/p/1.jpg' AS BLOB), 5, 1700000000123456789, '', 1, 1)"),
            ("caption_keywords", "(1, 'harbour')"),
            (
                "caption_history",
                "(1, 1, 'ko', '전', 'gemini', '3', '2026-01-01T10:00:00', '2026-01-02T10:00:00')",
            ),
            ("read_texts", "(1, 'EXIT', 'gemini', '3', '2026-01-01T10:00:00')"),
            ("caption_requests", "(1, 1700000000.5)"),
            ("caption_rests", "(1700000000.5, 'Too many requests.', 1)"),
        ):
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES {values}")


def saved(source: Library, file: Path) -> Path:
    backup(source.database, source.store, source.originals, file, with_originals=True)
    return file


def changed(file: Path, *statements: str) -> Path:
    """The backup with a database in which somebody ran the statements."""
    path = file.with_name("rows.db")
    path.write_bytes(zipfile.ZipFile(file).read("album.db"))
    run(path, *statements)
    rewritten(file, replace={"album.db": path.read_bytes()})
    path.unlink()
    return file


def run(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    for statement in statements:
        db.execute(statement)
    db.close()


def schema(path: Path) -> list[tuple[str, str, str]]:
    """All that SQLite knows of a database, but for the index of texts, which opening makes."""
    db = sqlite3.connect(path)
    made = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    db.close()
    return [row for row in made if "photo_texts" not in row[1]]


def snapshot(source: Library, path: Path) -> Path:
    source.database.snapshot(path)
    return path


# What runs by itself

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
EXTRAS = {
    "a trigger that deletes every photo": "CREATE TRIGGER evil AFTER INSERT ON photos BEGIN"
    " DELETE FROM photos; END",
    "a trigger that never ends": "CREATE TRIGGER evil AFTER UPDATE ON photos BEGIN"
    f" INSERT INTO labels (photo_id, label) SELECT 1, i FROM ({ENDLESS}); END",
    "a trigger on reading what changed": "CREATE TRIGGER evil AFTER INSERT ON changes BEGIN"
    " UPDATE captions SET text = 'evil'; END",
    "a view": f"CREATE VIEW evil AS {ENDLESS}",
    "a view in place of the index of texts": "CREATE VIEW photo_texts_synced AS SELECT 9 AS n",
    "another table": "CREATE TABLE evil (x DEFAULT (randomblob(1000000)))",
    "a virtual table": "CREATE VIRTUAL TABLE evil USING fts5(x)",
    "an index of an expression": "CREATE INDEX evil ON photos (printf('%.*c', 1000000, 'x'))",
    "an index that lies": "CREATE INDEX evil ON captions (photo_id, language, text) WHERE 0",
    "more columns": "ALTER TABLE photos ADD COLUMN evil TEXT DEFAULT 'x'",
    "a column that is computed": "ALTER TABLE labels ADD COLUMN evil AS (zeroblob(100000000))",
}


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


FALSE_TABLES = {
    "photos that are a view": (
        "ALTER TABLE photos RENAME TO real",
        "CREATE VIEW photos AS SELECT * FROM real",
    ),
    "labels that are an endless view": (
        "DROP TABLE labels",
        f"CREATE VIEW labels AS SELECT i AS photo_id, 'x' AS label, 'person' AS given_by,"
        f" NULL AS probability FROM ({ENDLESS})",
    ),
    "captions that are a virtual table": (
        "DROP TABLE captions",
        "CREATE VIRTUAL TABLE captions USING fts5"
        "(photo_id, language, text, model_id, prompt_version, written_at)",
    ),
    "a column that is computed": (
        "DROP TABLE keywords",
        "CREATE TABLE keywords (photo_id INTEGER, keyword AS (hex(zeroblob(10000000))))",
    ),
    "a column that is gone": ("ALTER TABLE photos DROP COLUMN iso",),
    "a table under another name": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET name = 'nothing' WHERE name = 'keywords'",
    ),
    "a view that says it is a table": (
        "DROP TABLE keywords",
        f"CREATE VIEW keywords AS SELECT i AS photo_id, 'x' AS keyword FROM ({ENDLESS})",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET type = 'table', rootpage = 2 WHERE name = 'keywords'",
    ),
    "a view that hides behind another name": (
        "DROP TABLE keywords",
        f"CREATE VIEW keywords AS SELECT i AS photo_id, 'x' AS keyword FROM ({ENDLESS})",
        "CREATE TABLE plain (photo_id INTEGER, keyword TEXT)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET name = 'other', tbl_name = 'other' WHERE name = 'keywords'",
        "UPDATE sqlite_master SET name = 'keywords', tbl_name = 'keywords' WHERE name = 'plain'",
    ),
    "a schema with comments in it": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'CREATE TABLE', 'CREATE/**/TABLE')"
        " WHERE name = 'keywords'",
    ),
    "an earlier version than its tables": (f"PRAGMA user_version = {len(MIGRATIONS) - 1}",),
    "no version": ("PRAGMA user_version = 0",),
    "a version below any": ("PRAGMA user_version = -3",),
}


@pytest.mark.parametrize("kind", FALSE_TABLES)
def test_a_table_that_is_no_plain_one_is_refused_unread(source, tmp_path, kind):
    file = changed(saved(source, tmp_path / "album.zip"), *FALSE_TABLES[kind])
    started = time.monotonic()

    with pytest.raises(AlbumError) as refusal:
        restore(file, tmp_path / "restored")

    assert time.monotonic() - started < PATIENCE_S
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "restored").exists()


# What rows say

VALUES = ("x'ff00'", "'nonsense'", "-7", "9007199254740993", "9e999", "1e300", "NULL", "''")


def test_every_column_holds_what_the_album_writes_there_or_is_refused(source, tmp_path):
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


def without_triggers(path: Path) -> list[str]:
    return [f"DROP TRIGGER {name}" for kind, name, _ in schema(path) if kind == "trigger"]


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


UNSOUND_ROWS = {
    "an id that needs a table of petabytes": "UPDATE changes SET photo_id = 1 << 50"
    " WHERE photo_id = 6",
    "a label of no photo": "INSERT INTO labels VALUES (99, 'sea', 'person', NULL)",
    "a time beyond any calendar": "UPDATE captions SET written_at = '2026-02-31T10:00:00'",
    "a time with a zone": "UPDATE photos SET taken_at = '2026-02-01T10:00:00+09:00'",
    "a rule of no kind": "UPDATE label_rules SET kind = 'magic'",
    "a rule without its parts": "UPDATE label_rules SET definition = '{}'",
    "a rule in deep brackets": f"UPDATE label_rules SET definition = '{'[' * 100_000}'",
    "rules before that name other columns": "UPDATE label_acts SET rules_before ="
    """ '{"sea": {"label) VALUES (''a''); DROP TABLE photos; --": 1}}'""",
    "rules before that lack a part": """UPDATE label_acts SET rules_before = '{"sea": {}}'""",
    "sources that are no list": "UPDATE imports SET sources = '5'",
    "sources of another alphabet": """UPDATE imports SET sources = '["사진"]'""",
    "kinds that are no numbers": """UPDATE imports SET skipped = '{"video": "many"}'""",
    "a state of no import": "UPDATE imports SET state = 'flying'",
    "a giver who is nobody": "UPDATE labels SET given_by = 'ghost'",
    "a language that nobody writes": "UPDATE captions SET language = 'tlh' WHERE photo_id = 1",
    "texts that are none": "UPDATE captions SET text = CAST(x'fffe41' AS TEXT)",
    "numbers that run out": "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    "a name of a file that is a folder": "UPDATE photos SET filename = '..' WHERE photo_id = 1",
}


@pytest.mark.parametrize("kind", UNSOUND_ROWS)
def test_a_row_that_makes_no_sense_refuses_the_backup(source, tmp_path, kind):
    drop = without_triggers(snapshot(source, tmp_path / "good.db"))
    file = changed(saved(source, tmp_path / "album.zip"), *drop, UNSOUND_ROWS[kind])

    with pytest.raises(AlbumError, match=r"album\.db"):
        restore(file, tmp_path / "restored")

    assert not (tmp_path / "restored").exists()


def test_a_fact_of_a_photo_that_makes_no_sense_is_not_known(source, tmp_path):
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
def test_a_vector_that_makes_no_sense_is_encoded_again(source, tmp_path, captioner, kind):
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


def test_rows_come_back_as_they_were_with_their_numbers(source, tmp_path):
    before = rows(source.database)
    copy_rows(snapshot(source, tmp_path / "saved.db"), tmp_path / "copy.db")

    assert rows_of(tmp_path / "copy.db") == before


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_backup_of_an_earlier_version_comes_back_and_is_brought_up_to_date(tmp_path, version):
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


def test_pages_that_lead_to_the_same_rows_again_and_again_end(tmp_path):
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
def test_no_damage_to_the_pages_of_a_backup_ends_in_a_traceback(source, tmp_path, seed):
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


def test_reading_asks_for_known_columns_of_plain_tables_alone(source, tmp_path, monkeypatch):
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
