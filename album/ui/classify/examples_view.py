"""Teaching a label by pointing at photos: "is" and "is not", then it learns and asks for more.

    teaching = ExamplesView(album)
    teaching.take_found.click(take, shown, teaching.take_outputs)   # whoever knows what was found
    teaching.apply.click(plan, [teaching.name, teaching.words, teaching.two_stage], ...)

What somebody says is kept at once, as the person's own label or refusal; learning writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from album.classification.class_list import parse_classes
from album.classification.few_shot import FewShotModel
from album.domain.labels import LabelPlan
from album.errors import QueryError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.classify.examples_html import (
    PAIRS,
    ExampleOffer,
    examples_line,
    learned,
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
    """Components and listeners; what leads elsewhere is wired by whoever places them."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._offered = gr.State(ExampleOffer())
        with gr.Column(elem_id="teaching") as self.column:
            with gr.Row(elem_id="teach-label"):
                self.name = gr.Dropdown(
                    [], value=None, allow_custom_value=True, label=i18n("teach_name"),
                    info=i18n("teach_name_info"), elem_id="teach-name", min_width=240,
                )  # fmt: skip
                self.words = gr.Textbox(
                    label=i18n("teach_words"), info=i18n("teach_words_info"), max_lines=1,
                    placeholder=i18n("teach_words_example"), elem_id="teach-words", min_width=240,
                )  # fmt: skip
            self.two_stage = gr.Checkbox(label=i18n("teach_two_stage"), elem_id="teach-two-stage")
            with gr.Column(elem_id="taught"):
                self._said = gr.HTML(elem_id="teach-said")
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
                self.apply = gr.Button(i18n("teach_apply"), elem_id="teach-apply", **small)
            self.overview = LabelTable(album, self.name, self.words, self.two_stage)
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # One after the other: learning must know what was said just before.
        in_turn: dict[str, Any] = {**quiet, "concurrency_limit": 1, "concurrency_id": "teach"}
        label = [self.name, self.words, self.two_stage]
        drawn = [self._said, self._tiles]
        self._tiles.select(
            self.mark,
            [self._offered, self.name],
            [*drawn, *self.overview.outputs],
            trigger_mode="multiple",
            **in_turn,
        ).failure(self.draw, [self._offered, self.name], drawn, **quiet)
        self._tiles.load(self.draw, [self._offered, self.name], drawn, **quiet)
        for button, ask in ((self._learn, self.learn), (self._surest, self.show_surest)):
            asked = button.click(ask, label, [self._offered, self._learned], **in_turn)
            asked.failure(lambda: "", None, self._learned, **quiet)
            asked.success(self.overview.refresh, None, self.overview.outputs, **quiet)
        self._offered.change(self.draw, [self._offered, self.name], drawn, **quiet)
        self.name.change(
            self.rename, [self._offered, self.name], [self._offered, self._learned, *drawn], **quiet
        )

    @property
    def take_outputs(self) -> list[Any]:
        """What `take` returns updates for."""
        return [self._offered]

    @alerts_on_failure
    def take(self, photo_ids: Sequence[int], request: gr.Request) -> Updates:
        """Ask about these photos of the album."""
        return {self._offered: ExampleOffer("found", tuple(photo_ids[:MOST_OFFERED]))}

    def plan(self, name: str, words: str, two_stage: bool) -> LabelPlan:
        """A dry run over the whole album.

        Raises:
            QueryError: no name, or no examples.
        """
        return self._album.labelling.plan_examples(
            cleaned(name), cleaned(words), two_stage=bool(two_stage)
        )

    # What the listeners do

    @alerts_on_failure
    def mark(
        self, offer: ExampleOffer, name: str | None, event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Somebody says of one photo that it is, is not, or that nothing was said."""
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
            say_so = labels.give if event.value == "is" else labels.refuse
            if not say_so(label, [photo_id]):
                raise QueryError(say(language, "teach_gone"))
        return {self._said: self._examples(label, language), **self.overview.refresh(request)}

    @alerts_on_failure
    def learn(
        self, name: str | None, words: str, two_stage: bool, request: gr.Request
    ) -> Iterator[Updates]:
        """Learn from what was said, tell how right that is, and ask about ten more."""
        language = language_of(request)
        label = self._named(name, language)
        positives, negatives = self._album.labels.examples(label)
        if not len(positives):
            said = set(map(int, negatives))
            yield {self._offered: self._first(label, words, said), self._learned: ""}
            return
        yield {self._learned: _note(say(language, "teach_learning"))}
        taught = self._teach(label, words, two_stage)
        yield {
            self._offered: ExampleOffer("ask", taught.ask, pairs=taught.contradictions[:PAIRS]),
            self._learned: learned(taught, language),
        }

    @alerts_on_failure
    def show_surest(
        self, name: str | None, words: str, two_stage: bool, request: gr.Request
    ) -> Iterator[Updates]:
        """The photos that it would give the label first."""
        language = language_of(request)
        label = self._named(name, language)
        yield {self._learned: _note(say(language, "teach_learning"))}
        taught = self._teach(label, words, two_stage)
        ids, shares = zip(*taught.surest, strict=True) if taught.surest else ((), ())
        yield {
            self._offered: ExampleOffer("surest", ids, shares),
            self._learned: learned(taught, language),
        }

    @alerts_on_failure
    def draw(self, offer: ExampleOffer, name: str | None, request: gr.Request) -> Updates:
        """The offered photos, with what was said of them under this name."""
        language = language_of(request)
        label = cleaned(name)
        positives, negatives = self._album.labels.examples(label) if label else ((), ())
        return {
            self._said: examples_line(label, len(positives), len(negatives), language),
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
        """Another label: what the one before asked and had learned is not its own."""
        kept = offer if offer.source == "found" else ExampleOffer()
        return {self._offered: kept, self._learned: "", **self.draw(kept, name, request)}

    def _teach(self, label: str, words: str, two_stage: bool) -> FewShotModel:
        return self._album.teacher.teach(label, cleaned(words), two_stage=bool(two_stage))

    def _first(self, label: str, words: str, said: Collection[int]) -> ExampleOffer:
        """What searching for the label finds, for one that no photo has from a person yet."""
        (spec,) = parse_classes(cleaned(words) or label, least=1)[:1]
        question = SearchRequest(spec.label, rest=True)  # also what hardly matches: any may be it
        found = self._album.search.find(question, limit=ASKED + len(said))
        ids = [hit.photo.photo_id for hit in found.hits if hit.photo.photo_id not in said]
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
    """What somebody typed, on one line; "" for anything else."""
    typed = text if isinstance(text, str) else ""
    return " ".join(typed.encode(errors="replace").decode().split())


def _note(words: str) -> str:
    return f'<p class="note">{words}</p>'
