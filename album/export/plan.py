"""What an export is about, before it begins: how many photos, where they lie, how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """The photos of an export, those that are gone left out."""

    photo_ids: tuple[int, ...] = ()
    in_place: tuple[int, ...] = ()
    """Those of them that lie in folders of the person's own."""
    told: int = 0
    """How many of `photo_ids` have a caption, a label or stars: these get a sidecar."""
    told_in_place: int = 0
    """The same of `in_place`."""
    size_bytes: int = 0
    """Of the originals of `photo_ids`."""


def plan_of(store: PhotoStore, photo_ids: Sequence[int] | None) -> ExportPlan:
    """Look at photos, each once, without reading a file.

    Args:
        store: the album's photos.
        photo_ids: which; None: all.
    """
    wanted = None if photo_ids is None else set(photo_ids)
    ids, in_place = [], []
    told = told_in_place = size_bytes = 0
    for photo_id, size, is_in_place, is_told in store.outline():
        if wanted is not None and photo_id not in wanted:
            continue
        ids.append(photo_id)
        size_bytes += size
        told += is_told
        if is_in_place:
            in_place.append(photo_id)
            told_in_place += is_told
    return ExportPlan(tuple(ids), tuple(in_place), told, told_in_place, size_bytes)
