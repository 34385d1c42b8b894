"""Views and small pictures, made on demand and cached."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from pathlib import Path

from album.domain.photo import Photo, ViewKind
from album.errors import PhotoNotFoundError, UnreadableImageError
from album.images.decoder import Decoder
from album.storage.originals import Originals
from album.storage.view_cache import ViewCache

log = logging.getLogger(__name__)

PICTURES_KEPT = 232  # of some 20 kB each: 200 that were classified, and 32 of searches
LOCKS = 64


class ImageCache:
    """Makes JPEGs that a person waits for."""

    def __init__(self, originals: Originals, decoder: Decoder) -> None:
        self._originals = originals
        self._decoder = decoder
        self._views = ViewCache(originals)
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        self.upload_thumbnail = lru_cache(PICTURES_KEPT)(decoder.thumbnail)
        """Returns a small JPEG of an uploaded file."""

    def find_view(self, photo: Photo, kind: ViewKind = "large") -> Path | None:
        """Return the file of a view that was made before."""
        return self._views.find(photo.sha256, kind)

    def view_path(self, photo: Photo, kind: ViewKind) -> Path:
        """Return the path of a view, whether it is there or not."""
        return self._views.path(photo.sha256, kind)

    def view(self, photo: Photo, kind: ViewKind = "large") -> Path:
        """Return the file of a photo's view, or of a smaller picture.

        The view is made if it is not there. If that fails, a smaller view or the thumbnail stands
        for it.

        Raises:
            PhotoNotFoundError: neither its original nor its thumbnail is there.
            UnreadableImageError: the original is damaged, and its thumbnail is not there.
        """
        # Who waits for the same view gets the one that is being made.
        with self._locks[hash((photo.sha256, kind)) % LOCKS]:
            if (found := self.find_view(photo, kind)) is not None:
                return found
            make = self._decoder.full_view if kind == "full" else self._decoder.large_view
            try:
                jpeg = make(self._originals.find(photo))
                return self._views.store(photo.sha256, kind, jpeg)
            except (PhotoNotFoundError, UnreadableImageError, OSError) as error:
                stand_in = self._stand_in(photo, kind)
                if stand_in is None:
                    raise
                log.warning("photo %d is shown by a smaller picture: %s", photo.photo_id, error)
                return stand_in

    def _stand_in(self, photo: Photo, kind: ViewKind) -> Path | None:
        large = self.find_view(photo) if kind == "full" else None
        thumbnail = self._originals.thumbnail(photo.sha256)
        return large or (thumbnail if thumbnail.exists() else None)
