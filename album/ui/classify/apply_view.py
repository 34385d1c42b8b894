"""The last step of the Classify tab: a dry run, writing the labels, and taking that back."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from typing import Any

import gradio as gr

from album.domain.labels import LabelChange, LabelPlan, PlannedLabel
from album.errors import QueryError
from album.service import Album
from album.ui.classify.deciders import Deciding, LabelSource
from album.ui.classify.examples_html import shown_label
from album.ui.classify.results_view import OPEN_ON_CLICK, ResultsView
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

LABELS_SHOWN = 40
LABELS_NAMED = 6
LOSING_SHOWN = 20
ACTS = 100  # what somebody does photo by photo is told here, too
MOST_ROWS = 2**31

# Buttons in the list tell what they are for; the server looks up what that is.
ON_LOAD = """
let last = 0;
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-what]');
  if (!button || Date.now() - last < 1000) return;
  last = Date.now();  // a double click asks once
  trigger('select', {index: Number(button.dataset.number), value: button.dataset.what});
});
"""


class ApplyView:
    """Components and listeners; the tab says who decides and about which photos."""

    def __init__(self, album: Album, deciding: Deciding) -> None:
        self._album = album
        self._deciding = deciding
        self._photos = ResultsView(album)
        self._plan = gr.State(None)
        self._numbers = itertools.count(1)
        gr.Markdown(i18n("give"), elem_classes="step")
        gr.Markdown(i18n("give_note"), elem_classes="note")
        with gr.Row(elem_id="dry-run-row"):
            self.scope = gr.Radio(
                [(i18n("give_album"), "album"), (i18n("give_chosen"), "chosen")],
                value="album",
                label=i18n("give_to"),
                elem_id="give-to",
            )
            self.dry_run = gr.Button(i18n("dry_run"), elem_id="dry-run", size="md", scale=0)
        with gr.Column(elem_id="plan", visible=False) as self._card:
            self._summary = gr.HTML(elem_id="plan-summary")
            self._labels = gr.Dropdown(
                [], multiselect=True, label=i18n("which_labels"), elem_id="which-labels",
                interactive=True,
            )  # fmt: skip
            self.tiles = gr.HTML(elem_id="plan-labels", js_on_load=OPEN_ON_CLICK)
            self._living = gr.Checkbox(label=i18n("living"), elem_id="living")
            self._write = gr.Button(
                i18n("write_labels"), variant="primary", elem_id="write-labels",
                size="md", scale=0,
            )  # fmt: skip
        self._acts = gr.HTML(elem_id="acts", js_on_load=ON_LOAD)
        # A component, not a state: only the change of a component is noticed by other tabs.
        self.written = gr.Number(-1, visible="hidden", elem_classes="plumbing")
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._labels.input(self.summarise, [self._plan, self._labels], self._summary, **private)
        self._write.click(
            self.write, [self._plan, self._labels, self._living], self.write_outputs,
            api_visibility="private",
        )  # fmt: skip
        self._acts.select(self.press, None, [self._acts, self.written], **private)

    @property
    def plan_outputs(self) -> list[Any]:
        """What `shows` changes."""
        return [self._plan, self._card, self._summary, self._labels, self.tiles]

    @property
    def write_outputs(self) -> list[Any]:
        """What `write` changes."""
        return [self._plan, self._card, self._acts, self.written]

    @property
    def acts(self) -> Any:
        """The list of what was written."""
        return self._acts

    def shows(self, way: LabelSource, photo_ids: Sequence[int] | None, language: str) -> Updates:
        """The dry run.

        Args:
            way: who decides.
            photo_ids: the photos to decide about; None: the whole album.
            language: of the reader.

        Raises:
            QueryError, ModelError: as of `Deciding.plan`.
        """
        plan = self._deciding.plan(way, photo_ids)
        changing = [it for it in plan.labels if len(it.adds) or len(it.takes)]
        names = [it.rule.label for it in changing]
        return {
            self._plan: plan,
            self._card: gr.update(visible=True),
            self._summary: self._summed(plan, names, language),
            self._labels: gr.update(choices=names, value=names, visible=bool(names)),
            self.tiles: self._planned(changing, language),
        }

    def cleared(self) -> Updates:
        """No dry run any more."""
        return {self._plan: None, self._card: gr.update(visible=False)}

    def summarise(self, plan: LabelPlan | None, labels: list[str], request: gr.Request) -> str:
        """How much of the plan is left with these labels."""
        return "" if plan is None else self._summed(plan, labels, language_of(request))

    @alerts_on_failure
    def write(
        self, plan: LabelPlan | None, labels: list[str], living: bool, request: gr.Request
    ) -> Updates:
        """Write the labels of the plan that were chosen."""
        if plan is None:
            raise QueryError("Look first at what would change.")
        self._album.labelling.apply(plan.only(labels or ()), living=living)
        return {
            **self.cleared(),
            self._acts: self.told(language_of(request)),
            self.written: next(self._numbers),
        }

    @alerts_on_failure
    def press(self, event: gr.SelectData, request: gr.Request) -> Updates:
        """A button of the list: take back what was written, or stop a label that gives itself."""
        number = event.index if isinstance(event.index, int) else -1
        if event.value == "undo" and 0 <= number < MOST_ROWS:
            self._album.labelling.undo(number)
        elif isinstance(event.value, str) and event.value.startswith("stop:"):
            self._album.labelling.living(event.value.removeprefix("stop:"), False)
        return {self._acts: self.told(language_of(request)), self.written: next(self._numbers)}

    def told(self, language: str) -> str:
        """What was written, the latest first, and the labels that new photos get."""
        acts = self._album.labels.acts(ACTS)
        parts = [f"<ul>{_told(act, language)}</ul>" for act in acts[:1]]
        if acts[1:]:
            earlier = "".join(_told(act, language) for act in acts[1:])
            title = say(language, "earlier_acts", n=len(acts) - 1)
            parts.append(f"<details><summary>{title}</summary><ul>{earlier}</ul></details>")
        living = [rule.label for rule in self._album.labels.rules() if rule.living]
        if living:
            rows = "".join(_living(label, language) for label in living)
            parts.append(
                f'<h4>{say(language, "living_labels")}</h4><ul class="by-themselves">{rows}</ul>'
            )
        return "".join(parts)

    @staticmethod
    def _summed(plan: LabelPlan, labels: Sequence[str], language: str) -> str:
        chosen = plan.only(labels or ())
        if not chosen.photos and not chosen.removals:
            said = [say(language, "dry_run_nothing")]
        else:
            said = [say_count(language, "dry_run", chosen.photos)]
        if chosen.removals:
            said.append(say(language, "dry_run_takes", n=chosen.removals))
        if plan.none_of_these:
            said.append(say_count(language, "dry_run_none", plan.none_of_these))
        return f"<p><strong>{said[0]}</strong> {' '.join(said[1:])}</p>"

    def _planned(self, labels: Sequence[PlannedLabel], language: str) -> str:
        shown = "".join(
            self._of_label(it, language, is_open=place == 0)
            for place, it in enumerate(labels[:LABELS_SHOWN])
        )
        hidden = len(labels) - LABELS_SHOWN
        if hidden > 0:
            shown += f'<p class="note">{say(language, "more_labels", n=hidden)}</p>'
        return shown

    def _of_label(self, planned: PlannedLabel, language: str, *, is_open: bool) -> str:
        counts = [
            say(language, key, n=n)
            for key, n in (
                ("would_get", len(planned.adds)), ("would_lose", len(planned.takes)),
                ("are_kept", planned.kept), ("are_refused", planned.refused),
            )
            if n or key == "would_get"
        ]  # fmt: skip
        lost = [(photo_id, None) for photo_id in planned.takes[:LOSING_SHOWN].tolist()]
        surest = "the_surest" if planned.edge else "all_of_them"
        groups: tuple[tuple[str, Sequence[tuple[int, float | None]]], ...] = (
            ("at_the_edge", planned.edge),
            (surest, planned.surest),
            ("lose_it", lost),
        )
        rows = "".join(
            f'<h5>{say(language, key)}</h5><div class="tiles">{self._photos.tiles(found)}</div>'
            for key, found in groups
            if found
        )
        return (
            f"<details{' open' if is_open else ''}><summary>"
            f"<strong>{html.escape(planned.rule.label)}</strong>"
            f"<span>{' · '.join(counts)}</span></summary>{rows}</details>"
        )


def _told(act: LabelChange, language: str) -> str:
    some = ", ".join(shown_label(it, language) for it in act.labels[:LABELS_NAMED])
    hidden = len(act.labels) - LABELS_NAMED
    what = say(language, "and_labels", what=some, n=hidden) if hidden > 0 else some
    words = [say_count(language, "act_given", act.added, what=what)]
    if act.removed:
        words.append(say(language, "act_taken", n=act.removed))
    when = f"{act.done_at:%Y-%m-%d %H:%M}"
    end = f"<small>{say(language, 'undone')}</small>"
    if act.undone_at is None:
        end = (
            f'<button type="button" data-what="undo" data-number="{act.act_id}">'
            f"{say(language, 'undo')}</button>"
        )
    return f"<li><span>{html.escape(' · '.join(words))} <small>{when}</small></span>{end}</li>"


def _living(label: str, language: str) -> str:
    safe = html.escape(label)
    return (
        f'<li><span>{safe}</span><button type="button" data-number="0" data-what="stop:{safe}">'
        f"{say(language, 'stop_living')}</button></li>"
    )
