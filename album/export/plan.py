"""Counts of an export before it starts: photos, sidecars and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """The photos of an export that are in the album."""

    photo_ids: tuple[int, ...] = ()
    in_place: tuple[int, ...] = ()
    """Those in folders of the user's own."""
    sidecars: int = 0
    """Number of `photo_ids` with a caption, a label or stars."""
    sidecars_in_place: int = 0
    """Number of `in_place` with a caption, a label or stars."""
    size_bytes: int = 0
    """Of the originals of `photo_ids`."""


def plan_export(store: PhotoStore, photo_ids: Sequence[int] | None) -> ExportPlan:
    """Count what an export would write, without reading a file.

    Args:
        store: the album's photos.
        photo_ids: which photos, or None for all.
    """
    selected = None if photo_ids is None else set(photo_ids)
    rows = [row for row in store.outline() if selected is None or row[0] in selected]
    return ExportPlan(
        tuple(photo_id for photo_id, _, _, _ in rows),
        tuple(photo_id for photo_id, _, in_place, _ in rows if in_place),
        sum(described for _, _, _, described in rows),
        sum(in_place and described for _, _, in_place, described in rows),
        sum(size_bytes for _, size_bytes, _, _ in rows),
    )
