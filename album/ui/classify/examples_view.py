"""Labels from examples: people mark photos as "is" or "is not", then the label is learned.

    teaching = ExamplesView(album)
    teaching.build_overview()                                       # where the labels are listed
    teaching.take_found.click(take, shown, teaching.take_outputs)   # with the results of a search

A mark is stored at once, as the person's own label or refusal. Learning writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from album.classification.class_list import parse_classes
from album.classification.few_shot import FewShotModel
from album.classification.label_sources import ExampleLabel
from album.errors import QueryError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.classify.examples_html import (
    PAIRS,
    ExampleOffer,
    examples_line,
    learned,
    note,
    question_tiles,
)
from album.ui.classify.label_table import LabelTable
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

MOST_OFFERED = 60
ASKED = 10
TEACHING_ON_LOAD = Path(__file__).with_name("examples.js").read_text("utf-8")


class ExamplesView:
    """Components and listeners. The page connects the buttons that lead elsewhere."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._offered = gr.State(ExampleOffer())
        with gr.Column(elem_id="teaching") as self.column:
            with gr.Row(elem_id="teach-label"):
                self.name = gr.Dropdown(
                    [],
                    value=None,
                    allow_custom_value=True,
                    label=i18n("teach_name"),
                    info=i18n("teach_name_info"),
                    elem_id="teach-name",
                    min_width=240,
                )
                self.words = gr.Textbox(
                    label=i18n("teach_words"),
                    info=i18n("teach_words_info"),
                    max_lines=1,
                    placeholder=i18n("teach_words_example"),
                    elem_id="teach-words",
                    min_width=240,
                )
            self.two_stage = gr.Checkbox(label=i18n("teach_two_stage"), elem_id="teach-two-stage")
            with gr.Column(elem_id="taught"):
                self._counts = gr.HTML(elem_id="teach-said")
                self._learned = gr.HTML(elem_id="teach-learned")
            self._tiles = gr.HTML(elem_id="teach-tiles", js_on_load=TEACHING_ON_LOAD, min_height=1)
            with gr.Row(elem_id="teach-buttons"):
                small: dict[str, Any] = {"size": "md", "scale": 0, "min_width": 96}
                self._learn = gr.Button(
                    i18n("teach_learn"), variant="primary", elem_id="teach-learn", **small
                )
                self._surest = gr.Button(i18n("teach_surest"), elem_id="teach-surest", **small)
                self.take_found = gr.Button(
                    i18n("teach_take_found"), elem_id="teach-take-found", **small
                )

    def build_overview(self) -> None:
        """Build the table of all labels, at its place on the page."""
        self.overview = LabelTable(self._album, self.name, self.words, self.two_stage)
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # One at a time: learning must see the mark that was set just before.
        in_turn: dict[str, Any] = {**quiet, "concurrency_limit": 1, "concurrency_id": "teach"}
        label = [self.name, self.words, self.two_stage]
        drawn = [self._counts, self._tiles]
        self._tiles.select(
            self.mark,
            [self._offered, self.name],
            [*drawn, *self.overview.outputs],
            trigger_mode="multiple",
            **in_turn,
        ).failure(self.draw, [self._offered, self.name], drawn, **quiet)
        self._tiles.load(self.draw, [self._offered, self.name], drawn, **quiet)
        for button, handler in ((self._learn, self.learn), (self._surest, self.show_surest)):
            click = button.click(handler, label, [self._offered, self._learned], **in_turn)
            click.failure(lambda: "", None, self._learned, **quiet)
            click.success(self.overview.refresh, None, self.overview.outputs, **quiet)
        self._offered.change(self.draw, [self._offered, self.name], drawn, **quiet)
        self.name.change(
            self.rename, [self._offered, self.name], [self._offered, self._learned, *drawn], **quiet
        )

    @property
    def take_outputs(self) -> list[Any]:
        """Components that `take` changes."""
        return [self._offered]

    @alerts_on_failure
    def take(self, photo_ids: Sequence[int], request: gr.Request) -> Updates:
        """Offer photos of the album to be marked."""
        return {self._offered: ExampleOffer("found", tuple(photo_ids[:MOST_OFFERED]))}

    def source(self, values: Updates) -> ExampleLabel:
        """Return the label as it stands in the boxes."""
        return ExampleLabel(
            cleaned(values[self.name]), cleaned(values[self.words]), bool(values[self.two_stage])
        )

    # Handlers

    @alerts_on_failure
    def mark(
        self, offer: ExampleOffer, name: str | None, event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Mark one photo as "is" or "is not", or clear its mark."""
        language = language_of(request)
        label = self._named(name, language)
        place = event.index if isinstance(event.index, int) else -1
        if not 0 <= place < len(offer.all_ids):
            return self.draw(offer, name, request)
        photo_id = offer.all_ids[place]
        labels = self._album.labels
        if event.value == "":
            labels.clear_label(label, [photo_id])
        else:
            store = labels.give if event.value == "is" else labels.refuse
            if not store(label, [photo_id]):
                raise QueryError(say(language, "teach_gone"))
        return {self._counts: self._examples(label, language), **self.overview.refresh(request)}

    @alerts_on_failure
    def learn(
        self, name: str | None, words: str, two_stage: bool, request: gr.Request
    ) -> Iterator[Updates]:
        """Learn from the marks, show how right that is, and offer ten more photos."""
        language = language_of(request)
        label = self._named(name, language)
        positives, negatives = self._album.labels.examples(label)
        if not len(positives):
            marked = set(map(int, negatives))
            yield {self._offered: self._first(label, words, marked), self._learned: ""}
            return
        yield {self._learned: note(say(language, "teach_learning"))}
        model = self._teach(label, words, two_stage)
        yield {
            self._offered: ExampleOffer("ask", model.ask, pairs=model.contradictions[:PAIRS]),
            self._learned: learned(model, language),
        }

    @alerts_on_failure
    def show_surest(
        self, name: str | None, words: str, two_stage: bool, request: gr.Request
    ) -> Iterator[Updates]:
        """Offer the photos that are most probably of the label."""
        language = language_of(request)
        label = self._named(name, language)
        yield {self._learned: note(say(language, "teach_learning"))}
        model = self._teach(label, words, two_stage)
        ids, shares = zip(*model.surest, strict=True) if model.surest else ((), ())
        yield {
            self._offered: ExampleOffer("surest", ids, shares),
            self._learned: learned(model, language),
        }

    @alerts_on_failure
    def draw(self, offer: ExampleOffer, name: str | None, request: gr.Request) -> Updates:
        """Show the offered photos with their marks for this label."""
        language = language_of(request)
        label = cleaned(name)
        positives, negatives = self._album.labels.examples(label) if label else ((), ())
        return {
            self._counts: examples_line(label, len(positives), len(negatives), language),
            self._tiles: question_tiles(
                self._album,
                offer,
                self._album.store.get_many(list(offer.all_ids)),
                (set(map(int, positives)), set(map(int, negatives))),
                label,
                language,
            ),
        }

    @alerts_on_failure
    def rename(self, offer: ExampleOffer, name: str | None, request: gr.Request) -> Updates:
        """Show another label, without what the one before offered and learned."""
        kept = offer if offer.source == "found" else ExampleOffer()
        return {self._offered: kept, self._learned: "", **self.draw(kept, name, request)}

    def _teach(self, label: str, words: str, two_stage: bool) -> FewShotModel:
        return self._album.teacher.teach(label, cleaned(words), two_stage=bool(two_stage))

    def _first(self, label: str, words: str, marked: Collection[int]) -> ExampleOffer:
        """Offer search results for a label that has no positive examples yet."""
        (spec,) = parse_classes(cleaned(words) or label, least=1)[:1]
        request = SearchRequest(spec.label, rest=True)  # poor matches may be right, too
        found = self._album.search.find(request, limit=ASKED + len(marked))
        ids = [hit.photo.photo_id for hit in found.hits if hit.photo.photo_id not in marked]
        return ExampleOffer("start", tuple(ids[:ASKED]))

    def _examples(self, label: str, language: str) -> str:
        positives, negatives = self._album.labels.examples(label)
        return examples_line(label, len(positives), len(negatives), language)

    def _named(self, name: str | None, language: str) -> str:
        label = cleaned(name)
        if not label:
            raise QueryError(say(language, "teach_nameless"))
        return label


def cleaned(text: object) -> str:
    """Put typed text on one line, and return "" for anything but text."""
    typed = text if isinstance(text, str) else ""
    return " ".join(typed.encode(errors="replace").decode().split())
