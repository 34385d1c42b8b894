"""What can go wrong in the album, each as one sentence for the person who sees it."""

DISK_FULL = "The disk of the album is full: make room and try again; nothing is lost."
"""Said of rows and of files alike."""
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
