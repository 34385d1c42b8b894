"""Photos as the page shows them: images, addresses of thumbnails, facts in words."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from album.domain.photo import Photo, Place
from album.ui.i18n.messages import TEXTS, say

SHORT_S = 0.3  # from here on, cameras show exposures as parts of a second


def address(path: Path) -> str:
    """The address of a file in the static thumbnail folder, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"


def img(path: Path, alt: str) -> str:
    """An image element for a thumbnail, escaped."""
    return f'<img src="{html.escape(address(path))}" alt="{html.escape(alt)}" loading="lazy">'


def inline_img(jpeg: bytes, alt: str) -> str:
    """An image element that carries the picture in itself, for files that are not served."""
    data = base64.b64encode(jpeg).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(alt)}">'


def facts(
    photo: Photo,
    language: str,
    *,
    place: Place | None = None,
    keywords: Sequence[str] = (),
) -> str:
    """When, where and with what a photo was taken, as escaped HTML; nothing for what is not known.

    Args:
        photo: the photo.
        language: of the reader.
        place: the town that it was taken in.
        keywords: what its file calls it.
    """
    day = f"{photo.taken_at:%Y-%m-%d %H:%M}"
    known = f"taken_{photo.taken_from}"
    taken = html.escape(say(language, known, day=day) if known in TEXTS else day)
    lines = [("", taken + _rating(photo.rating, language))]
    spot = ""
    if photo.latitude is not None and photo.longitude is not None:
        spot = f"{photo.latitude:.5f}, {photo.longitude:.5f}"
    if place is not None:
        name = html.escape(place_name(place, language))
        lines.append(("", f"{name} <small>{spot}</small>" if spot else name))
    elif spot:
        lines.append(("", spot))
    if photo.camera or photo.lens:
        camera = " · ".join(part for part in (photo.camera, photo.lens) if part)
        lines.append(("", html.escape(camera)))
    lines.append(("grey", html.escape(exposure(photo, language))))
    lines.append(("grey", html.escape(", ".join(keywords))))
    pixels = say(language, "pixels", w=photo.width, h=photo.height)
    about = [photo.filename, photo.file_type, pixels, size(photo.size_bytes)]
    lines.append(("quiet", html.escape(" · ".join(about))))
    if photo.missing:
        lines.append(("gone", say(language, "not_there")))
    rows = "".join(f'<dd class="{kind}">{line}</dd>' for kind, line in lines if line)
    return f"<dl>{rows}</dl>"


def place_name(place: Place, language: str) -> str:
    """A town and its country as its reader says them."""
    town, country = place.town, place.country
    if language == "ko":
        town, country = place.town_ko or town, place.country_ko or country
    return say(language, "in_country", town=town, country=country).strip(", ")


def exposure(photo: Photo, language: str) -> str:
    """How the photo was exposed, as photographers write it: 1/250 s · f/2.8 · ISO 200 · 35 mm."""
    parts = []
    if photo.exposure_s is not None and photo.exposure_s > 0:
        short = photo.exposure_s < SHORT_S
        n = f"1/{round(1 / photo.exposure_s):,}" if short else f"{round(photo.exposure_s, 1):g}"
        parts.append(say(language, "exposure", n=n))
    if photo.f_number is not None:
        parts.append(f"f/{round(photo.f_number, 1):g}")
    if photo.iso is not None:
        parts.append(f"ISO {photo.iso}")
    if photo.focal_mm is not None:
        parts.append(f"{round(photo.focal_mm, 1):g} mm")
    return " · ".join(parts)


def _rating(rating: int | None, language: str) -> str:
    if not rating:
        return ""
    if rating < 0:
        return f" <small>{say(language, 'rejected')}</small>"
    stars = "★" * min(rating, 5)
    said = say(language, "stars", n=rating)
    return f' <span class="stars" role="img" aria-label="{said}" title="{said}">{stars}</span>'


def size(size_bytes: int) -> str:
    """So many bytes, as people say it: 12 kB, 3.4 MB, 1.2 GB."""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    if size_bytes < 1_000_000_000:
        return f"{size_bytes / 1_000_000:.1f} MB"
    return f"{size_bytes / 1_000_000_000:,.1f} GB"
