"""Errors of the album, each with a sentence for people."""

from __future__ import annotations

import errno
from collections.abc import Iterable

DISK_FULL = "The disk of the album is full: make room and try again; nothing is lost."
READ_ONLY = "The album's folder cannot be written to: check its disk and your rights on it."
DAMAGED = (
    "The album's database is damaged: move album.db out of the album's folder and bring a backup"
    " back with `python -m album restore`; the photos themselves are not touched."
)
HALF_CHARACTER = "The text has half a character in it, which is no text: type it again."
"""For a lone surrogate, which only Python accepts."""
NO_SUCH_NUMBER = "Nothing in the album has this number: look the right one up and try again."
"""For a number larger than any row id of SQLite."""
CANNOT_OPEN = "The file cannot be opened: it is gone, or you may not read it."


class AlbumError(Exception):
    """Base error of the album. `str(error)` is the English sentence.

    It is like `models.errors.ModelError`, which decoder processes do not import.

    Args:
        message: what happened and what to do, in English. With values it is a template of
            `str.format`. Catalogs translate it by this text, as gettext does.
        values: what the template names.
    """

    def __init__(self, message: str = "", /, **values: object) -> None:
        super().__init__(message.format(**values) if values else message)
        self.message = message
        self.values = values


class UnreadableImageError(AlbumError):
    """Raised when a file is no readable image."""


class PhotoNotFoundError(AlbumError):
    """Raised when a photo does not exist, or its original is gone."""


class QueryError(AlbumError):
    """Raised when a query or filter cannot be understood."""


class EmptyQueryError(QueryError):
    """Raised when a query has neither words nor an image."""


class ModelLoadingError(AlbumError):
    """Raised when no model is loaded yet. Try again later."""


def is_full(error: OSError) -> bool:
    """Tell whether the error is a full disk or quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_sentence(error: OSError) -> str | None:
    """Return the sentence for a full or read-only disk, or None."""
    if is_full(error):
        return DISK_FULL
    return READ_ONLY if error.errno == errno.EROFS else None


def refuse_half_characters(values: Iterable[object]) -> None:
    """Check texts of a request, also those in lists and dictionaries.

    Raises:
        QueryError: a text has a lone surrogate.
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
