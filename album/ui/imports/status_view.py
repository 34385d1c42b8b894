"""The running import, reports and watched folders on the page.

All of it is read from the database, so every browser sees imports of the command line and of
earlier runs. The browser sends along which state it shows, and only differences are sent back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from album.domain.captions import MissingCaptions
from album.domain.photo import ImportRecord, WatchedFolder
from album.service import Album
from album.ui.i18n.messages import LANGUAGES, TEXTS, i18n, language_of
from album.ui.imports import import_html
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.change_digest import MOST_ROWS, digest
from album.ui.shared.photo_html import photo_tile
from album.ui.shared.status_line import AT_WORK_S, IDLE_S, StatusLine
from album.ui.shared.updates import Updates

REPORTS = 3  # unfolded
EARLIER = 20  # folded
THUMBNAILS = 8  # of the photos added last
FOLDERS_SHARE = 20  # of the time, one part counts the photos of watched folders
RECEIVING = Path(__file__).with_name("receiving.js")
QUIET_S = 3.0  # a rescan without news is hidden until it takes this long


# Buttons send the number of their row, and the server looks up what that is.
ON_LOAD = """
let last = 0;
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-what]');
  if (!button || button.disabled || Date.now() - last < 1000) return;
  last = Date.now();  // a double click asks once
  trigger('select', {index: Number(button.dataset.number), value: button.dataset.what});
});
"""


class _Part(NamedTuple):
    """A piece of the page with the values that it depends on."""

    depends_on: object
    make: Callable[[], Updates]


class ImportsView:
    """Components and listeners below the drop area.

    It updates the status line of the page as well, so that both show one moment of an import.
    """

    def __init__(self, album: Album, status: StatusLine) -> None:
        self._album = album
        self._status = status
        self._watched: list[WatchedFolder] = []
        self._watched_key: object = None
        self._watched_at = 0.0
        self._watched_took_s = 0.0
        texts = {
            language: {key: TEXTS[key][n] for key in ("receiving", "receiving_at")}
            for n, language in enumerate(LANGUAGES)
        }
        gr.HTML(
            elem_id="receiving",
            html_template="",
            js_on_load=f"const WORDS = {json.dumps(texts)};\n{RECEIVING.read_text('utf-8')}",
        )
        self._note = gr.HTML(elem_id="received")
        with gr.Column(elem_id="import", visible=False) as self._card:
            self._progress = gr.HTML(elem_id="import-progress")
            self._thumbnails = gr.HTML(elem_id="import-strip")
            with gr.Row(elem_id="import-buttons"):
                small: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 96}
                self._pause = gr.Button(i18n("pause"), elem_id="pause-import", **small)
                self._resume = gr.Button(
                    i18n("go_on"), elem_id="resume-import", variant="primary", **small
                )
                self._cancel = gr.Button(i18n("cancel"), elem_id="cancel-import", **small)
        with gr.Column(elem_id="import-report"):
            self._latest = gr.HTML(js_on_load=ON_LOAD)
            self._older = gr.HTML(js_on_load=ON_LOAD)
        self._folders = gr.HTML(elem_id="watched", js_on_load=ON_LOAD)
        self._timer = status.timer
        self._running = gr.State(None)
        """Id of the import that the buttons act on."""
        # A component, not a state: it holds what this browser really shows.
        self.shown = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "concurrency_limit": None,
        }
        for button, handler in (
            (self._pause, self.pause),
            (self._resume, self.resume),
            (self._cancel, self.cancel),
        ):
            button.click(handler, [self._running, self.shown], self.outputs, **quiet)
        for rows in (*self.reports, self._folders):
            rows.select(self.on_button, self.shown, self.outputs, **quiet)
        self._timer.tick(self.look, self.shown, self.outputs, queue=False, **quiet)

    @property
    def reports(self) -> tuple[gr.HTML, gr.HTML]:
        """Components of the reports. Their button "see" is for the page to listen to."""
        return self._latest, self._older

    @property
    def outputs(self) -> list[Any]:
        """List the components that `look` and `changes` update."""
        return [
            *self._status.outputs,
            self.shown,
            self._running,
            self._timer,
            self._note,
            self._card,
            self._progress,
            self._thumbnails,
            self._pause,
            self._resume,
            self._cancel,
            self._latest,
            self._older,
            self._folders,
        ]

    # What the listeners do

    def look(self, state: str | None, request: gr.Request) -> Updates:
        """Update what has changed since this browser polled last."""
        return self.changes(state, language_of(request))

    def progress_of(self, import_id: int, request: gr.Request) -> str:
        """Render the progress of one import."""
        return import_html.progress(
            self._album.imports.get(import_id),
            0,
            model_ready=self._album.active.model_id is not None,
            language=language_of(request),
        )

    @alerts_on_failure
    def pause(self, import_id: int | None, state: str | None, request: gr.Request) -> Updates:
        """Pause an import after the photos in work."""
        if import_id is not None and not self._album.imports.get(import_id).ended:
            self._album.imports.pause(import_id)
        return self.look(state, request)

    @alerts_on_failure
    def resume(self, import_id: int | None, state: str | None, request: gr.Request) -> Updates:
        """Resume a paused import."""
        if import_id is not None:
            self._album.imports.resume(import_id)
        return self.look(state, request)

    @alerts_on_failure
    def cancel(self, import_id: int | None, state: str | None, request: gr.Request) -> Updates:
        """Cancel an import after the photos in work, which stay."""
        if import_id is not None and not self._album.imports.get(import_id).ended:
            self._album.imports.cancel(import_id)
        return self.look(state, request)

    @alerts_on_failure
    def on_button(self, state: str | None, event: gr.SelectData, request: gr.Request) -> Updates:
        """Handle a button of a report or of a watched folder."""
        imports = self._album.imports
        number = event.index if isinstance(event.index, int) else -1
        if not 0 <= number < MOST_ROWS:  # no button of this page sends that
            return self.look(state, request)
        if event.value == "look":
            self._album.rescan(number)
        elif event.value == "resume":
            imports.resume(number)
        elif event.value == "retry" and self._may_retry(imports.get(number)):
            imports.retry(number)
        return self.look(state, request)

    def received(self, message: str, state: str | None, language: str) -> Updates:
        """Update after an upload, with a message that says what came."""
        updates = self.changes(state, language)
        if self._now(self._album.imports.recent(1 + REPORTS + EARLIER)) is not None:
            updates[self._note] = import_html.received(message, language)
        return updates

    def changes(self, state: str | None, language: str) -> Updates:
        """Update what differs from `state`, which comes from a browser unchecked."""
        parts = self._parts(language)
        now = [digest(part.depends_on) for part in parts]
        before = (state or "").split()
        if len(before) != len(now):
            before = [""] * len(now)
        updates: Updates = {self.shown: gr.skip() if before == now else " ".join(now)}
        for part, old, new in zip(parts, before, now, strict=True):
            if old != new:
                updates.update(part.make())
        return updates

    # What is shown

    def _parts(self, language: str) -> list[_Part]:
        recent = self._album.imports.recent(1 + REPORTS + EARLIER)
        now = self._now(recent)
        model_ready = self._album.active.model_id is not None
        waiting = sum(
            record.state in ("waiting", "running") for record in recent if _is_loud(record, now)
        )
        added = [] if now is None else self._album.import_store.added_by(now.import_id, THUMBNAILS)
        listed = [
            record for record in recent if record.ended or (record.halted and _is_loud(record, now))
        ][: REPORTS + EARLIER]
        buttons = [(self._may_retry(record), _may_resume(record)) for record in listed]
        captions = [self._missing_captions(record) for record in listed]
        watched = self._folders_now(recent, is_at_work=now is not None and not now.halted)

        line = self._status.render(now, language)
        photos = self._album.store.count()
        first_import = not photos and now is not None and now.brings_photos

        def make_thumbnails() -> Updates:
            return {self._thumbnails: import_html.thumbnails(self._images(added), language)}

        return [
            _Part(line, lambda: {self._status.line: line}),
            _Part(photos, lambda: {self._status.photo_count: photos}),
            _Part(first_import, lambda: {self._status.first_import: first_import}),
            _Part((now, waiting, model_ready), lambda: self._show_card(now, waiting, language)),
            _Part(added, make_thumbnails),
            _Part(
                (listed, buttons, captions),
                lambda: self._show_reports(listed, buttons, captions, language),
            ),
            _Part(watched, lambda: {self._folders: import_html.folders(watched, language)}),
        ]

    def _now(self, recent: Sequence[ImportRecord]) -> ImportRecord | None:
        """Return the import that the card shows."""
        first = self._album.imports.running
        if first is None or not _is_quiet(first):
            return first
        unfinished = [record for record in recent if not record.ended and not _is_quiet(record)]
        return min(unfinished, key=lambda record: record.halted, default=None)

    def _show_card(self, now: ImportRecord | None, waiting: int, language: str) -> Updates:
        if now is None:
            return {
                self._card: gr.update(visible=False),
                self._running: None,
                self._note: "",
                self._timer: gr.update(value=IDLE_S),
            }
        halted = now.halted
        model_ready = self._album.active.model_id is not None
        return {
            self._card: gr.update(visible=True),
            self._progress: import_html.progress(
                now, waiting, model_ready=model_ready, language=language
            ),
            self._pause: gr.update(visible=not halted and now.requested_state == "run"),
            self._resume: gr.update(visible=halted),
            self._cancel: gr.update(visible=halted or now.requested_state != "cancel"),
            self._running: now.import_id,
            self._timer: gr.update(value=AT_WORK_S),
        }

    def _show_reports(
        self,
        listed: list[ImportRecord],
        buttons: list[tuple[bool, bool]],
        captions: list[MissingCaptions | None],
        language: str,
    ) -> Updates:
        failures = self._album.import_store.failures
        reports = [
            import_html.report(
                record,
                failures(record.import_id, import_html.FAILURES_SHOWN),
                may_retry=may_retry,
                may_go_on=may_resume,
                language=language,
                captions=missing,
            )
            for record, (may_retry, may_resume), missing in zip(
                listed, buttons, captions, strict=True
            )
        ]
        unfolded, folded = reports[1:REPORTS], reports[REPORTS:]
        return {
            self._latest: import_html.latest_report(reports[0], language) if reports else "",
            self._older: import_html.older_reports(unfolded, folded, language),
        }

    def _images(self, photo_ids: list[int]) -> list[Markup]:
        photos = self._album.store.get_many(photo_ids)
        return [photo_tile(photo, photo.filename) for photo in map(photos.get, photo_ids) if photo]

    def _folders_now(
        self, recent: Sequence[ImportRecord], *, is_at_work: bool
    ) -> list[WatchedFolder]:
        """List the watched folders, read again when imports change or time has passed.

        While photos arrive, each look reads them, unless that would take a large part of its time.
        """
        now = time.monotonic()
        key = [(record.import_id, record.state) for record in recent]
        keeps_s = self._watched_took_s * FOLDERS_SHARE if is_at_work else IDLE_S
        if key != self._watched_key or now - self._watched_at > keeps_s:
            self._watched = self._album.watched()
            self._watched_key, self._watched_at = key, time.monotonic()
            self._watched_took_s = self._watched_at - now
        return self._watched

    def _missing_captions(self, record: ImportRecord) -> MissingCaptions | None:
        """Count the captions that were asked for with an import and are missing."""
        if record.caption_language is None or not record.added:
            return None
        return self._album.caption_store.missing_of_import(record.import_id)

    def _may_retry(self, record: ImportRecord) -> bool:
        """Tell whether failed files can be tried again.

        Uploads that failed are kept for some days.
        """
        if not record.failed or record.state not in ("done", "cancelled"):
            return False
        return record.kind != "upload" or self._album.originals.has_quarantined(record.import_id)


def _may_resume(record: ImportRecord) -> bool:
    """Tell whether an import can be resumed.

    The files of cancelled uploads are gone.
    """
    return record.state in ("failed", "paused", "interrupted") or (
        record.state == "cancelled" and record.kind != "upload"
    )


def _is_loud(record: ImportRecord, now: ImportRecord | None) -> bool:
    """Tell whether an import is shown beside that of the card."""
    return not _is_quiet(record) and (now is None or record.import_id != now.import_id)


def _is_quiet(record: ImportRecord) -> bool:
    news = record.added + record.updated + record.missing + record.failed
    return record.kind == "rescan" and not news and record.seconds < QUIET_S
