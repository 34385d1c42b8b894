"""HTML of classified photos: a card with bars for each photo, or a grid for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from album.domain.classification import NONE, Classification, Prediction
from album.errors import UnreadableImageError
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import say, say_count
from album.ui.shared.percent import percent
from album.ui.shared.photo_html import inline_img, photo_tile
from album.ui.shared.templates import render

BARS = 6
CARDS = 12  # beyond these they are folded away
TILES = 12  # of a class
CLASSES_AS_WRITTEN = 30  # up to so many, all are shown, in the order of the list
CLASSES_WITH_TILES = 40
NAMES = 60  # of the classes that are only named


@dataclass(frozen=True, slots=True)
class _Card:
    name: str
    prediction: Prediction | None = None
    """None for a file that cannot be read, see `reason`."""
    image: str = ""
    """Of a photo of the album a tile that opens it."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _ClassGroup:
    name: str
    count: str
    tiles: Markup


class ResultsView:
    """Renders classified photos."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def cards(
        self,
        files: Sequence[Path],
        of_files: Sequence[Prediction | UnreadableImageError],
        photo_ids: Sequence[int],
        of_photos: Sequence[Prediction],
        language: str,
    ) -> Markup:
        """Render a card with bars for each file and photo, in their order."""
        cards = []
        for path, prediction in zip(files, of_files, strict=True):
            if isinstance(prediction, UnreadableImageError):
                cards.append(_Card(path.name, reason=translate_failure(language, prediction)))
            else:
                image = inline_img(self._album.picture_of(path), path.name)
                cards.append(_Card(path.name, prediction, Markup(image)))
        photos = self._album.store.get_many(photo_ids)
        cards += [
            _Card(photo.filename, prediction, photo_tile(photo, photo.filename))
            for photo_id, prediction in zip(photo_ids, of_photos, strict=True)
            if (photo := photos.get(photo_id)) is not None
        ]
        return render("classify/cards.html", language, cards=cards, unfolded=CARDS, most_bars=BARS)

    def grid(self, sorting: Classification, language: str) -> Markup:
        """Render the photos of each class, the most probable first, then those of none.

        For an album of any size, a class shows `TILES` photos, and at most `CLASSES_WITH_TILES`
        classes do.
        """
        labels = sorting.labels
        counts = np.bincount(sorting.winners[sorting.winners != NONE], minlength=len(labels))
        order = list(range(len(labels)))
        if len(labels) > CLASSES_AS_WRITTEN:
            order = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]
        with_tiles, named = order[:CLASSES_WITH_TILES], order[CLASSES_WITH_TILES:]
        empty = [labels[c] for c in np.flatnonzero(counts == 0)]
        notes = []
        if named:
            names = [f"{labels[c]} {counts[c]:,}" for c in named]
            notes.append(_name_classes("fewer_classes", names, language))
        if empty and len(labels) > CLASSES_AS_WRITTEN:
            notes.append(_name_classes("empty_classes", empty, language))
        return render(
            "classify/grid.html",
            language,
            looked_at=say_count(language, "sorted", len(sorting.photo_ids)),
            classes=[self._group(sorting, c, language) for c in with_tiles],
            notes=notes,
            others=self._group(sorting, NONE, language) if NONE in sorting.winners else None,
        )

    def _group(self, sorting: Classification, c: int, language: str) -> _ClassGroup:
        ids, probabilities = sorting.photos_in_class(c)
        name = say(language, "none_of_these") if c == NONE else sorting.labels[c]
        count = (
            say_count(language, "tile", len(ids)) if len(ids) else say(language, "none_of_album")
        )
        values = [None] * TILES if c == NONE else probabilities[:TILES].tolist()
        tiles = self.tiles([*zip(ids[:TILES].tolist(), values, strict=False)])
        return _ClassGroup(name, count, tiles)

    def tiles(self, found: Sequence[tuple[int, float | None]]) -> Markup:
        """Render photos that open on a click, with their probability where it is known."""
        photos = self._album.store.get_many([photo_id for photo_id, _ in found])
        return Markup().join(
            photo_tile(
                photos[photo_id],
                photos[photo_id].filename,
                below="" if probability is None else percent(probability),
            )
            for photo_id, probability in found
            if photo_id in photos
        )


def join_names(names: Sequence[str], most: int, key: str, language: str) -> str:
    """List the first names and count the others.

    Args:
        names: all of them.
        most: how many to list.
        key: of the message that says how many there are beside `what`.
        language: of the reader.
    """
    listed = ", ".join(names[:most])
    hidden = len(names) - most
    return say(language, key, what=listed, n=hidden) if hidden > 0 else listed


def _name_classes(key: str, names: Sequence[str], language: str) -> str:
    what = join_names(names, NAMES, "and_classes", language)
    return say(language, key, n=len(names), what=what)
