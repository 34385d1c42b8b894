"""What somebody writes into the database of a backup, and an album to make backups of.

The album has `PHOTOS` photos and a row in every table.
"""

from __future__ import annotations

import sqlite3
import time
import zipfile
from pathlib import Path

import numpy as np

from album.domain.labels import LabelPlan, LabelRule, PlannedLabel
from album.storage.caption_queue import CaptionQueue
from album.storage.database import Database
from album.storage.imports import ImportStore
from album.storage.labels import LabelStore
from album.storage.migrations import MIGRATIONS
from tests.support.captioning import set_caption
from tests.support.hostile_backups import rewritten

PHOTOS = 6
WORDS = {
    "classes": ["sea", "town"], "class": "sea", "temperature": 1.0, "strictness": None,
    "wording": "ensemble",
}  # fmt: skip


def fill(database: Database) -> None:
    """Put a row into every table, beside `PHOTOS` photos."""
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


def without_triggers(path: Path) -> list[str]:
    return [f"DROP TRIGGER {name}" for kind, name, _ in schema(path) if kind == "trigger"]


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
