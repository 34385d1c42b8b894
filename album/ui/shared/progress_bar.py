"""How far something is, the same for imports, captions and exports: words, a bar, a name below."""

from __future__ import annotations

import html


def progress_bar(
    label: str,
    share: float,
    left: str,
    right: str,
    below: str | None = None,
    *,
    still: bool = False,
) -> str:
    """A progress bar as escaped HTML.

    Args:
        label: what it is the progress of, escaped already, like the next two words.
        share: how much is done, in [0, 100].
        left: words above the bar.
        right: the same at its other end.
        below: words under it, such as the name of what was done last; None for none.
        still: nothing happens now.
    """
    name = "" if below is None else f'<div class="name">{html.escape(below)}&nbsp;</div>'
    return (
        f'<div class="progress{" still" if still else ""}" role="progressbar" aria-label="{label}"'
        f' aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share:.0f}"'
        f' aria-valuetext="{left}"><div class="words"><span>{left}</span><span>{right}</span></div>'
        f'<div class="track"><div class="done" style="width:{share:.1f}%"></div></div>{name}</div>'
    )
