"""Schema of `album.db`: tables, triggers, and the steps from version to version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TypeAlias

# Of migrations 3 and 5, and as fixed. Plain SQL alone, so that any program may write into an album.
_SEARCHED = (
    "filename, path, file_type, width, height, taken_at, taken_from, camera, lens, rating,"
    " latitude, place_id"
)
_LAST = "(SELECT coalesce(max(revision), 0) FROM changes)"
_NEW, _OLD = (f"VALUES ({row}.photo_id, {_LAST} + 1)" for row in ("NEW", "OLD"))
_OF_PLACE = f"SELECT photo_id, {_LAST} + photo_id FROM photos WHERE place_id = NEW.place_id"
_Trigger: TypeAlias = tuple[str, str, str]


def _row_triggers(*tables: str) -> list[_Trigger]:
    """Return the events of tables whose rows describe photos."""
    return [
        row
        for table in tables
        for row in (
            (f"{table}_added", f"INSERT ON {table}", _NEW),
            (f"{table}_changed", f"UPDATE ON {table}", _NEW),
            (f"{table}_taken_away", f"UPDATE OF photo_id ON {table}", _OLD),
            (f"{table}_deleted", f"DELETE ON {table}", _OLD),
        )
    ]


def _create_triggers(events: Iterable[_Trigger]) -> str:
    """Return the SQL of triggers that number the changes of photos."""
    return "".join(
        f"CREATE TRIGGER changes_by_{name} AFTER {event} BEGIN INSERT INTO changes {photo_ids}"
        " ON CONFLICT (photo_id) DO UPDATE SET revision = excluded.revision; END;\n"
        for name, event, photo_ids in events
    )


# Append only, since libraries of every earlier version are migrated step by step.
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
    """
    ALTER TABLE photos ADD COLUMN taken_offset INTEGER; -- minutes east of UTC; NULL: not known
    ALTER TABLE photos ADD COLUMN exposure_s REAL;
    ALTER TABLE photos ADD COLUMN f_number REAL;
    ALTER TABLE photos ADD COLUMN iso INTEGER;
    ALTER TABLE photos ADD COLUMN focal_mm REAL;
    ALTER TABLE photos ADD COLUMN orientation INTEGER NOT NULL DEFAULT 1; -- as EXIF counts, 1 to 8
    ALTER TABLE photos ADD COLUMN rating INTEGER;       -- -1 (rejected) to 5 stars
    ALTER TABLE photos ADD COLUMN place_id INTEGER REFERENCES places;
    ALTER TABLE photos ADD COLUMN missing_since TEXT;   -- its original is not where it was
    ALTER TABLE photos ADD COLUMN import_id INTEGER;    -- the import that added it
    CREATE INDEX photos_by_import ON photos (import_id);
    CREATE INDEX photos_missing ON photos (photo_id) WHERE missing_since IS NOT NULL;
    CREATE TABLE places (
        place_id INTEGER PRIMARY KEY,
        town TEXT NOT NULL,
        town_ko TEXT NOT NULL,      -- '' where it is not known
        country_code TEXT NOT NULL, -- ISO 3166-1, two letters
        country TEXT NOT NULL,
        country_ko TEXT NOT NULL,
        UNIQUE (country_code, town, town_ko)
    );
    CREATE TABLE keywords (
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        keyword TEXT NOT NULL,
        PRIMARY KEY (keyword, photo_id)
    ) WITHOUT ROWID;
    CREATE INDEX keywords_by_photo ON keywords (photo_id);
    CREATE TABLE files (            -- what an import saw where, so that it need not read it again
        path BLOB PRIMARY KEY,      -- as the disk spells it; of a member of a zip: below the zip
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sidecars TEXT NOT NULL,     -- names, sizes and times of the files that describe it
        photo_id INTEGER REFERENCES photos ON DELETE CASCADE, -- NULL: it could not be read
        import_id INTEGER           -- that saw it last
    ) WITHOUT ROWID;
    CREATE INDEX files_by_photo ON files (photo_id);
    INSERT OR IGNORE INTO files SELECT CAST(path AS BLOB), size_bytes, -1, '', photo_id, NULL
        FROM photos WHERE path IS NOT NULL;
    CREATE TABLE imports (
        import_id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,         -- "in place", "rescan", "copy" or "upload"
        sources TEXT NOT NULL,      -- JSON: the paths that were named
        caption_language TEXT,      -- queue what is added for captions; NULL: don't
        state TEXT NOT NULL,        -- waiting, running, paused, done, cancelled, failed
        wish TEXT NOT NULL,         -- requested state: run, pause, cancel
        total INTEGER NOT NULL DEFAULT 0, -- files; 0: still being looked for
        done INTEGER NOT NULL DEFAULT 0,
        added INTEGER NOT NULL DEFAULT 0,
        already_here INTEGER NOT NULL DEFAULT 0,
        updated INTEGER NOT NULL DEFAULT 0,
        missing INTEGER NOT NULL DEFAULT 0,
        skipped TEXT NOT NULL DEFAULT '{}', -- JSON: how many files of each other kind
        current TEXT NOT NULL DEFAULT '',   -- the file that was done last
        problem TEXT,               -- why it could not go on
        seconds REAL NOT NULL DEFAULT 0,    -- at work, without pauses
        asked_at TEXT NOT NULL,
        ended_at TEXT
    );
    CREATE TABLE import_failures (
        import_id INTEGER NOT NULL REFERENCES imports ON DELETE CASCADE,
        path BLOB NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (import_id, path)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE changes (          -- photos with the number of their last change, also when gone
        photo_id INTEGER PRIMARY KEY,
        revision INTEGER NOT NULL   -- of its own for each, and higher than all before
    );
    INSERT INTO changes SELECT photo_id, photo_id FROM photos;
    CREATE INDEX changes_in_order ON changes (revision, photo_id);
    """
    + _create_triggers(
        [
            ("photo_added", "INSERT ON photos", _NEW),
            ("photo_changed", f"UPDATE OF {_SEARCHED} ON photos", _NEW),
            ("photo_deleted", "DELETE ON photos", _OLD),
            *_row_triggers("captions", "labels", "keywords"),
            ("place_changed", "UPDATE ON places", _OF_PLACE),
        ]
    ),
    """
    ALTER TABLE labels ADD COLUMN given_by TEXT NOT NULL DEFAULT 'person'; -- words, examples, model
    ALTER TABLE labels ADD COLUMN probability REAL; -- in [0, 1]; NULL: a person's
    CREATE TABLE label_refusals (   -- a person said that the label is wrong for the photo
        label TEXT NOT NULL,
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        PRIMARY KEY (label, photo_id)
    ) WITHOUT ROWID;
    CREATE INDEX label_refusals_by_photo ON label_refusals (photo_id);
    CREATE TABLE label_rules (      -- how a label is given by itself
        label TEXT PRIMARY KEY,
        kind TEXT NOT NULL,         -- "words", "examples" or "model"
        definition TEXT NOT NULL,   -- JSON
        living INTEGER NOT NULL,    -- new photos get it, too
        model_id TEXT,              -- of the vectors that it was asked about
        seen INTEGER NOT NULL DEFAULT 0, -- highest seq of those
        made_at TEXT NOT NULL
    );
    CREATE TABLE label_acts (       -- what was written at once and can be undone at once
        act_id INTEGER PRIMARY KEY AUTOINCREMENT,
        labels TEXT NOT NULL,       -- JSON: their names
        given INTEGER NOT NULL,
        taken INTEGER NOT NULL,
        rules_before TEXT NOT NULL, -- JSON: rows of label_rules as they were, by label
        done_at TEXT NOT NULL,
        undone_at TEXT
    );
    CREATE TABLE label_act_rows (   -- of labels, as they were before and are since
        act_id INTEGER NOT NULL REFERENCES label_acts ON DELETE CASCADE,
        label TEXT NOT NULL,
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        was_by TEXT,                -- NULL: it had not the label
        was_probability REAL,
        is_by TEXT,                 -- NULL: it has not the label since
        PRIMARY KEY (act_id, label, photo_id)
    ) WITHOUT ROWID;
    CREATE INDEX label_act_rows_by_photo ON label_act_rows (photo_id);
    """,
    """
    CREATE TABLE captions_by_language (
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        language TEXT NOT NULL,     -- "ko", "en"; empty: by a person, for readers of both
        text TEXT NOT NULL,
        model_id TEXT,              -- NULL: by a person, and locked
        prompt_version TEXT NOT NULL,
        written_at TEXT NOT NULL,
        PRIMARY KEY (photo_id, language)
    ) WITHOUT ROWID;
    INSERT INTO captions_by_language SELECT photo_id,
        CASE WHEN model_id IS NULL THEN '' WHEN language = '' THEN 'en' ELSE language END,
        text, model_id, '', written_at FROM captions;
    DROP TABLE captions;            -- with its triggers
    ALTER TABLE captions_by_language RENAME TO captions;
    CREATE INDEX captions_by_model ON captions (model_id);
    CREATE TABLE caption_history (  -- captions that were replaced
        history_id INTEGER PRIMARY KEY,
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        language TEXT NOT NULL,
        text TEXT NOT NULL,
        model_id TEXT,
        prompt_version TEXT NOT NULL,
        written_at TEXT NOT NULL,
        replaced_at TEXT NOT NULL
    );
    CREATE INDEX caption_history_by_photo ON caption_history (photo_id);
    CREATE TABLE caption_keywords ( -- what a model calls a photo
        photo_id INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        keyword TEXT NOT NULL,
        PRIMARY KEY (photo_id, keyword)
    ) WITHOUT ROWID;
    CREATE TABLE read_texts (       -- what a model read in a photo
        photo_id INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE,
        text TEXT NOT NULL,
        model_id TEXT NOT NULL,
        prompt_version TEXT NOT NULL,
        read_at TEXT NOT NULL
    );
    CREATE TABLE caption_jobs (
        job_id INTEGER PRIMARY KEY AUTOINCREMENT,
        languages TEXT NOT NULL,    -- "ko", "en" or "ko,en"
        total INTEGER NOT NULL,     -- photos
        written INTEGER NOT NULL DEFAULT 0, -- of these, by this job
        hidden INTEGER NOT NULL,    -- a single photo that a person waits for
        state TEXT NOT NULL,        -- running, paused, cancelled, done
        problem TEXT,               -- why it was paused; NULL: a person did
        asked_at TEXT NOT NULL,
        ended_at TEXT
    );
    CREATE INDEX caption_jobs_by_state ON caption_jobs (state);
    CREATE TABLE caption_tasks (
        photo_id INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE,
        job_id INTEGER NOT NULL REFERENCES caption_jobs ON DELETE CASCADE,
        share INTEGER NOT NULL,     -- photos of a job with the same number share one caption
        languages TEXT NOT NULL,
        urgent INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0,    -- Unix time: waiting for a retry until then
        claimed_until REAL NOT NULL DEFAULT 0, -- Unix time: at work until then
        problem TEXT,               -- what the last try failed of
        failure TEXT,               -- why it was given up; NULL: still to be done
        requested_at REAL NOT NULL  -- Unix time
    );
    INSERT INTO caption_jobs (languages, total, hidden, state, asked_at)
        SELECT language, count(*), 0, 'running', strftime('%Y-%m-%dT%H:%M:%S', 'now', 'localtime')
        FROM caption_queue GROUP BY language;
    INSERT INTO caption_tasks SELECT photo_id, job_id, photo_id, language, urgent, tries, 0, 0,
        NULL, failure, requested_at FROM caption_queue JOIN caption_jobs ON languages = language;
    DROP TABLE caption_queue;
    ALTER TABLE caption_tasks RENAME TO caption_queue;
    CREATE INDEX caption_queue_by_job ON caption_queue (job_id, share);
    CREATE INDEX caption_queue_in_order ON caption_queue (urgent DESC, requested_at, photo_id)
        WHERE failure IS NULL;
    CREATE TABLE caption_requests ( -- written down before they are sent
        request_id INTEGER PRIMARY KEY,
        at REAL NOT NULL            -- Unix time
    );
    CREATE INDEX caption_requests_in_order ON caption_requests (at);
    CREATE TABLE caption_rests (    -- until when none is sent
        until REAL NOT NULL,        -- Unix time
        reason TEXT NOT NULL,
        cautious INTEGER NOT NULL   -- not requested, over when a person waits for an answer
    );
    """
    + _create_triggers(_row_triggers("captions", "caption_keywords", "read_texts")),
)


def apply_migrations(db: sqlite3.Connection, version: int, target: int) -> None:
    """Migrate a schema from one version to a later one."""
    for number, script in enumerate(MIGRATIONS[version:target], start=version + 1):
        for statement in split_statements(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")


def split_statements(script: str) -> list[str]:
    """Split a migration into statements, since `executescript` would commit between them."""
    without_comments = "\n".join(line.split("--")[0] for line in script.splitlines())
    statements = [""]
    for part in without_comments.split(";"):
        statements[-1] += part + ";"
        if sqlite3.complete_statement(statements[-1]):  # a trigger has more than one semicolon
            statements.append("")
    return [statement for statement in statements if statement.strip(" \n;")]
