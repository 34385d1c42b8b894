"""Addresses of the page, with query, page and photo as parameters.

Uploaded images belong to a session and are left out. Text, photos of the album and filters stay.

    bar = AddressBar()                          # inside the tab, as two hidden components
    {bar.address: to_address(state), ...}       # with every update
    bar.target.submit(listener, bar.target, ..) # back, forward and history:
                                                # show from_address(parameters(value))
    from_address(request.query_params)          # at the first load
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
from album.ui.shared.session_state import SearchState, View

KEYS: Final = (
    "q",
    "like",
    "weight",
    "after",
    "before",
    "place",
    "country",
    "town",
    "camera",
    "shape",
    "type",
    "caption",
    "label",
    "sort",
    "rest",
    "burst",
    "import",
    "theme",
    "view",
    "p",
    "photo",
)
"""Parameters of the album's addresses, in this order. Others are ignored.

The selected tab is a matter of the browser alone: `tab_address.js` keeps it under `tab`.
"""
MAX_TEXT_LENGTH: Final = 1000
MAX_NAME_LENGTH: Final = 100
MAX_DAY_LENGTH: Final = 20
MAX_LIKE: Final = 10
MAX_ADDRESS_LENGTH: Final = 20_000  # 1,000 letters of three bytes, written as %EA%B0%95
DEFAULT_WEIGHT: Final = SearchRequest().picture_weight
_NUMBER = re.compile("[1-9][0-9]{0,17}")
_PAGE = re.compile("[1-9][0-9]{0,6}")
_SCRIPTS = [Path(__file__).with_name(name) for name in ("tab_address.js", "url_state.js")]
_BREAKS: Final = ("Cc", "Zl", "Zp")
_BOOLEANS: Final = {"yes": True, "no": False}


class AddressBar:
    """Two hidden components between the session and the browser's address and history."""

    def __init__(self) -> None:
        self.address = gr.HTML(
            elem_id="address",
            elem_classes="plumbing",
            visible="hidden",
            html_template="",
            js_on_load="\n".join(
                [
                    f"const KEYS = {json.dumps(KEYS)};",
                    *(script.read_text("utf-8") for script in _SCRIPTS),
                ]
            ),
        )
        """Address of the current state, an output of every listener that changes it."""
        self.target = gr.HTML(
            elem_id="go-to",
            elem_classes="plumbing",
            visible="hidden",
            html_template="",
            js_on_load=(
                "window.album = window.album || {};\n"
                "window.album.ask = (address) => { props.value = address; trigger('submit'); };"
            ),
        )
        """Address that the browser requests by its `submit` event."""


def to_address(state: SearchState) -> str:
    """Format a state as a relative ASCII address: `?q=snow&p=3&photo=12`, or "".

    It holds at most `MAX_TEXT_LENGTH` characters of text and no uploaded images.
    """
    query, filters = state.query, state.query.filters
    has_weight = query.like and query.text and query.picture_weight != DEFAULT_WEIGHT
    values: dict[str, object] = {
        "q": _clean(query.text, MAX_TEXT_LENGTH),
        "like": ",".join(map(str, query.like[:MAX_LIKE])),
        "weight": f"{query.picture_weight:.2f}".rstrip("0").rstrip(".") if has_weight else "",
        "after": filters.after,
        "before": filters.before,
        "place": _from_bool(filters.has_place),
        "country": _clean(filters.country or "", MAX_NAME_LENGTH),
        "town": _clean(filters.town or "", MAX_NAME_LENGTH) if filters.country else "",
        "camera": _clean(filters.camera or "", MAX_NAME_LENGTH),
        "shape": filters.orientation,
        "type": _clean(filters.file_type or "", MAX_NAME_LENGTH),
        "caption": _from_bool(filters.has_caption),
        "label": _clean(filters.label or "", MAX_NAME_LENGTH),
        "sort": "date" if query.sort == "date" else "",
        "rest": "1" if query.rest else "",
        "burst": query.burst,
        "import": query.import_id,
        "theme": query.theme,
        "view": state.view if state.is_home and state.view != "timeline" else "",
        "p": state.page + 1 if state.page > 0 else "",
        "photo": state.photo,
    }
    parts = [(key, values[key]) for key in KEYS if values[key]]
    return f"?{urlencode(parts)}" if parts else ""


def parameters(address: str) -> dict[str, str]:
    """Parse the parameters of an address, with or without its `?`."""
    query = address[:MAX_ADDRESS_LENGTH].rpartition("?")[2].partition("#")[0]
    return dict(parse_qsl(query, errors="replace"))


def from_address(params: Mapping[str, str]) -> SearchState:
    """Parse the state that an address describes.

    Args:
        params: its parameters, which may be forged. Invalid ones are ignored.
    """

    def text(key: str, limit: int = MAX_NAME_LENGTH) -> str:
        return _clean(params.get(key, ""), limit)

    shape = text("shape")
    orientation = cast("Orientation", shape) if shape in get_args(Orientation) else None

    filters = SearchFilters(
        after=_day(text("after", MAX_DAY_LENGTH)),
        before=_day(text("before", MAX_DAY_LENGTH), last=True),
        has_place=_BOOLEANS.get(text("place")),
        country=text("country") or None,
        town=(text("town") or None) if text("country") else None,
        camera=text("camera") or None,
        orientation=orientation,
        file_type=text("type") or None,
        has_caption=_BOOLEANS.get(text("caption")),
        label=text("label") or None,
    )
    like = [_number(part) for part in params.get("like", "")[:MAX_ADDRESS_LENGTH].split(",")]
    query = SearchRequest(
        text=text("q", MAX_TEXT_LENGTH),
        like=tuple(dict.fromkeys(number for number in like if number is not None))[:MAX_LIKE],
        picture_weight=_weight(text("weight")),
        filters=filters,
        sort="date" if text("sort") == "date" else "best",
        rest=text("rest") == "1",
        burst=_number(text("burst")),
        import_id=_number(text("import")),
        theme=_number(text("theme")),
    )
    page, view = text("p"), text("view")
    return SearchState(
        query,
        page=int(page) - 1 if _PAGE.fullmatch(page) else 0,
        photo=_number(text("photo")),
        view=cast("View", view) if view in get_args(View) else "timeline",
    )


def _clean(text: Any, limit: int) -> str:
    """Cut a text to one line, without control characters and lone surrogates."""
    line = str(text)[:limit].encode(errors="replace").decode()
    return "".join(" " if unicodedata.category(c) in _BREAKS else c for c in line).strip()


def _from_bool(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _weight(text: str) -> float:
    if re.fullmatch(r"0|1|0?\.[0-9]{1,2}", text):
        return float(text)
    return DEFAULT_WEIGHT


def _day(text: str, *, last: bool = False) -> Any:
    try:
        return parse_day(text, last=last)
    except QueryError:
        return None
