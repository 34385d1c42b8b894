"""The address of a page: a question, a page of its answer and the open photo, to be shared or kept.

Pictures that were uploaded are the session's own: an address leaves them out, and the words, the
photos of the album and the filters stay.

    bar = AddressBar()                       # where the tab is built; two hidden components
    {bar.here: to_address(shown), ...}       # with every answer
    bar.go_to.submit(listen, bar.go_to, ...) # shows from_address(parameters(value)): back and
                                             # forward, queries of the history
    from_address(request.query_params)       # what the first load asks for
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import parse_qsl, urlencode

import gradio as gr

from album.domain.photo import Orientation, SearchFilters
from album.errors import QueryError
from album.search.query import parse_day
from album.search.request import SearchRequest
from album.ui.shared.session_state import SearchState

KEYS: Final = (
    *("q", "like", "weight", "after", "before", "place", "camera", "shape", "type", "caption"),
    *("label", "sort", "rest", "burst", "p", "photo"),
)
"""What the album's addresses are made of, in this order; other parameters belong to others."""
LONGEST_TEXT: Final = 1000
LONGEST_NAME: Final = 100
LONGEST_DAY: Final = 20
MOST_LIKE: Final = 10
LONGEST_ADDRESS: Final = 20_000  # 1,000 letters of three bytes, written as %EA%B0%95
_NUMBER = re.compile("[1-9][0-9]{0,17}")
_PAGE = re.compile("[1-9][0-9]{0,6}")
_SCRIPT = Path(__file__).with_name("url_state.js")
BREAKS: Final = ("Cc", "Zl", "Zp")
EITHER: Final = {"yes": True, "no": False}


class AddressBar:
    """Two hidden components between the session and the browser's own address and history."""

    def __init__(self) -> None:
        self.here = gr.HTML(
            elem_id="address",
            elem_classes="plumbing",
            visible="hidden",
            html_template="",
            js_on_load=f"const KEYS = {json.dumps(KEYS)};\n{_SCRIPT.read_text('utf-8')}",
        )
        """The address of what is shown: an output of everything that changes it."""
        self.go_to = gr.HTML(
            elem_id="go-to",
            elem_classes="plumbing",
            visible="hidden",
            html_template="",
            js_on_load=(
                "window.album = window.album || {};\n"
                "window.album.ask = (address) => { props.value = address; trigger('submit'); };"
            ),
        )
        """The address that the browser wants to be shown: its `submit` asks for it."""


def to_address(shown: SearchState) -> str:
    """The address, relative and in ASCII: `?q=snow&p=3&photo=12`; "" where nothing is asked.

    Holds at most a thousand characters of text; pictures that were uploaded are left out.
    """
    asked, filters = shown.question, shown.question.filters
    weighs = asked.picture_weight != SearchRequest().picture_weight and (asked.like and asked.text)
    values: dict[str, object] = {
        "q": _clean(asked.text, LONGEST_TEXT),
        "like": ",".join(map(str, asked.like[:MOST_LIKE])),
        "weight": f"{asked.picture_weight:.2f}".rstrip("0").rstrip(".") if weighs else "",
        "after": filters.after,
        "before": filters.before,
        "place": _either(filters.has_place),
        "camera": _clean(filters.camera or "", LONGEST_NAME),
        "shape": filters.orientation,
        "type": _clean(filters.file_type or "", LONGEST_NAME),
        "caption": _either(filters.has_caption),
        "label": _clean(filters.label or "", LONGEST_NAME),
        "sort": "date" if asked.sort == "date" else "",
        "rest": "1" if asked.rest else "",
        "burst": asked.burst,
        "p": shown.page + 1 if shown.page > 0 else "",
        "photo": shown.photo,
    }
    parts = [(key, values[key]) for key in KEYS if values[key]]
    return f"?{urlencode(parts)}" if parts else ""


def parameters(address: str) -> dict[str, str]:
    """The parameters of an address, with or without its `?`; none where it is no address."""
    query = address[:LONGEST_ADDRESS].rpartition("?")[2].partition("#")[0]
    return dict(parse_qsl(query, errors="replace"))


def from_address(params: Mapping[str, str]) -> SearchState:
    """What an address asks for.

    Args:
        params: of the address, from anybody; whatever cannot be understood is left out.
    """

    def text(key: str, most: int = LONGEST_NAME) -> str:
        return _clean(params.get(key, ""), most)

    filters = SearchFilters(
        after=_day(text("after", LONGEST_DAY)),
        before=_day(text("before", LONGEST_DAY), last=True),
        has_place=EITHER.get(text("place")),
        camera=text("camera") or None,
        orientation=cast("Orientation", shape)
        if (shape := text("shape")) in get_args(Orientation)
        else None,
        file_type=text("type") or None,
        has_caption=EITHER.get(text("caption")),
        label=text("label") or None,
    )
    numbers = [_number(it) for it in params.get("like", "")[:LONGEST_ADDRESS].split(",")]
    question = SearchRequest(
        text=text("q", LONGEST_TEXT),
        like=tuple(dict.fromkeys(it for it in numbers if it is not None))[:MOST_LIKE],
        picture_weight=_weight(text("weight")),
        filters=filters,
        sort="date" if text("sort") == "date" else "best",
        rest=text("rest") == "1",
        burst=_number(text("burst")),
    )
    page = text("p")
    return SearchState(
        question,
        page=int(page) - 1 if _PAGE.fullmatch(page) else 0,
        photo=_number(text("photo")),
    )


def _clean(text: Any, most: int) -> str:
    """Text of one line that can be written anywhere: no control characters, no half ones."""
    whole = str(text)[:most].encode(errors="replace").decode()
    return "".join(" " if unicodedata.category(it) in BREAKS else it for it in whole).strip()


def _either(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _weight(text: str) -> float:
    if re.fullmatch(r"0|1|0?\.[0-9]{1,2}", text):
        return float(text)
    return SearchRequest().picture_weight


def _day(text: str, *, last: bool = False) -> Any:
    try:
        return parse_day(text, last=last)
    except QueryError:
        return None
