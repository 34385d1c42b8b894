"""One quiet line that says what the album has and what it is doing."""

from __future__ import annotations

import html
from typing import Protocol

from album.runtime.status import AlbumStatus
from album.service import Album
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import say, say_count


class ModelState(Protocol):
    """What the page wants to know of the model that is being loaded."""

    @property
    def state(self) -> str:
        """ "loading", "stand-in" (another model serves meanwhile) or "ready"."""

    @property
    def wanted(self) -> str:
        """The name of the model that was asked for."""

    @property
    def fetching(self) -> bool:
        """Whether its weights are being downloaded now."""

    @property
    def problem(self) -> str | None:
        """Why it is not here, in one sentence."""


def status_line(album: Album, model: ModelState, language: str) -> str:
    """How many photos, and the most important thing that is going on, as escaped HTML."""
    status = album.status()
    words = [say(language, "one_photo" if status.photos == 1 else "photo_count", n=status.photos)]
    name = (status.model_id or "").partition("@")[0]  # without the digest of its file
    busy = True
    paused = album.imports.running if status.importing is None else None
    if paused is not None and paused.total:
        interrupted = paused.state == "interrupted"
        key = "importing_interrupted" if interrupted else "importing_paused"
        words.append(say(language, key, done=paused.done, total=paused.total))
    elif status.importing is not None and status.importing[1]:
        done, total = status.importing
        words.append(say(language, "importing", done=done, total=total))
    elif status.importing is not None:
        words.append(say(language, "import_begins"))
    if model.state == "loading" and model.problem:  # not even all of the embedded one: say why
        words.append(in_language(language, model.problem))
    elif status.model_id is None:
        words.append(say(language, "model_loading"))
    elif status.encoding is not None:
        done, total = status.encoding
        words.append(say(language, "encoding", done=done, total=total))
    elif model.fetching:
        words.append(say(language, "model_fetching", model=name))
    elif status.captions_waiting:
        words.append(_captioning(album, status.captions_waiting, language))
    elif model.state == "stand-in":
        words.append(say(language, "model_stand_in", model=name))
        busy = False
    elif status.importing is None:
        words.append(say(language, "model_ready", model=name))
        busy = False
    for problem in status.problems:
        work = say(language, f"work_{problem.work}")
        words.append(say(language, "background_problem", work=work))
    hint = html.escape(" ".join(_about(album, status, model, language).split("\n")))
    dot = f'<span class="dot{" busy" if busy else ""}" title="{hint}"></span>'
    return f"{dot}{html.escape(' · '.join(words))}"


def _captioning(album: Album, n: int, language: str) -> str:
    """How many captions are to be written, and until when that has to wait."""
    until = album.captions.progress(1).resting_until
    if until is None:
        return say_count(language, "captioning", n)
    return say_count(language, "captioning_rests", n, time=f"{until:%H:%M}")


def _about(album: Album, status: AlbumStatus, model: ModelState, language: str) -> str:
    """What is wrong in the background, and the models by name, as plain text."""
    problems = [
        f"{say(language, f'work_{it.work}')}: {in_language(language, it.sentence)}"
        for it in status.problems
    ]
    return "\n".join([*problems, about_model(album, model, language)])


def about_model(album: Album, model: ModelState, language: str) -> str:
    """The models by name, and what is wrong with the one that is not here, as plain text."""
    lines = [say(language, "about_model", model=album.active.model_id or "…")]
    if model.state != "ready":
        lines.append(say(language, "about_wanted", model=model.wanted))
    if model.problem:
        lines.append(in_language(language, model.problem))
    writer = album.captions.writer
    key = "about_key" if writer.key_hint else "about_writer"
    lines.append(say(language, key, model=writer.model_id, hint=writer.key_hint))
    return "\n".join(lines)
