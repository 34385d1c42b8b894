"""The Classify tab: say what to sort by, look, then write the classes as labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.classification.evaluation import ClassReport
from album.classification.label_sources import LabelSource, OnProgress, TextClasses
from album.errors import QueryError
from album.service import Album
from album.ui.classify.apply_view import ApplyView
from album.ui.classify.class_picker import HeadClasses, WordClasses, decided_at
from album.ui.classify.evaluation_view import EvaluationView
from album.ui.classify.examples_view import ExamplesView
from album.ui.classify.photo_picker import Choice, PhotoPicker
from album.ui.classify.results_view import ResultsView
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder

MOST_CARDS = 60
WAYS = ("words", "examples", "head")
SHOW_PLAN = "() => { document.querySelector('#plan')?.scrollIntoView({block: 'nearest'}); }"


@dataclass(frozen=True, slots=True)
class Sorted:
    """What the results show, and what becomes labels."""

    source: LabelSource
    choice: Choice

    @property
    def has_album_photos(self) -> bool:
        """Tell whether there is a photo that can get a label."""
        return self.choice.photo_ids is None or bool(self.choice.photo_ids)


def teach_where_asked(event: gr.SelectData) -> Any:
    """Choose the way by examples when a label of the table is to be taught."""
    return "examples" if event.value == "teach" else gr.skip()


class ClassifyTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._view = ResultsView(album)
        self._sorted = gr.State(None)
        """The `Sorted` of the results, None without any."""
        gr.Markdown(i18n("classify_title"), elem_id="classify-title")
        with gr.Row(elem_id="classify-bar"):
            self._words = WordClasses(album)
            self.teaching = ExamplesView(album)
            self.teaching.column.visible = False
            self._heads = HeadClasses(album)
            sort = gr.Button(
                i18n("classify_now"), variant="primary", elem_id="classify-now", size="md"
            )
        self.photos = PhotoPicker(album, uploads)
        with gr.Accordion(i18n("finer"), open=False, elem_id="finer"):
            self._way = gr.Radio(
                [(i18n(f"way_{way}"), way) for way in WAYS],
                value="words",
                label=i18n("way"),
                elem_id="way",
            )
            self._words.build_options()
            self._heads.build_options()
        with gr.Column(elem_id="apply-step"):
            self.apply = ApplyView(album)
        self.verdicts = gr.HTML(elem_id="verdicts")
        self.apply.build_history()
        with gr.Accordion(i18n("labels_all"), open=False, elem_id="labels-so-far"):
            self.teaching.build_overview()
        with gr.Accordion(i18n("how_right"), open=False, elem_id="how-right"):
            self._evaluation = EvaluationView(album)
        self._listen(sort)
        self._listen_to_evaluation()

    def _listen(self, sort: gr.Button) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        encoding: dict[str, Any] = {
            **private,
            "concurrency_limit": 4,
            "concurrency_id": "encode",
        }
        boxes = self._source_inputs
        results = [self.verdicts, self._sorted, *self.apply.plan_outputs]
        for event in (sort.click, self._words.submit):
            event(
                self.sort,
                boxes | self.photos.inputs,
                results,
                show_progress_on=self.verdicts,
                **encoding,
            )
        # One listener for all: while it works, only the last turn of any slider waits, so no
        # earlier answer can come after it.
        gr.on(
            [box.change for box in (*self._words.finer, *self._heads.finer)],
            self.sort_again,
            boxes | {self._sorted},
            results,
            trigger_mode="always_last",
            show_progress="hidden",
            **encoding,
        )
        self._way.change(
            self.choose_way,
            self._way,
            [*self._columns, *self._options, *results],
            queue=False,
            show_progress="hidden",
            **private,
        )
        self.apply.preview.click(
            self.plan, self._sorted, self.apply.plan_outputs, **encoding
        ).success(None, js=SHOW_PLAN, **private)

        overview = self.teaching.overview
        self.apply.written.change(
            overview.refresh, None, overview.outputs, show_progress="hidden", **private
        )
        overview.list.select(teach_where_asked, None, self._way, show_progress="hidden", **private)

    def _listen_to_evaluation(self) -> None:
        boxes = sorted(self._source_inputs, key=lambda box: box._id)

        def measure(*values: Any) -> ClassReport:
            source = self._source(dict(zip(boxes, values[:-1], strict=True)))
            return self._album.class_evaluation.evaluate(source, values[-1])

        self._evaluation.listen(measure, boxes, self.photos.chosen)
        self._evaluation.use_temperature.click(
            decided_at,
            self._evaluation.temperature,
            self._words.decided,
            api_visibility="private",
            show_progress="hidden",
        )

    @property
    def _source_inputs(self) -> set[Any]:
        """Components that `_source` reads."""
        taught = {self.teaching.name, self.teaching.words, self.teaching.two_stage}
        return {self._way, *self._words.inputs, *self._heads.inputs} | taught

    @property
    def _columns(self) -> tuple[gr.Column, ...]:
        """The columns of `WAYS`, in their order."""
        return self._words.column, self.teaching.column, self._heads.column

    @property
    def _options(self) -> dict[gr.Column, str]:
        """The ways that have options, by the column of these."""
        return {self._words.options: "words", self._heads.options: "head"}

    @property
    def enter_inputs(self) -> list[Any]:
        """Components that `enter` reads."""
        return [self._heads.name, self.photos.files, self.photos.chosen]

    @property
    def enter_outputs(self) -> list[Any]:
        """Components that `enter` changes."""
        return [
            *self._heads.outputs,
            *self.photos.outputs,
            *self.teaching.overview.outputs,
            self.apply.acts,
        ]

    def enter(
        self,
        head: str | None,
        files: list[str] | None,
        chosen: tuple[int, ...],
        request: gr.Request,
    ) -> Updates:
        """Refresh what may have changed elsewhere, such as labels and trained classifiers."""
        language = language_of(request)
        return {
            **self._heads.update_choices(head, language),
            **self.photos.refresh(files, chosen, language),
            **self.teaching.overview.refresh(request),
            self.apply.acts: self.apply.changes_html(language),
        }

    def choose_way(self, way: str) -> Updates:
        """Show the boxes of a kind of label source, without results of the one before."""
        return {
            **{
                column: gr.update(visible=name == way)
                for name, column in zip(WAYS, self._columns, strict=True)
            },
            **{column: gr.update(visible=name == way) for column, name in self._options.items()},
            self.verdicts: "",
            self._sorted: None,
            **self.apply.clear_plan(can_apply=False),
        }

    @alerts_on_failure
    def sort(
        self, values: Updates, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Updates:
        """Sort the chosen files and photos, or the whole album."""
        language = language_of(request)

        def on_progress(done: int, total: int) -> None:
            progress((done, total), say(language, "sorting_at", done=done, total=total))

        sorted_ = Sorted(self._source(values), self.photos.choice(values, language))
        return self._show(sorted_, language, on_progress)

    @alerts_on_failure
    def sort_again(self, values: Updates, request: gr.Request) -> Updates:
        """Sort the photos of the results again, if there are any, with other options."""
        before: Sorted | None = values[self._sorted]
        if before is None:
            return {self.verdicts: gr.skip()}
        source = self._source(values)
        if isinstance(source, TextClasses) and isinstance(before.source, TextClasses):
            source = replace(source, classes=before.source.classes)  # the box may be half written
        return self._show(replace(before, source=source), language_of(request), None)

    @alerts_on_failure
    def plan(self, sorted_: Sorted | None, request: gr.Request) -> Updates:
        """Plan what the results show as labels, before anything is written."""
        language = language_of(request)
        if sorted_ is None or not sorted_.has_album_photos:
            raise QueryError(say(language, "nothing_sorted"))
        return self.apply.show_plan(sorted_.source, sorted_.choice.photo_ids, language)

    def _source(self, values: Updates) -> LabelSource:
        if values[self._way] == "examples":
            return self.teaching.source(values)
        if values[self._way] == "head":
            return self._heads.chosen(values)
        return self._words.chosen(values)

    def _show(self, sorted_: Sorted, language: str, on_progress: OnProgress | None) -> Updates:
        return {
            self.verdicts: self._results(sorted_.source, sorted_.choice, language, on_progress),
            self._sorted: sorted_,
            **self.apply.clear_plan(can_apply=sorted_.has_album_photos),
        }

    def _results(
        self, source: LabelSource, choice: Choice, language: str, on_progress: OnProgress | None
    ) -> str:
        """Render cards for files and a few photos, a grid for many or for all."""
        services = self._album.sources
        photo_ids = choice.photo_ids
        if photo_ids is None:
            return self._view.grid(source.sort(services, None, on_progress), language)
        photos = self._album.store.get_many(photo_ids)
        photo_ids = tuple(photo_id for photo_id in photo_ids if photo_id in photos)
        files = [path for path in choice.files if path.is_file()]
        few = photo_ids if len(photo_ids) <= MOST_CARDS else ()
        html = Markup()
        if files or few:
            of_files = source.classify_files(services, files) if files else []
            of_photos = source.classify_photos(services, few) if few else []
            html = self._view.cards(files, of_files, few, of_photos, language)
        if len(photo_ids) > MOST_CARDS:
            sorting = source.sort(services, photo_ids, on_progress)
            html += self._view.grid(sorting, language)
        return html
