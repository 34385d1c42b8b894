"""Why a photo is a hit, in words."""

from __future__ import annotations

import html
from collections.abc import Sequence

from album.domain.photo import Reason
from album.ui.i18n.messages import say


def why(reasons: Sequence[Reason], language: str) -> str:
    """A line for each reason, as escaped HTML; "" where there is none."""
    if not reasons:
        return ""
    lines = "".join(f"<li>{_line(reason, language)}</li>" for reason in reasons)
    return f"<h3>{say(language, 'why')}</h3><ul>{lines}</ul>"


def in_short(reasons: Sequence[Reason], language: str) -> str:
    """The same as plain text on one line."""
    return " · ".join(
        f"{_name(reason, language)}: {_percent(reason) or reason.excerpt}" for reason in reasons
    )


def _line(reason: Reason, language: str) -> str:
    name = f"<span>{_name(reason, language)}</span>"
    if reason.likeness is None:
        return f"{name} <q>{html.escape(reason.excerpt)}</q>"
    share = min(1.0, max(0.0, reason.likeness))
    return (
        f'{name} <span class="track"><span class="share" style="width:{share:.0%}"></span></span>'
        f" <span>{_percent(reason)}</span>"
    )


def _name(reason: Reason, language: str) -> str:
    return say(language, "why_" + reason.kind.replace(" ", "_"))


def _percent(reason: Reason) -> str:
    if reason.likeness is None:
        return ""
    return f"{min(99, max(1, round(100 * reason.likeness)))}%"  # nothing is quite sure
