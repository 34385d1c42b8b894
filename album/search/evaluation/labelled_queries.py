"""Queries with known answers, read from CSV files."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from album.errors import AlbumError

Language = Literal["en", "ko"]
Split = Literal["tune", "held-back", "all"]
COLUMNS: Mapping[Language, str] = {"en": "query", "ko": "query_ko"}


@dataclass(frozen=True)
class LabelledQuery:
    """A query and the photos that it should find."""

    name: str
    """Its English text, which also names it in tables."""
    texts: Mapping[Language, str]
    relevant: frozenset[str]
    """Names of photos. None: there is no such photo."""

    @property
    def split(self) -> Split:
        """Return the half of all queries that this one is in.

        It depends on the hash of the name alone, so it is equal for every set of photos.
        """
        odd = hashlib.sha256(self.name.encode()).digest()[0] % 2
        return "tune" if odd else "held-back"


def read_queries(path: Path) -> list[LabelledQuery]:
    """Read a CSV with the columns query, query_ko (optional) and relevant.

    `relevant` names photos by their path below the folder, separated by spaces.

    Raises:
        AlbumError: it cannot be read, lacks a column, or has no query.
    """
    queries = [
        LabelledQuery(
            row["query"].strip(),
            {
                language: text
                for language, column in COLUMNS.items()
                if (text := (row.get(column) or "").strip())
            },
            frozenset((row["relevant"] or "").split()),
        )
        for row in read_table(path, ("query", "relevant"))
        if (row["query"] or "").strip()
    ]
    if not queries:
        raise AlbumError(f"{path} holds no query.")
    return queries


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV in UTF-8 as rows by column name.

    Raises:
        AlbumError: it cannot be read, or lacks one of the columns `needed`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in needed if name not in (reader.fieldnames or ())]
            if lacking:
                raise AlbumError(f"{path} has no column {' or '.join(lacking)}.")
            return list(reader)
    except OSError as error:
        raise AlbumError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AlbumError(f"{path} is no CSV in UTF-8: save it as one and try again.") from error
