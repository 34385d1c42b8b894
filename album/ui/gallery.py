"""Photos as the page shows them: tiles, addresses of thumbnails, facts in words."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from album.image_files import THUMBNAIL_PX, read_photo, thumbnail
from album.originals import Originals
from album.photo import Photo, SearchHit
from album.ui.texts import say


def items(originals: Originals, hits: Sequence[SearchHit]) -> list[tuple[str, str]]:
    """(thumbnail file, plain-text caption) per hit, for `gr.Gallery`."""
    return [
        (
            str(originals.thumbnail(hit.photo.sha256)),
            f"{hit.photo.taken_at:%Y-%m-%d}" + ("" if hit.score is None else f" · {hit.score:.2f}"),
        )
        for hit in hits
    ]


def address(path: Path) -> str:
    """The address of a file in the static thumbnail folder, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"


def img(path: Path, alt: str) -> str:
    """An image element for a thumbnail, escaped."""
    return f'<img src="{html.escape(address(path))}" alt="{html.escape(alt)}" loading="lazy">'


def inline_img(path: Path, alt: str) -> str:
    """An image element that carries the picture in itself, for files that are not served.

    Raises:
        UnreadableImageError: `path` is no image.
    """
    small = thumbnail(read_photo(path, THUMBNAIL_PX)[0])
    data = base64.b64encode(small).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(alt)}">'


def facts(photo: Photo, score: float | None, language: str) -> str:
    """When, where and with what a photo was taken, as escaped HTML."""
    day = f"{photo.taken_at:%Y-%m-%d %H:%M}"
    taken = say(language, "taken_exif" if photo.taken_from == "exif" else "taken_file", day=day)
    lines = [("", taken)]
    if photo.latitude is not None and photo.longitude is not None:
        lines.append(("", f"{photo.latitude:.5f}, {photo.longitude:.5f}"))
    if photo.camera or photo.lens:
        lines.append(("", " · ".join(part for part in (photo.camera, photo.lens) if part)))
    size = say(language, "pixels", w=photo.width, h=photo.height)
    about = [photo.filename, photo.file_type, size, _size(photo.size_bytes)]
    if score is not None:
        about.append(say(language, "score_is", score=score))
    lines.append(("quiet", " · ".join(about)))
    rows = "".join(f'<dd class="{kind}">{html.escape(line)}</dd>' for kind, line in lines)
    return f"<dl>{rows}</dl>"


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"
