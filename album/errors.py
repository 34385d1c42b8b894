"""What can go wrong in the album, each as one sentence for the person who sees it."""

from __future__ import annotations

import errno
from collections.abc import Iterable

DISK_FULL = "The disk of the album is full: make room and try again; nothing is lost."
"""Said of rows and of files alike."""
READ_ONLY = "The album's folder cannot be written to: check its disk and your rights on it."
DAMAGED = (
    "The album's database is damaged: move album.db out of the album's folder and bring a backup"
    " back with `python -m album restore`; the photos themselves are not touched."
)
HALF_CHARACTER = "The text has half a character in it, which is no text: type it again."
"""Of a lone surrogate, which Python can hold and nothing else can."""
NO_SUCH_NUMBER = "Nothing in the album has this number: look the right one up and try again."
"""Of one that is larger than any row of a database can have."""
CANNOT_OPEN = "The file cannot be opened: it is gone, or you may not read it."


class AlbumError(Exception):
    """Base of all: `str(error)` says what happened and what to do."""


class UnreadableImageError(AlbumError):
    """Raised when a file is no image that the album can read."""


class PhotoNotFoundError(AlbumError):
    """Raised when an id names no photo, or a photo's original is gone from the disk."""


class QueryError(AlbumError):
    """Raised when a query or filter cannot be understood."""


class EmptyQueryError(QueryError):
    """Raised when there is nothing to look for: no words, no picture."""


class ModelLoadingError(AlbumError):
    """Raised when no model is loaded yet; the same call works a little later."""


def is_full(error: OSError) -> bool:
    """Whether nothing more can be written to the disk."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_sentence(error: OSError) -> str | None:
    """What a person can do about a disk that takes nothing more; None for any other error."""
    if is_full(error):
        return DISK_FULL
    return READ_ONLY if error.errno == errno.EROFS else None


def refuse_half_characters(values: Iterable[object]) -> None:
    """Look through what a person, or a program, sent: texts, and texts in lists and dictionaries.

    Raises:
        QueryError: a lone surrogate is in one of them.
    """
    for value in values:
        if isinstance(value, str):
            if not value.isascii():
                try:
                    value.encode()
                except UnicodeEncodeError as error:
                    raise QueryError(HALF_CHARACTER) from error
        elif isinstance(value, dict):
            refuse_half_characters([*value.keys(), *value.values()])
        elif isinstance(value, list | tuple):
            refuse_half_characters(value)
