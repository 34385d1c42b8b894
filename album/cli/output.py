"""Photos and label changes as arguments and output of commands."""

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
    """Find a photo by its id or by a file with its bytes.

    Raises:
        PhotoNotFoundError: the album has no such photo, or the file cannot be read.
    """
    photo_id = parse_photo_id(photo)
    if photo_id is not None:
        return album.store.get(photo_id).photo_id
    try:
        match = album.store.by_sha256(sha256_of(Path(photo)))
    except OSError as error:
        raise PhotoNotFoundError(f"{photo} cannot be read: {error.strerror}.") from error
    if match is None:
        raise PhotoNotFoundError(f"{photo} is not in the album; import it first.")
    return match.photo_id


def parse_photo_id(photo: str) -> int | None:
    """Parse a photo id, or return None for a file name.

    Raises:
        PhotoNotFoundError: it has too many digits.
    """
    if not photo.isdecimal() or os.path.lexists(photo):
        return None
    try:
        return int(photo)
    except ValueError as error:
        raise PhotoNotFoundError("This photo is not in the album.") from error


def photos_json(album: Album, ids: Iterable[int]) -> list[dict[str, Any]]:
    """Convert photo ids to JSON with their paths."""
    return [{"photo_id": photo_id, "path": path_of(album, photo_id)} for photo_id in ids]


def probabilities_json(album: Album, pairs: Iterable[tuple[int, float]]) -> list[dict[str, Any]]:
    """Convert photos with a probability to JSON."""
    return [
        {
            "photo_id": photo_id,
            "path": path_of(album, photo_id),
            "probability": round(probability, 6),
        }
        for photo_id, probability in pairs
    ]


def path_of(album: Album, photo_id: int) -> str:
    """Return the path of a photo's original."""
    return str(album.originals.path_of(album.store.get(photo_id)))


def rule_json(rule: LabelRule | None) -> dict[str, Any] | None:
    """Convert the rule of a label to JSON."""
    if rule is None:
        return None
    return {"kind": rule.kind, "definition": dict(rule.definition), "living": rule.living}


def act_json(act: LabelChange) -> dict[str, Any]:
    """Convert a label change to JSON."""
    return {
        "act_id": act.act_id,
        "labels": list(act.labels),
        "given": act.added,
        "taken": act.removed,
        "done_at": act.done_at.isoformat(timespec="seconds"),
        "undone_at": act.undone_at and act.undone_at.isoformat(timespec="seconds"),
    }


def plan_json(album: Album, plan: LabelPlan) -> dict[str, Any]:
    """Convert a label plan to JSON."""
    return {
        "labels": [
            {
                "label": planned.rule.label,
                "gets": len(planned.adds),
                "loses": len(planned.takes),
                "kept": planned.kept,
                "refused": planned.refused,
                "surest": probabilities_json(album, planned.surest),
                "edge": probabilities_json(album, planned.edge),
            }
            for planned in plan.labels
        ],
        "none_of_these": plan.none_of_these,
    }


def print_plan(album: Album, plan: LabelPlan) -> None:
    """Print a label plan."""
    for planned in plan.labels:
        typer.echo(f"{planned.rule.label}: {_counts(planned)}")
        for photo_id, probability in planned.surest[:SUREST_LINES]:
            typer.echo(f"  {probability:4.0%}  {path_of(album, photo_id)}")
    typer.echo(f"none of these: {plan.none_of_these} photos")


def print_act(act: LabelChange) -> None:
    """Print a label change, and how to undo it."""
    typer.echo(
        f"{act.added} labels given, {act.removed} taken away;"
        f" `python -m album labels undo {act.act_id}` takes that back."
    )


def _counts(planned: PlannedLabel) -> str:
    counts = (
        (len(planned.adds), "would get it"),
        (len(planned.takes), "would lose it"),
        (len(planned.again), "have it from a rule already"),
        (planned.kept, "have it from you"),
        (planned.refused, "would get it, had you not said no"),
    )
    return ", ".join(f"{n} {what}" for n, what in counts if n or what == "would get it")
