"""Full-text search over the texts of photos, Korean and English.

One row of an FTS5 table per photo, kept in `album.db` and rebuilt whenever it is invalid. The
trigram tokenizer (https://sqlite.org/fts5.html#the_trigram_tokenizer) knows no words, which
suits Korean. The blanks that `album.storage.text_tokens.line` puts around words make trigrams
of two-character words: 부산 is found as " 부산", and cat as " cat ", which is not in category.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from album.domain.filters import Filter, Writes
from album.errors import AlbumError
from album.storage.database import Database
from album.storage.photo_texts import COLUMNS, TextReason, index_line, match_reason, read_texts
from album.storage.text_tokens import QueryTerm, phrase, query_terms, spaced_phrases

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]

_CREATE = (
    f"CREATE VIRTUAL TABLE photo_texts USING fts5({', '.join(COLUMNS)},"
    " tokenize = 'trigram case_sensitive 1')"  # the lines are in small letters already
)
_CREATE_STATE = "CREATE TABLE photo_texts_synced (revision INTEGER NOT NULL)"
_TABLES = (
    "photo_texts",
    "photo_texts_synced",
    "photo_texts_data",
    "photo_texts_idx",
    "photo_texts_content",
    "photo_texts_docsize",
    "photo_texts_config",
)
_TRIGRAM = 3
_LAST_CHARACTER = "\U0010ffff"
_WEIGHTS = (1.0, 2.0, 2.0, 1.0, 0.5, 1.0, 0.5)  # of the columns, for bm25

SYNC_BATCH = 500  # photos in one transaction, which takes some 100 ms
SYNCED_BEFORE_SEARCH = 2000  # what a search may wait for
MAX_HITS = 100_000
MAX_BM25_MATCHES = 5000  # finds of words, for each of which SQLite takes some 2 µs
PART = 0.5  # what a word counts that is a part of a longer one

NO_IDS: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class TextHits:
    """Photos whose texts share words with a query."""

    photo_ids: Ids
    """(m,), best first: by coverage, then by bm25 unless words are too common, then newest."""
    coverage: npt.NDArray[np.float32]
    """(m,) in (0, 1]: the share of the query's words that the texts hold, weighted by rarity.

    1 means all of them, none only as a part of a longer word.
    """


class TextIndex:
    """Full-text index, safe to use from any thread and process."""

    def __init__(self, database: Database) -> None:
        """Use the index in `database`, rebuilding a missing or invalid one.

        In a read-only database, a missing index holds no photo.
        """
        self._database = database
        whole = self._is_whole()
        self._usable = whole or not database.read_only
        if not whole and self._usable:
            self.rebuild()

    def sync(self, most: int | None = None) -> int:
        """Index the texts of photos that changed, by any program, in batches.

        Args:
            most: the most photos to index. None: all.

        Returns:
            The number of photos still to be indexed.

        Raises:
            AlbumError: the database cannot be written.
        """
        if self._database.read_only:
            return 0
        indexed = 0
        repaired = False
        while due := self._due():
            batch = min(SYNC_BATCH, due if most is None else most - indexed)
            if batch <= 0:
                break
            try:
                self._index_pending(batch)
                indexed += batch
            except sqlite3.DatabaseError as error:
                if repaired:
                    raise
                self._repair(error)
                repaired = True
        return due

    def find(self, text: str) -> TextHits:
        """Find photos by the words of a Korean or English sentence.

        Any word may match, as itself, with a particle or as a plural. Stop words are ignored. A
        word is weighted by its rarity among the photos (the idf of BM25, Robertson and Zaragoza
        2009).
        """
        self._sync_before_search()
        words = query_terms(text)
        if not words or not self._usable:
            return TextHits(NO_IDS, np.empty(0, np.float32))
        photos = self._count("SELECT count(*) FROM photos")
        size = 1 + self._count("SELECT coalesce(max(photo_id), 0) FROM changes")
        points = np.zeros(size, np.float32)  # of each photo id
        most, matches = 0.0, 0
        for word in words:
            share = self._share(word, size)
            holders = int(np.count_nonzero(share))
            matches += holders
            idf = float(np.log1p((max(photos - holders, 0) + 0.5) / (holders + 0.5)))
            points += idf * share
            most += idf
        hits = np.flatnonzero(points)[::-1]  # newest first
        hits = hits[np.argsort(-points[hits], kind="stable")][:MAX_HITS]
        coverage = np.minimum(points[hits] / np.float32(most), 1)
        if matches > MAX_BM25_MATCHES:
            return TextHits(hits, coverage)
        order = self._order(words, hits, coverage)
        return TextHits(hits[order], coverage[order])

    def exact(self, text: str) -> Ids:
        """Return (m,) rising ids of photos that contain an exact phrase.

        Capitals, accents, punctuation and the blanks of Korean are ignored. Words of letters must
        be whole. Korean ones may be parts of longer words.
        """
        self._sync_before_search()
        patterns = spaced_phrases(text)
        return self._containing(patterns) if patterns and self._usable else NO_IDS

    def written(self, conditions: Iterable[Filter]) -> dict[str, Ids]:
        """Return the ids of `exact` for each phrase in the conditions."""
        phrases = {
            condition.fact.phrase for condition in conditions if isinstance(condition.fact, Writes)
        }
        return {phrase: self.exact(phrase) for phrase in phrases}

    def why(self, photo_ids: Sequence[int], text: str) -> dict[int, TextReason]:
        """Return the text of each photo that matches the query, if any."""
        texts = read_texts(self._database.connection, photo_ids)
        terms, exact = query_terms(text), phrase(text)
        return {
            photo_id: reason
            for photo_id, columns in texts.items()
            if (reason := match_reason(columns, terms, exact)) is not None
        }

    def faults(self) -> list[str]:
        """List what is wrong with the index, which `rebuild` repairs."""
        if self._database.read_only:
            return []  # SQLite checks it by writing
        try:
            with self._database.writing() as db:
                db.execute("INSERT INTO photo_texts (photo_texts) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            return [f"album.db: the index of texts is damaged ({error})"]
        return []

    def rebuild(self) -> None:
        """Replace the index by an empty one, which `sync` fills."""
        with self._database.writing() as db:
            _drop(db)
            db.execute(_CREATE)
            db.execute(_CREATE_STATE)
            db.execute("INSERT INTO photo_texts_synced VALUES (0)")
        log.info("the index of texts is made again")

    # The rows of the index

    def _is_whole(self) -> bool:
        db = self._database.connection
        made = dict(db.execute(f"SELECT name, sql FROM sqlite_master WHERE name IN {_TABLES}"))
        if len(made) < len(_TABLES) or made["photo_texts"] != _CREATE:
            return False
        try:
            db.execute("SELECT rowid FROM photo_texts WHERE photo_texts MATCH 'abcd'").fetchone()
            rows = db.execute("SELECT typeof(revision) FROM photo_texts_synced").fetchall()
        except sqlite3.DatabaseError as error:
            log.warning("the index of texts cannot be read: %s", error)
            return False
        return [row[0] for row in rows] == ["integer"]

    def _due(self) -> int:
        return self._count(
            "SELECT count(*) FROM changes"
            " WHERE revision > (SELECT revision FROM photo_texts_synced)"
        )

    def _sync_before_search(self) -> None:
        try:
            self.sync(SYNCED_BEFORE_SEARCH)
        except AlbumError as error:  # search must work on a full disk
            log.warning("what was written just now is not found yet: %s", error)

    def _index_pending(self, most: int) -> None:
        columns = ", ".join(COLUMNS)
        marks = ", ".join("?" * (1 + len(COLUMNS)))
        with self._database.writing() as db:
            due = db.execute(
                "SELECT photo_id, revision FROM changes"
                " WHERE revision > (SELECT revision FROM photo_texts_synced)"
                " ORDER BY revision LIMIT ?",
                (most,),
            ).fetchall()
            if not due:
                return  # another process was faster
            texts = read_texts(db, [row["photo_id"] for row in due])
            db.executemany(
                "DELETE FROM photo_texts WHERE rowid = ?", [(row["photo_id"],) for row in due]
            )
            db.executemany(
                f"INSERT INTO photo_texts (rowid, {columns}) VALUES ({marks})",
                (
                    (photo_id, *(index_line(column, columns[column]) for column in COLUMNS))
                    for photo_id, columns in texts.items()
                ),
            )
            db.execute("UPDATE photo_texts_synced SET revision = ?", (due[-1]["revision"],))

    # Queries

    def _share(self, word: QueryTerm, size: int) -> npt.NDArray[np.float32]:
        """Return (size,) float32 weights of a word by photo id.

        1 for the word itself, `PART` for a part of a longer word.
        """
        whole, starts, ends = (
            ids[(ids > 0) & (ids < size)]  # the file may be hostile
            for ids in map(self._containing, (word.whole, word.starts, word.ends))
        )
        share = np.zeros(size, np.float32)
        share[ends] = PART
        both = starts[share[starts] > 0]
        if word.starts_suffice:
            share[starts] = PART
        share[both] = share[whole] = 1
        return share

    def _containing(self, patterns: Sequence[str]) -> Ids:
        """Return rising ids of photos with any pattern in their texts."""
        ids = [self._with_short(pattern) for pattern in patterns if len(pattern) < _TRIGRAM]
        if long := [pattern for pattern in patterns if len(pattern) >= _TRIGRAM]:
            ids.append(
                self._ids(
                    "SELECT group_concat(rowid) FROM photo_texts WHERE photo_texts MATCH ?",
                    _any(long),
                )
            )
        if not ids:
            return NO_IDS
        return ids[0] if len(ids) == 1 else np.unique(np.concatenate(ids))

    def _with_short(self, short: str) -> Ids:
        """Return photos with a substring of one or two characters."""
        self._database.connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.photo_trigrams"
            " USING fts5vocab(main, photo_texts, instance)"
        )
        return np.unique(
            self._ids(
                "SELECT group_concat(doc) FROM temp.photo_trigrams WHERE term >= ? AND term <= ?",
                short,
                short + _LAST_CHARACTER,
            )
        )

    def _ids(self, sql: str, *values: str) -> Ids:
        try:
            cursor = self._database.connection.execute(sql, values)
            # One long text: a Python object for each row would take twice the time.
            (listed,) = cursor.fetchone()
        except sqlite3.DatabaseError as error:
            self._repair(error)
            self._sync_before_search()
            (listed,) = self._database.connection.execute(sql, values).fetchone()
        return np.fromstring(listed or "", dtype=np.int64, sep=",")

    def _repair(self, error: sqlite3.DatabaseError) -> None:
        """Rebuild an index that SQLite calls damaged, raise any other error."""
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT"):
            raise error
        log.warning("the index of texts is damaged: %s", error)
        self.rebuild()

    def _count(self, sql: str) -> int:
        return int(self._database.connection.execute(sql).fetchone()[0])

    def _order(
        self, words: Sequence[QueryTerm], hits: Ids, coverage: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.intp]:
        """Sort the hits by coverage, then by bm25, then newest first.

        Returns:
            (m,) positions in `hits`.
        """
        rank: dict[int, float] = {}  # the lower, the better
        if match := _any(pattern for word in words for pattern in word.patterns):
            cursor = self._database.connection.execute(
                f"SELECT rowid, bm25(photo_texts, {', '.join(map(str, _WEIGHTS))})"
                " FROM photo_texts WHERE photo_texts MATCH ?",
                (match,),
            )
            rank.update((row[0], row[1]) for row in cursor)
        values = np.array([rank.get(photo_id, 0.0) for photo_id in hits.tolist()])
        return np.lexsort((-hits, values, -coverage))


def _any(patterns: Iterable[str]) -> str:
    """Return an FTS5 expression for any of the patterns.

    They hold only letters, digits, blanks and strokes, so quoting is enough.
    """
    return " OR ".join(f'"{pattern}"' for pattern in patterns if len(pattern) >= _TRIGRAM)


def _drop(db: sqlite3.Connection) -> None:
    """Drop the index, even where SQLite cannot open it."""
    db.execute("DROP TABLE IF EXISTS temp.photo_trigrams")
    for name in _TABLES:
        row = db.execute("SELECT type FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        if row is None:
            continue
        try:
            db.execute(f"DROP {'VIEW' if row[0] == 'view' else 'TABLE'} {name}")
        except sqlite3.DatabaseError:  # a virtual table that lacks its shadow tables
            db.execute("PRAGMA writable_schema = ON")
            db.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
            db.execute("PRAGMA writable_schema = RESET")
