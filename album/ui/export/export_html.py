"""Plan, progress and report of an export as HTML."""

from __future__ import annotations

from album.export.exporter import ExportProblem, ExportReport
from album.export.plan import ExportPlan
from album.export.verification import Difference, VerifyReport
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import TEXTS, say
from album.ui.shared.background_task import Step
from album.ui.shared.photo_html import size
from album.ui.shared.progress_bar import progress_bar
from album.ui.shared.templates import render

ROWS_SHOWN = 50  # of a list of failures
LONGEST_VALUE = 160  # characters of a value that differs
LARGEST_ZIP_BYTES = 2_000_000_000
"""Size of the photos up to which a browser may download them in one file."""


def planned(
    plan: ExportPlan, *, beside: bool, with_photos: bool, replace: bool, language: str
) -> str:
    """Describe what an export would write."""
    lines = []
    if plan.photo_ids:
        lines = _plan_lines(plan, beside, with_photos and fits(plan), replace, language)
    return render("export/plan.html", language, lines=lines)


def _plan_lines(
    plan: ExportPlan, beside: bool, with_photos: bool, replace: bool, language: str
) -> list[str]:
    ids, sidecars = (
        (plan.in_place, plan.sidecars_in_place) if beside else (plan.photo_ids, plan.sidecars)
    )
    lines = [say(language, "export_about", n=len(ids), told=sidecars)]
    if sidecars or (with_photos and not beside):
        target = "beside" if beside else "zip_photos" if with_photos else "zip"
        lines[0] += " " + say(language, f"export_to_{target}", size=size(plan.size_bytes))
        if beside:
            lines[0] += " " + say(language, _conflicts(replace))
    else:
        lines.append(say(language, "export_untold"))
    if beside and len(ids) < len(plan.photo_ids):
        lines.append(say(language, "export_not_beside", n=len(plan.photo_ids) - len(ids)))
    if not beside and not fits(plan):
        most, total = size(LARGEST_ZIP_BYTES), size(plan.size_bytes)
        lines.append(say(language, "export_too_large", most=most, size=total))
    return lines


def fits(plan: ExportPlan) -> bool:
    """Tell whether the photos may go into a ZIP."""
    return plan.size_bytes <= LARGEST_ZIP_BYTES


def question(plan: ExportPlan, language: str, *, replace: bool) -> str:
    """Ask for confirmation before sidecars are written beside photos."""
    n = plan.sidecars_in_place
    key = {0: "export_really_none", 1: "export_really_one"}.get(n, "export_really")
    return render(
        "export/question.html", language, question=key, sidecars=n, conflicts=_conflicts(replace)
    )


def progress(step: Step, language: str, *, stopping: bool) -> str:
    """Show a bar, the counts and the last photo."""
    share = 100 * step.done / step.total if step.total else 0.0
    left = say(language, "export_begins")
    if step.total:
        left = say(language, "import_at", done=step.done, total=step.total)
    right = say(language, "export_stopping" if stopping else "export_keep_open")
    return progress_bar(say(language, "export_title"), share, left, right, step.name)


def waiting(language: str) -> str:
    """Show that an export waits for a free worker."""
    return render("export/waiting.html", language)


def report(done: ExportReport, language: str, *, is_there: bool = True) -> str:
    """Show the counts of an export and what it could not write.

    Args:
        done: the export.
        language: of the reader.
        is_there: False for a ZIP that was not made because it would be empty.
    """
    counts = {
        "new": done.new,
        "extended": done.extended,
        "unchanged": done.unchanged,
        "nothing": done.nothing,
        "copied": done.copied,
        "failed": len(done.failed),
    }
    lists = [
        (heading, [_problem(problem, language) for problem in problems[:ROWS_SHOWN]], len(problems))
        for heading, problems in (("export_failures", done.failed), ("export_notes", done.notes))
    ]
    return render(
        "export/report.html",
        language,
        counts=[
            say(language, f"export_{name}", n=n) for name, n in counts.items() if n or name == "new"
        ],
        not_reached=done.not_reached,
        is_there=is_there,
        lists=lists,
    )


def verified(result: VerifyReport, language: str) -> str:
    """Show what reading an export back found."""
    return render(
        "export/verified.html",
        language,
        same=result.same,
        photos=result.photos,
        rows=[_difference(difference, language) for difference in result.differences[:ROWS_SHOWN]],
        total=len(result.differences),
    )


def _conflicts(replace: bool) -> str:
    """Choose the message on descriptions by other programs."""
    return "export_replaces" if replace else "export_keeps"


def _problem(problem: ExportProblem, language: str) -> tuple[str, str]:
    name = problem.filename if problem.path is None else problem.path.name
    return _printable(name), translate_failure(language, problem.reason)


def _difference(difference: Difference, language: str) -> tuple[str, str]:
    what = difference.what.replace(" (", "_").rstrip(")")
    key = f"export_what_{what}"
    name = say(language, key) if key in TEXTS else difference.what
    here, there = (_quoted(text, language) for text in (difference.here, difference.there))
    text = say(language, "export_differs", what=name, here=here, there=there)
    return _printable(difference.filename), text


def _printable(name: str) -> str:
    """Replace bytes of a file name that are no Unicode."""
    return name.encode(errors="replace").decode()


def _quoted(text: str, language: str) -> str:
    words = " ".join(text.split())
    if not words:
        return say(language, "export_blank")
    ellipsis = "…" if len(words) > LONGEST_VALUE else ""
    return f"“{words[:LONGEST_VALUE]}{ellipsis}”"
