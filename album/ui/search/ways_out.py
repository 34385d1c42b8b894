"""Buttons that drop what took all photos away."""

from __future__ import annotations

from markupsafe import Markup

from album.search.dead_ends import WayOut
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.service import Album
from album.ui.i18n.messages import say, say_count
from album.ui.search.filter_names import part_name
from album.ui.shared.templates import render


def ways_out(
    album: Album, query: SearchRequest, results: SearchPage, language: str
) -> Markup | str:
    """Render a button for each way out, "" without any.

    Its events are those of the chip that it removes. Kind "all" removes all conditions.
    """
    if not results.ways_out:
        return ""
    has_look = bool(results.query.groups or query.pictures or query.like)
    way_key = "way_out_search" if has_look else "way_out"
    ways = []
    for way in results.ways_out:
        kind, index = _target(way, query, results)
        count = say_count(language, "photo", way.photos)
        if kind == "all":
            label = say(language, f"{way_key}_all", count=count)
        else:
            what = _name(album, way, query, results, language)
            label = say(language, way_key, what=what, count=count)
        ways.append({"kind": kind, "index": index, "label": label})
    lead = "" if ways[0]["kind"] == "all" else say(language, "ways_out")
    return render("search/ways_out.html", language, lead=lead, ways=ways)


def _target(way: WayOut, query: SearchRequest, results: SearchPage) -> tuple[str, int]:
    """Return the kind and index of the chip that a way out removes."""
    if len(way.chips) + len(way.parts) != 1:
        return "all", 0
    if way.parts:
        return "filter", query.filters.parts.index(way.parts[0])
    return "chip", results.query.chips.index(way.chips[0])


def _name(
    album: Album, way: WayOut, query: SearchRequest, results: SearchPage, language: str
) -> str:
    if way.parts:
        return part_name(album, query.filters, way.parts[0], language)
    (chip,) = way.chips
    return " ".join(results.query.text[chip.start : chip.end].split())
