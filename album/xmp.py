"""What XMP says of a photo: in the packet inside the file, or in a sidecar file beside it.

XMP is RDF written as XML (ISO 16684-1), and the same fact may stand in an attribute, in an element
or in a list. A packet is untrusted: entities are refused, sizes are bounded, and what does not
parse says nothing.
"""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from album import capture_time, exif
from album.capture_time import Moment

MAX_BYTES = 4 * 1024 * 1024
"""Longer packets say nothing; those of Lightroom, every stroke of its brush in them, have two."""

_MOST_TAGS = 200_000  # a packet of nothing but tags would take the parser many seconds
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMESPACES = {
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "microsoft": "http://ns.microsoft.com/photo/1.0/",
    # What Windows writes, with a slash less.
    "microsoft_": "http://ns.microsoft.com/photo/1.0",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_FLAT_KEYWORDS = ("dc:subject",)
# "People/Marie Curie" or "People|Marie Curie": the album has no tree of words, so its leaf.
_TREES_OF_KEYWORDS = (
    *("lr:hierarchicalSubject", "digiKam:TagsList"),
    *("microsoft:LastKeywordXMP", "microsoft_:LastKeywordXMP"),
)
_POSITION = ("exif:GPSLatitude", "exif:GPSLongitude")
_WANTED = (
    *_DATES, *_FLAT_KEYWORDS, *_TREES_OF_KEYWORDS, *_POSITION, "exif:GPSTimeStamp", "xmp:Rating",
    "tiff:Make", "tiff:Model", "exifEX:LensModel", "aux:Lens",
)  # fmt: skip
_BY_TAG = {
    f"{{{_NAMESPACES[prefix]}}}{name}": f"{prefix}:{name}"
    for prefix, name in (wanted.split(":") for wanted in _WANTED)
}

_MARKS = (  # the longer one first: the mark of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"), (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"),
)  # fmt: skip
_COORDINATE = re.compile(
    r"(\d{1,3})(?:,(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?|(\.\d+))?\s*([NSEW])", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class XmpFacts:
    """What one packet says; None, and (), where it does not."""

    taken: Moment | None = None
    stamped: datetime | None = None
    """The satellites' time: UTC, naive."""
    rating: int | None = None
    """0 to 5 stars; -1: rejected."""
    keywords: tuple[str, ...] = ()
    """As they are written, flat ones first; may hold blanks and doubles."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""
    camera: str | None = None
    lens: str | None = None


def read(packet: bytes) -> XmpFacts:
    """The facts of a packet of at most `MAX_BYTES`; none of anything else."""
    said = _properties(packet)

    def first(*names: str) -> str | None:
        return next((said[name][0] for name in names if said.get(name)), None)

    dates = [moment for name in _DATES if (moment := capture_time.parse(first(name) or ""))]
    stamp = capture_time.parse(first("exif:GPSTimeStamp") or "")
    return XmpFacts(
        taken=capture_time.best(dates),
        stamped=None if stamp is None or stamp.whole_day else stamp.at,
        rating=_rating(first("xmp:Rating")),
        keywords=(
            *(word for name in _FLAT_KEYWORDS for word in said.get(name, ())),
            *(
                re.split(r"[/|]", word)[-1]
                for name in _TREES_OF_KEYWORDS
                for word in said.get(name, ())
            ),
        ),
        position=_position(*(first(name) for name in _POSITION)),
        camera=exif.camera_name(
            exif.one_line(first("tiff:Make") or ""), exif.one_line(first("tiff:Model") or "")
        ),
        lens=exif.one_line(first("exifEX:LensModel", "aux:Lens") or ""),
    )


def _properties(packet: bytes) -> dict[str, list[str]]:
    """The wanted properties, each with its values in the order of the packet."""
    text = _decoded(packet)
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return {}
    said: dict[str, list[str]] = {}
    for rdf in [root] if root.tag == _RDF + "RDF" else root.findall(_RDF + "RDF"):
        for description in rdf.findall(_RDF + "Description"):
            for tag, value in description.attrib.items():
                if tag in _BY_TAG:
                    said.setdefault(_BY_TAG[tag], []).append(value)
            for element in description:
                if element.tag in _BY_TAG:
                    said.setdefault(_BY_TAG[element.tag], []).extend(_values(element))
    return said


def _values(element: Element) -> list[str]:
    """The one text of a property, or the texts of its list."""
    lists = (_RDF + "Bag", _RDF + "Seq", _RDF + "Alt")
    items = [item for child in element if child.tag in lists for item in child]
    if items:
        return [item.text for item in items if item.text and item.text.strip()]
    return [element.text] if element.text and element.text.strip() else []


def _decoded(packet: bytes) -> str:
    """The text of a packet without what pads it; "" for one that is too much.

    A packet names its encoding nowhere but in its first bytes, and what its XML declaration claims
    may be wrong: given as text, the parser does not ask it.
    """
    if len(packet) > MAX_BYTES:
        return ""
    packet = packet.lstrip(b" \t\r\n")
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if packet.startswith(mark)), (b"", "utf-8")
    )
    if mark.startswith(b"<") or mark.endswith(b"<"):
        mark = b""
    text = packet[len(mark) :].decode(encoding, errors="replace")
    if text.count("<") > _MOST_TAGS:
        return ""
    return text[max(text.find("<"), 0) : text.rfind(">") + 1]


def _rating(text: str | None) -> int | None:
    """Stars, also where they are written "3.0"."""
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    stars = round(float(text))
    return stars if -1 <= stars <= 5 else None


def _position(latitude: str | None, longitude: str | None) -> tuple[float, float] | None:
    degrees = _degrees(latitude, "NS", 90), _degrees(longitude, "EW", 180)
    if degrees[0] is None or degrees[1] is None or degrees == (0, 0):
        return None
    return degrees[0], degrees[1]


def _degrees(text: str | None, signs: str, limit: float) -> float | None:
    """Degrees out of "40,26.767N" or "40,26,46N"; `signs`: positive, then negative."""
    found = _COORDINATE.fullmatch((text or "").strip().upper())
    if found is None or found[5] not in signs:
        return None
    degrees = float(found[1] + (found[4] or ""))
    degrees += float(found[2] or 0) / 60 + float(found[3] or 0) / 3600
    if not degrees <= limit or not math.isfinite(degrees):
        return None
    return degrees if found[5] == signs[0] else -degrees
