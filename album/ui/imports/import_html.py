"""Imports and watched folders as HTML and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from album.domain.captions import MissingCaptions
from album.domain.photo import ImportFailure, ImportRecord, WatchedFolder
from album.runtime.files import display_name
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.durations import duration
from album.ui.shared.progress_bar import progress_bar
from album.ui.shared.templates import render

KINDS = ("video", "sound", "document", "archive", "other")
FAILURES_SHOWN = 50


def progress(record: ImportRecord, waiting: int, *, model_ready: bool, language: str) -> str:
    """Show the progress of an import as a bar.

    Args:
        record: an import that has not ended.
        waiting: how many more imports wait.
        model_ready: whether a model is there to encode photos.
        language: of the reader.
    """
    share = min(100.0, 100 * record.done / record.total) if record.total else 0.0
    left, right = _bar_texts(record, model_ready, language)
    below = record.current
    if waiting:
        below = " · ".join(filter(None, (below, say(language, "imports_waiting", n=waiting))))
    label = say(language, "upload")
    return progress_bar(label, share, left, right, below, still=record.halted)


def report(
    record: ImportRecord,
    failures: Sequence[ImportFailure],
    *,
    may_retry: bool,
    may_go_on: bool,
    language: str,
    captions: MissingCaptions | None = None,
) -> Markup:
    """Show the counts, failures and buttons of an import.

    Args:
        record: an import that has ended, is paused or was interrupted.
        failures: the first `FAILURES_SHOWN` of its failures.
        may_retry: offer to try the failed files again.
        may_go_on: offer to resume it.
        language: of the reader.
        captions: those that are missing, where captions were asked for.
    """
    problem = ""
    if record.state == "failed":
        problem = translate_failure(language, record.problem or "The import was interrupted.")
    buttons = [("see", "see_photos")] if record.added else []
    buttons += [("resume", "go_on")] if may_go_on else []
    buttons += [("retry", "try_again")] if may_retry else []
    return render(
        "imports/report.html",
        language,
        record=record,
        counts=_counts(record, language),
        problem=problem,
        skipped=_skipped(record.skipped, language) if record.skipped else "",
        source=_source(record, language),
        failures=[(display_name(f.path), translate_failure(language, f.reason)) for f in failures],
        buttons=buttons,
        captions=[] if captions is None else _captions(captions, language),
    )


def latest_report(report: Markup, language: str) -> Markup:
    """Wrap a report so that screen readers announce it."""
    return render("imports/latest_report.html", language, report=report)


def older_reports(reports: Sequence[str], folded: Sequence[str], language: str) -> Markup:
    """Show reports, with the `folded` ones behind a line that opens them."""
    return render("imports/older_reports.html", language, reports=reports, folded=folded)


def thumbnails(images: Sequence[Markup], language: str) -> str:
    """Show tiles beside each other."""
    return render("imports/thumbnails.html", language, images=images) if images else ""


def received(message: str, language: str) -> Markup:
    """Show what an upload brought."""
    return render("imports/received.html", language, message=message)


def folders(watched: Iterable[WatchedFolder], language: str) -> Markup:
    """Show the watched folders with the number of their photos."""
    rows = [
        (
            folder,
            display_name(folder.path) or str(folder.path),
            count_of("photo", folder.photos, language),
        )
        for folder in watched
    ]
    return render("imports/folders.html", language, folders=rows)


def count_of(kind: str, n: int, language: str) -> str:
    """Word a number of files of a kind, or of photos."""
    if kind == "photo":
        return say(language, "one_photo" if n == 1 else "photo_count", n=n)
    kind = kind if kind in KINDS else "other"
    return say(language, f"one_{kind}" if n == 1 else f"{kind}_count", n=n)


def as_json(record: ImportRecord) -> dict[str, Any]:
    """Describe an import for programs, without any path of the server."""
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


def _bar_texts(record: ImportRecord, model_ready: bool, language: str) -> tuple[str, str]:
    """Word the texts above the bar, left and right."""
    position = say(language, "import_at", done=record.done, total=record.total)
    if record.halted:
        return (position if record.total else ""), say(language, f"import_{record.state}")
    if record.requested_state != "run":
        return (position if record.total else ""), say(
            language, "cancelling" if record.requested_state == "cancel" else "pausing"
        )
    if record.state == "waiting":
        return say(language, "import_waits"), ""
    if not model_ready:
        return say(language, "import_waits_model"), ""
    if not record.total:
        return say(language, "import_begins"), ""
    rates = []
    if record.rate is not None and record.seconds_left is not None:
        per_second = f"{record.rate:.1f}" if record.rate < 10 else f"{record.rate:,.0f}"
        rates.append(say(language, "photos_a_second", n=per_second))
        if record.done < record.total:
            time_left = duration(record.seconds_left, language)
            rates.append(say(language, "time_left", time=time_left))
    return position, " · ".join(rates)


def _counts(record: ImportRecord, language: str) -> list[str]:
    """Word the counts above zero, but for that of added photos."""
    counts = {
        "here": record.already_here,
        "updated": record.updated,
        "missing": record.missing,
        "failed": record.failed,
    }
    return [say(language, f"report_{name}", n=n) for name, n in counts.items() if n]


def _skipped(skipped: Mapping[str, int], language: str) -> str:
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    for kind, n in skipped.items():
        counts[kind if kind in KINDS else "other"] += n
    kinds = ", ".join(count_of(kind, n, language) for kind, n in counts.items() if n)
    return say(language, "left_out", what=kinds)


def _captions(missing: MissingCaptions, language: str) -> list[str]:
    """Word what became of captions that are not there."""
    notes = [say(language, "captions_queued")] if missing.waiting else []
    if missing.failed:
        why = translate_failure(language, missing.why)
        notes.append(say_count(language, "captions_failed", missing.failed, why=why))
    if missing.unasked:
        notes.append(say_count(language, "captions_unasked", missing.unasked))
    return notes


def _source(record: ImportRecord, language: str) -> str:
    """Word the end, the source and the duration of an import."""
    parts = [f"{record.ended_at or record.asked_at:%Y-%m-%d %H:%M}"]
    if record.sources:
        name = display_name(record.sources[0])
        more = len(record.sources) - 1
        if more and all(map(_is_file, record.sources)):
            name = say_count(language, "and_more_photos", more, name=name)
        elif more:
            name = say(language, "and_more", name=name, n=more)
        parts.append(name)
    if record.seconds >= 1:
        parts.append(say(language, "took", time=duration(record.seconds, language)))
    return " · ".join(parts)


def _is_file(source: Path) -> bool:
    """Tell by its name whether a source is a photo, not a folder or an archive."""
    ending = source.suffix.removeprefix(".").lower()
    return ending.isalnum() and not ending.isdigit() and ending != "zip"
