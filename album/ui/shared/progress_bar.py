"""Progress bar of imports, captions and exports."""

from __future__ import annotations

from markupsafe import Markup

from album.ui.shared.templates import render


def progress_bar(
    label: str,
    share: float,
    left: str,
    right: str,
    below: str | None = None,
    *,
    still: bool = False,
) -> Markup:
    """Render a progress bar.

    Args:
        label: name of the work, for screen readers.
        share: percent done, in [0, 100].
        left: text above the bar, at its start.
        right: text above the bar, at its end.
        below: text under the bar, such as the name of the last item, or None.
        still: whether nothing happens now.
    """
    return render(
        "shared/progress_bar.html",
        "",  # no message in it
        label=label,
        share=share,
        left=left,
        right=right,
        below=below,
        still=still,
    )
