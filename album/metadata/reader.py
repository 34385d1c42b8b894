"""Photo facts merged from the metadata in a file and the sidecars beside it.

Sources in order of trust:

- Time: EXIF capture time, XMP (sidecar before file), IPTC, PNG text, GPS time, file name, Google
  Takeout, EXIF modification time (editors change it). A time of the same day beats a day alone.
- Place: EXIF, then XMP, then Takeout.
- Rating: sidecar before file, because people rate photos later. XMP before EXIF.
- Keywords: all of them.

Captions and labels come only from sidecars that an album wrote. Those of other programs never count
as words of a person of this album.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
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
DECODE_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    SystemError,
    struct.error,
    zlib.error,
)
"""What mutated files of every format raised in Pillow, which promises nothing, and close relatives.
"""


def read_facts(
    image: Image.Image,
    *,
    file_type: str,
    width: int,
    height: int,
    path: Path,
    sidecars: Sequence[Path],
) -> ImageFacts:
    """Read the facts of a photo from its file and its sidecars.

    Nothing in these files makes it fail. Implausible values become None.

    Args:
        image: opened and loaded from untrusted bytes.
        file_type: upper-case name of the format.
        width: of the upright photo, in pixels.
        height: of the upright photo, in pixels.
        path: of the file, whose name may contain the time.
        sidecars: XMP or Google Takeout JSON files, most trusted first. Missing, too long and
            other files are ignored.
    """
    main = exif_tags(image)
    tags = main | exif_tags(image, ExifTags.IFD.Exif)
    gps = exif_tags(image, ExifTags.IFD.GPSInfo)
    sidecar_packets, takeout_files = _parse_sidecars(sidecars)
    packets = [*sidecar_packets, _embedded_xmp(image)]
    records = _embedded_iptc(image)
    latitude, longitude = exif.position(gps)
    position = None if latitude is None or longitude is None else (latitude, longitude)
    other_positions = [packet.position for packet in packets]
    other_positions += [facts.position for facts in takeout_files]
    position = _first([position, *other_positions])
    taken_from, taken = _most_trusted(
        [
            ("exif", exif.capture_moment(tags)),
            *(("xmp", packet.taken) for packet in packets),
            ("xmp", records.taken),
            ("xmp", _png_time(image)),
            *(
                ("gps", capture_time.from_utc(stamp, position=position, offset=exif.offset(tags)))
                for stamp in [exif.gps_time(gps), *(packet.gps_time for packet in packets)]
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
                for facts in takeout_files
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
                *(word for packet in sidecar_packets for word in packet.keywords),
                *records.keywords,
                *packets[-1].keywords,
                *exif.keywords(main),
                *_png_keywords(image),
                *(word for packet in packets for word in packet.parents),
            ]
        ),
        latitude=None if position is None else position[0],
        longitude=None if position is None else position[1],
        words=_sidecar_words(sidecar_packets),
    )


def read_sidecars(sidecars: Sequence[Path]) -> tuple[int | None, tuple[SidecarWords, ...]]:
    """Read the rating, captions and labels that an import would find in sidecars.

    Args:
        sidecars: of one photo, most trusted first.
    """
    packets, _ = _parse_sidecars(sidecars)
    return _first(packet.rating for packet in packets), _sidecar_words(packets)


def _most_trusted(
    candidates: Sequence[tuple[TakenFrom, Moment | None]],
) -> tuple[TakenFrom, Moment] | tuple[None, None]:
    """Return the source and the moment to use from candidates in order of trust."""
    known = [(source, moment) for source, moment in candidates if moment is not None]
    best = capture_time.most_trusted([moment for _, moment in known])
    if best is None:
        return None, None
    return next((source, moment) for source, moment in known if moment is best)


def _sidecar_words(packets: Sequence[XmpFacts]) -> tuple[SidecarWords, ...]:
    """Return captions and labels that albums wrote, with their numbers and lengths limited."""
    now = datetime.now().replace(microsecond=0)
    return tuple(
        SidecarWords(
            packet.photo,
            tuple(_captions(packet, now)),
            packet.labels[:_MAX_LABELS],
            provenance.parse_label_sources(packet.label_sources[:_MAX_LABELS]),
        )
        for packet in packets
        if packet.photo is not None
    )


def _captions(packet: XmpFacts, now: datetime) -> Iterator[Caption]:
    for language, writer in packet.writers.items():
        text = packet.captions[language][:MAX_CAPTION_LENGTH]
        yield provenance.parse_caption(text, language, writer, otherwise=now)


def _parse_sidecars(sidecars: Sequence[Path]) -> tuple[list[XmpFacts], list[TakeoutFacts]]:
    """Parse sidecars by their content, because suffixes can be lost."""
    packets, takeout_files = [], []
    for sidecar in sidecars:
        content = read_bytes(sidecar, max(xmp.MAX_BYTES, takeout.MAX_BYTES))
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            takeout_files.append(takeout.read(content))
        else:
            packets.append(xmp.read(content))
    return packets, takeout_files


def exif_tags(image: Image.Image, ifd: int | None = None) -> dict[int, Any]:
    """Return the EXIF tags of one directory, {} when damaged.

    Args:
        image: opened; for PNG loaded, because its EXIF may follow the pixels.
        ifd: directory, None for the main one.
    """
    try:
        tags = image.getexif()
        return dict(tags if ifd is None else tags.get_ifd(ifd))
    except (*DECODE_ERRORS, MemoryError):  # damaged metadata must not lose the photo
        return {}


def _embedded_xmp(image: Image.Image) -> XmpFacts:
    packet = image.info.get("xmp", image.info.get("XML:com.adobe.xmp", b""))
    if isinstance(packet, str):
        packet = packet.encode("utf-8", errors="replace")
    return xmp.read(packet) if isinstance(packet, bytes) else XmpFacts()


def _embedded_iptc(image: Image.Image) -> IptcFacts:
    if not isinstance(image, ImageFile.ImageFile):
        return IptcFacts()
    try:
        return iptc.read(IptcImagePlugin.getiptcinfo(image) or {})
    except (*DECODE_ERRORS, MemoryError):
        return IptcFacts()


def _png_time(image: Image.Image) -> Moment | None:
    """Read PNG's "Creation Time", by the standard in the form of RFC 1123."""
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
    # pillow-heif rotates the pixels, resets the tag, and keeps the original value here.
    original = image.info.get("original_orientation")
    return exif.orientation(tags if original is None else {ExifTags.Base.Orientation: original})


def _normalize_keywords(words: Iterable[str]) -> tuple[str, ...]:
    """Return short printable keywords in order, without duplicates that differ in case."""
    keywords: dict[str, str] = {}
    for word in words:
        keyword = exif.printable(unicodedata.normalize("NFC", word[:1000]), _MAX_KEYWORD_LENGTH)
        if keyword:
            keywords.setdefault(keyword.casefold(), keyword)
        if len(keywords) == _MAX_KEYWORDS:
            break
    return tuple(keywords.values())


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)
