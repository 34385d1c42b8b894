"""Status line of the page: what can be found, and work in progress.

It names no model. That is for "About this album".
"""

from __future__ import annotations

from typing import Any, Protocol

import gradio as gr
from markupsafe import Markup

from album.domain.photo import ImportRecord
from album.runtime.status import AlbumStatus
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.percent import percent
from album.ui.shared.templates import render

AT_WORK_S = 1.0  # polling interval while an import runs
IDLE_S = 3.0


class ModelState(Protocol):
    """State of the model that is being loaded."""

    @property
    def state(self) -> str:
        """Return "loading", "stand-in" (another model serves meanwhile) or "ready"."""

    @property
    def wanted(self) -> str:
        """Return the name of the configured model."""

    @property
    def fetching(self) -> bool:
        """Tell whether its weights are being downloaded."""

    @property
    def fetched(self) -> float | None:
        """Return the share of its weights that have arrived, in [0, 1]. None: unknown."""

    @property
    def problem(self) -> str | None:
        """Return a sentence on why it is missing, or None."""

    @property
    def obstacle(self) -> str | None:
        """Return what stopped its download, as `models.errors` names it, or None."""


class StatusLine:
    """The line at the top of the page, and the number of photos for other listeners."""

    def __init__(self, album: Album, model: ModelState) -> None:
        self._album, self._model = album, model
        self.line = gr.HTML(elem_id="status")
        # A component, not a state: only components notice a change after a timer's tick.
        self.photo_count = gr.Number(-1, visible="hidden", elem_classes="plumbing")
        self.first_import = gr.Checkbox(False, visible="hidden", elem_classes="plumbing")
        # Outside of the tabs: a browser has no timer of a tab that was never open.
        self.timer = gr.Timer(AT_WORK_S)

    @property
    def outputs(self) -> list[Any]:
        """Components that are changed by the import's listeners."""
        return [self.line, self.photo_count, self.first_import]

    def render(self, importing: ImportRecord | None, language: str) -> Markup:
        """Render the line."""
        return status_line(self._album, self._model, language, importing)

    def about_model(self, language: str) -> Markup:
        """Render the models and their problems."""
        lines = about_model(self._album, self._model, language).splitlines()
        return Markup("<br>").join(lines)


def status_line(
    album: Album, model: ModelState, language: str, importing: ImportRecord | None
) -> Markup:
    """Render whether all photos can be found, and what is being done.

    Args:
        album: the service.
        model: the model that is being loaded.
        language: of the reader.
        importing: the import that the Upload tab shows, so that both tell the same numbers.
    """
    status = album.status()
    parts, busy = _photos(status, model, importing, language)
    better = _better_model(status, model, language)
    if better is not None:
        parts.append(better)
        busy = busy or not model.problem or model.fetching
    if status.captions_waiting:
        parts.append(_captioning(album, status.captions_waiting, language))
        busy = True
    for problem in status.problems:
        name = say(language, f"work_{problem.work}")
        parts.append(say(language, "background_problem", work=name))
    hint = " ".join(_problems(status, language))
    return render("shared/status_line.html", language, busy=busy, hint=hint, parts=parts)


def _photos(
    status: AlbumStatus, model: ModelState, importing: ImportRecord | None, language: str
) -> tuple[list[str], bool]:
    """Tell how many photos can be found, and whether that is about to change."""
    if importing is not None and not importing.halted:
        if not importing.total:
            return [say(language, "import_begins")], True
        return [_progress("importing", importing.done, importing.total, language)], True
    halted = []
    if importing is not None and importing.total:
        key = f"importing_{'interrupted' if importing.state == 'interrupted' else 'paused'}"
        halted = [_progress(key, importing.done, importing.total, language)]
    if status.model_id is None:
        waits = say(language, "model_loading")
        if model.problem:  # even the embedded model cannot be loaded
            waits = translate_failure(language, model.problem)
        return [say_count(language, "photo", status.photos), waits, *halted], True
    if status.encoding is not None and not status.changes_model:
        return [_progress("importing", *status.encoding, language), *halted], True
    if not status.photos:
        return [say(language, "status_empty"), *halted], False
    return [say_count(language, "searchable", status.photos), *halted], False


def _better_model(status: AlbumStatus, model: ModelState, language: str) -> str | None:
    """Tell how far the model is that replaces the one in use, or why there is none."""
    if status.model_id is None:
        return None
    if status.changes_model:
        if status.encoding is None:
            return say(language, "better_loading")
        return _progress("better_learning", *status.encoding, language)
    if model.fetching:
        if model.fetched is None:
            return say(language, "better_connecting")
        return say(language, "better_downloading", share=percent(model.fetched))
    if model.state != "stand-in":
        return None
    if not model.problem:
        return say(language, "better_loading")
    if model.obstacle is None:
        return say(language, "better_broken")
    key = "better_missing" if status.model_id.startswith("pocket") else "better_missing_present"
    return say(language, key, why=say(language, f"obstacle_{model.obstacle}"))


def _progress(key: str, done: int, total: int, language: str) -> str:
    return say(language, key, done=done, total=total)


def _captioning(album: Album, n: int, language: str) -> str:
    """Report the captions to be written, and when writing resumes."""
    until = album.captions.progress(1).resting_until
    if until is None:
        return say_count(language, "captioning", n)
    return say_count(language, "captioning_rests", n, time=f"{until:%H:%M}")


def _problems(status: AlbumStatus, language: str) -> list[str]:
    """List problems in the background as sentences."""
    return [
        f"{say(language, f'work_{problem.work}')}: {translate_failure(language, problem.sentence)}"
        for problem in status.problems
    ]


def about_model(album: Album, model: ModelState, language: str) -> str:
    """List the models and their problems, as plain text."""
    lines = [say(language, "about_model", model=album.active.model_id or "…")]
    if model.state != "ready":
        lines.append(say(language, "about_wanted", model=model.wanted))
    if model.problem:
        lines.append(translate_failure(language, model.problem))
    writer = album.captions.writer
    key = "about_key" if writer.key_hint else "about_writer"
    lines.append(say(language, key, model=writer.model_id, hint=writer.key_hint))
    return "\n".join(lines)
