"""The table of all labels: photos and givers, renaming, merging and deleting."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import gradio as gr

from album.domain.labels import FAVOURITE, Giver, LabelChange, LabelSummary
from album.service import Album
from album.ui.classify.examples_html import shown_label
from album.ui.i18n.messages import language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

GIVERS: tuple[Giver, ...] = ("person", "words", "examples", "model")

ON_LOAD = Path(__file__).with_name("label_table.js").read_text("utf-8")
MOST_ROWS = 2**31


class LabelTable:
    """Components and listeners below the photos to mark."""

    def __init__(
        self, album: Album, name: gr.Dropdown, words: gr.Textbox, two_stage: gr.Checkbox
    ) -> None:
        self._album = album
        self._name, self._words, self._two_stage = name, words, two_stage
        self.listed = gr.State(())
        """The labels by their places: what the browser chooses is looked up here."""
        self.list = gr.HTML(elem_id="label-list", js_on_load=ON_LOAD, min_height=1)
        # A component, because other tabs cannot listen to the change of a state.
        self.written = gr.Number(
            -1, visible="hidden", elem_id="labels-written", elem_classes="plumbing"
        )
        self._numbers = itertools.count(1)
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self.list.load(self.refresh, None, self.outputs, **quiet)
        self.list.select(
            self.on_button, self.listed, [*self.outputs, words, two_stage, self.written], **quiet
        )

    @property
    def outputs(self) -> list[Any]:
        """Components that `refresh` changes."""
        return [self.listed, self.list, self._name]

    @alerts_on_failure
    def refresh(self, request: gr.Request) -> Updates:
        """Show the labels as they are now."""
        return self._show(language_of(request))

    def _show(self, language: str, said: str = "", change: LabelChange | None = None) -> Updates:
        """Show the labels, below what was done and a button that undoes it."""
        summaries = self._album.labels.summaries()
        labels = [summary.label for summary in summaries]
        rows = [_row(summary, language) for summary in summaries]
        return {
            self.listed: tuple(labels),
            self.list: render(
                "classify/labels.html",
                language,
                labels=rows,
                said=said,
                undo=None if change is None else change.act_id,
            ),
            self._name: gr.update(
                choices=[(shown_label(label, language), label) for label in labels]
            ),
        }

    @alerts_on_failure
    def on_button(
        self, listed: tuple[str, ...], event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Do what a button says with one label, or undo what was done."""
        place = event.index if isinstance(event.index, int) else -1
        if event.value == "undo" and 0 <= place < MOST_ROWS:
            self._album.labelling.undo(place)
            language = language_of(request)
            return {**self._show(language, say(language, "labels_undone")), **self._bump()}
        if not 0 <= place < len(listed):
            return self.refresh(request)
        label = listed[place]
        what, _, name = str(event.value).partition(":")
        if what in ("rename", "merge", "delete"):
            return self._edit(label, what, name, language_of(request))
        if event.value == "teach":
            return self._fill_boxes(label, request)
        if event.value == "forget":
            self._album.labels.forget_rule(label)
        elif event.value in ("living", "still"):
            self._album.labelling.living(label, event.value == "living")
        return self.refresh(request)

    def _edit(self, label: str, what: str, name: str, language: str) -> Updates:
        """Rename, merge or delete a label.

        Raises:
            QueryError: it cannot be done.
        """
        edits = self._album.labelling.edits
        shown = {"label": shown_label(label, language), "name": " ".join(name.split())}
        if what == "delete":
            change = self._album.labels.remove(label)
            said = say(language, "labels_deleted", **shown)
        elif what == "merge":
            change = edits.merge([label], name)
            said = say(language, "labels_merged", **shown)
        else:
            change = edits.rename(label, name)
            said = say(language, "labels_renamed", **shown)
        return {**self._show(language, said, change), **self._bump()}

    def _bump(self) -> Updates:
        """Tell other tabs that labels have changed."""
        return {self.written: next(self._numbers)}

    def _fill_boxes(self, label: str, request: gr.Request) -> Updates:
        """Put a label into the boxes, with what it was learned from last."""
        rules = (rule for rule in self._album.labels.rules() if rule.label == label)
        definition = next((rule.definition for rule in rules if rule.kind == "examples"), {})
        updates = self.refresh(request)
        return {
            **updates,
            self._name: {**updates[self._name], "value": label},
            self._words: str(definition.get("words", "")),
            self._two_stage: bool(definition.get("two_stage", False)),
        }


def _row(summary: LabelSummary, language: str) -> dict[str, Any]:
    """Prepare a label for its template."""
    parts = [
        say(language, f"labels_by_{giver}", n=summary.giver_counts[giver])
        for giver in GIVERS
        if summary.giver_counts.get(giver)
    ]
    if len(parts) == 1 and summary.giver_counts.get("person"):
        parts = []  # by hand alone: nothing to tell apart
    if summary.refused:
        parts.append(say(language, "labels_refused", n=summary.refused))
    return {
        "name": shown_label(summary.label, language),
        "facts": " · ".join([say_count(language, "labels_photos", summary.photos), *parts]),
        "rule": summary.rule,
        "has_own_name": summary.label != FAVOURITE,
        "count": say_count(language, "photo", summary.photos),
    }
