"""The command that captions photos now, or many photos as a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from tqdm import tqdm

from album.captioning.captions import PhotoCaptions
from album.cli.common import AsJson, DataDir, errors_as_sentences, follow, open_album, print_json
from album.cli.output import photo_id_of
from album.domain.captions import CaptionJob, CaptionSelection, JobEstimate
from album.domain.photo import Caption
from album.errors import QueryError
from album.service import Album

commands = typer.Typer()
JobId = Annotated[int | None, typer.Option(help="A job, as --jobs lists it.", metavar="JOB")]
LANGUAGES = {"ko": ("ko",), "en": ("en",), "both": ("ko", "en")}
JOBS_LISTED = 20
POLL_S = 0.5
LONGEST_PAUSE_S = 600.0  # the command does not wait for a longer one
STILL_WAITING = "No answer yet; the photo stays in the queue."
JobAction = Callable[[PhotoCaptions, int], object]


@commands.command()
@errors_as_sentences
def caption(
    context: typer.Context,
    photos: Annotated[list[str] | None, typer.Argument(metavar="FILE-OR-ID...")] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Work off all photos that wait for a caption.")
    ] = False,
    lacking: Annotated[
        bool, typer.Option("--lacking", help="A job for all photos without a caption.")
    ] = False,
    label: Annotated[str, typer.Option(help="A job for the photos of this label.")] = "",
    by_model: Annotated[
        str, typer.Option(help="A job for the photos with a caption of this model, once more.")
    ] = "",
    language: Annotated[str, typer.Option(help="ko, en or both.")] = "ko",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be sent, and how long it takes.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Until it is done; else an open album goes on with it.")
    ] = True,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="List the jobs, the last one first.")
    ] = False,
    pause: JobId = None,
    resume: JobId = None,
    cancel: JobId = None,
    retry: JobId = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have photos captioned, except those that you captioned yourself.

    Gemini gets a small JPEG of each photo, without its EXIF, and nothing else.
    """
    options: dict[JobAction, int | None] = {
        PhotoCaptions.pause: pause,
        PhotoCaptions.resume: resume,
        PhotoCaptions.cancel: cancel,
        PhotoCaptions.retry: retry,
    }
    actions = [(action, job_id) for action, job_id in options.items() if job_id is not None]
    as_job = lacking or bool(label) or bool(by_model)
    requests = [bool(photos) or pending or as_job, jobs, *(True for _ in actions)]
    if sum(requests) > 1:
        raise QueryError("Ask for captions, for --jobs or to steer one job: one thing at a time.")
    if not any(requests):
        raise QueryError(
            "Name photos to caption, or say --lacking, --label or --by-model for many, or --pending"
            " for those that wait."
        )
    if language not in LANGUAGES:
        raise QueryError("--language is ko, en or both.")
    languages = LANGUAGES[language]
    with open_album(context, data_dir, model=False) as album:
        if jobs or actions:
            for action, job_id in actions:
                action(album.captions, job_id)
            _print_jobs(album.captions, [job_id for _, job_id in actions], as_json)
            return
        ids = tuple(photo_id_of(album, photo) for photo in photos or ())
        selection = CaptionSelection(ids or None, label, lacking, by_model)
        if dry_run:
            if not ids and not as_job:
                raise QueryError("--dry-run goes with photos, --lacking, --label or --by-model.")
            _print_estimate(album.captions.estimate(selection, languages, share=as_job), as_json)
        elif as_job or not wait:
            job_id = album.captions.start_job(selection, languages, share=as_job, urgent=bool(ids))
            _print_job(album, _wait_for_job(album, job_id, as_json) if wait else job_id, as_json)
        else:
            _caption_now(album, ids, languages, as_json)


def _caption_now(album: Album, ids: Sequence[int], languages: Sequence[str], as_json: bool) -> None:
    """Caption the photos, and all in the queue, in this process."""
    done = list(ids)
    if ids:
        album.captions.start_job(CaptionSelection(tuple(ids)), languages, share=False, urgent=True)
    album.captions.check()
    album.captions.drain(lambda photo_id: done.append(photo_id))
    captions = {
        photo_id: _captions_of(album, photo_id, languages) for photo_id in dict.fromkeys(done)
    }
    failed = {
        key: album.captions.problem(key) or STILL_WAITING
        for key, captions_of_photo in captions.items()
        if not captions_of_photo
    }
    if as_json:
        print_json(
            captions=[
                {
                    "photo_id": key,
                    "caption": caption.text,
                    "language": caption.language,
                    "model": caption.model_id,
                }
                for key, captions_of_photo in captions.items()
                for caption in captions_of_photo
            ],
            failed=[{"photo_id": key, "reason": reason} for key, reason in failed.items()],
        )
    else:
        for photo_id, captions_of_photo in captions.items():
            for caption in captions_of_photo:
                typer.echo(f"{photo_id}: {caption.text}")
        for photo_id, reason in failed.items():
            typer.echo(f"{photo_id}: {reason}", err=True)
    if failed:
        raise typer.Exit(1)


def _captions_of(album: Album, photo_id: int, languages: Sequence[str]) -> list[Caption]:
    """Return the captions in the given languages, or else in any language."""
    captions = album.captions.captions_by_language(photo_id)
    return [captions[language] for language in languages if language in captions] or list(
        captions.values()
    )


def _wait_for_job(album: Album, job_id: int, as_json: bool) -> int:
    """Work until a job ends or pauses for long.

    Ctrl-C leaves the job unchanged.
    """
    album.captions.start()
    try:
        with tqdm(unit="photo", disable=True if as_json else None) as bar:
            while True:
                job = album.captions.job(job_id)
                follow(bar, job.total - job.waiting, job.total)
                # The daily quota counts as used up while its last request is still running.
                is_paused = _is_paused_long(album.captions) and not album.captions.at_work
                if job.state != "running" or is_paused:
                    return job_id
                time.sleep(POLL_S)
    finally:
        album.captions.stop()  # waits for running requests


def _is_paused_long(captions: PhotoCaptions) -> bool:
    until = captions.progress(1).resting_until
    return until is not None and until.timestamp() > time.time() + LONGEST_PAUSE_S


def _print_estimate(estimate: JobEstimate, as_json: bool) -> None:
    if as_json:
        print_json(
            photos=estimate.photos,
            requests=estimate.requests,
            shared=estimate.shared,
            locked=estimate.locked,
            sends=estimate.sends,
            tokens=estimate.tokens,
            seconds=round(estimate.seconds),
            days=estimate.days,
        )
        return
    typer.echo(
        f"{estimate.photos} photos would get a caption,"
        f" {estimate.shared} of them that of one like it."
    )
    typer.echo(f"{estimate.locked} are left out: you wrote their captions.")
    if estimate.sends:
        typer.echo(
            f"{estimate.requests} would be sent, as JPEGs of 1,024 px without EXIF: about"
            f" {estimate.tokens:,} tokens."
        )
    else:
        typer.echo("Nothing leaves this machine.")
    days = f", on {estimate.days} days" if estimate.days > 1 else ""
    typer.echo(f"That takes about {estimate.seconds / 60:.0f} minutes{days}.")


def _print_job(album: Album, job_id: int, as_json: bool) -> None:
    """Print a job with its failures, which make the command fail."""
    job = album.captions.job(job_id)
    failures = album.captions.failures(job_id)
    reasons = [{"photo_id": failure.photo_id, "reason": failure.failure} for failure in failures]
    if as_json:
        print_json(job=_job_json(job), failed=reasons, **_pause_json(album.captions))
    else:
        typer.echo(_job_line(job))
        for failure in reasons:
            typer.echo(f"{failure['photo_id']}: {failure['reason']}", err=True)
        _print_pause(album.captions)
    if job.failed or job.problem:
        raise typer.Exit(1)


def _print_jobs(captions: PhotoCaptions, ids: Sequence[int], as_json: bool) -> None:
    """Print the given jobs, or else the latest."""
    listed = [captions.job(job_id) for job_id in ids] or list(captions.progress(JOBS_LISTED).jobs)
    if as_json:
        print_json(jobs=[_job_json(job) for job in listed], **_pause_json(captions))
        return
    for job in listed:
        typer.echo(_job_line(job))
    _print_pause(captions)


def _print_pause(captions: PhotoCaptions) -> None:
    progress = captions.progress(1)
    if progress.resting_until is not None:
        typer.echo(
            f"Nothing is sent before {progress.resting_until:%Y-%m-%d %H:%M:%S}:"
            f" {progress.why_resting}",
            err=True,
        )


def _pause_json(captions: PhotoCaptions) -> dict[str, Any]:
    progress = captions.progress(1)
    until = progress.resting_until
    return {
        "resting_until": until and until.isoformat(timespec="seconds"),
        "why_resting": progress.why_resting,
        "requests_today": progress.today,
        "per_day": progress.per_day,
        "per_minute": progress.per_minute,
    }


def _job_json(job: CaptionJob) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "languages": list(job.languages),
        "state": job.state,
        "problem": job.problem,
        "total": job.total,
        "written": job.written,
        "waiting": job.waiting,
        "failed": job.failed,
        "left_out": job.left_out,
        "asked_at": job.asked_at.isoformat(timespec="seconds"),
        "ended_at": job.ended_at and job.ended_at.isoformat(timespec="seconds"),
    }


def _job_line(job: CaptionJob) -> str:
    line = f"{job.job_id}: {job.state}, {job.written} of {job.total} photos have a caption"
    line += f", {job.failed} failed" if job.failed else ""
    return line + (f"; {job.problem}" if job.problem else "")
