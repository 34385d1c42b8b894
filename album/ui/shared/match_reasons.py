"""Reasons why a photo is a hit, in words."""

from __future__ import annotations

from collections.abc import Sequence

from album.domain.photo import Reason
from album.ui.i18n.messages import say
from album.ui.shared.templates import render


def why(reasons: Sequence[Reason], language: str) -> str:
    """Render a line for each reason, or "" without reasons."""
    if not reasons:
        return ""
    lines = [
        {
            "name": _name(reason, language),
            "percent": _percent(reason),
            "width": f"{min(1.0, max(0.0, reason.likeness or 0.0)):.0%}",
            "excerpt": reason.excerpt,
        }
        for reason in reasons
    ]
    return render("shared/match_reasons.html", language, reasons=lines)


def in_short(reasons: Sequence[Reason], language: str) -> str:
    """Format the reasons as one line of plain text."""
    return " · ".join(
        f"{_name(reason, language)}: {_percent(reason) or reason.excerpt}" for reason in reasons
    )


def _name(reason: Reason, language: str) -> str:
    return say(language, "why_" + reason.kind.replace(" ", "_"))


def _percent(reason: Reason) -> str:
    """Format the likeness within 1-99 %, since a model is never certain."""
    if reason.likeness is None:
        return ""
    return f"{min(99, max(1, round(100 * reason.likeness)))}%"
