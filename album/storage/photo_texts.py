"""Texts of photos, and excerpts around a match."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal, TypeAlias

from album.storage.statements import id_batches, placeholders
from album.storage.text_tokens import QueryTerm, line, word_starts

Field = Literal[
    "caption", "keyword", "label", "file name", "folder", "place", "text in the picture"
]
COLUMNS: Final[dict[str, Field]] = {
    "caption": "caption",
    "keywords": "keyword",
    "labels": "label",
    "file_name": "file name",
    "folder": "folder",
    "place": "place",
    "read_text": "text in the picture",
}
_SOURCES = (  # tables, the columns of the index that they fill, and what of them
    ("captions", "caption", "text"),
    ("keywords", "keywords", "keyword"),
    ("caption_keywords", "keywords", "keyword"),
    ("labels", "labels", "label"),
    ("read_texts", "read_text", "text"),
)
EXCERPT = 80  # characters
FOLDERS = 3  # of a path
_HOMES = frozenset({"home", "users", "mnt", "media", "volumes"})  # not named by a person


@dataclass(frozen=True, slots=True)
class TextReason:
    """Text of a photo that matches a query."""

    field: Field
    excerpt: str
    """At most 80 characters of the text as it was written."""


Texts: TypeAlias = dict[str, list[str]]
"""Texts of one photo by column of the index, as they were written."""


def index_line(column: str, parts: Sequence[str]) -> str:
    return line(*parts, names=column in ("file_name", "folder"))


def _first(folded: str, patterns: Sequence[str]) -> int:
    """Return the earliest position of any pattern, -1 for none."""
    return min((at for at in map(folded.find, patterns) if at >= 0), default=-1)


def _folders(path: str | bytes | None) -> list[str]:
    """Return the last folders of a photo in place as one path.

    Folders of the machine, such as the home folder, do not describe the photo.
    """
    if path is None:
        return []
    folders = list(PurePath(os.fsdecode(path)).parts[1:-1])
    if folders and folders[0].lower() in _HOMES:
        folders = folders[2:]
    return ["/".join(folders[-FOLDERS:])] if folders else []


def excerpt(text: str, nth_word: int) -> str:
    """Cut at most `EXCERPT` characters around word `nth_word`, counted from 0."""
    text = " ".join(text.split())
    if len(text) <= EXCERPT:
        return text
    spans = word_starts(text)
    at = spans[min(nth_word, len(spans) - 1)] if spans else 0
    start = max(0, min(at - EXCERPT // 3, len(text) - EXCERPT + 1))
    start = text.find(" ", start, at) + 1 if start and " " in text[start:at] else start
    end = start + EXCERPT - 1 - (start > 0)
    return ("…" if start else "") + text[start:end].rstrip() + ("…" if end < len(text) else "")


def read_texts(db: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, Texts]:
    """Read the texts of the existing photos among `photo_ids`."""
    texts: dict[int, Texts] = {}
    for batch in id_batches(photo_ids):
        among = f"photo_id IN ({placeholders(batch)})"
        for row in db.execute(
            "SELECT photo_id, filename, path, town, country, town_ko, country_ko"
            " FROM photos LEFT JOIN places USING (place_id)"
            f" WHERE {among}",
            batch,
        ):
            texts[row[0]] = {column: [] for column in COLUMNS} | {
                "file_name": [str(row["filename"])],
                "folder": _folders(row["path"]),
                "place": [
                    ", ".join(str(name) for name in names if name) for names in (row[3:5], row[5:7])
                ],
            }
        for table, column, source in _SOURCES:
            for row in db.execute(
                f"SELECT photo_id, {source} FROM {table} WHERE {among} ORDER BY {source}", batch
            ):
                if row[0] in texts and str(row[1]) not in texts[row[0]][column]:
                    texts[row[0]][column].append(str(row[1]))
    return texts


def match_reason(columns: Texts, terms: Sequence[QueryTerm], exact: str) -> TextReason | None:
    """Choose the text of a photo that matches a query best.

    The text with the most words of the query wins, one with the exact phrase before any other. On
    a tie, a caption precedes keywords, labels and names.

    Args:
        columns: the texts of the photo.
        terms: the words of the query.
        exact: the `phrase` of the query. "" matches nothing.
    """
    most, best = 0, None  # of how many words, and where
    for column, parts in columns.items():
        for part in parts:
            folded = index_line(column, [part])
            starts = [at for term in terms if (at := _first(folded, term.patterns)) >= 0]
            number = len(starts)
            if exact and (at := folded.find(exact)) >= 0:
                starts, number = [at], len(terms) + 1
            if number > most:
                nth_word = folded.count(" ", 0, min(starts) + 1) - 1
                most, best = number, TextReason(COLUMNS[column], excerpt(part, nth_word))
    return best
