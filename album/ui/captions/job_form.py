"""Which photos are to get captions: chosen, told with what that costs and sends, then begun."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from album.domain.captions import CaptionSelection, JobEstimate
from album.domain.labels import FAVOURITE
from album.errors import QueryError
from album.service import Album
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.photo import caption_html
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.caption_languages import LANGUAGES, caption_languages
from album.ui.shared.session_state import SearchState
from album.ui.shared.updates import Updates
from models.errors import CaptionerUnavailableError

WHICH = ("lacking", "found", "label", "by_model")
PROGRESS_OF_NONE = 1


@dataclass(frozen=True, slots=True)
class AnnouncedJob:
    """What a browser was told; it starts this, or is told anew."""

    wanted: CaptionSelection
    languages: tuple[str, ...]
    share: bool
    photo_ids: tuple[int, ...] = ()
    """The photos that it came to then: those that an import adds meanwhile were not told."""

    def promises(self, other: AnnouncedJob) -> bool:
        """Whether the other sends the same, though for captions in another language perhaps."""
        return (self.wanted, self.share) == (other.wanted, other.share)


class CaptionJobForm:
    """The upper part of the tab; `start` is wired on by whoever places it."""

    def __init__(self, album: Album, shown: gr.State) -> None:
        """Build the components.

        Args:
            album: the service.
            shown: what this browser found in Search last.
        """
        self._album = album
        self._told = gr.State(None)
        speaks = album.captions.writer.speaks
        with gr.Column(elem_id="caption-choice"):
            gr.Markdown(i18n("captions_head"), elem_classes="step")
            self.which = gr.Radio(
                [(i18n(f"captions_{it}"), it) for it in WHICH],
                value="lacking", label=i18n("captions_which"), elem_id="captions-which",
            )  # fmt: skip
            self._label = gr.Dropdown(
                [], value=None, label=i18n("captions_label_of"), visible=False,
                elem_id="captions-label",
            )  # fmt: skip
            self._model = gr.Dropdown(
                [], value=None, label=i18n("captions_model_of"), visible=False,
                elem_id="captions-model",
            )  # fmt: skip
            self._again = gr.Checkbox(
                label=i18n("captions_again"), visible=False, elem_id="captions-again"
            )
            self._languages = gr.Radio(
                caption_languages(speaks),
                value=None, label=i18n("caption_language"), visible=len(speaks) > 1,
                elem_id="captions-language",
            )  # fmt: skip
            self._share = gr.Checkbox(
                value=True, label=i18n("captions_share"), elem_id="captions-share"
            )
            self._estimate = gr.HTML(elem_id="captions-estimate")
            self.start_button = gr.Button(
                i18n("captions_start"), variant="primary", interactive=False, scale=0,
                elem_id="captions-start",
            )  # fmt: skip
        self._shown = shown
        self._listen()

    def _listen(self) -> None:
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        boxes: list[Any] = [
            self.which,
            self._label,
            self._model,
            self._again,
            self._languages,
            self._share,
        ]
        gr.on(
            [it.change for it in boxes], self.tell, self.inputs, self.outputs,
            trigger_mode="always_last", concurrency_limit=2, concurrency_id="estimate", **quiet,
        )  # fmt: skip

    @property
    def inputs(self) -> set[Any]:
        """What `tell` and `start` want to be given."""
        return {
            self.which, self._label, self._model, self._again, self._languages, self._share,
            self._told, self._shown,
        }  # fmt: skip

    @property
    def outputs(self) -> list[Any]:
        """What `enter`, `tell` and `start` return updates for."""
        return [
            self._told, self._estimate, self.start_button, self._label, self._model, self._again,
            self._languages,
        ]  # fmt: skip

    @alerts_on_failure
    def enter(self, given: Updates, request: gr.Request) -> Updates:
        """What others may have changed since: labels, models, photos without a caption."""
        language = language_of(request)
        names, models = self._album.label_names(), self._album.caption_store.models()
        label = given[self._label] if given[self._label] in names else None
        model = given[self._model] if given[self._model] in models else None
        spoken = given[self._languages] or self._language_at_first(language)
        given = {**given, self._label: label, self._model: model, self._languages: spoken}
        told = self._tell(given, language)
        told[self._label] = gr.update(
            choices=_named(names, language), value=label, visible=given[self.which] == "label"
        )
        choices = [(f"{it} ({n:,})", it) for it, n in models.items()]
        by_model = given[self.which] == "by_model"
        told[self._model] = gr.update(choices=choices, value=model, visible=by_model)
        told[self._languages] = spoken
        return told

    @alerts_on_failure
    def tell(self, given: Updates, request: gr.Request) -> Updates:
        """What a job of these would do and cost; nothing is sent."""
        return self._tell(given, language_of(request))

    @alerts_on_failure
    def start(self, given: Updates, request: gr.Request) -> Updates:
        """Begin what was told; where something else is chosen by now, that is told first."""
        language = language_of(request)
        told: AnnouncedJob | None = given[self._told]
        asked = self._asked(given, language)
        if told is None or not told.promises(asked):
            gr.Info(html.escape(say(language, "estimate_changed")))
            return self._tell(given, language)
        wanted = replace(told.wanted, photo_ids=told.photo_ids)
        self._album.captions.start_job(wanted, asked.languages, share=told.share)
        # Told once, it starts once: the other half of a slow double click begins nothing.
        return {**self._tell(given, language), self._told: None}

    def _asked(self, given: Updates, language: str) -> AnnouncedJob:
        """What is chosen now.

        Raises:
            QueryError: a choice is missing.
        """
        which, again = given[self.which], bool(given[self._again])
        if which == "found":
            shown: SearchState = given[self._shown]
            photo_ids = tuple(self._album.search.all_ids(shown.query))
            if not photo_ids:
                raise QueryError(say(language, "captions_none_found"))
            wanted = CaptionSelection(photo_ids, lacking=not again)
        elif which == "label":
            if not given[self._label]:
                raise QueryError(say(language, "captions_choose_label"))
            wanted = CaptionSelection(label=given[self._label], lacking=not again)
        elif which == "by_model":
            if not given[self._model]:
                raise QueryError(say(language, "captions_choose_model"))
            wanted = CaptionSelection(by_model=given[self._model])
        else:
            wanted = CaptionSelection(lacking=True)
        spoken = given[self._languages] or self._language_at_first(language)
        return AnnouncedJob(wanted, LANGUAGES.get(spoken, ("ko",)), bool(given[self._share]))

    def _tell(self, given: Updates, language: str) -> Updates:
        which = given[self.which]
        seen: Updates = {
            self._label: gr.update(visible=which == "label"),
            self._model: gr.update(visible=which == "by_model"),
            self._again: gr.update(visible=which in ("found", "label")),
        }
        off = gr.update(value=say(language, "captions_start"), interactive=False)
        try:
            told = self._asked(given, language)
        except QueryError as error:
            note = f'<p class="note">{html.escape(in_language(language, str(error)))}</p>'
            return {**seen, self._told: None, self._estimate: note, self.start_button: off}
        captions = self._album.captions
        it = captions.estimate(told.wanted, told.languages, share=told.share)
        pace = captions.progress(PROGRESS_OF_NONE)
        words = caption_html.render_estimate(it, captions.writer, pace, language)
        problem = self._problem(it, language)
        button = off
        if it.photos and not problem:
            button = gr.update(
                value=say_count(language, "captions_start", it.photos), interactive=True
            )
        return {
            **seen,
            self._told: replace(told, photo_ids=it.photo_ids),
            self._estimate: words + problem,
            self.start_button: button,
        }

    def _problem(self, it: JobEstimate, language: str) -> str:
        """Why nothing can be started at all."""
        try:
            self._album.captions.check()
        except CaptionerUnavailableError as error:
            return f'<p class="problem">{html.escape(in_language(language, str(error)))}</p>'
        return ""

    def _language_at_first(self, language: str) -> str:
        speaks = self._album.captions.writer.speaks
        return language if language in speaks else speaks[0]


def _named(names: Sequence[str], language: str) -> list[tuple[str, str]]:
    """Labels by name; that of the heart has its own words on the page."""
    return [(say(language, "favourite") if it == FAVOURITE else it, it) for it in names]
