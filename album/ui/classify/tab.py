"""The Classify tab: which photos, which classes, look; then give the classes as labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from album.classification.evaluation import ClassReport
from album.service import Album
from album.ui.classify.apply_view import ApplyView
from album.ui.classify.class_picker import HeadClasses, WordClasses, decided_at
from album.ui.classify.deciders import Deciding, ExampleLabel, LabelSource, OnProgress
from album.ui.classify.evaluation_view import EvaluationView
from album.ui.classify.examples_view import ExamplesView, cleaned
from album.ui.classify.photo_picker import Choice, PhotoPicker
from album.ui.classify.results_view import OPEN_ON_CLICK, ResultsView
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
        self._deciding = Deciding(album)
        self._view = ResultsView(album)
        self._looked = gr.State(None)
        """What the results are of; turning a slider looks at the same once more."""
        with gr.Row(elem_id="classify-steps"):
            with gr.Column(min_width=0, elem_id="photo-step"):
                self.photos = PhotoPicker(album, uploads)
            with gr.Column(min_width=0, elem_id="class-step"):
                gr.Markdown(i18n("which_classes"), elem_classes="step")
                self._way = gr.Radio(
                    [(i18n(f"way_{it}"), it) for it in WAYS],
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
                self.verdicts = gr.HTML(elem_id="verdicts", js_on_load=OPEN_ON_CLICK)
        with gr.Column(elem_id="apply-step"):
            self.apply = ApplyView(album, self._deciding)
        with gr.Accordion(i18n("how_right"), open=False, elem_id="how-right"):
            self._evaluation = EvaluationView(album)
        self._listen(classify, whole)
        self._listen_to_evaluation()

    def _listen(self, classify: gr.Button, whole: gr.Button) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        encoding: dict[str, Any] = {
            **private, "concurrency_limit": 4, "concurrency_id": "encode",
        }  # fmt: skip
        who = self._who
        looked = [self.verdicts, self._looked, self._hint]
        for button, look, given in (
            (classify, self.classify, who | self.photos.inputs), (whole, self.sort_album, who),
        ):  # fmt: skip
            button.click(look, given, looked, show_progress_on=self.verdicts, **encoding)
        # One listener for all: while one answer is worked out only the last turn of any slider
        # waits, and no earlier answer can come after it.
        gr.on(
            [box.change for box in (*self._words.finer, *self._heads.finer)],
            self.look_again, who | {self._looked}, self.verdicts,
            trigger_mode="always_last", show_progress="hidden", **encoding,
        )  # fmt: skip
        self._way.change(
            self.turn, self._way,
            [self._words.column, self.teaching.column, self._heads.column, *looked,
             *self.apply.plan_outputs],
            queue=False, show_progress="hidden", **private,
        )  # fmt: skip
        self.apply.dry_run.click(
            self.plan, who | {self.photos.chosen, self.apply.scope}, self.apply.plan_outputs,
            **encoding,
        )  # fmt: skip
        self.teaching.apply.click(
            self.plan_album, who, self.apply.plan_outputs, **encoding
        ).success(None, js=SHOW_PLAN, **private)

    def _listen_to_evaluation(self) -> None:
        who = sorted(self._who, key=lambda it: it._id)

        def measure(*values: Any) -> ClassReport:
            way = self._way_of(dict(zip(who, values[:-1], strict=True)))
            return self._deciding.report(way, values[-1])

        self._evaluation.listen(measure, who, self.photos.chosen)
        self._evaluation.use_temperature.click(
            decided_at, self._evaluation.temperature, self._words.decided,
            api_visibility="private", show_progress="hidden",
        )  # fmt: skip

    @property
    def _who(self) -> set[Any]:
        """What says who decides."""
        taught = {self.teaching.name, self.teaching.words, self.teaching.two_stage}
        return {self._way, *self._words.inputs, *self._heads.inputs} | taught

    @property
    def clickable(self) -> list[Any]:
        """Where a click on a photo opens it."""
        return [self.verdicts, self.apply.tiles]

    @property
    def enter_outputs(self) -> list[Any]:
        """What `enter` changes."""
        return [*self._heads.outputs, self.apply.acts]

    @property
    def head(self) -> Any:
        """What `enter` wants to be given."""
        return self._heads.name

    def enter(self, head: str | None, request: gr.Request) -> Updates:
        """What others may have changed since: trained classifiers, and what was written."""
        language = language_of(request)
        return {**self._heads.offers(head, language), self.apply.acts: self.apply.told(language)}

    def turn(self, way: str) -> Updates:
        """Another way to say the classes; what was looked at before is not of it."""
        columns = (self._words.column, self.teaching.column, self._heads.column)
        return {
            **{
                column: gr.update(visible=it == way)
                for it, column in zip(WAYS, columns, strict=True)
            },
            self.verdicts: "",
            self._looked: None,
            self._hint: gr.update(visible=True),
            **self.apply.cleared(),
        }

    @alerts_on_failure
    def classify(
        self, given: Updates, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Updates:
        """What the files and photos that were chosen show."""
        language = language_of(request)
        choice = self.photos.choice(given, language)
        return self._shows(self._way_of(given), choice, language, progress)

    @alerts_on_failure
    def sort_album(
        self, given: Updates, request: gr.Request, progress: gr.Progress = gr.Progress()
    ) -> Updates:
        """The photos of the whole album, class by class."""
        whole = Choice(photo_ids=None)
        return self._shows(self._way_of(given), whole, language_of(request), progress)

    @alerts_on_failure
    def look_again(self, given: Updates, request: gr.Request) -> Updates:
        """The same photos, decided otherwise; nothing where nobody has looked yet."""
        choice: Choice | None = given[self._looked]
        if choice is None:
            return {self.verdicts: gr.skip()}
        language = language_of(request)
        return {self.verdicts: self._results(self._way_of(given), choice, language, None)}

    @alerts_on_failure
    def plan(self, given: Updates, request: gr.Request) -> Updates:
        """What labels the classes would be, before anything is written."""
        language = language_of(request)
        photo_ids: Sequence[int] | None = None
        if given[self.apply.scope] == "chosen":
            photo_ids = self.photos.of_album(given, language)
        return self.apply.shows(self._way_of(given), photo_ids, language)

    @alerts_on_failure
    def plan_album(self, given: Updates, request: gr.Request) -> Updates:
        """The same for the whole album."""
        return self.apply.shows(self._way_of(given), None, language_of(request))

    def _way_of(self, given: Updates) -> LabelSource:
        if given[self._way] == "examples":
            return ExampleLabel(
                cleaned(given[self.teaching.name]),
                cleaned(given[self.teaching.words]),
                bool(given[self.teaching.two_stage]),
            )
        if given[self._way] == "head":
            return self._heads.chosen(given)
        return self._words.chosen(given)

    def _shows(
        self, way: LabelSource, choice: Choice, language: str, progress: gr.Progress
    ) -> Updates:
        def on_progress(done: int, total: int) -> None:
            progress((done, total), say(language, "sorting_at", done=done, total=total))

        return {
            self.verdicts: self._results(way, choice, language, on_progress),
            self._looked: choice,
            self._hint: gr.update(visible=False),
        }

    def _results(
        self, way: LabelSource, choice: Choice, language: str, on_progress: OnProgress | None
    ) -> str:
        """Cards for files and a few photos, a grid for many or for all."""
        photo_ids = choice.photo_ids
        if photo_ids is None:
            return self._view.grid(self._deciding.sorting(way, None, on_progress), language)
        there = self._album.store.get_many(photo_ids)
        photo_ids = tuple(it for it in photo_ids if it in there)  # some may be gone meanwhile
        files = [path for path in choice.files if path.is_file()]
        few = photo_ids if len(photo_ids) <= MOST_CARDS else ()
        parts = ""
        if files or few:
            of_files = self._deciding.of_files(way, files) if files else []
            of_photos = self._deciding.of_photos(way, few) if few else []
            parts = self._view.cards(files, of_files, few, of_photos, language)
        if len(photo_ids) > MOST_CARDS:
            parts += self._view.grid(self._deciding.sorting(way, photo_ids, on_progress), language)
        return parts
