"""How right the classes are about photos that somebody labelled: the evaluation panel.

evaluation = EvaluationView(album)
evaluation.listen(measure, [classes, temperature, ...], chosen)
evaluation.use_temperature.click(lambda it: it, evaluation.temperature, slider)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from album.classification.evaluation import ClassReport
from album.errors import QueryError
from album.service import Album
from album.ui.classify.evaluation_charts import WELL, report_html
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.updates import Updates

Measure = Callable[..., ClassReport]
"""Called with the values of the components that say what is asked, in their order, and last with
the ids of the photos to use, or None for all that somebody labelled."""

SAME = 0.02
"""Temperatures that differ by less are the same to anybody."""


class EvaluationView:
    """Components and listeners; what is measured is told by whoever places them."""

    def __init__(self, album: Album) -> None:
        self._album = album
        with gr.Column(elem_id="evaluation") as self.column:
            with gr.Row(elem_id="evaluation-ask"):
                self._which = gr.Radio(
                    [(i18n("eval_all"), "all"), (i18n("eval_chosen"), "chosen")], value="all",
                    label=i18n("eval_which"), elem_id="evaluation-which",
                )  # fmt: skip
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
        """Wire the button.

        Args:
            measure: makes the report; what it raises is shown as its sentence.
            inputs: the components whose values it is called with.
            chosen: the component or state with the ids of the chosen photos.
        """
        private: dict[str, Any] = {
            "api_visibility": "private", "show_progress": "hidden",
            "concurrency_limit": 4, "concurrency_id": "encode",
        }  # fmt: skip

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
                self._report: f'<p class="note" role="status">{say(language, "eval_counting")}</p>',
                self._sureness: gr.update(visible=False),
            }
            photo_ids = None
            if which == "chosen":
                photo_ids = [int(it) for it in chosen_ids or ()]
                if not photo_ids:
                    raise QueryError(say(language, "nothing_chosen"))
            yield self.shown(measure(*values, photo_ids), used, language)

        asked = self._now.click(
            evaluate, [self._which, chosen, self._used, *inputs], self.outputs, **private
        )
        asked.failure(lambda: "", None, self._report, api_visibility="private")
        self.use_temperature.click(
            lambda it: it, self.temperature, self._used, api_visibility="private"
        )

    @property
    def outputs(self) -> list[Any]:
        """What `shown` returns updates for."""
        return [self._report, self._sureness, self._advice, self.temperature]

    def shown(self, report: ClassReport, used: float, language: str) -> Updates:
        """A report on the page, with what would make its percentages more believable.

        Args:
            report: what was measured.
            used: the temperature that was taken over last.
            language: of the reader.
        """
        best = report.best_temperature
        advise = best is not None and report.ece >= WELL and abs(best - used) > SAME
        return {
            self._report: report_html(report, language),
            self._sureness: gr.update(visible=advise),
            self._advice: f"<p>{say(language, 'eval_sureness')}</p>",
            self.temperature: best if best is not None else 1.0,
        }
