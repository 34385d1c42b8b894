"""Captions in words: what a job would do, how it stands, who wrote a caption; as escaped HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime

from album.domain.captions import (
    CaptionFailure,
    CaptionJob,
    CaptionProgress,
    CaptionWriter,
    JobEstimate,
    PastCaption,
)
from album.domain.photo import Caption
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import say, say_count
from album.ui.shared.durations import duration
from album.ui.shared.progress_bar import progress_bar

FAILURES_SHOWN = 50
ROUND_TO = 1000  # tokens: more than that would promise too much


def estimate(it: JobEstimate, writer: CaptionWriter, pace: CaptionProgress, language: str) -> str:
    """What a job would do, send and cost, the photos first."""
    if not it.photos:
        lines = [f"<strong>{say(language, 'estimate_nothing')}</strong>"]
    else:
        lines = [f"<strong>{say_count(language, 'estimate', it.photos)}</strong>"]
    if it.shared:
        lines.append(say_count(language, "estimate_shared", it.shared))
    if it.locked:
        lines.append(say_count(language, "estimate_locked", it.locked))
    if it.photos:
        lines += _cost(it, writer, pace, language)
    return "".join(f"<p>{line}</p>" for line in lines)


def _cost(
    it: JobEstimate, writer: CaptionWriter, pace: CaptionProgress, language: str
) -> list[str]:
    model = html.escape(writer.model_id)
    time = duration(it.seconds, language)
    if not it.sends:
        return [
            say(language, "estimate_time_here", time=time),
            say(language, "estimate_here", model=model),
        ]
    rates = {"rate": pace.per_minute, "daily": pace.per_day}
    key = "estimate_days" if it.days > 1 else "estimate_time"
    tokens = max(ROUND_TO, round(it.tokens, -3))
    return [
        say(language, key, time=time, days=it.days, **rates),
        say(language, "estimate_tokens", tokens=tokens),
        say_count(language, "estimate_sends", it.requests, model=model),
    ]


def job(
    it: CaptionJob,
    progress: CaptionProgress,
    failures: Sequence[tuple[CaptionFailure, str, str]],
    *,
    first: bool,
    language: str,
) -> str:
    """How a job stands, what failed and why, and what can be done about it.

    Args:
        it: the job.
        progress: what keeps all jobs.
        failures: the first of its photos that failed, each with its file name and its picture as
            an image element.
        first: it is the one whose turn it is.
        language: of the reader.
    """
    lines = [_bar(it, progress, first, language)]
    about = [f"{it.asked_at:%Y-%m-%d %H:%M}"]
    about += [say(language, f"language_{name}") for name in it.languages]
    if it.ended and it.written:
        about.append(say_count(language, "job_written", it.written))
    if it.failed:
        about.append(say(language, "job_failed", n=it.failed))
    if it.ended and it.left_out:
        about.append(say(language, "job_left_out", n=it.left_out))
    lines.append(f'<p class="note">{" · ".join(about)}</p>')
    problem = it.problem
    if it.state == "running" and progress.resting_until is not None:
        problem = progress.why_resting
    if problem:
        lines.append(f'<p class="problem">{html.escape(in_language(language, problem))}</p>')
    lines.append(_failed(it, failures, language))
    buttons = {"running": ["pause", "cancel"], "paused": ["go_on", "cancel"]}.get(it.state, [])
    buttons += ["try_again"] if it.failed else []
    for what in buttons:
        words = say(language, what)
        lines.append(
            f'<button type="button" data-number="{it.job_id}" data-what="{what}">{words}</button>'
        )
    return f'<article class="report" data-job="{it.job_id}">{"".join(lines)}</article>'


def _bar(it: CaptionJob, progress: CaptionProgress, first: bool, language: str) -> str:
    # The photos of a cancelled job do not wait, but nothing came of them either.
    done = it.written + it.failed if it.state == "cancelled" else it.total - it.waiting
    share = 100 * done / it.total if it.total else 100.0
    left = say(language, "job_at", done=done, total=it.total)
    right = say(language, f"job_{it.state}")
    if it.state == "running":
        right = _right(it, progress, first, language)
    still = it.state != "running" or progress.resting_until is not None
    return progress_bar(say(language, "captions"), share, left, right, still=still)


def _right(it: CaptionJob, progress: CaptionProgress, first: bool, language: str) -> str:
    if progress.resting_until is not None:
        return say(language, "job_rests", when=when(progress.resting_until, language))
    if not first:
        return say(language, "job_waits")
    today = not progress.per_day or it.waiting <= progress.per_day - progress.today
    if not progress.sends or not today:
        return say(language, "job_running")
    time = duration(60 * it.waiting / progress.per_minute, language)
    return say(language, "time_left", time=time)


def _failed(
    it: CaptionJob, failures: Sequence[tuple[CaptionFailure, str, str]], language: str
) -> str:
    rows = "".join(
        f'<li><button type="button" class="open" data-number="{failure.photo_id}" data-what="open"'
        f' aria-label="{html.escape(name)}">{picture}</button><span>{html.escape(name)}'
        f" — {html.escape(in_language(language, failure.failure or ''))}</span></li>"
        for failure, name, picture in failures
    )
    if not rows:
        return ""
    more = ""
    if it.failed > len(failures):
        words = say(language, "more_failed", n=it.failed - len(failures))
        more = f'<p class="note">{words}</p>'
    return f"<details><summary>{say(language, 'job_why')}</summary><ul>{rows}</ul>{more}</details>"


def when(time: datetime, language: str) -> str:
    """A time of today, or of another day, as a reader says it."""
    clock = f"{time:%H:%M}"
    if time.date() == datetime.now().date():
        return say(language, "time_today", time=clock)
    return say(language, "time_day", day=f"{time:%Y-%m-%d}", time=clock)


def who_wrote(caption: Caption, language: str) -> str:
    """By whom and when a caption was written."""
    if caption.by_hand:
        return say(language, "by_hand")
    return _by(caption, language)


def _by(caption: Caption, language: str) -> str:
    day = f"{caption.written_at:%Y-%m-%d %H:%M}"
    if caption.by_hand:
        return say(language, "by_you", day=day)
    words = [say(language, "by_model", model=html.escape(str(caption.model_id)), day=day)]
    if caption.language:
        words.append(say(language, f"language_{caption.language}"))
    if caption.prompt_version:
        version = html.escape(caption.prompt_version)
        words.append(say(language, "by_prompt", version=version))
    return " · ".join(words)


def others(captions: Mapping[str, Caption], shown: Caption | None, language: str) -> str:
    """The captions of a photo in other languages than the one that stands in the box."""
    return "".join(
        f'<p class="other" lang="{key}">{html.escape(it.text)} <small>{_by(it, language)}</small>'
        "</p>"
        for key, it in captions.items()
        if shown is None or it.language != shown.language
    )


def seen(read_text: str, keywords: Sequence[str], language: str) -> str:
    """What a model read in a photo, and what it calls it."""
    parts = []
    if read_text:
        words = html.escape(read_text)
        parts.append(
            f'<p class="read"><small>{say(language, "read_text")}</small><q>{words}</q></p>'
        )
    if keywords:
        words = html.escape(", ".join(keywords))
        parts.append(f"<p><small>{say(language, 'caption_keywords')}</small> {words}</p>")
    return "".join(parts)


def history(past: Sequence[PastCaption], language: str) -> str:
    """Earlier captions behind a line that opens them, each with a button to use it again."""
    rows = "".join(
        f"<li><span>{html.escape(it.caption.text)}</span> <small>{_by(it.caption, language)}"
        f'</small> <button type="button" data-number="{it.history_id}">'
        f"{say(language, 'use_again')}"
        "</button></li>"
        for it in past
    )
    if not rows:
        return ""
    line = say(language, "earlier_captions", n=len(past))
    return f"<details><summary>{line}</summary><ol>{rows}</ol></details>"
