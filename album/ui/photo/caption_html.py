"""HTML of captions: estimates, jobs, and the captions of a photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup

from album.domain.captions import (
    CaptionFailure,
    CaptionJob,
    CaptionProgress,
    CaptionWriter,
    JobEstimate,
    PastCaption,
)
from album.domain.photo import Caption
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.durations import duration
from album.ui.shared.progress_bar import progress_bar
from album.ui.shared.templates import render

FAILURES_SHOWN = 50
TOKEN_PRECISION = 1000
"""Tokens are rounded to this, since an estimate is no more exact."""


def render_estimate(
    job: JobEstimate, writer: CaptionWriter, pace: CaptionProgress, language: str
) -> Markup:
    """Render what a job would do, send and cost."""
    headline = say(language, "estimate_nothing")
    if job.photos:
        headline = say_count(language, "estimate", job.photos)
    lines = []
    if job.shared:
        lines.append(say_count(language, "estimate_shared", job.shared))
    if job.locked:
        lines.append(say_count(language, "estimate_locked", job.locked))
    if job.photos:
        lines += _cost(job, writer, pace, language)
    return render("photo/caption_estimate.html", language, headline=headline, lines=lines)


def _cost(
    job: JobEstimate, writer: CaptionWriter, pace: CaptionProgress, language: str
) -> list[str]:
    time = duration(job.seconds, language)
    if not job.sends:
        return [
            say(language, "estimate_time_here", time=time),
            say(language, "estimate_here", model=writer.model_id),
        ]
    rates = {"rate": pace.per_minute, "daily": pace.per_day}
    key = "estimate_days" if job.days > 1 else "estimate_time"
    tokens = max(TOKEN_PRECISION, round(job.tokens, -3))
    return [
        say(language, key, time=time, days=job.days, **rates),
        say(language, "estimate_tokens", tokens=tokens),
        say_count(language, "estimate_sends", job.requests, model=writer.model_id),
    ]


def render_job(
    job: CaptionJob,
    progress: CaptionProgress,
    failures: Sequence[tuple[CaptionFailure, str, Markup]],
    *,
    first: bool,
    language: str,
) -> Markup:
    """Render a job's progress, its failures and its buttons.

    Args:
        job: the job.
        progress: state of the caption queue.
        failures: the first photos that failed, each with its file name and a tile.
        first: whether it is the job being worked on.
        language: of the reader.
    """
    facts = [f"{job.asked_at:%Y-%m-%d %H:%M}"]
    facts += [say(language, f"language_{name}") for name in job.languages]
    if job.ended and job.written:
        facts.append(say_count(language, "job_written", job.written))
    if job.failed:
        facts.append(say(language, "job_failed", n=job.failed))
    if job.ended and job.left_out:
        facts.append(say(language, "job_left_out", n=job.left_out))
    problem = job.problem
    if job.state == "running" and progress.resting_until is not None:
        problem = progress.why_resting
    buttons = {"running": ["pause", "cancel"], "paused": ["go_on", "cancel"]}.get(job.state, [])
    return render(
        "photo/caption_job.html",
        language,
        job=job,
        bar=_bar(job, progress, first, language),
        facts=facts,
        problem=translate_failure(language, problem) if problem else "",
        failures=[
            {
                "name": name,
                "tile": tile,
                "reason": translate_failure(language, failure.failure or ""),
            }
            for failure, name, tile in failures
        ],
        more_failures=max(0, job.failed - len(failures)),
        buttons=[*buttons, *(["try_again"] if job.failed else [])],
    )


def _bar(job: CaptionJob, progress: CaptionProgress, first: bool, language: str) -> Markup:
    # The photos of a cancelled job do not wait, but have no result either.
    done = job.written + job.failed if job.state == "cancelled" else job.total - job.waiting
    share = 100 * done / job.total if job.total else 100.0
    left = say(language, "job_at", done=done, total=job.total)
    right = say(language, f"job_{job.state}")
    if job.state == "running":
        right = _time_left(job, progress, first, language)
    still = job.state != "running" or progress.resting_until is not None
    return progress_bar(say(language, "captions"), share, left, right, still=still)


def _time_left(job: CaptionJob, progress: CaptionProgress, first: bool, language: str) -> str:
    if progress.resting_until is not None:
        return say(language, "job_rests", when=when(progress.resting_until, language))
    if not first:
        return say(language, "job_waits")
    today = not progress.per_day or job.waiting <= progress.per_day - progress.today
    if not progress.sends or not today:
        return say(language, "job_running")
    time = duration(60 * job.waiting / progress.per_minute, language)
    return say(language, "time_left", time=time)


def when(time: datetime, language: str) -> str:
    """Format a time, with its day unless that is today."""
    clock = f"{time:%H:%M}"
    if time.date() == datetime.now().date():
        return say(language, "time_today", time=clock)
    return say(language, "time_day", day=f"{time:%Y-%m-%d}", time=clock)


def author_note(caption: Caption, language: str) -> str:
    """Describe who wrote the caption in the box, as plain text."""
    return say(language, "by_hand") if caption.by_hand else _author(caption, language)


def _author(caption: Caption, language: str) -> str:
    day = f"{caption.written_at:%Y-%m-%d %H:%M}"
    if caption.by_hand:
        return say(language, "by_you", day=day)
    parts = [say(language, "by_model", model=str(caption.model_id), day=day)]
    if caption.language:
        parts.append(say(language, f"language_{caption.language}"))
    if caption.prompt_version:
        parts.append(say(language, "by_prompt", version=caption.prompt_version))
    return " · ".join(parts)


def render_details(
    captions: Mapping[str, Caption],
    current: Caption | None,
    read_text: str,
    keywords: Sequence[str],
    history: Sequence[PastCaption],
    language: str,
) -> Markup:
    """Render a photo's other captions, its keywords and its history.

    Args:
        captions: its captions by language.
        current: the caption in the box.
        read_text: text that a model read in the photo.
        keywords: keywords that a model gave it.
        history: its earlier captions, each with a button to use it again.
        language: of the reader.
    """
    return render(
        "photo/caption_details.html",
        language,
        translations=[
            (key, caption.text, _author(caption, language))
            for key, caption in captions.items()
            if current is None or caption.language != current.language
        ],
        read_text=read_text,
        keywords=keywords,
        history=[
            (past.history_id, past.caption.text, _author(past.caption, language))
            for past in history
        ],
    )
