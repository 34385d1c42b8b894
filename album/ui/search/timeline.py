"""Shell of the timeline, which `timeline.js` fills from the routes of `timeline_routes.py`."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.messages import say
from album.ui.search.url_state import to_address
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render

EMPTY_TIMELINE: Final = Markup('<div class="timeline"></div>')
"""What the page shows until the first answer: grey rows in place of photos."""
WORDS: Final = {
    "name": "timeline",
    "jump": "timeline_jump",
    "unknown": "date_unknown",
    "memories": "memories",
    "favourite": "favourite",
    "failed": "timeline_failed",
    "again": "timeline_again",
    "waiting": "timeline_waiting",
}
"""Sentences of the script and their messages."""


def timeline(album: Album, query: SearchRequest, language: str) -> Markup:
    """Render the shell for a request without looks.

    A new revision tells the script that photos have come or gone.
    """
    return render(
        "search/timeline.html",
        language,
        address=to_address(SearchState(query)),
        revision=album.timeline.order(query.listed(query.time_zone)).revision,
        words={key: say(language, message) for key, message in WORDS.items()},
    )
