"""Editor of the open photo's labels.

Rules and other browsers label photos, too. So the editor saves changes to the list that the browser
shows, never the whole list, and labels added meanwhile stay.
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
from album.ui.shared.percent import percent
from album.ui.shared.updates import Updates


class LabelEdit(NamedTuple):
    """Labels that a person added and removed."""

    added: list[str]
    removed: list[str]


class LabelEditor:
    """A dropdown, with hidden notes of its first and last saved labels."""

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
        # Components, not states: the session may have moved on from what the browser shows.
        self._snapshot = gr.Textbox(visible="hidden", elem_classes="plumbing")
        self.saved = gr.Textbox(visible="hidden", elem_classes="plumbing")
        """It names its snapshot, since an answer may come when another photo is open."""

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `fill` updates."""
        return [self.labels, self._snapshot]

    @property
    def inputs(self) -> list[Any]:
        """Return the components whose values `save` takes, in this order."""
        return [self.labels, self._snapshot, self.saved]

    def fill(self, photo_id: int, labels: Sequence[GivenLabel], language: str) -> Updates:
        """Show the labels of a photo, except favourite.

        That one has its own button.
        """
        names = dict.fromkeys(without_heart(self._album.label_names()))
        titles = {label.label: _title(label, language) for label in labels}
        value = without_heart([label.label for label in labels])
        note = {"photo": photo_id, "filling": uuid.uuid4().hex, "labels": value}
        return {
            self.labels: gr.update(
                choices=[(titles.get(name, name), name) for name in names], value=value
            ),
            self._snapshot: json.dumps(note),
        }

    def save(
        self, photo_id: int, labels: list[str] | None, snapshot: str | None, saved: str | None
    ) -> tuple[LabelEdit, Updates]:
        """Save the difference to what the browser showed.

        Args:
            photo_id: the photo that the browser shows.
            labels: the labels in the box.
            snapshot: the note of when the box was filled. A browser may send anything.
            saved: the note of the last edit that was saved.

        Returns:
            The edit, empty if the notes are of another photo, and the new note.

        Raises:
            AlbumError: the photo is gone, or a label is not allowed.
        """
        note, later = _parse(snapshot), _parse(saved)
        if note.get("photo") != photo_id:
            return LabelEdit([], []), {}
        filling = note.get("filling")
        before = (later if later.get("filling") == filling else note).get("labels")
        old = [name for name in before if isinstance(name, str)] if isinstance(before, list) else []
        now = [name for name in labels or () if isinstance(name, str) and name.strip()]
        edit = LabelEdit(
            [name for name in now if name not in old], [name for name in old if name not in now]
        )
        if edit.added or edit.removed:
            self._album.change_labels(photo_id, gives=edit.added, takes=edit.removed)
        return edit, {self.saved: json.dumps({"filling": filling, "labels": now})}


def without_heart(labels: Sequence[str]) -> list[str]:
    """Drop the favourite label."""
    return [label for label in labels if label != FAVOURITE]


def _parse(note: str | None) -> dict[str, Any]:
    try:
        value = json.loads(note or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _title(label: GivenLabel, language: str) -> str:
    """Format a label, with its source unless a person gave it."""
    if label.given_by == "person":
        return label.label
    share = percent(label.probability or 0.0)
    return say(language, f"given_{label.given_by}", label=label.label, share=share)
