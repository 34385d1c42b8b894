"""The Classify tab: choose photos and classes, look, then write the classes as labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.classification.evaluation import ClassReport
from album.classification.label_sources import LabelSource, OnProgress
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


class ClassifyTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._view = ResultsView(album)
        self._looked = gr.State(None)
        """The photos of the results, which a turned slider classifies again."""
        with gr.Row(elem_id="classify-steps"):
            with gr.Column(min_width=0, elem_id="photo-step"):
                self.photos = PhotoPicker(album, uploads)
            with gr.Column(min_width=0, elem_id="class-step"):
                gr.Markdown(i18n("which_classes"), elem_classes="step")
                self._way = gr.Radio(
                    [(i18n(f"way_{way}"), way) for way in WAYS],
                    value="words",
                    label=i18n("way"),
                    show_label=False,
                    elem_id="way",
                )
                self._words = WordClasses(album)
                self._heads = HeadClasses(album)
                self.teaching = ExamplesView(album)
                self.teaching.column.visible = False
                with gr.Row(elem_id="classify-buttons"):
                    classify = gr.Button(
                        i18n("classify_now"), variant="primary", elem_id="classify-now", size="md"
                    )
                    whole = gr.Button(i18n("best_per_class"), elem_id="best-per-class", size="md")
            with gr.Column(min_width=0, elem_id="look-step"):
                gr.Markdown(i18n("look"), elem_classes="step")
                self._hint = gr.Markdown(i18n("look_begins"), elem_classes="note")
                self.verdicts = gr.HTML(elem_id="verdicts")
        with gr.Column(elem_id="apply-step"):
            self.apply = ApplyView(album)
        with gr.Accordion(i18n("how_right"), open=False, elem_id="how-right"):
            self._evaluation = EvaluationView(album)
        self._listen(classify, whole)
        self._listen_to_evaluation()

    def _listen(self, classify: gr.Button, whole: gr.Button) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        encoding: dict[str, Any] = {
            **private,
            "concurrency_limit": 4,
            "concurrency_id": "encode",
        }
        boxes = self._source_inputs
        looked = [self.verdicts, self._looked, self._hint]
        for button, handler, inputs in (
            (classify, self.classify, boxes | self.photos.inputs),
            (whole, self.sort_album, boxes),
        ):
            button.click(handler, inputs, looked, show_progress_on=self.verdicts, **encoding)
        # One listener for all: while it works, only the last turn of any slider waits, so no
        # earlier answer can come after it.
        gr.on(
            [box.change for box in (*self._words.finer, *self._heads.finer)],
            self.look_again,
            boxes | {self._looked},
            self.verdicts,
            trigger_mode="always_last",
            show_progress="hidden",
            **encoding,
        )
        self._way.change(
            self.choose_way,
            self._way,
            [*self._columns, *looked, *self.apply.plan_outputs],
            queue=False,
            show_progress="hidden",
            **private,
        )
        self.apply.dry_run.click(
            self.plan,
            boxes | {self.photos.chosen, self.apply.scope},
            self.apply.plan_outputs,
            **encoding,
        )
        self.teaching.apply.click(
            self.plan_album, boxes, self.apply.plan_outputs, **encoding
        ).success(None, js=SHOW_PLAN, **private)

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
    def enter_outputs(self) -> list[Any]:
        """Components that `enter` changes."""
        return [*self._heads.outputs, self.apply.acts]

    @property
    def head(self) -> Any:
        """The component that `enter` reads."""
        return self._heads.name

    def enter(self, head: str | None, request: gr.Request) -> Updates:
        """Refresh what may have changed elsewhere: trained classifiers, and label changes."""
        language = language_of(request)
        return {
            **self._heads.update_choices(head, language),
            self.apply.acts: self.apply.changes_html(language),
        }

    def choose_way(self, way: str) -> Updates:
        """Show the boxes of a kind of label source, without results of the one before."""
        return {
            **{
                column: gr.update(visible=name == way)
                for name, column in zip(WAYS, self._columns, strict=True)
            },
            self.verdicts: "",
            self._looked: None,
            self._hint: gr.update(visible=True),
            **self.apply.clear_plan(),
        }

    @alerts_on_failure
    def classify(
        self, values: Updates, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Updates:
        """Classify the chosen files and photos."""
        language = language_of(request)
        choice = self.photos.choice(values, language)
        return self._show(self._source(values), choice, language, progress)

    @alerts_on_failure
    def sort_album(
        self, values: Updates, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Updates:
        """Classify the whole album."""
        whole = Choice(photo_ids=None)
        return self._show(self._source(values), whole, language_of(request), progress)

    @alerts_on_failure
    def look_again(self, values: Updates, request: gr.Request) -> Updates:
        """Classify the photos of the results again, if there are any."""
        choice: Choice | None = values[self._looked]
        if choice is None:
            return {self.verdicts: gr.skip()}
        language = language_of(request)
        return {self.verdicts: self._results(self._source(values), choice, language, None)}

    @alerts_on_failure
    def plan(self, values: Updates, request: gr.Request) -> Updates:
        """Plan labels, before anything is written."""
        language = language_of(request)
        photo_ids: Sequence[int] | None = None
        if values[self.apply.scope] == "chosen":
            photo_ids = self.photos.of_album(values, language)
        return self.apply.show_plan(self._source(values), photo_ids, language)

    @alerts_on_failure
    def plan_album(self, values: Updates, request: gr.Request) -> Updates:
        """Plan labels for the whole album."""
        return self.apply.show_plan(self._source(values), None, language_of(request))

    def _source(self, values: Updates) -> LabelSource:
        if values[self._way] == "examples":
            return self.teaching.source(values)
        if values[self._way] == "head":
            return self._heads.chosen(values)
        return self._words.chosen(values)

    def _show(
        self, source: LabelSource, choice: Choice, language: str, progress: gr.Progress
    ) -> Updates:
        def on_progress(done: int, total: int) -> None:
            progress((done, total), say(language, "sorting_at", done=done, total=total))

        return {
            self.verdicts: self._results(source, choice, language, on_progress),
            self._looked: choice,
            self._hint: gr.update(visible=False),
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
