"""The table of all labels: their photos, who gave them, and whether new photos get them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.domain.labels import Giver, LabelSummary
from album.service import Album
from album.ui.classify.examples_html import shown_label
from album.ui.i18n.messages import language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

GIVERS: tuple[Giver, ...] = ("person", "words", "examples", "model")

# It refreshes whenever it scrolls into view. What cannot be undone needs a second click.
ON_LOAD = """
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) trigger('load');
}).observe(element);
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-what]');
  if (!button) return;
  if (button.dataset.sure && !button.classList.contains('asked')) {
    const before = button.textContent;
    button.classList.add('asked');
    button.textContent = button.dataset.sure;
    setTimeout(() => { button.classList.remove('asked'); button.textContent = before; }, 5000);
    return;
  }
  let what = button.dataset.what;
  if (what === 'living') what = button.getAttribute('aria-checked') === 'true' ? 'still' : 'living';
  trigger('select', {index: Number(button.closest('li').dataset.place), value: what});
});
"""


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
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self.list.load(self.refresh, None, self.outputs, **quiet)
        self.list.select(self.on_button, self.listed, [*self.outputs, words, two_stage], **quiet)

    @property
    def outputs(self) -> list[Any]:
        """Components that `refresh` changes."""
        return [self.listed, self.list, self._name]

    @alerts_on_failure
    def refresh(self, request: gr.Request) -> Updates:
        """Show the labels as they are now."""
        language = language_of(request)
        summaries = self._album.labels.summaries()
        labels = [summary.label for summary in summaries]
        rows = [_row(summary, language) for summary in summaries]
        return {
            self.listed: tuple(labels),
            self.list: render("classify/labels.html", language, labels=rows),
            self._name: gr.update(
                choices=[(shown_label(label, language), label) for label in labels]
            ),
        }

    @alerts_on_failure
    def on_button(
        self, listed: tuple[str, ...], event: gr.SelectData, request: gr.Request
    ) -> Updates:
        """Teach a label, forget its rule, or set whether new photos get it."""
        place = event.index if isinstance(event.index, int) else -1
        if not 0 <= place < len(listed):
            return self.refresh(request)
        label = listed[place]
        if event.value == "teach":
            return self._fill_boxes(label, request)
        if event.value == "forget":
            self._album.labels.forget_rule(label)
        elif event.value in ("living", "still"):
            self._album.labelling.living(label, event.value == "living")
        return self.refresh(request)

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
    }
