"""Reasons why a photo is a hit, in words."""

from __future__ import annotations

from collections.abc import Sequence

from album.domain.photo import Reason
from album.ui.i18n.messages import say
from album.ui.shared.percent import percent
from album.ui.shared.templates import render


def why(reasons: Sequence[Reason], language: str) -> str:
    """Render a line for each reason, or "" without reasons."""
    if not reasons:
        return ""
    lines = [
        {
            "name": _name(reason, language),
            "likeness": reason.likeness,
            "excerpt": reason.excerpt,
        }
        for reason in reasons
    ]
    return render("shared/match_reasons.html", language, reasons=lines)


def in_short(reasons: Sequence[Reason], language: str) -> str:
    """Format the reasons as one line of plain text."""
    return " · ".join(_in_short(reason, language) for reason in reasons)


def _in_short(reason: Reason, language: str) -> str:
    detail = reason.excerpt if reason.likeness is None else percent(reason.likeness)
    name = _name(reason, language)
    return f"{name}: {detail}" if detail else name


def _name(reason: Reason, language: str) -> str:
    return say(language, "why_" + reason.kind.replace(" ", "_"))
