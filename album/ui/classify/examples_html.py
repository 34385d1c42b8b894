"""What a label has learned, in words, and the photos that somebody is asked about: escaped HTML."""

from __future__ import annotations

import html
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from album.classification.few_shot import FewShotModel
from album.domain.labels import FAVOURITE
from album.domain.photo import Photo
from album.service import Album
from album.ui.i18n.messages import say, say_count
from album.ui.shared.photo_html import img

PAIRS = 4
"""How many contradictions are shown at once."""
NARROW = 0.1
"""An interval of this width or less is worth telling in hundredths."""


@dataclass(frozen=True, slots=True)
class ExampleOffer:
    """The photos that one browser is asked about; lives in its session, on the server."""

    source: Literal["", "found", "start", "ask", "surest"] = ""
    photo_ids: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    """Of "surest": how probable it is for each."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Contradictions."""

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The photos in the order of their places on the page."""
        return self.photo_ids + tuple(it for pair in self.pairs for it in pair)


def shown_label(label: str, language: str) -> str:
    """The label as its reader knows it; only the heart is called by other words."""
    return say(language, "favourite") if label == FAVOURITE else label


def examples_line(label: str, positives: int, negatives: int, language: str) -> str:
    """How many examples there are of either kind; what to do where there are none."""
    if not positives and not negatives:
        return f'<p class="note">{say(language, "teach_how")}</p>'
    name = shown_label(label, language)
    are = say_count(language, "teach_are", positives, label=name)
    are_not = say_count(language, "teach_are_not", negatives)
    return f'<p role="status">{html.escape(f"{are} · {are_not}")}</p>'


def learned(taught: FewShotModel, language: str) -> str:
    """How right the label is on examples that it had not seen, or that nobody can tell yet."""
    late = ""
    if taught.left_out:
        late = f'<p class="note">{say_count(language, "teach_left_out", taught.left_out)}</p>'
    if taught.precision is None or taught.recall is None:
        return f'<p role="status">{say(language, "teach_too_few")}</p>{late}'
    of = 100 if taught.precision.high - taught.precision.low <= NARROW else 10

    def out_of(share: float) -> int:
        return round(of * share)

    sentence = say(
        language,
        "teach_right",
        of=of,
        right=out_of(taught.precision.value),
        low=out_of(taught.precision.low),
        high=out_of(taught.precision.high),
        found=out_of(taught.recall.value),
    )
    return (
        f'<p role="status"><strong>{sentence}</strong></p>'
        f'<p class="note">{say(language, "teach_right_how")}</p>{late}'
    )


def question_tiles(
    album: Album,
    offer: ExampleOffer,
    photos: Mapping[int, Photo],
    said: tuple[Collection[int], Collection[int]],
    label: str,
    language: str,
) -> str:
    """The photos of an offer as tiles with two buttons each, `examples.js` brings them to life.

    Args:
        album: the service.
        offer: the photos; those that are not in `photos` are left out.
        photos: what is known of them.
        said: ids of the photos that are of the label, and that are not.
        label: its name; "" while it has none.
        language: of the reader.
    """
    # Browsers change marks by themselves; only a value that differs is drawn anew.
    stamp = f'<div class="questions" data-drawn="{time.time_ns()}">'
    if not offer.source:
        return f"{stamp}</div>"
    name = shown_label(label, language)

    def tile(place: int) -> str:
        photo_id = offer.all_ids[place]
        if photo_id not in photos:
            return ""
        photo = photos[photo_id]
        mark = "is" if photo_id in said[0] else "not" if photo_id in said[1] else ""
        share = f'<span class="sure">{offer.shares[place]:.0%}</span>' if offer.shares else ""
        buttons = "".join(
            f'<button type="button" data-mark="{kind}" aria-pressed="{_truth(mark == kind)}"'
            f' title="{say(language, f"teach_{kind}")}" aria-label="'
            f'{html.escape(say(language, f"teach_{kind}_of", label=name, photo=photo.filename))}">'
            f'<span aria-hidden="true">{sign}</span></button>'
            for kind, sign in (("is", "✓"), ("not", "✗"))
        )
        return (
            f'<div class="question" data-place="{place}" data-photo="{photo_id}"'
            f' data-said="{mark}">{img(album.originals.thumbnail(photo.sha256), photo.filename)}'
            f'{share}<div class="marks">{buttons}</div></div>'
        )

    own = len(offer.photo_ids)
    asked = "".join(tile(place) for place in range(own))
    key = f"teach_offer_{offer.source}" if asked else "teach_nothing_left"
    parts = [stamp, f'<h3 class="asked">{say(language, key)}</h3>']
    if asked:
        parts.append(f'<div class="question-tiles">{asked}</div>')
    if offer.pairs:
        words = html.escape(say(language, "teach_contradiction", label=name))
        parts.append(f'<h3 class="asked contradiction">{words}</h3><div class="pairs">')
        parts += [
            f'<div class="pair">{tile(place)}{tile(place + 1)}</div>'
            for place in range(own, len(offer.all_ids), 2)
        ]
        parts.append("</div>")
    return "".join([*parts, "</div>"])


def _truth(it: bool) -> str:
    return "true" if it else "false"
