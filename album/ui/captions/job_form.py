"""The form that estimates and starts a caption job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup, escape

from album.domain.captions import CaptionSelection
from album.domain.labels import FAVOURITE
from album.errors import QueryError
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.photo import caption_html
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.caption_languages import LANGUAGES, caption_languages
from album.ui.shared.key_help import build_key_help, needs_key
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates
from models.errors import CaptionerUnavailableError

SELECTIONS = ("lacking", "found", "label", "by_model")


@dataclass(frozen=True, slots=True)
class AnnouncedJob:
    """The job whose estimate a browser shows."""

    selection: CaptionSelection
    languages: tuple[str, ...]
    share: bool
    photo_ids: tuple[int, ...] = ()
    """Those of the estimate, without photos that were imported since."""

    def covers(self, other: AnnouncedJob) -> bool:
        """Tell whether another job sends equal photos, in any language."""
        return (self.selection, self.share) == (other.selection, other.share)


class CaptionJobForm:
    """The form of the tab, whose `start` the tab wires."""

    def __init__(self, album: Album, shown: gr.State) -> None:
        """Build the components.

        Args:
            album: the service.
            shown: the state of the Search tab, with the last search.
        """
        self._album = album
        self._announced = gr.State(None)
        speaks = album.captions.writer.speaks
        with gr.Column(elem_id="caption-choice"):
            gr.Markdown(i18n("captions_head"), elem_classes="step")
            self.which = gr.Radio(
                [(i18n(f"captions_{name}"), name) for name in SELECTIONS],
                value="lacking",
                label=i18n("captions_which"),
                elem_id="captions-which",
            )
            self._label = gr.Dropdown(
                [],
                value=None,
                label=i18n("captions_label_of"),
                visible=False,
                elem_id="captions-label",
            )
            self._model = gr.Dropdown(
                [],
                value=None,
                label=i18n("captions_model_of"),
                visible=False,
                elem_id="captions-model",
            )
            self._again = gr.Checkbox(
                label=i18n("captions_again"), visible=False, elem_id="captions-again"
            )
            self._languages = gr.Radio(
                caption_languages(speaks),
                value=None,
                label=i18n("caption_language"),
                visible=len(speaks) > 1,
                elem_id="captions-language",
            )
            self._share = gr.Checkbox(
                value=True, label=i18n("captions_share"), elem_id="captions-share"
            )
            self._estimate = gr.HTML(elem_id="captions-estimate")
            self._is_without_key = needs_key(album) and not album.captions.writer.key_hint
            if needs_key(album):
                build_key_help()
            self.start_button = gr.Button(
                i18n("captions_start"),
                variant="primary",
                interactive=False,
                scale=0,
                elem_id="captions-start",
            )
        self._shown = shown
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [box.change for box in self._boxes],
            self.estimate,
            self.inputs,
            self.outputs,
            trigger_mode="always_last",
            concurrency_limit=2,
            concurrency_id="estimate",
            **quiet,
        )

    @property
    def _boxes(self) -> list[Any]:
        choices = [self.which, self._label, self._model, self._again]
        return [*choices, self._languages, self._share]

    @property
    def inputs(self) -> set[Any]:
        """List the components that `estimate` and `start` read."""
        return {*self._boxes, self._announced, self._shown}

    @property
    def outputs(self) -> list[Any]:
        """List the components that `enter`, `estimate` and `start` update."""
        return [
            self._announced,
            self._estimate,
            self.start_button,
            self._label,
            self._model,
            self._again,
            self._languages,
        ]

    @alerts_on_failure
    def enter(self, values: Updates, request: gr.Request) -> Updates:
        """Update the labels, the models and the estimate, which may have changed."""
        language = language_of(request)
        names, models = self._album.label_names(), self._album.caption_store.models()
        label = values[self._label] if values[self._label] in names else None
        model = values[self._model] if values[self._model] in models else None
        languages = values[self._languages] or self._default_language(language)
        values = {**values, self._label: label, self._model: model, self._languages: languages}
        updates = self._update_estimate(values, language)
        updates[self._label] = gr.update(
            choices=_named(names, language), value=label, visible=values[self.which] == "label"
        )
        choices = [(f"{model_id} ({n:,})", model_id) for model_id, n in models.items()]
        by_model = values[self.which] == "by_model"
        updates[self._model] = gr.update(choices=choices, value=model, visible=by_model)
        updates[self._languages] = languages
        return updates

    @alerts_on_failure
    def estimate(self, values: Updates, request: gr.Request) -> Updates:
        """Show what the chosen job would do and cost, without sending anything."""
        return self._update_estimate(values, language_of(request))

    @alerts_on_failure
    def start(self, values: Updates, request: gr.Request) -> Updates:
        """Start the announced job, or announce the choice if it has changed."""
        language = language_of(request)
        announced: AnnouncedJob | None = values[self._announced]
        try:
            chosen = self._chosen(values, language)
            if announced is None or not announced.covers(chosen):
                gr.Info(escape(say(language, "estimate_changed")))
                return self._update_estimate(values, language)
            selection = replace(announced.selection, photo_ids=announced.photo_ids)
            self._album.captions.start_job(selection, chosen.languages, share=announced.share)
        except (QueryError, CaptionerUnavailableError) as error:
            updates = self._update_estimate(values, language)
            return {**updates, self._estimate: _message("problem", error, language)}
        # An announcement is used once, so that a slow double click starts one job.
        return {**self._update_estimate(values, language), self._announced: None}

    def _chosen(self, values: Updates, language: str) -> AnnouncedJob:
        """Read the choices.

        Raises:
            QueryError: a choice is missing.
        """
        which, again = values[self.which], bool(values[self._again])
        if not self._album.store.count():
            raise QueryError(say(language, "captions_no_photos"))
        if which == "found":
            search: SearchState = values[self._shown]
            photo_ids = tuple(self._album.search.all_ids(search.query))
            if not photo_ids:
                raise QueryError(say(language, "captions_none_found"))
            selection = CaptionSelection(photo_ids, lacking=not again)
        elif which == "label":
            if not values[self._label]:
                raise QueryError(say(language, "captions_choose_label"))
            selection = CaptionSelection(label=values[self._label], lacking=not again)
        elif which == "by_model":
            if not values[self._model]:
                raise QueryError(say(language, "captions_choose_model"))
            selection = CaptionSelection(by_model=values[self._model])
        else:
            selection = CaptionSelection(lacking=True)
        languages = values[self._languages] or self._default_language(language)
        return AnnouncedJob(selection, LANGUAGES.get(languages, ("ko",)), bool(values[self._share]))

    def _update_estimate(self, values: Updates, language: str) -> Updates:
        which = values[self.which]
        visible: Updates = {
            self._label: gr.update(visible=which == "label"),
            self._model: gr.update(visible=which == "by_model"),
            self._again: gr.update(visible=which in ("found", "label")),
        }
        off = gr.update(value=say(language, "captions_start"), interactive=False)
        try:
            job = self._chosen(values, language)
        except QueryError as error:
            note = _message("note", error, language)
            return {**visible, self._announced: None, self._estimate: note, self.start_button: off}
        captions = self._album.captions
        estimate = captions.estimate(job.selection, job.languages, share=job.share)
        pace = captions.progress(1)
        text = caption_html.render_estimate(estimate, captions.writer, pace, language)
        problem = self._problem(language)
        button = off
        if estimate.photos and not problem:
            button = gr.update(
                value=say_count(language, "captions_start", estimate.photos), interactive=True
            )
        return {
            **visible,
            self._announced: replace(job, photo_ids=estimate.photo_ids),
            self._estimate: text + ("" if self._is_without_key else problem),
            self.start_button: button,
        }

    def _problem(self, language: str) -> str:
        """Explain why no job can be started."""
        try:
            self._album.captions.check()
        except CaptionerUnavailableError as error:
            return _message("problem", error, language)
        return ""

    def _default_language(self, language: str) -> str:
        speaks = self._album.captions.writer.speaks
        return language if language in speaks else speaks[0]


def _named(names: Sequence[str], language: str) -> list[tuple[str, str]]:
    """Pair labels with the texts that the page shows for them."""
    favourite = say(language, "favourite")
    return [(favourite if name == FAVOURITE else name, name) for name in names]


def _message(kind: str, failure: Exception, language: str) -> Markup:
    message = translate_failure(language, failure)
    return render("captions/message.html", language, kind=kind, message=message)
