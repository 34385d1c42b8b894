"""What a photo says of itself, and what lies beside it says of it, merged into one set of facts.

Whose word counts, fact by fact:

- Time: the camera's in EXIF; then XMP, in a sidecar before in the file, IPTC and PNG's note; then
  the satellites' clock; then the name of the file; then Google Takeout; then when EXIF says that
  the file was written, which an editor does too. A day alone gives way to a time of that same day.
- Place: EXIF, then XMP, then Takeout.
- Stars: a sidecar before the file, for stars are given after; XMP before EXIF.
- Keywords: all of them.

Captions and labels come out of the sidecars that an album has written, and out of no others: what
other programs say of a photo is read, but does not become what a person of this album said.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from album.domain.captions import MAX_CAPTION_LENGTH
from album.domain.photo import Caption, ImageFacts, SidecarWords, TakenFrom
from album.metadata import capture_time, exif, iptc, provenance, takeout, xmp
from album.metadata.capture_time import Moment
from album.metadata.iptc import IptcFacts
from album.metadata.sidecars import read_bytes
from album.metadata.takeout import TakeoutFacts
from album.metadata.xmp import XmpFacts

_T = TypeVar("_T")

_MAX_KEYWORDS = 200
_MAX_KEYWORD_LENGTH = 100
_MAX_LABELS = 1000
# Pillow does not promise what it raises for notes that are garbage: these, and their relatives.
_GARBAGE = (
    OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError,
    AttributeError, AssertionError, RuntimeError, SystemError, struct.error, zlib.error,
    MemoryError,
)  # fmt: skip


def read_facts(
    image: Image.Image,
    *,
    file_type: str,
    width: int,
    height: int,
    path: Path,
    sidecars: Sequence[Path],
) -> ImageFacts:
    """What a photo and the files beside it say of it.

    Nothing in the file can make this fail: what cannot be true is None.

    Args:
        image: opened and loaded, of untrusted bytes.
        file_type: upper-case name of the format.
        width: pixels of the upright photo.
        height: likewise.
        path: where it lies; its name may tell the time.
        sidecars: files that describe it, most telling first: XMP, or the JSON of Google Takeout.
            One that is gone, too long or something else says nothing.
    """
    main, shot = _tags(image, None), _tags(image, ExifTags.IFD.Exif)
    tags, gps = main | shot, _tags(image, ExifTags.IFD.GPSInfo)
    beside, from_google = _parse_sidecars(sidecars)
    packets = [*beside, _embedded_xmp(image)]
    records = _embedded_iptc(image)
    latitude, longitude = exif.position(gps)
    position = None if latitude is None or longitude is None else (latitude, longitude)
    position = _first(
        [position, *(it.position for it in packets), *(it.position for it in from_google)]
    )
    taken_from, taken = _most_trusted(
        [
            ("exif", exif.capture_moment(tags)),
            *(("xmp", packet.taken) for packet in packets),
            ("xmp", records.taken),
            ("xmp", _png_time(image)),
            *(
                ("gps", capture_time.from_utc(stamp, position=position, offset=exif.offset(tags)))
                for stamp in [exif.gps_time(gps), *(packet.stamped for packet in packets)]
                if stamp is not None
            ),
            ("name", capture_time.from_name(path.name, position=position)),
            *(
                (
                    "takeout",
                    capture_time.from_epoch(
                        facts.taken_s, position=position, offset=exif.offset(tags)
                    ),
                )
                for facts in from_google
                if facts.taken_s is not None
            ),
            ("exif", exif.file_moment(tags)),
        ]
    )
    return ImageFacts(
        file_type=file_type,
        width=width,
        height=height,
        taken_at=None if taken is None else taken.at,
        taken_from=taken_from,
        taken_offset=None if taken is None else taken.offset,
        camera=exif.camera(tags) or _first([packet.camera for packet in packets]),
        lens=exif.lens(tags) or _first([packet.lens for packet in packets]),
        exposure_s=exif.exposure_s(tags),
        f_number=exif.f_number(tags),
        iso=exif.iso(tags),
        focal_mm=exif.focal_mm(tags),
        orientation=_orientation(image, main),
        rating=_first([*(packet.rating for packet in packets), exif.rating(main)]),
        keywords=_normalize_keywords(
            [
                *(word for packet in beside for word in packet.keywords),
                *records.keywords,
                *packets[-1].keywords,
                *exif.keywords(main),
                *_png_keywords(image),
            ]
        ),
        latitude=None if position is None else position[0],
        longitude=None if position is None else position[1],
        words=_sidecar_words(beside),
    )


def read_sidecars(sidecars: Sequence[Path]) -> tuple[int | None, tuple[SidecarWords, ...]]:
    """The stars, and the captions and labels, that an import of a photo would find beside it.

    Args:
        sidecars: files that describe it, most telling first.
    """
    packets, _ = _parse_sidecars(sidecars)
    return _first(packet.rating for packet in packets), _sidecar_words(packets)


def _most_trusted(
    told: Sequence[tuple[TakenFrom, Moment | None]],
) -> tuple[TakenFrom, Moment] | tuple[None, None]:
    """The moment to believe, and who told it; `told` is in order of trust."""
    known = [(source, moment) for source, moment in told if moment is not None]
    chosen = capture_time.most_trusted([moment for _, moment in known])
    if chosen is None:
        return None, None
    return next((source, moment) for source, moment in known if moment is chosen)


def _sidecar_words(packets: Sequence[XmpFacts]) -> tuple[SidecarWords, ...]:
    """What albums wrote into packets, bounded."""
    now = datetime.now().replace(microsecond=0)
    return tuple(
        SidecarWords(
            packet.photo,
            tuple(_captions(packet, now)),
            packet.labels[:_MAX_LABELS],
            provenance.parse_label_sources(packet.givers[:_MAX_LABELS]),
        )
        for packet in packets
        if packet.photo is not None
    )


def _captions(packet: XmpFacts, now: datetime) -> Iterator[Caption]:
    for language, writer in packet.writers.items():
        text = packet.captions[language][:MAX_CAPTION_LENGTH]
        yield provenance.parse_caption(text, language, writer, otherwise=now)


def _parse_sidecars(sidecars: Sequence[Path]) -> tuple[list[XmpFacts], list[TakeoutFacts]]:
    """What the sidecars say; their content tells their kind, for an ending may be lost."""
    packets, from_google = [], []
    for sidecar in sidecars:
        content = read_bytes(sidecar, max(xmp.MAX_BYTES, takeout.MAX_BYTES))
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            from_google.append(takeout.read(content))
        else:
            packets.append(xmp.read(content))
    return packets, from_google


def _tags(image: Image.Image, ifd: int | None) -> dict[int, Any]:
    """The EXIF tags of a decoded image in one directory, None for the main one; {} for garbage."""

    def read() -> dict[int, Any]:
        notes = image.getexif()
        return dict(notes if ifd is None else notes.get_ifd(ifd))

    return _unless_garbage(read, otherwise={})


def _embedded_xmp(image: Image.Image) -> XmpFacts:
    packet = image.info.get("xmp", image.info.get("XML:com.adobe.xmp", b""))
    if isinstance(packet, str):
        packet = packet.encode("utf-8", errors="replace")
    return xmp.read(packet) if isinstance(packet, bytes) else XmpFacts()


def _embedded_iptc(image: Image.Image) -> IptcFacts:
    if not isinstance(image, ImageFile.ImageFile):
        return IptcFacts()
    return _unless_garbage(
        lambda: iptc.read(IptcImagePlugin.getiptcinfo(image) or {}), otherwise=IptcFacts()
    )


def _png_time(image: Image.Image) -> Moment | None:
    """PNG's "Creation Time", in the form of RFC 1123 that its standard asks for, or any other."""
    text = image.info.get("Creation Time")
    if not isinstance(text, str):
        return None
    moment = capture_time.parse(text[:100])
    if moment is not None:
        return moment
    try:
        return capture_time.parse(parsedate_to_datetime(text[:100]).isoformat())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _png_keywords(image: Image.Image) -> list[str]:
    text = image.info.get("Keywords")
    return text[:10_000].replace(";", ",").split(",") if isinstance(text, str) else []


def _orientation(image: Image.Image, tags: dict[int, Any]) -> int:
    # The decoder of HEIC turns the pixels, sets the tag upright, and keeps what it was.
    turned = image.info.get("original_orientation")
    return exif.orientation(tags if turned is None else {ExifTags.Base.Orientation: turned})


def _normalize_keywords(words: Iterable[str]) -> tuple[str, ...]:
    """Short printable words, each once however it is written, in their order."""
    seen: dict[str, str] = {}
    for word in words:
        word = unicodedata.normalize("NFC", word[:1000].partition("\0")[0])
        shown = "".join(letter if letter.isprintable() else " " for letter in word)
        shown = " ".join(shown.split())[:_MAX_KEYWORD_LENGTH].rstrip()
        if shown:
            seen.setdefault(shown.casefold(), shown)
        if len(seen) == _MAX_KEYWORDS:
            break
    return tuple(seen.values())


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)


def _unless_garbage(read: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return read()
    except _GARBAGE:  # a broken note on the back leaves the photo a photo
        return otherwise
