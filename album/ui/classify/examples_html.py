"""HTML of a label that is learned from examples, and of the photos to mark."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from album.classification.few_shot import FewShotModel
from album.domain.labels import FAVOURITE
from album.domain.photo import Photo
from album.service import Album
from album.ui.i18n.messages import say, say_count
from album.ui.shared.percent import percent
from album.ui.shared.photo_html import photo_tile
from album.ui.shared.templates import render

PAIRS = 4
"""How many contradictions are shown at once."""
NARROW = 0.1
"""Widest interval that is worded in hundredths, not in tenths."""


@dataclass(frozen=True, slots=True)
class ExampleOffer:
    """The photos that one browser shows to be marked, kept in its session on the server."""

    source: Literal["", "found", "start", "ask", "surest"] = ""
    photo_ids: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    """Of "surest": the probability of each photo."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Contradictions."""

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The photos in the order of their places on the page."""
        return self.photo_ids + tuple(photo_id for pair in self.pairs for photo_id in pair)


def shown_label(label: str, language: str) -> str:
    """Return the label as its reader knows it: the heart has a name in each language."""
    return say(language, "favourite") if label == FAVOURITE else label


def note(words: str) -> Markup:
    """Render a paragraph of small print."""
    return Markup('<p class="note">{}</p>').format(words)


def examples_line(label: str, positives: int, negatives: int, language: str) -> Markup:
    """Render how many examples there are of either kind, or how to begin."""
    if not positives and not negatives:
        return note(say(language, "teach_how"))
    name = shown_label(label, language)
    are = say_count(language, "teach_are", positives, label=name)
    are_not = say_count(language, "teach_are_not", negatives)
    return Markup('<p role="status">{} · {}</p>').format(are, are_not)


def learned(model: FewShotModel, language: str) -> Markup:
    """Render how right the label is on examples that it had not seen, where that is known."""
    sentence = None
    if model.precision is not None and model.recall is not None:
        of = 100 if model.precision.high - model.precision.low <= NARROW else 10
        sentence = say(
            language,
            "teach_right",
            of=of,
            right=round(of * model.precision.value),
            low=round(of * model.precision.low),
            high=round(of * model.precision.high),
            found=round(of * model.recall.value),
        )
    left_out = say_count(language, "teach_left_out", model.left_out) if model.left_out else ""
    return render("classify/learned.html", language, sentence=sentence, left_out=left_out)


def question_tiles(
    album: Album,
    offer: ExampleOffer,
    photos: Mapping[int, Photo],
    said: tuple[Collection[int], Collection[int]],
    label: str,
    language: str,
) -> Markup:
    """Render the photos of an offer as tiles with two buttons each, for `examples.js`.

    Args:
        album: the service.
        offer: the photos. Those that are not in `photos` are left out.
        photos: by id.
        said: ids of the positive and of the negative examples.
        label: its name, "" while it has none.
        language: of the reader.
    """

    def tile(place: int, photo_id: int) -> dict[str, Any] | None:
        if (photo := photos.get(photo_id)) is None:
            return None
        return {
            "id": photo_id,
            "name": photo.filename,
            "mark": "is" if photo_id in said[0] else "not" if photo_id in said[1] else "",
            "image": photo_tile(photo, photo.filename),
            "share": percent(offer.shares[place]) if offer.shares else "",
        }

    unpaired = len(offer.photo_ids)
    tiles = [tile(place, photo_id) for place, photo_id in enumerate(offer.all_ids)]
    return render(
        "classify/questions.html",
        language,
        source=offer.source,
        label=shown_label(label, language),
        photos=tiles,
        places=[place for place in range(unpaired) if tiles[place]],
        pairs=range(unpaired, len(tiles), 2),
        drawn_ns=time.time_ns(),
    )
