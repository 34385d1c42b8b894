"""The evaluation panel: how often predictions agree with people's labels.

evaluation = EvaluationView(album)
evaluation.listen(measure, [classes, temperature, ...], chosen)
evaluation.use_temperature.click(lambda value: value, evaluation.temperature, slider)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.classification.evaluation import ClassReport
from album.errors import QueryError
from album.service import Album
from album.ui.classify.evaluation_charts import WELL, report_html
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

Measure = Callable[..., ClassReport]
"""Called with the values of the inputs in their order, then with the ids of the photos to use, or
None for all that people labelled."""

SAME = 0.02
"""Temperatures that differ by less look alike."""


class EvaluationView:
    """Components and listeners. `listen` says what to measure."""

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="evaluation") as self.column:
            with gr.Row(elem_id="evaluation-ask"):
                self._which = gr.Radio(
                    [(i18n("eval_all"), "all"), (i18n("eval_chosen"), "chosen")],
                    value="all",
                    label=i18n("eval_which"),
                    elem_id="evaluation-which",
                )
                self._now = gr.Button(
                    i18n("eval_now"), elem_id="evaluate", scale=0, min_width=96, size="md"
                )
            self._report = gr.HTML(elem_id="evaluation-report")
            with gr.Row(elem_id="evaluation-sureness", visible=False) as self._sureness:
                self._advice = gr.HTML()
                self.use_temperature = gr.Button(
                    i18n("eval_use"), elem_id="use-temperature", size="sm", scale=0, min_width=96
                )
            self.temperature = gr.Number(1.0, visible="hidden", elem_classes="plumbing")
            self._used = gr.State(1.0)

    def listen(self, measure: Measure, inputs: Sequence[Any], chosen: Any) -> None:
        """Connect the button.

        Args:
            measure: makes the report. What it raises is shown as its sentence.
            inputs: components whose values it is called with.
            chosen: the component or state with the ids of the chosen photos.
        """
        encoding: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "concurrency_limit": 4,
            "concurrency_id": "encode",
        }

        @alerts_on_failure
        def evaluate(
            which: str,
            chosen_ids: Sequence[int] | None,
            used: float,
            request: gr.Request,
            *values: Any,
        ) -> Iterator[Updates]:
            language = language_of(request)
            yield {
                self._report: Markup('<p class="note" role="status">{}</p>').format(
                    say(language, "eval_counting")
                ),
                self._sureness: gr.update(visible=False),
            }
            photo_ids = None
            if which == "chosen":
                photo_ids = [int(photo_id) for photo_id in chosen_ids or ()]
                if not photo_ids:
                    raise QueryError(say(language, "nothing_chosen"))
            yield self.show(measure(*values, photo_ids), used, language)

        evaluation = self._now.click(
            evaluate, [self._which, chosen, self._used, *inputs], self.outputs, **encoding
        )
        evaluation.failure(lambda: "", None, self._report, api_visibility="private")
        self.use_temperature.click(
            lambda value: value, self.temperature, self._used, api_visibility="private"
        )

    @property
    def outputs(self) -> list[Any]:
        """Components that `show` changes."""
        return [self._report, self._sureness, self._advice, self.temperature]

    def show(self, report: ClassReport, used: float, language: str) -> Updates:
        """Show a report, with the temperature that would calibrate it better.

        Args:
            report: what was measured.
            used: the temperature that was applied last.
            language: of the reader.
        """
        best = report.best_temperature
        advise = best is not None and report.ece >= WELL and abs(best - used) > SAME
        return {
            self._report: report_html(report, language),
            self._sureness: gr.update(visible=advise),
            self._advice: Markup("<p>{}</p>").format(say(language, "eval_sureness")),
            self.temperature: best if best is not None else 1.0,
        }
