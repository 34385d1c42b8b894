"""TextIndex: full-text search over what is written of each photo, Korean and English.

One row of an FTS5 table a photo, kept in `album.db` and made again whenever it is not as it must
be. The trigram tokenizer (https://sqlite.org/fts5.html#the_trigram_tokenizer) knows no words, which
suits Korean; the blanks that `album.storage.text_tokens.line` puts around them make words of three
characters out of two, so that 부산 is found as " 부산", and cat as " cat ", which is not in
category.
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
from album.storage.text_tokens import QueryTerm, phrase, query_terms

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int64]

_MAKE = (
    f"CREATE VIRTUAL TABLE photo_texts USING fts5({', '.join(COLUMNS)},"
    " tokenize = 'trigram case_sensitive 1')"  # the lines are in small letters already
)
_MAKE_STATE = "CREATE TABLE photo_texts_synced (revision INTEGER NOT NULL)"
_TABLES = (
    "photo_texts", "photo_texts_synced", "photo_texts_data", "photo_texts_idx",
    "photo_texts_content", "photo_texts_docsize", "photo_texts_config",
)  # fmt: skip
_TRIGRAM = 3
_LAST_CHARACTER = "\U0010ffff"
_WEIGHTS = (1.0, 2.0, 2.0, 1.0, 0.5, 1.0, 0.5)  # of the columns, for bm25

SYNCED_AT_ONCE = 500  # photos in one transaction, which takes some 100 ms
SYNCED_BEFORE_A_SEARCH = 2000  # what somebody may wait for; more is for the background
MOST_HITS = 100_000
MOST_BY_BM25 = 5000  # finds of words, for each of which SQLite takes some 2 µs
PART = 0.5  # what a word counts that is a part of a longer one

NO_IDS: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class TextHits:
    """Photos whose texts share words with a question."""

    photo_ids: Ids
    """(m,), best first: by coverage, then by bm25 where words are not too common, then newest."""
    coverage: npt.NDArray[np.float32]
    """(m,) in (0, 1]: the share of the question's words that the texts hold, rare words counting
    for more; 1: all of them, none as a part of a longer word only."""


class TextIndex:
    """Finds photos by their texts; methods may be called from any thread, and process."""

    def __init__(self, database: Database) -> None:
        """Use the index in `database`; one that is not there, or not as it must be, is made again.

        Where nothing can be written, an index that is not there has no photo in it.
        """
        self._database = database
        whole = self._is_whole()
        self._usable = whole or not database.read_only
        if not whole and self._usable:
            self.rebuild()

    def sync(self, most: int | None = None) -> int:
        """Take in the texts of photos that changed, by whichever program, a portion at a time.

        Args:
            most: how many photos at the most; None: all.

        Returns:
            How many are still to be taken in.

        Raises:
            AlbumError: the database cannot be written to.
        """
        if self._database.read_only:
            return 0
        taken = 0
        mended = False
        while due := self._due():
            portion = min(SYNCED_AT_ONCE, due if most is None else most - taken)
            if portion <= 0:
                break
            try:
                self._index_pending(portion)
                taken += portion
            except sqlite3.DatabaseError as error:
                if mended:
                    raise
                self._mend(error)
                mended = True
        return due

    def find(self, text: str) -> TextHits:
        """Photos whose texts hold words of a free sentence, Korean or English.

        Any word may match, as itself, with a particle or as a plural; stop words are passed over.
        A word counts by its rarity among the photos (the idf of BM25, Robertson and Zaragoza 2009).
        """
        self._sync_a_little()
        words = query_terms(text)
        if not words or not self._usable:
            return TextHits(NO_IDS, np.empty(0, np.float32))
        photos = self._count("SELECT count(*) FROM photos")
        size = 1 + self._count("SELECT coalesce(max(photo_id), 0) FROM changes")
        points = np.zeros(size, np.float32)  # of each photo id
        most, all_havings = 0.0, 0
        for word in words:
            share = self._share(word, size)
            having = int(np.count_nonzero(share))
            all_havings += having
            idf = float(np.log1p((max(photos - having, 0) + 0.5) / (having + 0.5)))
            points += idf * share
            most += idf
        hits = np.flatnonzero(points)[::-1]  # newest first
        hits = hits[np.argsort(-points[hits], kind="stable")][:MOST_HITS]
        coverage = np.minimum(points[hits] / np.float32(most), 1)
        if all_havings > MOST_BY_BM25:
            return TextHits(hits, coverage)
        order = self._order(words, hits, coverage)
        return TextHits(hits[order], coverage[order])

    def exact(self, text: str) -> Ids:
        """(m,) rising ids of the photos with just these words in this order in one of their texts.

        Capitals, accents and punctuation don't count. Words of letters must be whole; Korean ones
        may be parts of longer words.
        """
        self._sync_a_little()
        pattern = phrase(text)
        return self._holding([pattern]) if pattern and self._usable else NO_IDS

    def written(self, conditions: Iterable[Filter]) -> dict[str, Ids]:
        """The answers of `exact` to the phrases of conditions, as `PhotoStore` asks for them."""
        phrases = {it.fact.phrase for it in conditions if isinstance(it.fact, Writes)}
        return {phrase: self.exact(phrase) for phrase in phrases}

    def why(self, photo_ids: Sequence[int], text: str) -> dict[int, TextReason]:
        """Return where each photo has the words of `text`; photos without any are left out."""
        texts = read_texts(self._database.connection, photo_ids)
        terms, exact = query_terms(text), phrase(text)
        return {
            photo_id: reason
            for photo_id, columns in texts.items()
            if (reason := match_reason(columns, terms, exact)) is not None
        }

    def faults(self) -> list[str]:
        """What is wrong with the index itself, one line each; a rebuild puts it right."""
        if self._database.read_only:
            return []  # SQLite checks it by writing
        try:
            with self._database.writing() as db:
                db.execute("INSERT INTO photo_texts (photo_texts) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            return [f"album.db: the index of texts is damaged ({error})"]
        return []

    def rebuild(self) -> None:
        """Begin again with an empty index; `sync` fills it."""
        with self._database.writing() as db:
            _drop(db)
            db.execute(_MAKE)
            db.execute(_MAKE_STATE)
            db.execute("INSERT INTO photo_texts_synced VALUES (0)")
        log.info("the index of texts is made again")

    # The rows of the index

    def _is_whole(self) -> bool:
        db = self._database.connection
        made = dict(db.execute(f"SELECT name, sql FROM sqlite_master WHERE name IN {_TABLES}"))
        if len(made) < len(_TABLES) or made["photo_texts"] != _MAKE:
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

    def _sync_a_little(self) -> None:
        try:
            self.sync(SYNCED_BEFORE_A_SEARCH)
        except AlbumError as error:  # a full disk is no reason to find nothing
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
                    (photo_id, *(index_line(column, it[column]) for column in COLUMNS))
                    for photo_id, it in texts.items()
                ),
            )
            db.execute("UPDATE photo_texts_synced SET revision = ?", (due[-1]["revision"],))

    # Questions to it

    def _share(self, word: QueryTerm, size: int) -> npt.NDArray[np.float32]:
        """(size,) for each photo id: 1 where the photo has the word, `PART` as a part, else 0."""
        whole, begun, ended = (
            ids[(ids > 0) & (ids < size)]  # whoever made the file
            for ids in map(self._holding, (word.whole, word.starts, word.ends))
        )
        share = np.zeros(size, np.float32)
        share[ended] = PART
        both = begun[share[begun] > 0]
        if word.starts_suffice:
            share[begun] = PART
        share[both] = share[whole] = 1
        return share

    def _holding(self, patterns: Sequence[str]) -> Ids:
        """Rising ids of the photos with any of `patterns` in the lines of their texts."""
        ids = [self._within(it) for it in patterns if len(it) < _TRIGRAM]
        if long := [it for it in patterns if len(it) >= _TRIGRAM]:
            ids.append(
                self._ids(
                    "SELECT group_concat(rowid) FROM photo_texts WHERE photo_texts MATCH ?",
                    _any(long),
                )
            )
        if not ids:
            return NO_IDS
        return ids[0] if len(ids) == 1 else np.unique(np.concatenate(ids))

    def _within(self, short: str) -> Ids:
        """The photos with one or two characters in a text, by the trigrams that begin with them."""
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
            self._mend(error)
            self._sync_a_little()
            (listed,) = self._database.connection.execute(sql, values).fetchone()
        return np.fromstring(listed or "", dtype=np.int64, sep=",")

    def _mend(self, error: sqlite3.DatabaseError) -> None:
        """Make an index again that SQLite calls damaged; other errors are not of its making."""
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT"):
            raise error
        log.warning("the index of texts is damaged: %s", error)
        self.rebuild()

    def _count(self, sql: str) -> int:
        return int(self._database.connection.execute(sql).fetchone()[0])

    def _order(
        self, words: Sequence[QueryTerm], hits: Ids, coverage: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.intp]:
        """(m,) places of the hits by falling coverage, then by bm25, then newest first."""
        rank: dict[int, float] = {}  # the lower, the better
        if match := _any(pattern for it in words for pattern in it.patterns):
            cursor = self._database.connection.execute(
                f"SELECT rowid, bm25(photo_texts, {', '.join(map(str, _WEIGHTS))})"
                " FROM photo_texts WHERE photo_texts MATCH ?",
                (match,),
            )
            rank.update((row[0], row[1]) for row in cursor)
        values = np.array([rank.get(it, 0.0) for it in hits.tolist()])
        return np.lexsort((-hits, values, -coverage))


def _any(patterns: Iterable[str]) -> str:
    """An FTS5 expression: there are only letters, digits, blanks and strokes to quote."""
    return " OR ".join(f'"{pattern}"' for pattern in patterns if len(pattern) >= _TRIGRAM)


def _drop(db: sqlite3.Connection) -> None:
    """Take away the index, also one that SQLite cannot open any more."""
    db.execute("DROP TABLE IF EXISTS temp.photo_trigrams")
    for name in _TABLES:
        row = db.execute("SELECT type FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        if row is None:
            continue
        try:
            db.execute(f"DROP {'VIEW' if row[0] == 'view' else 'TABLE'} {name}")
        except sqlite3.DatabaseError:  # a virtual table without what lies below it
            db.execute("PRAGMA writable_schema = ON")
            db.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
            db.execute("PRAGMA writable_schema = RESET")
