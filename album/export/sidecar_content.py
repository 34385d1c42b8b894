"""What an export writes about a photo: captions, labels, stars and who gave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from album.domain.photo import Photo
from album.metadata.provenance import format_label_source, format_writer
from album.storage.captions import CaptionStore
from album.storage.labels import LabelStore
from album.storage.photos import PhotoStore


@dataclass(frozen=True, slots=True)
class SidecarContent:
    """What the album writes about one photo."""

    sha256: str
    captions: Mapping[str, str]
    """By language: "ko", "en", or "" where it is not known."""
    writers: Mapping[str, str] = field(default_factory=dict)
    """Authors of the captions by language, in lines of `album.metadata.provenance`."""
    labels: Sequence[str] = ()
    givers: Sequence[str] = ()
    """Origins of the labels that no person gave, in lines of `album.metadata.provenance`."""
    keywords: Sequence[str] = ()
    """Of the photo's own files."""
    rating: int | None = None
    """0 to 5 stars, or -1 for rejected."""

    @property
    def needs_file(self) -> bool:
        """Tell whether a photo without a sidecar needs one.

        The keywords alone need none, as they are in the photo's file.
        """
        return bool(self.captions or self.labels or self.rating)


def collect_content(
    photo: Photo, labels: LabelStore, captions: CaptionStore, photos: PhotoStore
) -> SidecarContent:
    """Collect what the sidecar of a photo is to hold."""
    photo_labels = labels.get(photo.photo_id)
    texts = captions.captions_by_language(photo.photo_id)
    return SidecarContent(
        photo.sha256,
        {language: caption.text for language, caption in texts.items()},
        {language: format_writer(caption) for language, caption in texts.items()},
        [label.label for label in photo_labels],
        [
            format_label_source(label.label, label.given_by, label.probability)
            for label in photo_labels
            if label.given_by != "person"
        ],
        photos.keywords_of(photo.photo_id),
        photo.rating,
    )
