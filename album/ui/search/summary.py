"""Summary above the photos: counts, confidence, and how to widen the query."""

from __future__ import annotations

from markupsafe import Markup

from album.domain.photo import SearchFilters
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.templates import render


def headline(query: SearchRequest, results: SearchPage, language: str) -> Markup:
    """Render how many photos match the query."""
    strong = left_out = ""
    if query.burst is not None:
        total = results.sure + results.maybe + results.rest
        text = say_count(language, "burst_open", total)
    elif query.theme is not None and results.model_id is None and results.total:
        key = "newest_first" if query.sort == "date" else "theme_nearest"
        text = say(language, key, count=say_count(language, "photo", results.total))
    elif results.nearest:
        key = "nothing_clear"
        if results.is_absent:
            key = "no_such_like" if _has_only_images(query, results) else "no_such"
        strong, text = say(language, key), _advice(query, results, language)
    elif results.ways_out:
        text = say(language, "no_match")
    elif not results.total:
        text = f"{say(language, 'no_match')} {_advice(query, results, language)}"
    elif results.model_id is None:
        text = say(language, "newest_first", count=say_count(language, "photo", results.sure))
    else:
        text = " · ".join(_counts(results, language))
    listed = not results.nearest and results.total and results.model_id is None
    if results.vetoed and query.burst is None and not listed:
        unwanted = ", ".join(
            text
            for i, text in enumerate(results.query.unwanted)
            if not results.left_out or results.left_out[i]
        )
        left_out = say_count(language, "left_out", results.vetoed, what=unwanted)
    idle = [text for chip in results.query.chips if results.is_idle(chip) for text in chip.unwanted]
    if idle and query.burst is None and results.total and not results.nearest:
        unclear = say(language, "not_made_out", what=", ".join(idle))
        left_out = " · ".join(filter(None, (left_out, unclear)))
    return render("search/headline.html", language, strong=strong, text=text, left_out=left_out)


def _counts(results: SearchPage, language: str) -> list[str]:
    if results.sure:
        maybe = [say(language, "maybe_count", n=results.maybe)] if results.maybe else []
        return [say_count(language, "match", results.sure), *maybe]
    if results.maybe:
        return [say_count(language, "only_maybe", results.maybe)]
    return [say_count(language, "photo", results.rest)]


def more_to_show(query: SearchRequest, results: SearchPage, language: str) -> str:
    """Label the button for the rest, or return "" without one."""
    if query.rest:
        key = "hide_rest_nearest" if results.nearest else "hide_rest"
        return say(language, key) if results.rest else ""
    hidden = results.rest - (len(results.hits) if results.nearest else 0)
    return say_count(language, "show_rest", hidden) if hidden > 0 else ""


def remarks(results: SearchPage, language: str) -> Markup:
    """Render the parser's notices.

    A notice is, for example, about words that look like a filter but are none.
    """
    line = Markup("<p>{}</p>")
    notices = results.query.notices
    return Markup("").join(line.format(translate_failure(language, notice)) for notice in notices)


def _advice(query: SearchRequest, results: SearchPage, language: str) -> str:
    """Suggest what to remove from the query, or other words."""
    text = results.query.text
    chips = [chip for chip in results.query.chips if not results.is_idle(chip)]
    names = [" ".join(text[chip.start : chip.end].split()) for chip in chips]
    parts = [f"“{name}”" for name in names if name]
    if query.filters != SearchFilters():
        parts.append(say(language, "the_filters"))
    if parts:
        return say(language, "loosen", what=", ".join(parts))
    return say(language, "loosen_words") if results.query.groups else ""


def _has_only_images(query: SearchRequest, results: SearchPage) -> bool:
    return bool(query.pictures or query.like) and not results.query.groups
