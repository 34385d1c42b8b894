"""What tells whether a browser shows the newest rows."""

from __future__ import annotations

import hashlib

MOST_ROWS = 2**31


def digest(value: object) -> str:
    """Names what a browser shows, so that only what differs is sent."""
    return hashlib.blake2b(repr(value).encode(errors="replace"), digest_size=6).hexdigest()
