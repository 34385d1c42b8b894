"""Endpoints that report what the album holds."""

from __future__ import annotations

from typing import Any

from album.service import Album
from album.ui.api.arguments import parse_photo_id


class AlbumEndpoints:
    """Facts of a photo, of the album and of its labels."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def photo_details(self, photo_id: int) -> dict[str, Any]:
        """Report all that the album knows about a photo.

        Args:
            photo_id: the photo.

        Returns:
            photo_id, file_name, file_type, width, height, size_bytes, date and how it is known,
            camera, lens, exposure_s, f_number, iso, focal_mm, latitude, longitude, place (town and
            country, or null), rating (1 to 5; -1: rejected), keywords, caption, labels, and missing
            (its original is not where it was).
        """
        photo = self._album.photo(parse_photo_id(photo_id))
        caption = self._album.captions.get(photo.photo_id)
        place = self._album.store.place_of(photo.photo_id)
        return {
            "photo_id": photo.photo_id,
            "file_name": photo.filename,
            "file_type": photo.file_type,
            "width": photo.width,
            "height": photo.height,
            "size_bytes": photo.size_bytes,
            "date": photo.taken_at.isoformat(timespec="seconds"),
            "date_from": photo.taken_from,
            "camera": photo.camera,
            "lens": photo.lens,
            "exposure_s": photo.exposure_s,
            "f_number": photo.f_number,
            "iso": photo.iso,
            "focal_mm": photo.focal_mm,
            "latitude": photo.latitude,
            "longitude": photo.longitude,
            "place": place and {"town": place.town, "country": place.country},
            "rating": photo.rating,
            "keywords": self._album.store.keywords_of(photo.photo_id),
            "caption": None if caption is None else caption.text,
            "labels": self._album.labels_of(photo.photo_id),
            "missing": photo.missing,
        }

    def album_status(self) -> dict[str, Any]:
        """Report the counts of the album and its work in progress.

        Returns:
            photos, model_id (null while loading), encoding and importing as [done, total] or null,
            captions, captions_waiting and captions_failed.
        """
        status = self._album.status()
        return {
            "photos": status.photos,
            "model_id": status.model_id,
            "encoding": status.encoding,
            "importing": status.importing,
            "captions": status.captions,
            "captions_waiting": status.captions_waiting,
            "captions_failed": status.captions_failed,
        }

    def album_labels(self) -> dict[str, Any]:
        """List the labels with their number of photos and their sources.

        Returns:
            labels; each has label, photos (how many have it), given (how many by "person", by
            "words", by "examples" and by "model", a trained classifier, without zeros),
            refused (how many somebody said it is wrong for), rule (how it is given by itself:
            "words", "examples", "model", or null) and living (whether new photos get it).
        """
        return {
            "labels": [
                {
                    "label": label.label,
                    "photos": label.photos,
                    "given": dict(label.giver_counts),
                    "refused": label.refused,
                    "rule": None if label.rule is None else label.rule.kind,
                    "living": label.rule is not None and label.rule.living,
                }
                for label in self._album.labels.summaries()
            ]
        }

    def album_themes(self) -> dict[str, Any]:
        """List what the photos of the album show, the largest theme first.

        Returns:
            state ("ready", "working", "few" photos, "no_model" yet, or "failed"), done (the share
            of the work in progress) and themes; each has theme (its number), words (up to two
            in "en" and "ko"), sure (whether they name it; else they are up to three guesses),
            photos (how many it has) and cover (ids of up to four of them).
        """
        state = self._album.discovery.state()
        themes = self._album.discovery.themes()
        return {
            "state": state.kind,
            "done": round(state.share, 2),
            "themes": [theme.as_json() for theme in themes],
        }
