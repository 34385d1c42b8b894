"""Large views and small pictures, made on demand and cached."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from album.domain.photo import Photo
from album.errors import PhotoNotFoundError, UnreadableImageError
from album.images.decoder import Decoder
from album.storage.originals import Originals

log = logging.getLogger(__name__)

PICTURES_KEPT = 232  # of some 20 kB each: 200 that were classified, and 32 of searches


class ImageCache:
    """Makes JPEGs that a person waits for."""

    def __init__(self, originals: Originals, decoder: Decoder) -> None:
        self._originals = originals
        self._decoder = decoder
        self.upload_thumbnail = lru_cache(PICTURES_KEPT)(decoder.thumbnail)
        """Returns a small JPEG of an uploaded file."""

    def large_view(self, photo: Photo) -> Path:
        """Return the file of a photo's large JPEG, or its thumbnail.

        Raises:
            PhotoNotFoundError: neither its original nor its thumbnail is there.
            UnreadableImageError: the original is damaged, and its thumbnail is not there.
        """
        target = self._originals.large_view(photo.sha256)
        if target.exists():
            return target
        try:
            view = self._decoder.large_view(self._originals.find(photo))
            self._originals.write_cache(target, view)
        except (PhotoNotFoundError, UnreadableImageError, OSError) as error:
            thumbnail = self._originals.thumbnail(photo.sha256)
            if not thumbnail.exists():
                raise
            log.warning("photo %d is shown by its thumbnail: %s", photo.photo_id, error)
            return thumbnail
        return target
