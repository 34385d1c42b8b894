"""What photos were taken for, as escaped HTML: bars on a photo, a grid for each class."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from album.domain.classification import NONE, Classification, Prediction
from album.errors import UnreadableImageError
from album.service import Album
from album.ui.i18n.error_messages import in_language
from album.ui.i18n.messages import say, say_count
from album.ui.shared.photo_html import img, inline_img

BARS = 6
CARDS = 12  # beyond these they are folded away
TILES = 12  # of a class
CLASSES_AS_WRITTEN = 30  # up to so many, all are shown, in the order of the list
CLASSES_WITH_TILES = 40
NAMES = 60  # of the classes that are only named

OPEN_ON_CLICK = """
element.addEventListener('click', (event) => {
  const tile = event.target.closest('[data-photo]');
  if (tile) trigger('select', {index: 0, value: Number(tile.dataset.photo)});
});
"""
"""A tile tells which photo it is; the server looks the id up."""


class ResultsView:
    """Makes the HTML of results."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def cards(
        self,
        files: Sequence[Path],
        of_files: Sequence[Prediction | UnreadableImageError],
        photo_ids: Sequence[int],
        of_photos: Sequence[Prediction],
        language: str,
    ) -> str:
        """A card with bars for each file and photo, in their order."""
        cards = []
        for path, verdict in zip(files, of_files, strict=True):
            if isinstance(verdict, UnreadableImageError):
                cards.append(_unreadable(path.name, in_language(language, str(verdict))))
            else:
                picture: str = inline_img(self._album.picture_of(path), path.name)
                cards.append(_card(picture, path.name, verdict, language))
        photos = self._album.store.get_many(photo_ids)
        for photo_id, verdict in zip(photo_ids, of_photos, strict=True):
            if photo_id in photos:
                photo = photos[photo_id]
                picture = (
                    f'<button type="button" data-photo="{photo_id}">'
                    f"{img(self._album.originals.thumbnail(photo.sha256), photo.filename)}</button>"
                )
                cards.append(_card(picture, photo.filename, verdict, language))
        answer = f'<div class="verdicts">{"".join(cards[:CARDS])}</div>'
        if cards[CARDS:]:
            more = say(language, "more_cards", n=len(cards) - CARDS)
            rest = "".join(cards[CARDS:])
            answer += (
                f'<details><summary>{more}</summary><div class="verdicts">{rest}</div></details>'
            )
        return answer

    def grid(self, sorting: Classification, language: str) -> str:
        """The photos of each class with their count, the surest first, then those of none.

        Whatever the size of the album, a class shows `TILES` photos, and at most
        `CLASSES_WITH_TILES` classes do.
        """
        counts = np.bincount(
            sorting.winners[sorting.winners != NONE], minlength=len(sorting.labels)
        )
        shown = list(range(len(sorting.labels)))
        if len(shown) > CLASSES_AS_WRITTEN:
            shown = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]
        with_tiles, named = shown[:CLASSES_WITH_TILES], shown[CLASSES_WITH_TILES:]
        looked_at = say_count(language, "sorted", len(sorting.photo_ids))
        parts = [f'<p class="note">{looked_at}</p>']
        for c in with_tiles:
            ids, shares = sorting.photos_in_class(c)
            tiles = self.tiles([*zip(ids[:TILES].tolist(), shares[:TILES].tolist(), strict=True)])
            parts.append(_section("per-class", sorting.labels[c], len(ids), tiles, language))
        if named:
            names = _names([f"{sorting.labels[c]} {counts[c]:,}" for c in named], language)
            parts.append(f'<p class="note">{_said(language, "fewer_classes", named, names)}</p>')
        without = [sorting.labels[c] for c in np.flatnonzero(counts == 0)]
        if without and len(sorting.labels) > CLASSES_AS_WRITTEN:
            names = _names(without, language)
            parts.append(f'<p class="note">{_said(language, "empty_classes", without, names)}</p>')
        ids, _ = sorting.photos_in_class(NONE)
        if len(ids):
            tiles = self.tiles([(photo_id, None) for photo_id in ids[:TILES].tolist()])
            name = say(language, "none_of_these")
            parts.append(_section("none-of-these", name, len(ids), tiles, language))
        return "".join(parts)

    def tiles(self, found: Sequence[tuple[int, float | None]]) -> str:
        """Photos that open on a click, with how sure it is under them where that is known."""
        photos = self._album.store.get_many([photo_id for photo_id, _ in found])
        return "".join(
            f'<button type="button" data-photo="{photo_id}">'
            f"{img(self._album.originals.thumbnail(photo.sha256), photo.filename)}"
            f"{'' if share is None else f'<span>{share:.0%}</span>'}</button>"
            for photo_id, share in found
            if (photo := photos.get(photo_id)) is not None
        )


def _section(kind: str, name: str, count: int, tiles: str, language: str) -> str:
    number = say_count(language, "tile", count) if count else say(language, "none_of_album")
    return (
        f'<section class="{kind}"><div class="class-head"><h4>{html.escape(name)}</h4>'
        f"<span>{number}</span></div>"
        + (f'<div class="tiles">{tiles}</div>' if tiles else "")
        + "</section>"
    )


def _card(picture: str, name: str, verdict: Prediction, language: str) -> str:
    """One photo with a bar for each of its most probable classes."""
    none = ""
    if verdict.none:
        none = f'<p class="none">{say(language, "none_of_these")}</p>'
    bars = "".join(
        f'<div class="bar"><div class="words"><span>{html.escape(score.label)}</span>'
        f'<span>{score.probability:.0%}</span></div><div class="track">'
        f'<div class="share" style="width:{100 * score.probability:.1f}%"></div></div></div>'
        for score in verdict.scores[:BARS]
    )
    return (
        f'<div class="verdict{" is-none" if verdict.none else ""}">{picture}'
        f'<div class="says">{none}<div class="bars">{bars}</div>'
        f'<div class="name" title="{html.escape(name)}">{html.escape(name)}</div></div></div>'
    )


def _unreadable(name: str, reason: str) -> str:
    return (
        f'<div class="verdict unreadable"><div class="says"><p>{html.escape(reason)}</p>'
        f'<div class="name" title="{html.escape(name)}">{html.escape(name)}</div></div></div>'
    )


def _said(language: str, key: str, classes: Sequence[object], names: str) -> str:
    return html.escape(say(language, key, n=len(classes), what=names))


def _names(names: Sequence[str], language: str) -> str:
    some = ", ".join(names[:NAMES])
    hidden = len(names) - NAMES
    return say(language, "and_classes", what=some, n=hidden) if hidden > 0 else some
