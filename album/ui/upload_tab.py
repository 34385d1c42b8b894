"""The Upload tab: photos in, with their progress and an honest report."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from album.import_jobs import ImportJob
from album.originals import display_name
from album.photo import ImportReport
from album.service import Album
from album.ui.alerts import alerts_on_failure
from album.ui.sentences import in_language
from album.ui.texts import i18n, language_of, say
from album.ui.uploads import UploadFolder
from models.errors import ModelError

LOOK_EVERY_S = 0.4
Updates = dict[Any, Any]


class UploadTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self._files = gr.File(
            label=i18n("drop_here"),
            file_count="multiple",
            elem_id="files",
            height=200,
            show_label=False,
        )
        with gr.Row():
            self._folder = gr.UploadButton(
                i18n("choose_folder"),  # type: ignore[arg-type]  # translated all the same
                file_count="directory", elem_id="folder", size="md", scale=0,
                min_width=180,
            )  # fmt: skip
            gr.Markdown(i18n("formats"), elem_classes="note")
        self._captions = gr.Checkbox(
            label=i18n("write_captions"), info=i18n("write_captions_info"), elem_id="write-captions"
        )
        self._language = gr.Radio(
            [("English", "en"), ("한국어", "ko")],
            value="en",
            label=i18n("caption_language"),
            visible=False,
            elem_id="caption-language",
        )
        self._progress = gr.HTML(elem_id="import-progress")
        self._cancel = gr.Button(i18n("cancel"), visible=False, elem_id="cancel-import", scale=0)
        self._report = gr.HTML(elem_id="import-report")
        self.see_photos = gr.Button(
            i18n("see_photos"), visible=False, variant="primary", elem_id="see-photos", scale=0
        )

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for box, take_in in ((self._files, self.import_files), (self._folder, self.import_folder)):
            box.upload(
                take_in, [box, self._captions, self._language], [box, *self.outputs],
                concurrency_limit=8, **quiet,
            )  # fmt: skip
        self._cancel.click(self.cancel, None, self._progress, queue=False, **quiet)
        self._captions.change(
            self.ask_language, self._captions, [self._captions, self._language], **quiet
        )

    @property
    def outputs(self) -> list[Any]:
        """What an import changes on the page."""
        return [self._progress, self._cancel, self._report, self.see_photos]

    @alerts_on_failure
    def import_files(
        self, files: list[str] | None, captions: bool, caption_language: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Take chosen files in and tell about it until all are in or somebody cancels."""
        yield from self._import(files, captions, caption_language, request, whole_folder=False)

    @alerts_on_failure
    def import_folder(
        self, files: list[str] | None, captions: bool, caption_language: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """The same for a whole folder, where files that are no photos are no surprise."""
        yield from self._import(files, captions, caption_language, request, whole_folder=True)

    def _import(
        self,
        files: list[str] | None,
        captions: bool,
        caption_language: str,
        request: gr.Request,
        *,
        whole_folder: bool,
    ) -> Iterator[tuple[Any, ...]]:
        paths = self._uploads.checked(files)
        job = self._album.upload(
            [(path, path.name) for path in paths],
            caption_language if captions else None,
            whole_folder=whole_folder,
        )
        for updates in self._watch(job, language_of(request), queued=captions):
            yield None, *updates

    def watch_running(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """The import that is at work when the page opens, whoever began it."""
        job = self._album.imports.running
        if job is None:
            yield (gr.skip(),) * 4
            return
        yield from self._watch(job, language_of(request), queued=False)

    def cancel(self, request: gr.Request) -> str:
        """End the running import after the photos in hand."""
        job = self._album.imports.running
        if job is not None:
            job.cancel()
        return f'<div class="note">{say(language_of(request), "cancelling")}</div>'

    @alerts_on_failure
    def ask_language(self, wanted: bool, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """Captions need a key; without one the tick goes away and the reason is said."""
        language = language_of(request)
        if wanted:
            try:
                self._album.captions.check()
            except ModelError:
                yield False, gr.update(visible=False)
                raise
        yield gr.skip(), gr.update(visible=wanted, value=language)

    def _watch(self, job: ImportJob, language: str, *, queued: bool) -> Iterator[tuple[Any, ...]]:
        while not job.wait(LOOK_EVERY_S):
            cancel = gr.update(visible=not job.cancelled)
            yield _bar(job, language), cancel, "", gr.update(visible=False)
        if job.report is None:
            problem = in_language(language, job.problem or "")
            said = f'<div class="report">{html.escape(problem)}</div>'
            yield "", gr.update(visible=False), said, gr.update(visible=False)
            return
        said = describe(job.report, language, queued=queued and bool(job.report.added))
        yield "", gr.update(visible=False), said, gr.update(visible=bool(job.report.added))


def describe(report: ImportReport, language: str, *, queued: bool = False) -> str:
    """The report of an import as escaped HTML: counts, then each failure with its reason."""
    counts = [
        f"<strong>{say(language, 'report_added', n=len(report.added))}</strong>",
        say(language, "report_here", n=report.already_here),
        say(language, "report_failed", n=len(report.failed)),
    ]
    if report.skipped:
        counts.append(say(language, "report_skipped", n=report.skipped))
    lines = [" · ".join(counts)]
    if report.cancelled:
        lines.append(say(language, "report_cancelled"))
    if queued:
        lines.append(say(language, "captions_queued"))
    failures = "".join(
        f"<li>{html.escape(display_name(Path(failure.path)))}"
        f" — <span>{html.escape(in_language(language, failure.reason))}</span></li>"
        for failure in report.failed
    )
    body = "<br>".join(lines) + (f"<ul>{failures}</ul>" if failures else "")
    return f'<div class="report" role="status">{body}</div>'


def _bar(job: ImportJob, language: str) -> str:
    if not job.total:
        return f'<div class="note">{say(language, "import_begins")}</div>'
    words = say(language, "importing", done=job.done, total=job.total)
    stopping = say(language, "cancelling")
    left = stopping if job.cancelled else _time_left(job.seconds_left, language)
    share = 100 * job.done / job.total
    return (
        f'<div class="progress" role="progressbar" aria-valuenow="{share:.0f}" aria-valuemin="0"'
        f' aria-valuemax="100"><div class="words"><span>{words}</span><span>{left}</span></div>'
        f'<div class="track"><div class="done" style="width:{share:.1f}%"></div></div>'
        f'<div class="name">{html.escape(job.name)}</div></div>'
    )


def _time_left(seconds: float | None, language: str) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return say(language, "time_left_s", n=math.ceil(seconds))
    return say(language, "time_left_min", n=math.ceil(seconds / 60))
