"""Sorting of uploaded files into photos, their sidecars and the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from album.images.file_types import file_kind
from album.importing.jobs import Upload
from album.importing.zip_archive import MAX_SIDECAR_BYTES, SIDECAR_TOO_LARGE
from album.metadata.sidecars import Siblings

DESCRIBES_NOTHING = (
    "This file is no photo, and describes none that was sent with it: send both at once."
)


@dataclass(frozen=True, slots=True)
class SortedUploads:
    """Uploaded files by what happens to them."""

    photos: list[Upload]
    skipped: Counter[str]
    """How many other files there are, by kind."""
    rejected: list[tuple[str, str]]
    """(name, reason) of files that are not imported."""
    sidecar_files: list[Path]
    """All uploaded sidecars. Each photo gets copies of its own."""


def sort_uploads(files: Sequence[tuple[Path, str]], *, whole_folder: bool) -> SortedUploads:
    """Sort (file, name) uploads by kind, with each photo's sidecars.

    Args:
        files: temporary files with the names that they had.
        whole_folder: the files were not chosen one by one. Files that are no photos by their name
            are then counted and skipped, not failures.
    """
    siblings = Siblings([name for _, name in files])
    sidecars = {name: file for file, name in files if file_kind(name) == "sidecar"}
    rejected = {
        name: SIDECAR_TOO_LARGE
        for name, file in sidecars.items()
        if file.stat().st_size > MAX_SIDECAR_BYTES
    }
    usable = sidecars.keys() - rejected.keys()
    photos: list[Upload] = []
    skipped: Counter[str] = Counter()
    unused = set(usable)
    for file, name in files:
        kind = file_kind(name)
        if kind == "photo" or (kind != "sidecar" and not whole_folder):
            names = [sibling for sibling in siblings.sidecars_for(name) if sibling in usable]
            photos.append((file, name, [(sidecars[sidecar], sidecar) for sidecar in names]))
            unused.difference_update(names)
        elif kind != "sidecar":
            skipped[kind] += 1
    if not whole_folder:
        for name in unused:
            if siblings.shares_stem(name):  # such as the edits of an iPhone, beside their photo
                skipped["other"] += 1
            else:
                rejected[name] = DESCRIBES_NOTHING
    return SortedUploads(photos, skipped, list(rejected.items()), list(sidecars.values()))
