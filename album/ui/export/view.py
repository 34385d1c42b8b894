"""The export section: captions, labels and stars into sidecars.

Sidecars are written beside photos in the user's own folders, or into a ZIP to download. Another
folder can only be named on the command line: on the page, any visitor could have files written
anywhere on the server.

    export = ExportView(album, shown, temp_dir)
    export.section.expand(export.look, export.inputs, export.look_outputs)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from album.domain.labels import FAVOURITE
from album.domain.photo import SearchFilters
from album.errors import QueryError
from album.export.exporter import ExportReport
from album.export.plan import ExportPlan, plan_export
from album.export.verification import VerifyReport
from album.service import Album
from album.ui.export import export_html
from album.ui.export.export_job import WORKERS, ExportJobs, ExportOrder, FinishedExport
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.background_task import BackgroundTask
from album.ui.shared.photo_html import size
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates


class ExportView:
    """Components and listeners of the section."""

    def __init__(self, album: Album, shown: gr.State, temp_dir: Path) -> None:
        """Build the section.

        Args:
            album: the service.
            shown: the state of the Search tab, with the last search.
            temp_dir: Gradio's folder for files that it serves.
        """
        self._album = album
        self._shown = shown
        self._jobs = ExportJobs(album, temp_dir / "exports")
        self._order = gr.State(None)
        self._done = gr.State(None)
        self._task = gr.State(None)
        """The task that the stop button ends."""
        with (
            gr.Accordion(i18n("export_title"), open=False, elem_id="take-out") as self.section,
            gr.Column(elem_id="export"),
        ):
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
                    elem_id="export-download",
                    visible=False,
                    variant="primary",
                    size="md",
                    scale=0,
                )
                self._verify = _button("export_verify", "export-verify", visible=False)
            self._verified = gr.HTML(elem_id="export-verified")
        self._listen()

    def _build_form(self) -> None:
        with gr.Row(elem_id="export-choices"):
            with gr.Column(min_width=0):
                self._which = gr.Radio(
                    [(i18n(f"export_{name}"), name) for name in ("all", "found", "label")],
                    value="all",
                    label=i18n("export_which"),
                    elem_id="export-which",
                )
                self._label = gr.Dropdown(
                    [],
                    label=i18n("label_filter"),
                    elem_id="export-label",
                    visible=False,
                    interactive=True,
                )
            with gr.Column(min_width=0):
                self._where = gr.Radio(
                    [(i18n(f"export_{name}"), name) for name in ("zip", "beside")],
                    value="zip",
                    label=i18n("export_where"),
                    elem_id="export-where",
                )
                self._with_photos = gr.Checkbox(
                    label=i18n("export_with_photos"), elem_id="export-with-photos"
                )
                self._replace = gr.Checkbox(label=i18n("export_replace"), elem_id="export-replace")
        self._plan = gr.HTML(elem_id="export-plan")
        self._make_zip = _button("export_start_zip", "export-make-zip", variant="primary")
        self._write = _button("export_start_beside", "export-write", variant="primary")

    def _listen(self) -> None:
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # A lane of its own, so that searches do not wait for exports.
        long: dict[str, Any] = {
            **private,
            "concurrency_limit": WORKERS,
            "concurrency_id": "export",
        }
        choices = (self._which, self._label, self._where, self._with_photos, self._replace)
        gr.on(
            [choice.input for choice in choices],
            self.look,
            self.inputs,
            self.look_outputs,
            trigger_mode="always_last",
            **private,
        )
        self._write.click(
            self.ask, self.inputs, [self._order, self._form, self._ask, self._question], **private
        )
        self._no.click(self.reset, None, self._columns, **private)
        for event in (
            self._make_zip.click(self.order_zip, self.inputs, self._begin_outputs, **private),
            self._yes.click(self.begin, self._order, self._begin_outputs, **private),
        ):
            exported = event.success(
                self.export, [self._order, self._task], self._export_outputs, **long
            )
            exported.failure(self.reset, None, self._columns, **private)
        reading = [self._task, *self._columns, self._progress, self._verify, self._verified]
        verified = self._verify.click(self.begin_reading, None, reading, **private).success(
            self.verify, [self._done, self._task], reading, **long
        )
        verified.failure(self.reset_after_reading, None, [*self._columns, self._verify], **private)
        self._stop.click(self.stop, self._task, None, queue=False, **private)

    @property
    def inputs(self) -> set[Any]:
        """List the components that `look` reads."""
        return {
            self._shown,
            self._which,
            self._label,
            self._where,
            self._with_photos,
            self._replace,
        }

    @property
    def look_outputs(self) -> list[Any]:
        """List the components that `look` updates."""
        return [
            self._label,
            self._where,
            self._with_photos,
            self._plan,
            self._make_zip,
            self._write,
        ]

    @property
    def _columns(self) -> list[Any]:
        return [self._form, self._ask, self._card]

    @property
    def _begin_outputs(self) -> list[Any]:
        return [
            self._order,
            self._task,
            *self._columns,
            self._progress,
            self._report,
            self._download,
            self._verify,
            self._verified,
        ]

    @property
    def _export_outputs(self) -> list[Any]:
        return [
            self._done,
            *self._columns,
            self._progress,
            self._report,
            self._download,
            self._verify,
        ]

    # What the listeners do

    @alerts_on_failure
    def look(self, values: Updates, request: gr.Request) -> Updates:
        """Update the choices, and describe what the chosen export would write."""
        language = language_of(request)
        has_beside = bool(plan_export(self._album.store, None).in_place)
        beside = has_beside and values[self._where] == "beside"
        labels = self._album.label_names()
        label = values[self._label] if values[self._label] in labels else next(iter(labels), None)
        plan = self._plan_of({**values, self._label: label})
        favourite = say(language, "favourite")
        return {
            self._label: gr.update(
                choices=[(favourite if name == FAVOURITE else name, name) for name in labels],
                value=label,
                visible=values[self._which] == "label",
            ),
            self._where: gr.update(visible=has_beside, value="beside" if beside else "zip"),
            self._with_photos: gr.update(visible=not beside and export_html.fits(plan)),
            self._plan: export_html.planned(
                plan,
                beside=beside,
                with_photos=bool(values[self._with_photos]),
                replace=bool(values[self._replace]),
                language=language,
            ),
            self._make_zip: gr.update(visible=not beside),
            self._write: gr.update(visible=beside),
        }

    @alerts_on_failure
    def ask(self, values: Updates, request: gr.Request) -> Updates:
        """Ask for confirmation before writing into the user's own folders."""
        plan = self._plan_of(values)
        if not plan.in_place:
            raise QueryError("None of these photos lies in a folder of yours: make a ZIP instead.")
        order = ExportOrder(plan.in_place, True, False, bool(values[self._replace]))
        question = export_html.question(plan, language_of(request), replace=order.replace)
        return {
            self._order: order,
            self._form: gr.update(visible=False),
            self._ask: gr.update(visible=True),
            self._question: question,
        }

    @alerts_on_failure
    def order_zip(self, values: Updates, request: gr.Request) -> Updates:
        """Start the export of a ZIP."""
        plan = self._plan_of(values)
        with_photos = bool(values[self._with_photos]) and export_html.fits(plan)
        if not plan.photo_ids:
            raise QueryError("No photo is chosen: choose some first.")
        if with_photos:
            self._jobs.refuse_full_disk(plan.size_bytes)
        order = ExportOrder(plan.photo_ids, False, with_photos, bool(values[self._replace]))
        return self.begin(order, request)

    def begin(self, order: ExportOrder, request: gr.Request) -> Updates:
        """Show the progress card before a worker is free."""
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
        self, order: ExportOrder, task: BackgroundTask[ExportReport], request: gr.Request
    ) -> Iterator[Updates]:
        """Export and show the progress until done, stopped or abandoned."""
        language = language_of(request)
        zip_file = None if order.beside else self._jobs.new_zip()
        for step in self._jobs.export(order, zip_file, task):
            bar = export_html.progress(step, language, stopping=task.is_cancelled())
            yield {self._progress: bar}
        report = task.result()
        download = gr.update(visible=False)
        if zip_file is not None and zip_file.exists():
            label = say(language, "export_download", size=size(zip_file.stat().st_size))
            download = gr.update(visible=True, value=str(zip_file), label=label)
        is_there = order.beside or (zip_file is not None and zip_file.exists())
        yield {
            self._done: FinishedExport(order.photo_ids, zip_file),
            **self.reset(),
            self._report: export_html.report(report, language, is_there=is_there),
            self._download: download,
            self._verify: gr.update(visible=is_there),
        }

    def begin_reading(self, request: gr.Request) -> Updates:
        """Show the progress card before an export is read back."""
        return {
            **self._at_work(language_of(request)),
            self._verify: gr.update(visible=False),
            self._verified: "",
        }

    @alerts_on_failure
    def verify(
        self, done: FinishedExport, task: BackgroundTask[VerifyReport], request: gr.Request
    ) -> Iterator[Updates]:
        """Read the export into an empty library, and show the differences."""
        language = language_of(request)
        for step in self._jobs.verify(done, task):
            bar = export_html.progress(step, language, stopping=task.is_cancelled())
            yield {self._progress: bar}
        yield {
            **self.reset_after_reading(),
            self._verified: export_html.verified(task.result(), language),
        }

    def stop(self, task: BackgroundTask[Any] | None) -> None:
        """Stop a task after the photo in work."""
        if task is not None:
            task.cancel()

    def reset(self) -> Updates:
        """Show the form again."""
        return {
            self._form: gr.update(visible=True),
            self._ask: gr.update(visible=False),
            self._card: gr.update(visible=False),
        }

    def reset_after_reading(self) -> Updates:
        """Show the form and the button that reads the export back."""
        return {**self.reset(), self._verify: gr.update(visible=True)}

    def _at_work(self, language: str) -> Updates:
        return {
            self._task: BackgroundTask(),
            self._form: gr.update(visible=False),
            self._ask: gr.update(visible=False),
            self._card: gr.update(visible=True),
            self._progress: export_html.waiting(language),
        }

    def _plan_of(self, values: Updates) -> ExportPlan:
        return plan_export(self._album.store, self._photo_ids(values))

    def _photo_ids(self, values: Updates) -> Sequence[int] | None:
        """List the chosen photos, or return None for all."""
        if values[self._which] == "found":
            search: SearchState = values[self._shown]
            return self._album.search.all_ids(search.query)
        if values[self._which] == "label":
            filters = SearchFilters(label=values[self._label])
            return self._album.store.matching_ids(filters).tolist() if filters.label else []
        return None


def _button(key: str, elem_id: str, **options: Any) -> gr.Button:
    options = {"size": "md", **options}
    return gr.Button(i18n(key), elem_id=elem_id, scale=0, min_width=96, **options)
