"""Endpoints that run a model on photos."""

from __future__ import annotations

from typing import Any

from album.domain.classification import Prediction
from album.errors import QueryError, UnreadableImageError
from album.service import Album
from album.ui.api.arguments import check_file_count, parse_photo_id, parse_text
from album.ui.shared.uploads import UploadFolder

MAX_PHOTOS = 10_000


class ModelEndpoints:
    """Classification and captions."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads

    def classify_photos(
        self, photo_ids: list[int] | None, files: list[str] | None, labels: str
    ) -> dict[str, Any]:
        """Classify photos into your own classes.

        Args:
            photo_ids: photos of the album, as a JSON list of up to 10,000 ids; may be empty.
            files: up to 1,000 uploaded image files, looked at once and not kept. May be empty.
            labels: the classes, one a line or separated by commas, synonyms and languages beside
                each other with |, as in: 고양이 | cat, dog. Photos times classes: up to 1,000,000.

        Returns:
            model_id and photos; each has photo_id or file_name, labels with their probability, most
            probable first, none_probability (that it is none of these; all together are 1), and
            none (true: even the first label is too unlikely), or a reason where a file cannot be
            read.
        """
        classes = parse_text(labels).replace(",", "\n")
        classifier = self._album.classifier
        photos: list[dict[str, Any]] = []
        if photo_ids:
            if not isinstance(photo_ids, list):
                raise QueryError("photo_ids must be a list of photo ids.")
            if len(photo_ids) > MAX_PHOTOS:
                raise QueryError("Send at most {limit} photo ids at once.", limit=MAX_PHOTOS)
            ids = [parse_photo_id(photo_id) for photo_id in photo_ids]
            predictions = classifier.classify_photos(ids, classes)
            for photo_id, prediction in zip(ids, predictions, strict=True):
                photos.append({"photo_id": photo_id, **_prediction_json(prediction)})
        check_file_count(files)
        paths = self._uploads.check(files)
        if paths:
            for path, result in zip(paths, classifier.classify_files(paths, classes), strict=True):
                if isinstance(result, UnreadableImageError):
                    photos.append({"file_name": path.name, "reason": str(result)})
                else:
                    photos.append({"file_name": path.name, **_prediction_json(result)})
        if not photos:
            raise QueryError("Send photo_ids or files to classify.")
        return {"model_id": classifier.model_id, "photos": photos}

    def caption_photo(self, photo_id: int, language: str = "ko") -> dict[str, Any]:
        """Caption a photo with Gemini.

        A small JPEG without EXIF is sent to Google.

        Args:
            photo_id: the photo. A caption written by hand is left alone.
            language: ko or en.

        Returns:
            photo_id, caption, language and model.
        """
        caption = self._album.captions.ask_now(parse_photo_id(photo_id), language or "ko")
        return {
            "photo_id": int(photo_id),
            "caption": caption.text,
            "language": caption.language,
            "model": caption.model_id,
        }


def _prediction_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "labels": [
            {"label": score.label, "probability": round(score.probability, 6)}
            for score in prediction.scores
        ],
        "none": prediction.none,
        "none_probability": round(prediction.none_probability or 0.0, 6),
    }
