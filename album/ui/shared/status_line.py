"""Status line of the page: album size and work in progress."""

from __future__ import annotations

from typing import Protocol

from markupsafe import Markup

from album.runtime.status import AlbumStatus
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.templates import render


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
    def problem(self) -> str | None:
        """Return a sentence on why it is missing, or None."""


def status_line(album: Album, model: ModelState, language: str) -> Markup:
    """Render the number of photos and the most important work in progress."""
    status = album.status()
    parts = [say(language, "one_photo" if status.photos == 1 else "photo_count", n=status.photos)]
    parts += _import_state(album, status, language)
    work, busy = _model_state(album, status, model, language)
    parts += work
    for problem in status.problems:
        name = say(language, f"work_{problem.work}")
        parts.append(say(language, "background_problem", work=name))
    hint = " ".join(_details(album, status, model, language).split("\n"))
    return render("shared/status_line.html", language, busy=busy, hint=hint, parts=parts)


def _import_state(album: Album, status: AlbumStatus, language: str) -> list[str]:
    if status.importing is not None:
        done, total = status.importing
        if not total:
            return [say(language, "import_begins")]
        return [say(language, "importing", done=done, total=total)]
    paused = album.imports.running
    if paused is None or not paused.total:
        return []
    interrupted = paused.state == "interrupted"
    key = "importing_interrupted" if interrupted else "importing_paused"
    return [say(language, key, done=paused.done, total=paused.total)]


def _model_state(
    album: Album, status: AlbumStatus, model: ModelState, language: str
) -> tuple[list[str], bool]:
    """Describe the model's work, and tell whether it is busy."""
    name = (status.model_id or "").partition("@")[0]  # without the digest of its file
    if model.state == "loading" and model.problem:  # even the embedded model cannot be loaded
        return [translate_failure(language, model.problem)], True
    if status.model_id is None:
        return [say(language, "model_loading")], True
    if status.encoding is not None:
        done, total = status.encoding
        return [say(language, "encoding", done=done, total=total)], True
    if model.fetching:
        return [say(language, "model_fetching", model=name)], True
    if status.captions_waiting:
        return [_captioning(album, status.captions_waiting, language)], True
    if model.state == "stand-in":
        return [say(language, "model_stand_in", model=name)], False
    if status.importing is None:
        return [say(language, "model_ready", model=name)], False
    return [], True


def _captioning(album: Album, n: int, language: str) -> str:
    """Report the captions to be written, and when writing resumes."""
    until = album.captions.progress(1).resting_until
    if until is None:
        return say_count(language, "captioning", n)
    return say_count(language, "captioning_rests", n, time=f"{until:%H:%M}")


def _details(album: Album, status: AlbumStatus, model: ModelState, language: str) -> str:
    """List problems in the background and the models, as plain text."""
    problems = [
        f"{say(language, f'work_{problem.work}')}: {translate_failure(language, problem.sentence)}"
        for problem in status.problems
    ]
    return "\n".join([*problems, about_model(album, model, language)])


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
