"""Sorted photos as labels: a preview, writing, undo."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.classification.label_sources import LabelSource
from album.domain.labels import LabelChange, LabelPlan, PlannedLabel
from album.errors import QueryError
from album.service import Album
from album.ui.classify.examples_html import shown_label
from album.ui.classify.results_view import ResultsView, join_names
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

LABELS_SHOWN = 40
LABELS_NAMED = 6
LOSING_SHOWN = 20
ACTS = 100  # changes made photo by photo count, too
MOST_ROWS = 2**31

# A button tells its action, and the server looks up what to change.
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
    """Components and listeners. The tab chooses the label source and the photos."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._photos = ResultsView(album)
        self._plan = gr.State(None)
        self._numbers = itertools.count(1)
        self.preview = gr.Button(i18n("give"), elem_id="apply-labels", size="md", visible=False)
        with gr.Column(elem_id="plan", visible=False) as self._card:
            self._summary = gr.HTML(elem_id="plan-summary")
            gr.Markdown(i18n("give_note"), elem_classes="note")
            self._labels = gr.Dropdown(
                [],
                multiselect=True,
                label=i18n("which_labels"),
                elem_id="which-labels",
                interactive=True,
            )
            self._living = gr.Checkbox(label=i18n("living"), elem_id="living")
            self.tiles = gr.HTML(elem_id="plan-labels")
            with gr.Row(elem_id="plan-buttons"):
                self._write = gr.Button(
                    i18n("write_labels"), variant="primary", elem_id="write-labels", size="md"
                )
                self._leave = gr.Button(i18n("leave_plan"), elem_id="leave-plan", size="md")
        self._applied = gr.HTML(elem_id="applied", js_on_load=ON_LOAD)
        # A component, because other tabs cannot listen to the change of a state.
        self.written = gr.Number(-1, visible="hidden", elem_classes="plumbing")

    def build_history(self) -> None:
        """Build the list of changes, at its place on the page."""
        self.acts = gr.HTML(elem_id="acts", js_on_load=ON_LOAD)
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        self._labels.input(self.summarise, [self._plan, self._labels], self._summary, **private)
        self._write.click(
            self.write,
            [self._plan, self._labels, self._living],
            self.write_outputs,
            api_visibility="private",
        )
        self._leave.click(
            lambda: self.clear_plan(can_apply=True), None, self.plan_outputs, **private
        )
        for rows in (self.acts, self._applied):
            rows.select(self.on_button, None, [self.acts, self._applied, self.written], **private)

    @property
    def plan_outputs(self) -> list[Any]:
        """Components that `show_plan` changes."""
        return [
            self._plan,
            self._card,
            self._summary,
            self._labels,
            self.tiles,
            self.preview,
            self._applied,
        ]

    @property
    def write_outputs(self) -> list[Any]:
        """Components that `write` changes."""
        return [*self.plan_outputs, self.acts, self.written]

    def show_plan(
        self, source: LabelSource, photo_ids: Sequence[int] | None, language: str
    ) -> Updates:
        """Show a preview.

        Args:
            source: what decides.
            photo_ids: the photos to look at, None for the whole album.
            language: of the reader.

        Raises:
            QueryError, ModelError: as of `Labelling.plan`.
        """
        plan = self._album.labelling.plan(source, photo_ids=photo_ids)
        changing = [label for label in plan.labels if len(label.adds) or len(label.takes)]
        names = [label.rule.label for label in changing]
        return {
            self._plan: plan,
            self._card: gr.update(visible=True),
            self._summary: _summary_html(plan, names, language),
            self._labels: gr.update(choices=names, value=names, visible=bool(names)),
            self.tiles: self._plan_html(changing, language),
            self.preview: gr.update(visible=False),
        }

    def clear_plan(self, *, can_apply: bool) -> Updates:
        """Hide the preview, and offer another one where results can become labels."""
        return {
            self._plan: None,
            self._card: gr.update(visible=False),
            self.preview: gr.update(visible=can_apply),
            self._applied: "",
        }

    def summarise(self, plan: LabelPlan | None, labels: list[str], request: gr.Request) -> str:
        """Count what the plan does with these labels alone."""
        return "" if plan is None else _summary_html(plan, labels, language_of(request))

    @alerts_on_failure
    def write(
        self, plan: LabelPlan | None, labels: list[str], living: bool, request: gr.Request
    ) -> Updates:
        """Write the chosen labels of the plan."""
        if plan is None:
            raise QueryError("Look first at what would change.")
        change = self._album.labelling.apply(plan.only(labels or ()), living=living)
        language = language_of(request)
        return {
            **self.clear_plan(can_apply=True),
            self._applied: _applied_html(change, language),
            self.acts: self.changes_html(language),
            self.written: next(self._numbers),
        }

    @alerts_on_failure
    def on_button(self, event: gr.SelectData, request: gr.Request) -> Updates:
        """Undo a change, or stop an automatic label."""
        number = event.index if isinstance(event.index, int) else -1
        applied: Any = ""
        language = language_of(request)
        if event.value == "undo" and 0 <= number < MOST_ROWS:
            applied = _applied_html(self._album.labelling.undo(number), language)
        elif isinstance(event.value, str) and event.value.startswith("stop:"):
            self._album.labelling.living(event.value.removeprefix("stop:"), False)
        return {
            self.acts: self.changes_html(language),
            self._applied: applied,
            self.written: next(self._numbers),
        }

    def changes_html(self, language: str) -> Markup:
        """Render the changes, newest first, and the labels that new photos get."""
        return render(
            "classify/changes.html",
            language,
            changes=[_change(change, language) for change in self._album.labels.acts(ACTS)],
            automatic=[rule.label for rule in self._album.labels.rules() if rule.living],
        )

    def _plan_html(self, labels: Sequence[PlannedLabel], language: str) -> Markup:
        return render(
            "classify/plan.html",
            language,
            labels=[self._label(label, language) for label in labels[:LABELS_SHOWN]],
            hidden=len(labels) - LABELS_SHOWN,
        )

    def _label(self, planned: PlannedLabel, language: str) -> dict[str, Any]:
        """Prepare a label of the plan for its template."""
        counts = {
            "would_get": len(planned.adds),
            "would_lose": len(planned.takes),
            "are_kept": planned.kept,
            "are_refused": planned.refused,
        }
        lost = [(photo_id, None) for photo_id in planned.takes[:LOSING_SHOWN].tolist()]
        groups: tuple[tuple[str, Sequence[tuple[int, float | None]]], ...] = (
            ("at_the_edge", planned.edge),
            ("the_surest" if planned.edge else "all_of_them", planned.surest),
            ("lose_it", lost),
        )
        return {
            "name": planned.rule.label,
            "counts": [
                say(language, key, n=n) for key, n in counts.items() if n or key == "would_get"
            ],
            "groups": [(key, self._photos.tiles(photos)) for key, photos in groups if photos],
        }


def _summary_html(plan: LabelPlan, labels: Sequence[str], language: str) -> Markup:
    chosen = plan.only(labels or ())
    first = say(language, "dry_run_nothing")
    if chosen.additions or chosen.removals:
        first = say_count(language, "dry_run", chosen.additions)
    more = []
    if chosen.removals:
        more.append(say(language, "dry_run_takes", n=chosen.removals))
    if plan.none_of_these:
        more.append(say_count(language, "dry_run_none", plan.none_of_these))
    return Markup("<p><strong>{}</strong> {}</p>").format(first, " ".join(more))


def _applied_html(change: LabelChange, language: str) -> Markup:
    return render("classify/applied.html", language, change=_change(change, language))


def _change(change: LabelChange, language: str) -> dict[str, Any]:
    """Prepare a change for its template."""
    labels = [shown_label(label, language) for label in change.labels]
    what = join_names(labels, LABELS_NAMED, "and_labels", language)
    words = [say_count(language, "act_given", change.added, what=what)]
    if change.removed:
        words.append(say(language, "act_taken", n=change.removed))
    return {
        "id": change.act_id,
        "words": " · ".join(words),
        "when": f"{change.done_at:%Y-%m-%d %H:%M}",
        "is_undone": change.undone_at is not None,
    }
