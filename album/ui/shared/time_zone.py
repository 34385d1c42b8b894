"""Time zone of a reader, from the cookie that `head.html` sets."""

from __future__ import annotations

import re
from urllib.parse import unquote

import gradio as gr

_COOKIE = re.compile(r"(?:^|;\s*)time-zone=([^;]{1,200})")


def time_zone_of(request: gr.Request) -> str:
    """Return the browser's IANA time zone, as it says, or ""."""
    match = _COOKIE.search(request.headers.get("cookie", ""))
    return unquote(match[1], errors="replace") if match else ""
