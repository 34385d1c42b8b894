"""An export in words: what it would do, how far it is, what came of it. Escaped HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

from album.export.exporter import ExportProblem, ExportReport
from album.export.plan import ExportPlan
from album.export.verification import Difference, VerifyReport
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import TEXTS, say
from album.ui.shared.background_task import Step
from album.ui.shared.photo_html import size
from album.ui.shared.progress_bar import progress_bar

SHOWN = 50  # of a list of things that went wrong
LONGEST = 160  # characters of a text that differs
MOST_BYTES = 2_000_000_000
"""Of photos that a browser is offered in one file; all of an album may be hundreds of gigabytes."""


def planned(
    plan: ExportPlan, *, beside: bool, with_photos: bool, replace: bool, language: str
) -> str:
    """What would be done, before it is."""
    if not plan.photo_ids:
        return _note(say(language, "export_none"))
    ids, told = (plan.in_place, plan.told_in_place) if beside else (plan.photo_ids, plan.told)
    how = "export_to_beside" if beside else "export_to_zip"
    if with_photos and fits(plan) and not beside:
        how = "export_to_zip_photos"
    lines = [say(language, "export_about", n=len(ids), told=told)]
    if told or how == "export_to_zip_photos":
        lines[0] += " " + say(language, how, size=size(plan.size_bytes))
        if beside:
            lines[0] += " " + _of_others(language, replace=replace)
    else:
        lines.append(say(language, "export_untold"))
    if beside and len(ids) < len(plan.photo_ids):
        lines.append(say(language, "export_not_beside", n=len(plan.photo_ids) - len(ids)))
    if not beside and not fits(plan):
        most, all_of_it = size(MOST_BYTES), size(plan.size_bytes)
        lines.append(say(language, "export_too_large", most=most, size=all_of_it))
    return "".join(f"<p>{line}</p>" for line in lines)


def fits(plan: ExportPlan) -> bool:
    """Whether the photos may come along in a ZIP."""
    return plan.size_bytes <= MOST_BYTES


def asked(plan: ExportPlan, language: str, *, replace: bool) -> str:
    """The question before anything is written beside photos."""
    key = {0: "export_really_none", 1: "export_really_one"}.get(plan.told_in_place, "export_really")
    question = say(language, key, n=plan.told_in_place)
    return f"<p>{question}</p>{_note(_of_others(language, replace=replace))}"


def progress(step: Step, language: str, *, stopping: bool) -> str:
    """A bar, how many of how many, and the name of the photo done last."""
    share = 100 * step.done / step.total if step.total else 0.0
    left = say(language, "export_begins")
    if step.total:
        left = say(language, "import_at", done=step.done, total=step.total)
    right = say(language, "export_stopping" if stopping else "export_keep_open")
    return progress_bar(say(language, "export_title"), share, left, right, step.name)


def waiting(language: str) -> str:
    """The same while others are at work."""
    words = say(language, "export_waits")
    return f'<div class="progress"><div class="words"><span>{words}</span></div></div>'


def report(done: ExportReport, language: str, *, is_there: bool = True) -> str:
    """What came of an export: counts, then what could not be written, and why.

    Args:
        done: the export.
        language: of the reader.
        is_there: False: it was to be a ZIP, and there was nothing to put into it.
    """
    counts = {
        "new": done.new,
        "extended": done.extended,
        "unchanged": done.unchanged,
        "nothing": done.nothing,
        "copied": done.copied,
        "failed": len(done.failed),
    }
    words = [
        say(language, f"export_{what}", n=n) for what, n in counts.items() if n or what == "new"
    ]
    words[0] = f"<strong>{words[0]}</strong>"
    lines = [f'<p class="counts">{" · ".join(words)}</p>']
    if done.not_reached:
        words_left = say(language, "export_not_reached", n=done.not_reached)
        lines.append(f'<p class="problem">{words_left}</p>')
    if not is_there:
        lines.append(f"<p>{say(language, 'export_zip_empty')}</p>")
    for key, problems in (("export_failures", done.failed), ("export_notes", done.notes)):
        rows = [_problem(it, language) for it in problems[:SHOWN]]
        lines.append(_list(key, rows, len(problems), language))
    return f'<article class="report" role="status">{"".join(lines)}</article>'


def verified(found: VerifyReport, language: str) -> str:
    """What came of reading it back."""
    key = "export_verified" if found.differences else "export_verified_all"
    said = say(language, key, same=found.same, n=found.photos)
    rows = [_difference(it, language) for it in found.differences[:SHOWN]]
    return (
        f'<article class="report" role="status"><p class="counts"><strong>{said}</strong></p>'
        f"{_list('', rows, len(found.differences), language)}</article>"
    )


def _of_others(language: str, *, replace: bool) -> str:
    return say(language, "export_replaces" if replace else "export_keeps")


def _problem(problem: ExportProblem, language: str) -> str:
    name = problem.filename if problem.path is None else problem.path.name
    return _row(name, in_language(language, problem.reason))


def _difference(difference: Difference, language: str) -> str:
    what = difference.what.replace(" (", "_").rstrip(")")
    key = f"export_what_{what}"
    named = say(language, key) if key in TEXTS else difference.what
    here, there = (_quoted(it, language) for it in (difference.here, difference.there))
    return _row(
        difference.filename, say(language, "export_differs", what=named, here=here, there=there)
    )


def _row(name: str, words: str) -> str:
    escaped = html.escape(name.encode(errors="replace").decode())
    return f"<li>{escaped} — <span>{html.escape(words)}</span></li>"


def _list(key: str, rows: Sequence[str], total: int, language: str) -> str:
    if not rows:
        return ""
    heading = f"<h4>{say(language, key)}</h4>" if key else ""
    more = total - len(rows)
    below = _note(say(language, "export_more", n=more)) if more else ""
    return f"{heading}<ul>{''.join(rows)}</ul>{below}"


def _note(words: str) -> str:
    return f'<p class="note">{words}</p>'


def _quoted(text: str, language: str) -> str:
    words = " ".join(text.split())
    if not words:
        return say(language, "export_blank")
    return f"“{words}”" if len(words) <= LONGEST else f"“{words[:LONGEST]}…”"
