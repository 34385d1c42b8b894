"""Imports and watched folders in words: escaped HTML for the page, JSON for programs."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from album.domain.photo import ImportFailure, ImportRecord, WatchedFolder
from album.runtime.files import display_name
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import say
from album.ui.shared.durations import duration
from album.ui.shared.progress_bar import progress_bar

KINDS = ("video", "sound", "document", "archive", "other")
FAILURES_SHOWN = 50


def progress(record: ImportRecord, others: int, *, model_ready: bool, language: str) -> str:
    """How far an import is: words, a bar, and the name of the file done last.

    Args:
        record: an import that has not ended.
        others: how many more wait for their turn.
        model_ready: whether there is a model to look at photos with.
        language: of the reader.
    """
    share = min(100.0, 100 * record.done / record.total) if record.total else 0.0
    left, right = _how_far(record, model_ready, language)
    below = record.current
    if others:
        below = " · ".join(filter(None, (below, say(language, "imports_waiting", n=others))))
    words = say(language, "upload")
    return progress_bar(words, share, left, right, below, still=record.halted)


def report(
    record: ImportRecord,
    failures: Sequence[ImportFailure],
    *,
    may_retry: bool,
    may_go_on: bool,
    language: str,
) -> str:
    """What came of an import: counts, then each failure with its reason, and what can be done.

    Args:
        record: an import that has ended, is paused or was interrupted.
        failures: the first `FAILURES_SHOWN` of its failures.
        may_retry: offer to try the failed files again.
        may_go_on: offer to go on with it.
        language: of the reader.
    """
    lines = [f'<p class="counts">{_counts(record, language)}</p>']
    if record.state == "failed":
        sentence = in_language(language, record.problem or "The import was interrupted.")
        lines.append(f'<p class="problem">{html.escape(sentence)}</p>')
    elif record.state in ("cancelled", "paused", "interrupted"):
        lines.append(f"<p>{say(language, f'report_{record.state}')}</p>")
    if record.skipped:
        lines.append(f'<p class="note">{_left_out(record.skipped, language)}</p>')
    if record.caption_language is not None and record.added:
        lines.append(f'<p class="note">{say(language, "captions_queued")}</p>')
    lines.append(f'<p class="note when">{html.escape(_when(record, language))}</p>')
    rows = "".join(
        f"<li>{html.escape(display_name(failure.path))}"
        f" — <span>{html.escape(in_language(language, failure.reason))}</span></li>"
        for failure in failures
    )
    if rows:
        lines.append(f"<ul>{rows}</ul>")
    if record.failed > len(failures):
        more = say(language, "more_failed", n=record.failed - len(failures))
        lines.append(f'<p class="note">{more}</p>')
    buttons = [("resume", "go_on")] if may_go_on else []
    buttons += [("retry", "try_again")] if may_retry else []
    for what, key in buttons:
        lines.append(_button(record.import_id, what, say(language, key)))
    return f'<article class="report" data-import="{record.import_id}">{"".join(lines)}</article>'


def older_reports(shown: Sequence[str], earlier: Sequence[str], language: str) -> str:
    """Reports beneath each other, `earlier` ones behind a line that opens them."""
    behind = ""
    if earlier:
        line = say(language, "earlier_imports", n=len(earlier))
        behind = f"<details><summary>{line}</summary>{''.join(earlier)}</details>"
    return "".join(shown) + behind


def strip(pictures: Sequence[str]) -> str:
    """The photos added last beside each other; `pictures` are image elements."""
    return f'<div class="strip">{"".join(pictures)}</div>' if pictures else ""


def folders(watched: Iterable[WatchedFolder], language: str) -> str:
    """The folders that are kept up to date, each with what the album has of it."""
    rows = []
    for number, folder in enumerate(watched):
        about = [count_of("photo", folder.photos, language)]
        if folder.missing:
            about.append(say(language, "folder_missing", n=folder.missing))
        words = " · ".join(about)
        if not folder.there:
            words += f'<br><span class="gone">{say(language, "folder_gone")}</span>'
        name = html.escape(display_name(folder.path) or str(folder.path))
        rows.append(
            f'<li><div><strong title="{html.escape(str(folder.path))}">{name}</strong>'
            f"<small>{words}</small></div>"
            f"{_button(number, 'look', say(language, 'look_now'), name, off=not folder.there)}</li>"
        )
    if not rows:
        return f'<p class="note">{say(language, "no_folders")}</p>'
    return f"<h3>{say(language, 'folders')}</h3><ul>{''.join(rows)}</ul>"


def count_of(kind: str, n: int, language: str) -> str:
    """So many of a kind of files, or of photos, in words."""
    if kind == "photo":
        return say(language, "one_photo" if n == 1 else "photo_count", n=n)
    kind = kind if kind in KINDS else "other"
    return say(language, f"one_{kind}" if n == 1 else f"{kind}_count", n=n)


def as_json(record: ImportRecord) -> dict[str, Any]:
    """An import for programs, without a path of the server."""
    return {
        "import_id": record.import_id,
        "kind": record.kind,
        "state": record.state,
        "wish": record.requested_state,
        "total": record.total,
        "done": record.done,
        "added": record.added,
        "already_here": record.already_here,
        "updated": record.updated,
        "missing": record.missing,
        "failed": record.failed,
        "skipped": dict(record.skipped),
        "problem": record.problem,
        "seconds": round(record.seconds, 3),
        "asked_at": record.asked_at.isoformat(timespec="seconds"),
        "ended_at": record.ended_at and record.ended_at.isoformat(timespec="seconds"),
    }


def _how_far(record: ImportRecord, model_ready: bool, language: str) -> tuple[str, str]:
    """What stands above the bar, left and right."""
    at = say(language, "import_at", done=record.done, total=record.total)
    if record.halted:
        return (at if record.total else ""), say(language, f"import_{record.state}")
    if record.requested_state != "run":
        return (at if record.total else ""), say(
            language, "cancelling" if record.requested_state == "cancel" else "pausing"
        )
    if record.state == "waiting":
        return say(language, "import_waits"), ""
    if not model_ready:
        return say(language, "import_waits_model"), ""
    if not record.total:
        return say(language, "import_begins"), ""
    pace = []
    if record.rate is not None and record.seconds_left is not None:
        a_second = f"{record.rate:.1f}" if record.rate < 10 else f"{record.rate:,.0f}"
        pace.append(say(language, "photos_a_second", n=a_second))
        if record.done < record.total:
            time = duration(record.seconds_left, language)
            pace.append(say(language, "time_left", time=time))
    return at, " · ".join(pace)


def _counts(record: ImportRecord, language: str) -> str:
    words = [f"<strong>{say(language, 'report_added', n=record.added)}</strong>"]
    for name, n in (
        ("here", record.already_here),
        ("updated", record.updated),
        ("missing", record.missing),
        ("failed", record.failed),
    ):
        if n:
            words.append(say(language, f"report_{name}", n=n))
    return " · ".join(words)


def _left_out(skipped: Mapping[str, int], language: str) -> str:
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    for kind, n in skipped.items():
        counts[kind if kind in KINDS else "other"] += n
    words = ", ".join(count_of(kind, n, language) for kind, n in counts.items() if n)
    return say(language, "left_out", what=words)


def _when(record: ImportRecord, language: str) -> str:
    words = [f"{record.ended_at or record.asked_at:%Y-%m-%d %H:%M}"]
    if record.sources:
        name = display_name(record.sources[0])
        more = len(record.sources) - 1
        words.append(say(language, "and_more", name=name, n=more) if more else name)
    if record.seconds >= 1:
        words.append(say(language, "took", time=duration(record.seconds, language)))
    return " · ".join(words)


def _button(number: int, what: str, words: str, about: str = "", *, off: bool = False) -> str:
    """A button whose press reaches the server as (number, what); `about` is escaped already."""
    label = f' aria-label="{words}: {about}"' if about else ""
    return (
        f'<button type="button" data-number="{number}" data-what="{what}"{label}'
        f"{' disabled' if off else ''}>{words}</button>"
    )
