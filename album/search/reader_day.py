"""The day of a reader, who may be in another time zone than the server."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,3}")


def today_in(time_zone: str) -> date:
    """Return today's date in a time zone.

    Args:
        time_zone: its IANA name. The server's own zone replaces "" and any unknown name.
    """
    if not _NAME.fullmatch(time_zone):
        return date.today()
    try:
        return datetime.now(ZoneInfo(time_zone)).date()
    except (LookupError, OSError, ValueError):  # unknown, a folder of zones, or no file of a zone
        return date.today()
