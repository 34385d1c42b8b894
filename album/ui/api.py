"""What programs may call: named endpoints, plain JSON in and out, never a path of the server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast, get_args

import gradio as gr

from album.domain.classification import Prediction
from album.domain.photo import SearchFilters
from album.errors import QueryError, UnreadableImageError
from album.runtime.files import display_name
from album.search.query import parse_day
from album.search.request import SearchRequest, Sort
from album.search.search import SearchPage
from album.search.serialization import counts_json, hit_json, understood_json
from album.service import Album
from album.ui.imports.import_html import as_json
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.queue_lanes import (
    PROGRAM_CAPTIONS,
    PROGRAM_CLASSES,
    PROGRAM_FACTS,
    PROGRAM_SEARCHES,
    PROGRAM_UPLOADS,
)
from album.ui.shared.uploads import UploadFolder

MOST_HITS = 500
MOST_FILES = 1000
MOST_PHOTOS = 10_000
LONGEST_DAY = 100


class Endpoints:
    """The public functions; their docstrings are what callers read."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self._publish(
            self.search_photos,
            [
                gr.Textbox(""), gr.File(), gr.Textbox(""), gr.Textbox(""), *_page(),
                gr.Textbox("best"), gr.Checkbox(False),
            ],
            **PROGRAM_SEARCHES,
        )  # fmt: skip
        self._publish(self.similar_photos, [gr.Number(), *_page()], **PROGRAM_SEARCHES)
        self._publish(self.upload_photos, [gr.File(file_count="multiple")], **PROGRAM_UPLOADS)
        self._publish(
            self.classify_photos, [gr.JSON(), gr.File(file_count="multiple"), gr.Textbox()],
            **PROGRAM_CLASSES,
        )  # fmt: skip
        self._publish(self.caption_photo, [gr.Number(), gr.Textbox("ko")], **PROGRAM_CAPTIONS)
        self._publish(self.photo_details, [gr.Number()], **PROGRAM_FACTS)
        self._publish(self.album_status, [], **PROGRAM_FACTS)
        self._publish(self.album_labels, [], **PROGRAM_FACTS)
        self._publish(self.import_status, [gr.Number(20)], **PROGRAM_FACTS)
        for function in (self.pause_import, self.resume_import, self.cancel_import):
            self._publish(function, [gr.Number()], **PROGRAM_FACTS)

    @staticmethod
    def _publish(function: Any, inputs: list[Any], **options: Any) -> None:
        """One endpoint, named like its function; its components are never drawn."""
        for component in inputs:
            component.visible = False
        gr.Button(visible=False).click(
            alerts_on_failure(function), inputs, gr.JSON(visible=False),
            api_name=function.__name__, api_visibility="public", **options,
        )  # fmt: skip

    def search_photos(
        self,
        query: str = "",
        image: str | None = None,
        after: str = "",
        before: str = "",
        limit: int = 20,
        offset: int = 0,
        sort: str = "best",
        rest: bool = False,
    ) -> dict[str, Any]:
        """Find the photos that match a sentence in Korean or English, or say that there is none.

        Days, seasons, places, cameras, labels and file types in the sentence are understood as
        such; "without" or "말고" excludes, "a + b" asks for both, and words in quotation marks are
        looked for in captions, names and keywords. All else is what the photo shows. Without a
        query and an image: all photos, the newest first.

        Args:
            query: what the photos show, when and where they were taken, as one sentence.
            image: an uploaded picture that the photos are to look like; combines with the words.
            after: only photos taken on this day or later, as 2019-08-03, 2019-08 or 2019.
            before: only photos taken on this day or earlier.
            limit: how many hits at the most, up to 500.
            offset: how many hits to leave out, for the next page.
            sort: "best", the surest first, or "date", the latest first inside each band.
            rest: with true, what does not match comes too, behind all that does.

        Returns:
            query; model_id (null where nothing had to be looked at); total (hits on all pages) and
            hits; sure, maybe and rest (how many photos match, may match and do not, shown or not);
            vetoed (how many would match but show what was excluded); nearest (true: nothing
            matches, and the few hits only come nearest); understood (parts of the query that are
            facts or conditions: kind, text, excluded, and first and last for days), visual (what is
            left to be seen), notices (sentences on what looks like something it is not) and unread
            ("ko" where the model does not read the language of the query).
            A hit has photo_id, file_name, date, caption, score (cosine in [-1, 1], high is near, or
            null), band ("sure", "maybe" or "rest"; trust "sure"), why (its reasons: kind "looks"
            with a likeness in [0, 1], or the text that matches, such as "caption", with an excerpt)
            and burst (how many photos of the same moment it stands for).
        """
        query = _text(query)
        if (sort := sort or "best") not in get_args(Sort):
            raise QueryError("sort is best or date.")
        if not isinstance(rest := rest or False, bool):
            raise QueryError("rest is true or false.")
        page = self._album.search.find(
            SearchRequest(
                query,
                pictures=tuple(self._uploads.checked(image)),
                filters=SearchFilters(after=_day(after), before=_day(before, last=True)),
                sort=cast("Sort", sort),
                rest=rest,
            ),
            offset=_at_least(0, offset),
            limit=min(MOST_HITS, _at_least(1, limit)),
        )
        return {"query": query, **_hits(page), **understood_json(page)}

    def similar_photos(self, photo_id: int, limit: int = 20, offset: int = 0) -> dict[str, Any]:
        """Rank all other photos of the album by how much they look like one of them.

        None is left out for looking different: the band of each hit says whether it is alike.

        Args:
            photo_id: the photo to compare with.
            limit: how many hits at the most, up to 500.
            offset: how many hits to leave out, for the next page.

        Returns:
            photo_id; model_id, total, sure, maybe, rest and hits as of search_photos.
        """
        page = self._album.search.similar(
            _photo_id(photo_id),
            offset=_at_least(0, offset),
            limit=min(MOST_HITS, _at_least(1, limit)),
        )
        return {"photo_id": int(photo_id), **_hits(page)}

    def upload_photos(self, files: list[str]) -> dict[str, Any]:
        """Add photos to the album and wait until they can be found.

        Args:
            files: uploaded image files.

        Returns:
            added and already_here (counts), photo_ids of the added ones, failed (file_name and
            reason of each), and seconds.
        """
        if len(files or ()) > MOST_FILES:
            raise QueryError(f"Send at most {MOST_FILES} files at once.")
        paths = self._uploads.checked(files)
        if not paths:
            raise QueryError("Send at least one file.")
        album = self._album
        import_id = album.upload([(path, path.name) for path in paths])
        album.imports.wait(import_id)
        record = album.imports.get(import_id)
        if record.state not in ("done", "cancelled"):
            raise QueryError(record.problem or "The import was interrupted.")
        return {
            "added": record.added,
            "already_here": record.already_here,
            "photo_ids": sorted(album.import_store.added_by(import_id)),
            "failed": [
                {"file_name": display_name(it.path), "reason": it.reason}
                for it in album.import_store.failures(import_id)
            ],
            "seconds": round(record.seconds, 3),
        }

    def import_status(self, limit: int = 20) -> dict[str, Any]:
        """How far imports are and what came of them, the one asked for last first.

        Args:
            limit: how many imports at the most, up to 500.

        Returns:
            imports; each has import_id, kind, state ("waiting", "running", "paused", "done",
            "cancelled", "failed" or "interrupted": its program ended in the middle), wish (what
            somebody last asked of it: "run", "pause" or "cancel"), the counts total, done, added,
            already_here, updated, missing and failed, skipped (other files by kind), problem (a
            sentence, where it could not go on), seconds at work, asked_at and ended_at.
        """
        most = min(MOST_HITS, _at_least(1, limit))
        return {"imports": [as_json(it) for it in self._album.imports.recent(most)]}

    def pause_import(self, import_id: int) -> dict[str, Any]:
        """Pause an import after the photos in hand; it stays paused until resume_import.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status; it follows within a second.
        """
        return self._ask(import_id, self._album.imports.pause)

    def resume_import(self, import_id: int) -> dict[str, Any]:
        """Go on with an import that was paused or cancelled, or could not go on.

        What was left of a cancelled upload is gone: send it again.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status.
        """
        number = _import_id(import_id)
        self._album.imports.resume(number)
        return as_json(self._album.imports.get(number))

    def cancel_import(self, import_id: int) -> dict[str, Any]:
        """End an import after the photos in hand; those that are in stay.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status; it follows within a second.
        """
        return self._ask(import_id, self._album.imports.cancel)

    def classify_photos(
        self, photo_ids: list[int] | None, files: list[str] | None, labels: str
    ) -> dict[str, Any]:
        """Tell which of your own classes photos belong to.

        Args:
            photo_ids: photos of the album, as a JSON list of up to 10,000 ids; may be empty.
            files: up to 1,000 uploaded image files, looked at once and not kept; may be empty.
            labels: the classes, one a line or separated by commas; synonyms and languages beside
                each other with |, as in: 고양이 | cat, dog. Photos times classes: up to 1,000,000.

        Returns:
            model_id and photos; each has photo_id or file_name, labels with their probability, most
            probable first, and none (true: even the first is too unlikely, it is none of these), or
            a reason where a file cannot be read.
        """
        classes = _text(labels).replace(",", "\n")
        classifier = self._album.classifier
        photos: list[dict[str, Any]] = []
        if photo_ids:
            if not isinstance(photo_ids, list):
                raise QueryError("photo_ids must be a list of photo ids.")
            if len(photo_ids) > MOST_PHOTOS:
                raise QueryError(f"Send at most {MOST_PHOTOS} photo ids at once.")
            ids = [_photo_id(it) for it in photo_ids]
            verdicts = classifier.classify_photos(ids, classes)
            for photo_id, verdict in zip(ids, verdicts, strict=True):
                photos.append({"photo_id": photo_id, **_verdict(verdict)})
        if len(files or ()) > MOST_FILES:
            raise QueryError(f"Send at most {MOST_FILES} files at once.")
        paths = self._uploads.checked(files)
        if paths:
            for path, result in zip(paths, classifier.classify_files(paths, classes), strict=True):
                if isinstance(result, UnreadableImageError):
                    photos.append({"file_name": path.name, "reason": str(result)})
                else:
                    photos.append({"file_name": path.name, **_verdict(result)})
        if not photos:
            raise QueryError("Send photo_ids or files to classify.")
        return {"model_id": classifier.model_id, "photos": photos}

    def caption_photo(self, photo_id: int, language: str = "ko") -> dict[str, Any]:
        """Let Gemini caption a photo; a small JPEG without EXIF is sent to Google.

        Args:
            photo_id: the photo. A caption written by hand is left alone.
            language: ko or en.

        Returns:
            photo_id, caption, language and model.
        """
        caption = self._album.captions.ask_now(_photo_id(photo_id), language or "ko")
        return {
            "photo_id": int(photo_id),
            "caption": caption.text,
            "language": caption.language,
            "model": caption.model_id,
        }

    def photo_details(self, photo_id: int) -> dict[str, Any]:
        """All that the album knows about a photo.

        Args:
            photo_id: the photo.

        Returns:
            photo_id, file_name, file_type, width, height, size_bytes, date and how it is known,
            camera, lens, exposure_s, f_number, iso, focal_mm, latitude, longitude, place (town and
            country, or null), rating (1 to 5; -1: rejected), keywords, caption, labels, and missing
            (its original is not where it was).
        """
        photo = self._album.photo(_photo_id(photo_id))
        caption = self._album.captions.of(photo.photo_id)
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
        """The album at a glance.

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
        """The labels of the album: how many photos have each, and who gave them.

        Returns:
            labels; each has label, photos (how many have it), given (how many by "person", by
            "words", by "examples" and by "model", a trained classifier; those of none left out),
            refused (how many somebody said it is wrong for), rule (how it is given by itself:
            "words", "examples", "model", or null) and living (whether new photos get it).
        """
        return {
            "labels": [
                {
                    "label": it.label,
                    "photos": it.photos,
                    "given": dict(it.given),
                    "refused": it.refused,
                    "rule": None if it.rule is None else it.rule.kind,
                    "living": it.rule is not None and it.rule.living,
                }
                for it in self._album.labels.summaries()
            ]
        }

    def _ask(self, import_id: Any, ask: Callable[[int], None]) -> dict[str, Any]:
        """Ask something of an import that has not ended; the import."""
        number = _import_id(import_id)
        if not self._album.imports.get(number).ended:
            ask(number)
        return as_json(self._album.imports.get(number))


def _page() -> list[Any]:
    return [gr.Number(20), gr.Number(0)]


def _hits(page: SearchPage) -> dict[str, Any]:
    return {
        **counts_json(page),
        "hits": [
            {
                "photo_id": hit.photo.photo_id,
                "file_name": hit.photo.filename,
                "date": hit.photo.taken_at.isoformat(timespec="seconds"),
                **hit_json(hit),
            }
            for hit in page.hits
        ],
    }


def _day(value: str | None, *, last: bool = False) -> date | None:
    text = _text(value).strip()
    # What is too long for a day is none, and is not looked through for one.
    return parse_day(text if len(text) <= LONGEST_DAY else f"{text[:LONGEST_DAY]}…", last=last)


def _verdict(verdict: Prediction) -> dict[str, Any]:
    return {
        "labels": [
            {"label": it.label, "probability": round(it.probability, 6)} for it in verdict.scores
        ],
        "none": verdict.none,
    }


def _text(value: str | None) -> str:
    """What was sent, without the halves of characters that JSON can carry and nothing can write."""
    return (value or "").encode(errors="replace").decode()


def _photo_id(value: Any) -> int:
    number = _whole(value)
    if number is None or not 0 < number < 2**63:
        raise QueryError("A photo id is a whole number above zero.")
    return number


def _import_id(value: Any) -> int:
    number = _whole(value)
    if number is None or not 0 < number < 2**63:
        raise QueryError("An import id is a whole number above zero.")
    return number


def _at_least(least: int, value: Any) -> int:
    number = _whole(value)
    if number is None:
        raise QueryError("limit and offset are whole numbers.")
    return max(least, min(number, 2**31))


def _whole(value: Any) -> int | None:
    """What JSON calls a whole number, also where it is written 1.0; None for all else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
