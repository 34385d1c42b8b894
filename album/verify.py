"""Checks that rows, originals, thumbnails and matrices of a library agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from album.errors import PhotoNotFoundError
from album.originals import PARTIAL, Originals, sha256_of
from album.store import PhotoStore
from album.vector_index import VectorIndex


def find_faults(
    store: PhotoStore, originals: Originals, embeddings_dir: Path, *, deep: bool = False
) -> Iterator[str]:
    """One line for each thing that is not as it must be; nothing for a sound library.

    Args:
        store: the rows.
        originals: the files.
        embeddings_dir: the folder of the matrices.
        deep: read every original and compare its sha256, which takes as long as reading them.
    """
    yield from store.faults()
    known = set()
    for photo in store.all_photos():
        known.add(photo.sha256)
        name = f"photo {photo.photo_id} ({photo.filename})"
        try:
            original = originals.find(photo)
        except PhotoNotFoundError:
            yield f"{name}: its original is gone"
        else:
            if original.stat().st_size != photo.size_bytes:
                yield f"{name}: its original has changed"
            elif deep and sha256_of(original) != photo.sha256:
                yield f"{name}: its original has other bytes than at the import"
        thumbnail = originals.thumbnail(photo.sha256)
        if not thumbnail.is_file() or thumbnail.stat().st_size == 0:
            yield f"{name}: its thumbnail is missing"
    for file in sorted(originals.photos_dir.rglob("*")):
        if file.is_file() and file.suffix != PARTIAL and file.stem not in known:
            yield f"{file.name}: an original that no photo of the album owns"
    yield from _vector_faults(store, embeddings_dir)


def _vector_faults(store: PhotoStore, embeddings_dir: Path) -> Iterator[str]:
    counts = store.encoded_by()
    if not counts:
        if store.count():
            yield "no photo has been encoded by any model"
        return
    photos = store.count()
    if photos > (most := max(counts.values())):
        yield f"{photos - most} photos are not encoded by the model that has encoded the most"
    for model_id in counts:
        _, first = next(store.vectors(model_id, 0, -1, portion=1))
        index = VectorIndex(embeddings_dir, store, model_id, first.shape[1])
        yield from index.faults()
