"""Digests of what a browser shows, to send only changes."""

from __future__ import annotations

import hashlib

MOST_ROWS = 2**31


def digest(value: object) -> str:
    """Hash the `repr` of a value to 12 hexadecimal digits."""
    return hashlib.blake2b(repr(value).encode(errors="replace"), digest_size=6).hexdigest()
