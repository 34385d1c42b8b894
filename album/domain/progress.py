"""Progress of long work."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[int, int, str], None]
"""(done, total, name of the file just done)."""
