"""Texts of photos, as the text index and its excerpts read them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal, TypeAlias

from album.storage.statements import id_batches, placeholders
from album.storage.text_tokens import QueryTerm, line, spans_of

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


EXCERPT = 80


FOLDERS = 3


_HOMES = frozenset({"home", "users", "mnt", "media", "volumes"})  # not what a person calls folders


@dataclass(frozen=True, slots=True)
class TextReason:
    """Why a photo is among the hits: where the words are, and what stands there."""

    field: Field
    excerpt: str
    """At most 80 characters of the text as it was written."""


Texts: TypeAlias = dict[str, list[str]]
"""What is written of one photo, by column, as it was written."""


def index_line(column: str, parts: Sequence[str]) -> str:
    return line(*parts, names=column in ("file_name", "folder"))


def _first(folded: str, patterns: Sequence[str]) -> int:
    """Where any of the patterns is first; -1: nowhere."""
    places = [folded.find(it) for it in patterns]
    return min((at for at in places if at >= 0), default=-1)


def _folders(path: str | bytes | None) -> list[str]:
    """The last folders of a photo in place, as one path; those of the machine say nothing of it."""
    if path is None:
        return []
    folders = list(PurePath(os.fsdecode(path)).parts[1:-1])
    if folders and folders[0].lower() in _HOMES:
        folders = folders[2:]
    return ["/".join(folders[-FOLDERS:])] if folders else []


def excerpt(text: str, nth_word: int) -> str:
    """At most `EXCERPT` characters of a text, with its word number `nth_word`, counted from 0."""
    text = " ".join(text.split())
    if len(text) <= EXCERPT:
        return text
    spans = spans_of(text)
    at = spans[min(nth_word, len(spans) - 1)] if spans else 0
    start = max(0, min(at - EXCERPT // 3, len(text) - EXCERPT + 1))
    start = text.find(" ", start, at) + 1 if start and " " in text[start:at] else start
    end = start + EXCERPT - 1 - (start > 0)
    return ("…" if start else "") + text[start:end].rstrip() + ("…" if end < len(text) else "")


def read_texts(db: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, Texts]:
    """The texts of those of `photo_ids` that exist."""
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
    """Choose the text of a photo that matches a query best, and cut an excerpt around the match.

    The text with the most of the words wins, one with the exact phrase before any other, then a
    caption before keywords, labels and names.

    Args:
        columns: the texts of the photo.
        terms: the words of the query.
        exact: the `phrase` of the query; "" matches nothing.
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
