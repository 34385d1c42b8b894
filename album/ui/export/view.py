"""The way out of the album on the page: captions, labels and stars into sidecars.

Beside photos that lie in the person's own folders, or as one ZIP to download. A folder to write
into cannot be typed here: the browser may be on another machine than the album, and whoever reaches
the page could have files written anywhere on the server. The command line can do that.

    export = ExportView(album, shown, temp_dir)
    tab.select(export.look, export.inputs, export.look_outputs)   # what others changed since
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from album.domain.labels import FAVOURITE
from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.export.archive import export_zip, verify_zip
from album.export.exporter import ExportReport, PhotoExport
from album.export.plan import ExportPlan, plan_of
from album.export.verification import VerifyReport, verify_export
from album.runtime.files import has_room
from album.service import Album
from album.ui.export import export_html as words
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.background_task import BackgroundTask
from album.ui.shared.photo_html import size
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates

AT_ONCE = 2  # exports at work for all browsers; others wait and are told so
KEPT_S = 3_600  # a ZIP is there for so long at least; Gradio takes it away after a day


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What somebody asked for; lives in the session of a browser, on the server."""

    photo_ids: tuple[int, ...]
    beside: bool
    with_photos: bool
    replace: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What was exported last, to be read back."""

    photo_ids: tuple[int, ...]
    zip_file: Path | None
    """None: beside the photos."""


class ExportView:
    """Components and listeners of the section."""

    def __init__(self, album: Album, shown: gr.State, temp_dir: Path) -> None:
        """Build the section.

        Args:
            album: what is written.
            shown: the state of the Search tab, for the photos that were found last.
            temp_dir: Gradio's own, from which it serves.
        """
        self._album = album
        self._shown = shown
        self._zips = temp_dir / "exports"
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="export")
        self._order = gr.State(None)
        self._done = gr.State(None)
        self._work = gr.State(None)
        """The work that the stop button is about."""
        with gr.Column(elem_id="export"):
            gr.Markdown(i18n("export_title"), elem_classes="step")
            gr.Markdown(i18n("export_intro"), elem_classes="note", elem_id="export-intro")
            with gr.Column(elem_id="export-form") as self._form:
                self._build_form()
            with gr.Column(elem_id="export-ask", visible=False) as self._ask:
                self._question = gr.HTML(elem_id="export-question")
                with gr.Row(elem_classes="export-buttons"):
                    self._yes = _button("export_yes", "export-yes", variant="primary")
                    self._no = _button("export_no", "export-no")
            with gr.Column(elem_id="export-work", visible=False) as self._card:
                self._progress = gr.HTML()
                self._stop = _button("export_stop", "export-stop", size="sm")
            self._report = gr.HTML(elem_id="export-report")
            with gr.Row(elem_id="export-after", elem_classes="export-buttons"):
                self._download = gr.DownloadButton(
                    elem_id="export-download", visible=False, variant="primary",
                    size="md", scale=0,
                )  # fmt: skip
                self._verify = _button("export_verify", "export-verify", visible=False)
            self._verified = gr.HTML(elem_id="export-verified")
        self._listen()

    def _build_form(self) -> None:
        with gr.Row(elem_id="export-choices"):
            with gr.Column(min_width=0):
                self._which = gr.Radio(
                    [(i18n(f"export_{it}"), it) for it in ("all", "found", "label")],
                    value="all", label=i18n("export_which"), elem_id="export-which",
                )  # fmt: skip
                self._label = gr.Dropdown(
                    [], label=i18n("label_filter"), elem_id="export-label", visible=False,
                    interactive=True,
                )  # fmt: skip
            with gr.Column(min_width=0):
                self._where = gr.Radio(
                    [(i18n(f"export_{it}"), it) for it in ("zip", "beside")],
                    value="zip", label=i18n("export_where"), elem_id="export-where",
                )  # fmt: skip
                self._with_photos = gr.Checkbox(
                    label=i18n("export_with_photos"), elem_id="export-with-photos"
                )
                self._replace = gr.Checkbox(label=i18n("export_replace"), elem_id="export-replace")
        self._plan = gr.HTML(elem_id="export-plan")
        self._make_zip = _button("export_start_zip", "export-make-zip", variant="primary")
        self._write = _button("export_start_beside", "export-write", variant="primary")

    def _listen(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # By itself: whoever searches does not wait for an export.
        long: dict[str, Any] = {
            **private, "concurrency_limit": AT_ONCE, "concurrency_id": "export",
        }  # fmt: skip
        choices = (self._which, self._label, self._where, self._with_photos, self._replace)
        gr.on(
            [it.input for it in choices], self.look, self.inputs, self.look_outputs,
            trigger_mode="always_last", **private,
        )  # fmt: skip
        self._write.click(
            self.ask, self.inputs, [self._order, self._form, self._ask, self._question], **private
        )
        self._no.click(self.rest, None, self._columns, **private)
        for event in (
            self._make_zip.click(self.order_zip, self.inputs, self._begin_outputs, **private),
            self._yes.click(self.begin, self._order, self._begin_outputs, **private),
        ):
            worked = event.success(
                self.export, [self._order, self._work], self._export_outputs, **long
            )
            worked.failure(self.rest, None, self._columns, **private)
        reading = [self._work, *self._columns, self._progress, self._verify, self._verified]
        read = self._verify.click(self.begin_reading, None, reading, **private).success(
            self.verify, [self._done, self._work], reading, **long
        )
        read.failure(self.rest_from_reading, None, [*self._columns, self._verify], **private)
        self._stop.click(self.stop, self._work, None, queue=False, **private)

    @property
    def inputs(self) -> set[Any]:
        """What `look` wants to be given."""
        return {
            self._shown, self._which, self._label, self._where, self._with_photos, self._replace,
        }  # fmt: skip

    @property
    def look_outputs(self) -> list[Any]:
        """What `look` changes."""
        return [
            self._label, self._where, self._with_photos, self._plan, self._make_zip, self._write,
        ]  # fmt: skip

    @property
    def _columns(self) -> list[Any]:
        return [self._form, self._ask, self._card]

    @property
    def _begin_outputs(self) -> list[Any]:
        return [
            self._order, self._work, *self._columns, self._progress, self._report,
            self._download, self._verify, self._verified,
        ]  # fmt: skip

    @property
    def _export_outputs(self) -> list[Any]:
        return [
            self._done, *self._columns, self._progress, self._report, self._download, self._verify,
        ]  # fmt: skip

    # What the listeners do

    @alerts_on_failure
    def look(self, given: Updates, request: gr.Request) -> Updates:
        """What there is to choose from now, and what would be done with what is chosen."""
        language = language_of(request)
        beside_is_there = bool(plan_of(self._album.store, None).in_place)
        beside = beside_is_there and given[self._where] == "beside"
        labels = self._album.label_names()
        label = given[self._label] if given[self._label] in labels else next(iter(labels), None)
        plan = self._plan_of({**given, self._label: label})
        favourite = say(language, "favourite")
        return {
            self._label: gr.update(
                choices=[(favourite if it == FAVOURITE else it, it) for it in labels],
                value=label,
                visible=given[self._which] == "label",
            ),
            self._where: gr.update(visible=beside_is_there, value="beside" if beside else "zip"),
            self._with_photos: gr.update(visible=not beside and words.fits(plan)),
            self._plan: words.planned(
                plan,
                beside=beside,
                with_photos=bool(given[self._with_photos]),
                replace=bool(given[self._replace]),
                language=language,
            ),
            self._make_zip: gr.update(visible=not beside),
            self._write: gr.update(visible=beside),
        }

    @alerts_on_failure
    def ask(self, given: Updates, request: gr.Request) -> Updates:
        """Ask once more before anything is written into the person's own folders."""
        plan = self._plan_of(given)
        if not plan.in_place:
            raise QueryError("None of these photos lies in a folder of yours: make a ZIP instead.")
        order = ExportOrder(plan.in_place, True, False, bool(given[self._replace]))
        question = words.asked(plan, language_of(request), replace=order.replace)
        return {
            self._order: order,
            self._form: gr.update(visible=False),
            self._ask: gr.update(visible=True),
            self._question: question,
        }

    @alerts_on_failure
    def order_zip(self, given: Updates, request: gr.Request) -> Updates:
        """Begin with a ZIP, if it can be made at all."""
        plan = self._plan_of(given)
        with_photos = bool(given[self._with_photos]) and words.fits(plan)
        if not plan.photo_ids:
            raise QueryError("No photo is chosen: choose some first.")
        self._zips.mkdir(parents=True, exist_ok=True)
        if with_photos and not has_room(self._zips, plan.size_bytes):
            raise QueryError(
                "The album's disk has no room for this ZIP: make room, or choose fewer photos."
            )
        order = ExportOrder(plan.photo_ids, False, with_photos, bool(given[self._replace]))
        return self.begin(order, request)

    def begin(self, order: ExportOrder, request: gr.Request) -> Updates:
        """Nothing but that it begins: others may be at work."""
        return {
            self._order: order,
            **self._at_work(language_of(request)),
            self._report: "",
            self._download: gr.update(visible=False),
            self._verify: gr.update(visible=False),
            self._verified: "",
        }

    @alerts_on_failure
    def export(
        self, order: ExportOrder, work: BackgroundTask[ExportReport], request: gr.Request
    ) -> Iterator[Updates]:
        """Write, telling how far it is; ends early when somebody stops it or leaves the page."""
        language = language_of(request)
        zip_file = None if order.beside else self._new_zip()
        for step in work.steps(self._pool, partial(self._write_out, order, zip_file, work)):
            bar = words.progress(step, language, stopping=work.is_cancelled())
            yield {self._progress: bar}
        report = work.result()
        download = gr.update(visible=False)
        if zip_file is not None and zip_file.exists():
            label = say(language, "export_download", size=size(zip_file.stat().st_size))
            download = gr.update(visible=True, value=str(zip_file), label=label)
        is_there = order.beside or (zip_file is not None and zip_file.exists())
        yield {
            self._done: Done(order.photo_ids, zip_file),
            **self.rest(),
            self._report: words.report(report, language, is_there=is_there),
            self._download: download,
            self._verify: gr.update(visible=is_there),
        }

    def begin_reading(self, request: gr.Request) -> Updates:
        """The same before it is read back."""
        return {
            **self._at_work(language_of(request)),
            self._verify: gr.update(visible=False),
            self._verified: "",
        }

    @alerts_on_failure
    def verify(
        self, done: Done, work: BackgroundTask[VerifyReport], request: gr.Request
    ) -> Iterator[Updates]:
        """Read what was written into an empty library, and tell what is not the same there."""
        language = language_of(request)
        for step in work.steps(self._pool, partial(self._read_back, done, work)):
            bar = words.progress(step, language, stopping=work.is_cancelled())
            yield {self._progress: bar}
        yield {
            **self.rest_from_reading(),
            self._verified: words.verified(work.result(), language),
        }

    def stop(self, work: BackgroundTask[Any] | None) -> None:
        """End what is at work after the photo in hand, or what waits for its turn at once."""
        if work is not None:
            work.cancel()

    def rest(self) -> Updates:
        """Nothing is asked, nothing at work."""
        return {
            self._form: gr.update(visible=True),
            self._ask: gr.update(visible=False),
            self._card: gr.update(visible=False),
        }

    def rest_from_reading(self) -> Updates:
        """The same, and it can be read back again."""
        return {**self.rest(), self._verify: gr.update(visible=True)}

    def _at_work(self, language: str) -> Updates:
        return {
            self._work: BackgroundTask(),
            self._form: gr.update(visible=False),
            self._ask: gr.update(visible=False),
            self._card: gr.update(visible=True),
            self._progress: words.waiting(language),
        }

    def _plan_of(self, given: Updates) -> ExportPlan:
        return plan_of(self._album.store, self._photo_ids(given))

    def _photo_ids(self, given: Updates) -> Sequence[int] | None:
        """The photos that are chosen; None: all."""
        if given[self._which] == "found":
            shown: SearchState = given[self._shown]
            return self._album.search.all_ids(shown.query)
        if given[self._which] == "label":
            filters = SearchFilters(label=given[self._label])
            return self._album.store.matching_ids(filters).tolist() if filters.label else []
        return None

    def _new_zip(self) -> Path:
        """Where a ZIP may be made; old ones go."""
        self._zips.mkdir(parents=True, exist_ok=True)
        for folder in self._zips.iterdir():
            if folder.stat().st_mtime < time.time() - KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
        folder = self._zips / uuid.uuid4().hex
        folder.mkdir()
        return folder / f"photo-album-{date.today()}.zip"

    def _write_out(
        self, order: ExportOrder, zip_file: Path | None, work: BackgroundTask[ExportReport]
    ) -> ExportReport:
        """Runs in a thread of the pool."""
        export = PhotoExport(self._album.store, self._album.labels, self._album.originals)
        how: dict[str, Any] = {
            "replace": order.replace, "on_progress": work.report, "stopped": work.is_cancelled,
        }  # fmt: skip
        if zip_file is None:
            return export.export(None, order.photo_ids, **how)
        is_wanted = False
        try:
            report = export_zip(
                export, zip_file, order.photo_ids, with_photos=order.with_photos, **how
            )
            is_wanted = bool(report.new or report.copied) and not work.abandoned
        finally:
            if not is_wanted:
                shutil.rmtree(zip_file.parent, ignore_errors=True)
        return report

    def _read_back(self, done: Done, work: BackgroundTask[VerifyReport]) -> VerifyReport:
        """Runs in a thread of the pool."""
        album = self._album
        of_album = (album.store, album.labels, album.originals)
        if done.zip_file is None:
            return verify_export(*of_album, None, done.photo_ids, on_progress=work.report_or_cancel)
        return verify_zip(
            *of_album, done.zip_file, done.photo_ids, on_progress=work.report_or_cancel
        )


def _button(key: str, elem_id: str, **how: Any) -> gr.Button:
    return gr.Button(
        i18n(key), elem_id=elem_id, scale=0, min_width=96, **{"size": "md", **how}
    )  # fmt: skip
