"""Images of photos, the addresses of thumbnails, and facts in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Literal

from markupsafe import Markup

from album.domain.photo import Photo, Place
from album.ui.i18n.messages import TEXTS, say
from album.ui.shared.templates import render

MAX_FRACTION_S = 0.3
"""Exposures below this are shown as fractions of a second, as cameras do."""


ImageSize = Literal["thumbnail", "large", "full", "original"]
VERSION_LENGTH = 16  # hexadecimal digits of the sha256


def address(photo: Photo, size: ImageSize = "thumbnail") -> str:
    """Return the address of an image of a photo, relative to the page.

    It contains the version of the bytes, so browsers may keep what they got.
    """
    return f"photos/{photo.photo_id}/{size}?v={photo.sha256[:VERSION_LENGTH]}"


def img(photo: Photo, alt: str, size: ImageSize = "thumbnail") -> Markup:
    """Return an image element for a photo."""
    return Markup('<img src="{}" alt="{}" loading="lazy">').format(address(photo, size), alt)


def photo_tile(photo: Photo, alt: str, css_class: str = "", below: str = "") -> Markup:
    """Return a button with the thumbnail of a photo, which opens the lightbox.

    It does so inside an element with the attribute `data-photo-list`.

    Args:
        photo: the photo.
        alt: what the image says to those who do not see it.
        css_class: of the button.
        below: text after the image.
    """
    return render(
        "shared/tile.html",
        "",
        photo=photo,
        data=tile_data(photo),
        css_class=css_class,
        image=img(photo, alt),
        below=below,
    )


def tile_data(photo: Photo) -> Markup:
    """Return the attributes by which a tile tells the lightbox about its photo."""
    return Markup(' data-photo="{}" data-version="{}" data-width="{}" data-height="{}"').format(
        photo.photo_id, photo.sha256[:VERSION_LENGTH], photo.width, photo.height
    )


def as_listed(photo: Photo, alt: str) -> dict[str, Any]:
    """Return what the lightbox needs to know of a photo, for JSON."""
    return {
        "id": photo.photo_id,
        "version": photo.sha256[:VERSION_LENGTH],
        "width": photo.width,
        "height": photo.height,
        "alt": alt,
    }


def inline_img(jpeg: bytes, alt: str) -> Markup:
    """Return an image element with embedded data, for unserved files."""
    data = base64.b64encode(jpeg).decode()
    return Markup('<img src="data:image/jpeg;base64,{}" alt="{}">').format(data, alt)


def facts(
    photo: Photo,
    language: str,
    *,
    place: Place | None = None,
    keywords: Sequence[str] = (),
) -> Markup:
    """Render when, where and how a photo was taken.

    Unknown facts are left out.

    Args:
        photo: the photo.
        language: of the reader.
        place: the town that it was taken in.
        keywords: keywords of its file.
    """
    day = f"{photo.taken_at:%Y-%m-%d %H:%M}"
    key = f"taken_{photo.taken_from}"
    coordinates = ""
    if photo.latitude is not None and photo.longitude is not None:
        coordinates = f"{photo.latitude:.5f}, {photo.longitude:.5f}"
    pixels = say(language, "pixels", w=photo.width, h=photo.height)
    file_facts = (photo.filename, photo.file_type, pixels, size(photo.size_bytes))
    lines = [
        ("", " · ".join(filter(None, (photo.camera, photo.lens)))),
        ("grey", exposure(photo, language)),
        ("grey", ", ".join(keywords)),
        ("quiet", " · ".join(file_facts)),
        ("gone", say(language, "not_there") if photo.missing else ""),
    ]
    return render(
        "shared/facts.html",
        language,
        photo=photo,
        day=say(language, key, day=day) if key in TEXTS else day,
        place=None if place is None else place_name(place, language),
        coordinates=coordinates,
        map_address=_map_address(photo),
        lines=lines,
    )


def _map_address(photo: Photo) -> str:
    """Return the address of a map around a photo, "" without coordinates."""
    if photo.latitude is None or photo.longitude is None:
        return ""
    point = f"mlat={photo.latitude:.5f}&mlon={photo.longitude:.5f}"
    return (
        f"https://www.openstreetmap.org/?{point}#map=15/{photo.latitude:.5f}/{photo.longitude:.5f}"
    )


def place_name(place: Place, language: str) -> str:
    """Return town and country in the reader's language."""
    town, country = place.town, place.country
    if language == "ko":
        town, country = place.town_ko or town, place.country_ko or country
    return say(language, "in_country", town=town, country=country).strip(", ")


def exposure(photo: Photo, language: str) -> str:
    """Format the exposure.

    For example: 1/250 s · f/2.8 · ISO 200 · 35 mm.
    """
    parts = []
    if photo.exposure_s is not None and photo.exposure_s > 0:
        short = photo.exposure_s < MAX_FRACTION_S
        n = f"1/{round(1 / photo.exposure_s):,}" if short else f"{round(photo.exposure_s, 1):g}"
        parts.append(say(language, "exposure", n=n))
    if photo.f_number is not None:
        parts.append(f"f/{round(photo.f_number, 1):g}")
    if photo.iso is not None:
        parts.append(f"ISO {photo.iso}")
    if photo.focal_mm is not None:
        parts.append(f"{round(photo.focal_mm, 1):g} mm")
    return " · ".join(parts)


def size(size_bytes: int) -> str:
    """Format a number of bytes: 12 kB, 3.4 MB, 1.2 GB."""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    if size_bytes < 1_000_000_000:
        return f"{size_bytes / 1_000_000:.1f} MB"
    return f"{size_bytes / 1_000_000_000:,.1f} GB"
