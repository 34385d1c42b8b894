"""Where classes come from on the Classify tab: words, or a trained classifier."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.classification.class_list import split_classes
from album.classification.label_sources import TextClasses, TrainedClassifier
from album.domain.labels import SortOptions
from album.errors import QueryError
from album.service import Album
from album.ui.classify.results_view import join_names
from album.ui.i18n.messages import LANGUAGES, i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates
from models.interfaces import HeadCard, Wording
from models.prompts import SUBJECTS, pairs_of

ALL_SUBJECTS = "all"
WORDINGS: tuple[Wording, ...] = ("name", "sentence", "ensemble")
LEAST_STRICT, MOST_STRICT = -6.0, 6.0  # log-odds, at the least everything has a class
DECIDED = 4.0  # ends of the slider: temperatures from 16 to 1/16
CLASSES_NAMED = 30


class WordClasses:
    """Classes that are written in words, with their options."""

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="way-words", min_width=0) as self.column:
            self._classes = gr.Textbox(
                label=i18n("classes"),
                placeholder=i18n("classes_example"),
                lines=1,
                max_lines=12,
                elem_id="classes",
            )

    def build_options(self) -> None:
        """Build what few people need, at its place on the page."""
        with gr.Column(elem_id="word-options", min_width=0) as self.options:
            gr.Markdown(i18n("writing_help"), elem_classes="note")
            subjects = [(i18n(_key(subject)), subject) for subject in (*SUBJECTS, ALL_SUBJECTS)]
            with gr.Row(elem_id="word-choices"):
                self._subject = gr.Dropdown(
                    [(i18n("starting_words_none"), ""), *subjects],
                    value="",
                    label=i18n("starting_words"),
                    elem_id="starting-words",
                )
                self._wording = gr.Radio(
                    [(i18n(f"wording_{wording}"), wording) for wording in WORDINGS],
                    value="ensemble",
                    label=i18n("wording"),
                    elem_id="wording",
                )
            with gr.Row(elem_id="word-sliders"):
                self.decided = gr.Slider(
                    -DECIDED,
                    DECIDED,
                    0,
                    step=0.05,
                    buttons=[],
                    label=i18n("decided"),
                    info=i18n("decided_info"),
                    elem_id="decided",
                )
                self._strictness = gr.Slider(
                    LEAST_STRICT,
                    MOST_STRICT,
                    0,
                    step=0.25,
                    buttons=[],
                    label=i18n("strictness"),
                    info=i18n("strictness_info"),
                    elem_id="strictness",
                )
            self._fit = gr.Button(i18n("fit"), size="sm", elem_id="fit")
            self._fitted = gr.HTML(elem_id="fitted", elem_classes="note")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        boxes = [self._classes, self._subject]
        self._subject.input(self.add_words, boxes, boxes, **private)
        self._fit.click(self.fit, self.inputs, [self.decided, self._fitted], **private)

    @property
    def submit(self) -> Any:
        """The event of Enter in the box."""
        return self._classes.submit

    @property
    def inputs(self) -> set[Any]:
        """Components that `chosen` reads."""
        return {self._classes, self._wording, self.decided, self._strictness}

    @property
    def finer(self) -> list[Any]:
        """Components whose change updates the results at once."""
        return [self._wording, self.decided, self._strictness]

    def chosen(self, values: Updates) -> TextClasses:
        """Return the classes as they are written, with their options."""
        strictness = float(values[self._strictness])
        return TextClasses(
            split_classes(values[self._classes] or ""),
            SortOptions(
                temperature=2.0 ** -float(values[self.decided]),
                strictness=-math.inf if strictness <= LEAST_STRICT else strictness,
                wording=values[self._wording],
            ),
        )

    def add_words(self, classes: str, subject: str, request: gr.Request) -> tuple[str, str]:
        """Add the everyday words of a subject, in both languages."""
        first = LANGUAGES.index(language_of(request))
        lines = split_classes(classes or "").splitlines()
        known = {name.strip().casefold() for line in lines for name in line.split("|")}
        for name in SUBJECTS:
            if subject in (name, ALL_SUBJECTS):
                for pair in pairs_of(name):
                    label, other = pair[first], pair[1 - first]
                    if label.casefold() not in known:
                        lines.append(f"{label} | {other}")
        return "\n".join(lines), ""

    @alerts_on_failure
    def fit(self, values: Updates, request: gr.Request) -> Updates:
        """Set the temperature that fits the photos that people labelled."""
        report = self._album.class_evaluation.evaluate(self.chosen(values))
        if report.best_temperature is None:
            return {self._fitted: ""}
        return {
            self.decided: decided_at(report.best_temperature),
            self._fitted: say_count(language_of(request), "fitted", report.photos),
        }


class HeadClasses:
    """Classifiers that were trained on a folder of photos."""

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="way-head", visible=False, min_width=0) as self.column:
            self._none = gr.Markdown(i18n("head_none"), elem_classes="note", elem_id="no-heads")
            self.name = gr.Dropdown(
                [], label=i18n("head"), elem_id="head", visible=False, interactive=True
            )
            self._about = gr.HTML(elem_id="about-head", elem_classes="note")
        self.name.input(
            self.describe,
            self.name,
            self._about,
            api_visibility="private",
            show_progress="hidden",
        )

    def build_options(self) -> None:
        """Build what few people need, at its place on the page."""
        with gr.Column(elem_id="head-options", visible=False, min_width=0) as self.options:
            self._threshold = gr.Slider(
                0,
                1,
                0.5,
                step=0.01,
                buttons=[],
                visible=False,
                label=i18n("head_threshold"),
                info=i18n("head_threshold_info"),
                elem_id="head-threshold",
            )

    @property
    def inputs(self) -> set[Any]:
        """Components that `chosen` reads."""
        return {self.name, self._threshold}

    @property
    def finer(self) -> list[Any]:
        """Components whose change updates the results at once."""
        return [self._threshold]

    @property
    def outputs(self) -> list[Any]:
        """Components that `update_choices` changes."""
        return [self._none, self.name, self._about, self._threshold]

    def chosen(self, values: Updates) -> TrainedClassifier:
        """Return the chosen classifier.

        Raises:
            QueryError: none is chosen.
        """
        if not values[self.name]:
            raise QueryError("Choose a trained classifier first.")
        return TrainedClassifier(str(values[self.name]), float(values[self._threshold]))

    def update_choices(self, chosen: str | None, language: str) -> Updates:
        """Offer the classifiers of the album, and keep `chosen` while it exists."""
        cards = {card.name: card for card in self._album.heads.cards()}
        name = chosen if chosen in cards else next(iter(cards), None)
        choices = [
            (say(language, "head_choice", name=card.name, n=len(card.classes)), card.name)
            for card in cards.values()
        ]
        return {
            self._none: gr.update(visible=not cards),
            self.name: gr.update(choices=choices, value=name, visible=bool(cards)),
            self._about: _about(cards[name], language) if name else "",
            self._threshold: gr.update(visible=bool(cards)),
        }

    def describe(self, name: str | None, request: gr.Request) -> str:
        """Describe a classifier."""
        cards = self._album.heads.cards()
        return next((_about(card, language_of(request)) for card in cards if card.name == name), "")


def decided_at(temperature: float) -> float:
    """Return the slider's position for a softmax temperature above 0."""
    return round(max(-DECIDED, min(DECIDED, -math.log2(temperature))), 2)


def _about(card: HeadCard, language: str) -> Markup:
    facts = say(
        language,
        "head_facts",
        photos=sum(card.photos),
        accuracy=card.accuracy,
        day=card.trained_at[:10],
    )
    classes = join_names(card.classes, CLASSES_NAMED, "and_classes", language)
    return render("classify/head.html", language, facts=facts, classes=classes)


def _key(subject: str) -> str:
    return f"subject_{subject.replace(' ', '_')}"
