"""The imports on the page: the one at work, what came of the last ones, the folders it watches.

All of it is read from the database, so that every browser, an import by the command line and a
restart show the same. The browser sends along which state it shows; only what differs is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from album.domain.photo import ImportRecord, WatchedFolder
from album.service import Album
from album.ui.i18n.messages import i18n, language_of
from album.ui.imports.import_html import (
    FAILURES_SHOWN,
    folders,
    older_reports,
    progress,
    report,
    strip,
)
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.change_digest import MOST_ROWS, digest
from album.ui.shared.photo_html import img
from album.ui.shared.updates import Updates

AT_WORK_S = 1.0  # how often a browser asks while an import is at work
IDLE_S = 5.0
REPORTS = 3  # shown at once
EARLIER = 20  # behind a line that opens them
STRIP = 8  # photos added last
QUIET_S = 3.0  # a rescan that finds nothing is not worth a word for that long


# Buttons in a list tell which row they are of; the server looks up what that is.
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
    """A piece of the page: what it depends on, and how to make it."""

    depends_on: object
    make: Callable[[], Updates]


class ImportsView:
    """Components and listeners below the drop area."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._watched: list[WatchedFolder] = []
        self._watched_for: object = None
        self._watched_at = 0.0
        self._note = gr.HTML(elem_id="received")
        with gr.Column(elem_id="import", visible=False) as self._card:
            self._progress = gr.HTML(elem_id="import-progress")
            self._strip = gr.HTML(elem_id="import-strip")
            with gr.Row(elem_id="import-buttons"):
                small: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 96}
                self._pause = gr.Button(i18n("pause"), elem_id="pause-import", **small)
                self._resume = gr.Button(
                    i18n("go_on"), elem_id="resume-import", variant="primary", **small
                )
                self._cancel = gr.Button(i18n("cancel"), elem_id="cancel-import", **small)
        with gr.Column(elem_id="import-report"):
            self._latest = gr.HTML(js_on_load=ON_LOAD)
            self.see_photos = gr.Button(
                i18n("see_photos"), visible=False, elem_id="see-photos", scale=0, size="sm"
            )
            self._older = gr.HTML(js_on_load=ON_LOAD)
        self._folders = gr.HTML(elem_id="watched", js_on_load=ON_LOAD)
        self._timer = gr.Timer(AT_WORK_S)
        self._at_work = gr.State(None)
        """The import that the buttons are about."""
        # Components, not states: they hold what this browser really shows.
        self.shown = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None,
        }  # fmt: skip
        for button, ask in (
            (self._pause, self.pause), (self._resume, self.resume), (self._cancel, self.cancel),
        ):  # fmt: skip
            button.click(ask, [self._at_work, self.shown], self.outputs, **quiet)
        for rows in (self._latest, self._older, self._folders):
            rows.select(self.press, self.shown, self.outputs, **quiet)
        self._timer.tick(self.look, self.shown, self.outputs, queue=False, **quiet)

    @property
    def outputs(self) -> list[Any]:
        """What `look` and `changes` return updates for."""
        return [
            self.shown, self._at_work, self._timer, self._note, self._card, self._progress,
            self._strip, self._pause, self._resume, self._cancel, self._latest, self.see_photos,
            self._older, self._folders,
        ]  # fmt: skip

    # What the listeners do

    def look(self, shown: str | None, request: gr.Request) -> Updates:
        """What has changed since this browser looked last."""
        return self.changes(shown, language_of(request))

    @alerts_on_failure
    def pause(self, import_id: int | None, shown: str | None, request: gr.Request) -> Updates:
        """End the work after the photos in hand, until somebody goes on with it."""
        if import_id is not None and not self._album.imports.get(import_id).ended:
            self._album.imports.pause(import_id)
        return self.look(shown, request)

    @alerts_on_failure
    def resume(self, import_id: int | None, shown: str | None, request: gr.Request) -> Updates:
        """Go on with a paused import."""
        if import_id is not None:
            self._album.imports.resume(import_id)
        return self.look(shown, request)

    @alerts_on_failure
    def cancel(self, import_id: int | None, shown: str | None, request: gr.Request) -> Updates:
        """End an import after the photos in hand; they stay."""
        if import_id is not None and not self._album.imports.get(import_id).ended:
            self._album.imports.cancel(import_id)
        return self.look(shown, request)

    @alerts_on_failure
    def press(self, shown: str | None, event: gr.SelectData, request: gr.Request) -> Updates:
        """A button of a report or of a watched folder."""
        imports = self._album.imports
        number = event.index if isinstance(event.index, int) else -1
        if not 0 <= number < MOST_ROWS:  # no button of ours says that
            return self.look(shown, request)
        if event.value == "look":
            self._album.rescan(number)
        elif event.value == "resume":
            imports.resume(number)
        elif event.value == "retry" and self._may_retry(imports.get(number)):
            imports.retry(number)
        return self.look(shown, request)

    def received(self, words: str, shown: str | None, language: str) -> Updates:
        """The same as `look` just after an upload was handed over; `words` say what came."""
        updates = self.changes(shown, language)
        if self._now(self._album.imports.recent(1 + REPORTS + EARLIER)) is not None:
            updates[self._note] = f'<p class="note" role="status">{words}</p>'
        return updates

    def changes(self, shown: str | None, language: str) -> Updates:
        """Updates for what is not as `shown`, which a browser sent: it may say anything."""
        parts = self._parts(language)
        now = [digest(part.depends_on) for part in parts]
        before = (shown or "").split()
        if len(before) != len(now):
            before = [""] * len(now)
        updates: Updates = {self.shown: gr.skip() if before == now else " ".join(now)}
        for part, old, new in zip(parts, before, now, strict=True):
            if old != new:
                updates.update(part.make())
        return updates

    # What there is to see

    def _parts(self, language: str) -> list[_Part]:
        recent = self._album.imports.recent(1 + REPORTS + EARLIER)
        now = self._now(recent)
        model_ready = self._album.active.model_id is not None
        others = sum(it.state in ("waiting", "running") for it in recent if _is_loud(it, now))
        added = [] if now is None else self._album.import_store.added_by(now.import_id, STRIP)
        listed = [it for it in recent if it.ended or (it.halted and _is_loud(it, now))]
        listed = listed[: REPORTS + EARLIER]
        offers = [(self._may_retry(it), _may_go_on(it)) for it in listed]
        watched = self._folders_now([(it.import_id, it.state) for it in recent])
        return [
            _Part((now, others, model_ready), lambda: self._show(now, others, language)),
            _Part(added, lambda: {self._strip: strip(self._pictures(added))}),
            _Part((listed, offers), lambda: self._tell(listed, offers, language)),
            _Part(watched, lambda: {self._folders: folders(watched, language)}),
        ]

    def _now(self, recent: Sequence[ImportRecord]) -> ImportRecord | None:
        """The import that the card is about."""
        first = self._album.imports.running
        if first is None or not _is_quiet(first):
            return first
        others = [it for it in recent if not it.ended and not _is_quiet(it)]
        return min(others, key=lambda it: it.halted, default=None)

    def _show(self, now: ImportRecord | None, others: int, language: str) -> Updates:
        if now is None:
            return {
                self._card: gr.update(visible=False),
                self._at_work: None,
                self._note: "",
                self._timer: gr.update(value=IDLE_S),
            }
        halted = now.halted
        model_ready = self._album.active.model_id is not None
        return {
            self._card: gr.update(visible=True),
            self._progress: progress(now, others, model_ready=model_ready, language=language),
            self._pause: gr.update(visible=not halted and now.requested_state == "run"),
            self._resume: gr.update(visible=halted),
            self._cancel: gr.update(visible=halted or now.requested_state != "cancel"),
            self._at_work: now.import_id,
            self._timer: gr.update(value=AT_WORK_S),
        }

    def _tell(
        self, listed: list[ImportRecord], offers: list[tuple[bool, bool]], language: str
    ) -> Updates:
        told = [
            report(
                it,
                self._album.import_store.failures(it.import_id, FAILURES_SHOWN),
                may_retry=may_retry,
                may_go_on=may_go_on,
                language=language,
            )
            for it, (may_retry, may_go_on) in zip(listed, offers, strict=True)
        ]
        return {
            self._latest: f'<div role="status">{told[0]}</div>' if told else "",
            self._older: older_reports(told[1:REPORTS], told[REPORTS:], language),
            self.see_photos: gr.update(visible=bool(listed) and listed[0].added > 0),
        }

    def _pictures(self, photo_ids: list[int]) -> list[str]:
        photos = self._album.store.get_many(photo_ids)
        thumbnail = self._album.originals.thumbnail
        return [img(thumbnail(it.sha256), it.filename) for it in map(photos.get, photo_ids) if it]

    def _folders_now(self, key: object) -> list[WatchedFolder]:
        """The watched folders; asked for again when an import began or ended, and now and then."""
        now = time.monotonic()
        if key != self._watched_for or now - self._watched_at > IDLE_S:
            self._watched = self._album.watched()
            self._watched_for, self._watched_at = key, now
        return self._watched

    def _may_retry(self, record: ImportRecord) -> bool:
        """Whether there is something to try again: uploads that failed are kept for some days."""
        if not record.failed or record.state not in ("done", "cancelled"):
            return False
        kept = self._album.originals.has_quarantined
        return record.kind != "upload" or kept(record.import_id)


def _may_go_on(record: ImportRecord) -> bool:
    """Whether an import can be gone on with; what was left of cancelled uploads is gone."""
    return record.state in ("failed", "paused", "interrupted") or (
        record.state == "cancelled" and record.kind != "upload"
    )


def _is_loud(record: ImportRecord, now: ImportRecord | None) -> bool:
    """Whether an import is worth a word beside the one that the card is about."""
    return not _is_quiet(record) and (now is None or record.import_id != now.import_id)


def _is_quiet(record: ImportRecord) -> bool:
    news = record.added + record.updated + record.missing + record.failed
    return record.kind == "rescan" and not news and record.seconds < QUIET_S
