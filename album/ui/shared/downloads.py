"""Downloads without leaving the page."""

from __future__ import annotations

PRESS = (
    "(address) => { const link = document.createElement('a'); link.href = address;"
    " link.download = ''; document.body.append(link); link.click(); link.remove(); }"
)
"""JavaScript that downloads an address."""
