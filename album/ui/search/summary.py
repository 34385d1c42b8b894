"""What is said above the photos: how many there are, how sure they are, what to loosen."""

from __future__ import annotations

import html

from album.domain.photo import SearchFilters
from album.search.request import SearchRequest
from album.search.search import SearchPage
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import say


def headline(question: SearchRequest, found: SearchPage, language: str) -> str:
    """How many photos answer the question, as escaped HTML."""
    if question.burst is not None:
        return _counted("burst_open", found.sure + found.maybe + found.rest, language)
    if found.nearest:
        key = "no_such_like" if _of_pictures_alone(question, found) else "no_such"
        loosen = html.escape(_loosen(question, found, language))
        lines = f"<strong>{say(language, key)}</strong> {loosen}"
        return f"{lines}{_left_out(found, language)}"
    if not found.total:
        return html.escape(
            f"{say(language, 'no_match')} {_loosen(question, found, language)}"
        ) + _left_out(found, language)
    if found.model_id is None:
        return say(language, "newest_first", count=_counted("photo", found.sure, language))
    parts = []
    if found.sure:
        parts.append(_counted("match", found.sure, language))
        if found.maybe:
            parts.append(say(language, "maybe_count", n=found.maybe))
    elif found.maybe:
        parts.append(_counted("only_maybe", found.maybe, language))
    else:
        parts.append(_counted("photo", found.rest, language))
    return " · ".join(parts) + _left_out(found, language)


def more_to_show(question: SearchRequest, found: SearchPage, language: str) -> str:
    """What the button says that shows the rest, or hides it again; "" where there is none."""
    if question.rest:
        key = "hide_rest_nearest" if found.nearest else "hide_rest"
        return say(language, key) if found.rest else ""
    hidden = found.rest - (len(found.hits) if found.nearest else 0)
    return _counted("show_rest", hidden, language) if hidden > 0 else ""


def remarks(found: SearchPage, language: str) -> str:
    """What was written but not understood as it looks, as escaped HTML."""
    return "".join(
        f"<p>{html.escape(in_language(language, notice))}</p>" for notice in found.query.notices
    )


def _left_out(found: SearchPage, language: str) -> str:
    if not found.vetoed:
        return ""
    what = ", ".join(found.query.unwanted)
    left_out = _counted("left_out", found.vetoed, language, what=what)
    return f' <span class="left-out">{html.escape(left_out)}</span>'


def _loosen(question: SearchRequest, found: SearchPage, language: str) -> str:
    """What to take away for more hits, or else to say it in other words."""
    text = found.query.text
    names = [" ".join(text[chip.start : chip.end].split()) for chip in found.query.chips]
    parts = [f"“{name}”" for name in names if name]
    if question.filters != SearchFilters():
        parts.append(say(language, "the_filters"))
    if parts:
        return say(language, "loosen", what=", ".join(parts))
    return say(language, "loosen_words") if found.query.groups else ""


def _of_pictures_alone(question: SearchRequest, found: SearchPage) -> bool:
    return bool(question.pictures or question.like) and not found.query.groups


def _counted(key: str, n: int, language: str, **values: object) -> str:
    """The text for one, or for so many."""
    return say(language, f"one_{key}" if n == 1 else f"{key}_count", n=n, **values)
