"""Durations as text."""

from __future__ import annotations

import math

from album.ui.i18n.messages import say


def duration(seconds: float, language: str) -> str:
    """Format a duration, rounded up.

    For example: 45 s, 12 min, 2 h 5 min.
    """

    whole = max(1, math.ceil(seconds))
    if whole < 60:
        return say(language, "time_s", n=whole)
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return say(language, "time_min", n=minutes)
    if minutes % 60 == 0:
        return say(language, "time_hours", h=minutes // 60)
    return say(language, "time_h", h=minutes // 60, n=minutes % 60)
