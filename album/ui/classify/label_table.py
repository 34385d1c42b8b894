"""All labels: how many photos have them, who gave them, and whether new photos get them."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from album.domain.labels import Giver, LabelSummary
from album.service import Album
from album.ui.classify.examples_html import shown_label
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

GIVERS: tuple[Giver, ...] = ("person", "words", "examples", "model")

# It asks for what is so now whenever it comes into sight. What cannot be undone asks once more.
ON_LOAD = """
new IntersectionObserver((seen) => {
  if (seen.some((it) => it.isIntersecting)) trigger('load');
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
    """Components and listeners below the questions."""

    def __init__(
        self, album: Album, name: gr.Dropdown, words: gr.Textbox, two_stage: gr.Checkbox
    ) -> None:
        self._album = album
        self._name, self._words, self._two_stage = name, words, two_stage
        self._listed = gr.State(())
        """The labels by their places in the list; what the browser chooses is looked up here."""
        with gr.Column(elem_id="labels-so-far"):
            gr.Markdown(i18n("labels_all"), elem_classes="step")
            self._list = gr.HTML(elem_id="label-list", js_on_load=ON_LOAD, min_height=1)
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._list.load(self.refresh, None, self.outputs, **quiet)
        self._list.select(self.press, self._listed, [*self.outputs, words, two_stage], **quiet)

    @property
    def outputs(self) -> list[Any]:
        """What `refresh` returns updates for."""
        return [self._listed, self._list, self._name]

    @alerts_on_failure
    def refresh(self, request: gr.Request) -> Updates:
        """The labels as they are now."""
        language = language_of(request)
        summaries = self._album.labels.summaries()
        rows = "".join(_row(place, it, language) for place, it in enumerate(summaries))
        return {
            self._listed: tuple(it.label for it in summaries),
            self._list: f'<ul aria-label="{say(language, "labels_all")}">{rows}</ul>'
            if rows
            else "",
            self._name: gr.update(
                choices=[(shown_label(it.label, language), it.label) for it in summaries]
            ),
        }

    @alerts_on_failure
    def press(self, listed: tuple[str, ...], event: gr.SelectData, request: gr.Request) -> Updates:
        """A button of a row: teach it, forget its rule, have new photos get it or not."""
        place = event.index if isinstance(event.index, int) else -1
        if not 0 <= place < len(listed):
            return self.refresh(request)
        label = listed[place]
        if event.value == "teach":
            return self._to_teach(label, request)
        if event.value == "forget":
            self._album.labels.forget_rule(label)
        elif event.value in ("living", "still"):
            self._album.labelling.living(label, event.value == "living")
        return self.refresh(request)

    def _to_teach(self, label: str, request: gr.Request) -> Updates:
        """Put a label into the boxes, as it was taught last."""
        rule = next((it for it in self._album.labels.rules() if it.label == label), None)
        taught = rule.definition if rule is not None and rule.kind == "examples" else {}
        updates = self.refresh(request)
        return {
            **updates,
            self._name: {**updates[self._name], "value": label},
            self._words: str(taught.get("words", "")),
            self._two_stage: bool(taught.get("two_stage", False)),
        }


def _row(place: int, summary: LabelSummary, language: str) -> str:
    """A label of the list, as escaped HTML."""
    name = shown_label(summary.label, language)
    parts = [
        say(language, f"labels_by_{giver}", n=summary.giver_counts[giver])
        for giver in GIVERS
        if summary.giver_counts.get(giver)
    ]
    if len(parts) == 1 and summary.giver_counts.get("person"):
        parts = []  # by hand alone: nothing to tell apart
    if summary.refused:
        parts.append(say(language, "labels_refused", n=summary.refused))
    facts = " · ".join([say_count(language, "labels_photos", summary.photos), *parts])

    def button(what: str, key: str, extra: str = "") -> str:
        label = html.escape(say(language, f"{key}_of", label=name))
        return (
            f'<button type="button" data-what="{what}" aria-label="{label}" title="{label}"{extra}>'
            f"{say(language, key)}</button>"
        )

    buttons = button("teach", "labels_teach")
    if summary.rule is not None:
        sure = html.escape(say(language, "labels_forget_sure"))
        buttons += button("forget", "labels_forget", f' data-sure="{sure}"')
        living = "true" if summary.rule.living else "false"
        buttons += button("living", "labels_living", f' role="switch" aria-checked="{living}"')
    return (
        f'<li data-place="{place}"><span class="label-words"><strong>{html.escape(name)}</strong>'
        f' <small>{facts}</small></span><span class="label-buttons">{buttons}</span></li>'
    )
