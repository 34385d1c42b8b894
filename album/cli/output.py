"""How commands name photos, and how they tell what would become of labels, or became of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from album.domain.labels import LabelChange, LabelPlan, LabelRule, PlannedLabel
from album.errors import PhotoNotFoundError
from album.runtime.files import sha256_of
from album.service import Album

SUREST_LINES = 5


def photo_id_of(album: Album, photo: str) -> int:
    """The id of a photo that was named by its id or by a file with its bytes.

    Raises:
        PhotoNotFoundError: the album has no such photo, or the file cannot be read.
    """
    photo_id = parse_photo_id(photo)
    if photo_id is not None:
        return album.store.get(photo_id).photo_id
    try:
        known = album.store.by_sha256(sha256_of(Path(photo)))
    except OSError as error:
        raise PhotoNotFoundError(f"{photo} cannot be read: {error.strerror}.") from error
    if known is None:
        raise PhotoNotFoundError(f"{photo} is not in the album; import it first.")
    return known.photo_id


def parse_photo_id(photo: str) -> int | None:
    """The id that was written in place of a file; None where a file is named.

    Raises:
        PhotoNotFoundError: it has more digits than any number.
    """
    if not photo.isdecimal() or os.path.lexists(photo):
        return None
    try:
        return int(photo)
    except ValueError as error:
        raise PhotoNotFoundError("This photo is not in the album.") from error


def photos_json(album: Album, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Photos by their ids and where they lie."""
    return [{"photo_id": it, "path": path_of(album, it)} for it in ids]


def probabilities_json(album: Album, pairs: Iterable[tuple[int, float]]) -> list[dict[str, Any]]:
    """The same for photos with a probability."""
    return [
        {"photo_id": it, "path": path_of(album, it), "probability": round(share, 6)}
        for it, share in pairs
    ]


def path_of(album: Album, photo_id: int) -> str:
    """Where a photo of the album lies."""
    return str(album.originals.path_of(album.store.get(photo_id)))


def rule_json(rule: LabelRule | None) -> dict[str, Any] | None:
    """How a label is given by itself."""
    if rule is None:
        return None
    return {"kind": rule.kind, "definition": dict(rule.definition), "living": rule.living}


def act_json(act: LabelChange) -> dict[str, Any]:
    """What was written at once."""
    return {
        "act_id": act.act_id,
        "labels": list(act.labels),
        "given": act.given,
        "taken": act.taken,
        "done_at": act.done_at.isoformat(timespec="seconds"),
        "undone_at": act.undone_at and act.undone_at.isoformat(timespec="seconds"),
    }


def plan_json(album: Album, plan: LabelPlan) -> dict[str, Any]:
    """A dry run."""
    return {
        "labels": [
            {
                "label": it.rule.label,
                "gets": len(it.adds),
                "loses": len(it.takes),
                "kept": it.kept,
                "refused": it.refused,
                "surest": probabilities_json(album, it.surest),
                "edge": probabilities_json(album, it.edge),
            }
            for it in plan.labels
        ],
        "none_of_these": plan.none_of_these,
    }


def print_plan(album: Album, plan: LabelPlan) -> None:
    """A dry run in lines."""
    for it in plan.labels:
        typer.echo(f"{it.rule.label}: {_counts(it)}")
        for photo_id, share in it.surest[:SUREST_LINES]:
            typer.echo(f"  {share:4.0%}  {path_of(album, photo_id)}")
    typer.echo(f"none of these: {plan.none_of_these} photos")


def print_act(act: LabelChange) -> None:
    """What was written, and how that is taken back."""
    typer.echo(
        f"{act.given} labels given, {act.taken} taken away;"
        f" `python -m album labels undo {act.act_id}` takes that back."
    )


def _counts(it: PlannedLabel) -> str:
    counts = (
        (len(it.adds), "would get it"),
        (len(it.takes), "would lose it"),
        (len(it.again), "have it from a rule already"),
        (it.kept, "have it from you"),
        (it.refused, "would get it, had you not said no"),
    )
    return ", ".join(f"{n} {what}" for n, what in counts if n or what == "would get it")
