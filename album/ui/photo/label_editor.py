"""The labels of the open photo: a box to change them, and what the browser shows meanwhile.

Rules and other browsers label photos, too. So the box tells what somebody changed of what it
showed, never the whole list: what came since it was opened stays.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from album.domain.labels import FAVOURITE, GivenLabel
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.shared.updates import Updates


class Change(NamedTuple):
    """What somebody did to the labels in the box."""

    gives: list[str]
    takes: list[str]


class LabelEditor:
    """The box with its two notes: what it showed when it was filled, and what was saved since."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self.labels = gr.Dropdown(
            label=i18n("labels"),
            info=i18n("labels_hint"),
            choices=[],
            multiselect=True,
            allow_custom_value=True,
            elem_id="labels",
        )
        # Components, not states: the session may be further than what the browser shows.
        self._filled = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self.saved = gr.Textbox(visible="hidden", elem_classes="plumbing")
        """Names the filling that it continues: an answer may come when another photo is open."""

    @property
    def outputs(self) -> list[Any]:
        """What `fill` returns updates for."""
        return [self.labels, self._filled]

    @property
    def inputs(self) -> list[Any]:
        """What `change` wants to be given, in this order."""
        return [self.labels, self._filled, self.saved]

    def fill(self, photo_id: int, given: Sequence[GivenLabel], language: str) -> Updates:
        """The labels of a photo; those of rules say so. The heart has a button of its own."""
        names = dict.fromkeys(without_heart(self._album.label_names()))
        told = {it.label: _told(it, language) for it in given}
        value = without_heart([it.label for it in given])
        note = {"photo": photo_id, "filling": uuid.uuid4().hex, "labels": value}
        return {
            self.labels: gr.update(
                choices=[(told.get(name, name), name) for name in names], value=value
            ),
            self._filled: json.dumps(note),
        }

    def save(
        self, photo_id: int, labels: list[str] | None, filled: str | None, saved: str | None
    ) -> tuple[Change, Updates]:
        """Write what differs from what the browser showed.

        Args:
            photo_id: the photo that the browser shows.
            labels: what stands in the box.
            filled: the note of when the box was filled; a browser may send anything.
            saved: the note of the last change that was saved.

        Returns:
            What was written, nothing where the notes are of another photo; and the new note.

        Raises:
            AlbumError: the photo is gone, or a label cannot be given.
        """
        note, later = _read(filled), _read(saved)
        if note.get("photo") != photo_id:
            return Change([], []), {}
        filling = note.get("filling")
        before = (later if later.get("filling") == filling else note).get("labels")
        shown = [it for it in before if isinstance(it, str)] if isinstance(before, list) else []
        now = [it for it in labels or () if isinstance(it, str) and it.strip()]
        change = Change(
            [it for it in now if it not in shown], [it for it in shown if it not in now]
        )
        if change.gives or change.takes:
            self._album.change_labels(photo_id, gives=change.gives, takes=change.takes)
        return change, {self.saved: json.dumps({"filling": filling, "labels": now})}


def without_heart(labels: Sequence[str]) -> list[str]:
    """The labels but for that of the heart."""
    return [label for label in labels if label != FAVOURITE]


def _read(note: str | None) -> dict[str, Any]:
    try:
        said = json.loads(note or "{}")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _told(given: GivenLabel, language: str) -> str:
    """A label, and who gave it where that was no person."""
    if given.given_by == "person":
        return given.label
    share = given.probability or 0.0
    return say(language, f"given_{given.given_by}", label=given.label, share=share)
