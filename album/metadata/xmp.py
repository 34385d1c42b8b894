"""Photo facts from XMP packets, in image files and in sidecars.

XMP is RDF serialized as XML (ISO 16684-1). A fact may be an attribute, an element or a list.
Packets are untrusted: entities are refused, sizes are limited, and a packet that does not parse
gives no facts.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from album.metadata import capture_time, exif
from album.metadata.capture_time import Moment

MAX_BYTES = 4 * 1024 * 1024
"""Longer packets are ignored. Those of Lightroom with many brush strokes have 2 MB."""

MOST_TAGS = 200_000
"""Packets with more tags are ignored: the parser would need many seconds."""
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
ALBUM = "urn:photo-album:sidecar:1/"
"""Namespace in which the album records what it wrote, to tell its text from other programs'.

- `Photo`: sha256 of the photo.
- `Captions`: by language, x-default when unknown.
- `Labels`; `Words`: keywords in dc:subject that exist for a label only; `Rating`.
- `Writers`: of captions, by language, in lines of `album.metadata.provenance`. Also of captions
  that another program had written in the same words.
- `RuleLabels`: labels that no person gave, in lines of `album.metadata.provenance`.
"""
CAPTION_LANGUAGES = ("ko", "en")
NAMESPACES = {
    "album": ALBUM,
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "microsoft": "http://ns.microsoft.com/photo/1.0/",
    # Windows writes it without the final slash.
    "microsoft_": "http://ns.microsoft.com/photo/1.0",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_FLAT_KEYWORDS = ("dc:subject",)
# Branches such as "People/Marie Curie" or "People|Marie Curie".
_KEYWORD_TREES = (
    "lr:hierarchicalSubject",
    "digiKam:TagsList",
    "microsoft:LastKeywordXMP",
    "microsoft_:LastKeywordXMP",
)
_ALBUM_PROPERTIES = ("album:Photo", "album:Labels", "album:RuleLabels", "album:Words")
_LABEL_ROOT = "Album"  # in lr:hierarchicalSubject
_POSITION = ("exif:GPSLatitude", "exif:GPSLongitude")
_READ_PROPERTIES = (
    *_DATES,
    *_FLAT_KEYWORDS,
    *_KEYWORD_TREES,
    *_POSITION,
    *_ALBUM_PROPERTIES,
    "exif:GPSTimeStamp",
    "xmp:Rating",
    "tiff:Make",
    "tiff:Model",
    "exifEX:LensModel",
    "aux:Lens",
)

_MARKS = (  # UTF-32 first, because its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_COORDINATE = re.compile(
    r"(\d{1,3})(?:,(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?|(\.\d+))?\s*([NSEW])", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class XmpFacts:
    """Facts from one packet, None or empty where missing."""

    taken: Moment | None = None
    gps_time: datetime | None = None
    """Naive UTC."""
    rating: int | None = None
    """0 to 5 stars, or -1 for rejected."""
    keywords: tuple[str, ...] = ()
    """Unchanged, flat ones first, then leaves of trees: with blanks and duplicates."""
    parents: tuple[str, ...] = ()
    """Keywords above the leaves of trees, unchanged."""
    position: tuple[float, float] | None = None
    """Latitude and longitude in degrees, north and east positive."""
    camera: str | None = None
    lens: str | None = None
    captions: Mapping[str, str] = field(default_factory=dict)
    """dc:description by language: "ko", "en", or "" when unknown."""
    labels: tuple[str, ...] = ()
    """Labels that an album gave. Keywords that exist for a label only are not in `keywords`."""
    writers: Mapping[str, str] = field(default_factory=dict)
    """Writers of captions that an album wrote or also had, by language.

    Each is a line of `album.metadata.provenance`, or "" when unknown or when another program has
    changed the caption.
    """
    label_sources: tuple[str, ...] = ()
    """Sources of labels that no person gave, in lines of `album.metadata.provenance`."""
    photo: str | None = None
    """sha256 of the photo for which an album wrote captions and labels."""


def read(packet: bytes) -> XmpFacts:
    """Read one packet. Packets longer than `MAX_BYTES` and invalid ones give no facts."""
    try:
        root = parse_xml(decode(packet))
    except ValueError:
        return XmpFacts()
    values = _read_properties(root)
    labels = tuple(values.get("album:Labels", ()))
    not_keywords = {*values.get("album:Words", ()), *map(label_path, labels)}

    def first(*names: str) -> str | None:
        return next((values[name][0] for name in names if values.get(name)), None)

    def keywords(*names: str) -> list[str]:
        words = [word for name in names for word in values.get(name, ())]
        return [word for word in words if word not in not_keywords]

    dates = [moment for name in _DATES if (moment := capture_time.parse(first(name) or ""))]
    stamp = capture_time.parse(first("exif:GPSTimeStamp") or "")
    captions = _captions(alternatives(root, "dc:description"), root)
    branches = [split_branch(branch) for branch in keywords(*_KEYWORD_TREES)]
    return XmpFacts(
        taken=capture_time.most_trusted(dates),
        gps_time=None if stamp is None or stamp.whole_day else stamp.at,
        rating=parse_rating(first("xmp:Rating")),
        keywords=(*keywords(*_FLAT_KEYWORDS), *(branch[-1] for branch in branches)),
        parents=tuple(
            word for branch in branches if branch[0] != _LABEL_ROOT for word in branch[:-1]
        ),
        position=_position(*(first(name) for name in _POSITION)),
        camera=exif.camera_name(
            exif.one_line(first("tiff:Make") or ""), exif.one_line(first("tiff:Model") or "")
        ),
        lens=exif.one_line(first("exifEX:LensModel", "aux:Lens") or ""),
        captions=captions,
        writers=_writers(captions, root),
        labels=labels,
        label_sources=tuple(values.get("album:RuleLabels", ())),
        photo=first("album:Photo"),
    )


def split_branch(branch: str) -> list[str]:
    """Split a hierarchical keyword at its levels, from the root to the leaf."""
    return re.split(r"[/|]", branch)


def label_path(label: str) -> str:
    """Format a label for lr:hierarchicalSubject.

    The level separator inside a label becomes its full-width form, which looks alike.
    """
    return f"{_LABEL_ROOT}|{label.replace('|', '｜')}"


def properties(root: Element) -> Iterator[tuple[str, str | Element]]:
    """Yield (tag, text or element) for every property, in order."""
    for rdf in [root] if root.tag == RDF + "RDF" else root.findall(RDF + "RDF"):
        for description in rdf.findall(RDF + "Description"):
            yield from description.attrib.items()
            for element in description:
                yield element.tag, element


def alternatives(root: Element, name: str) -> dict[str, str]:
    """Return the texts of a property by language, "x-default" without one.

    Args:
        root: of a packet.
        name: with a prefix of `NAMESPACES`.
    """
    by_language: dict[str, str] = {}
    for tag, value in properties(root):
        if tag != qualified_name(name):
            continue
        items = [value] if isinstance(value, str) else _list_items(value) or [value]
        for item in items:
            text = item if isinstance(item, str) else item.text
            language = "x-default" if isinstance(item, str) else item.get(LANGUAGE, "x-default")
            if text and text.strip():
                by_language.setdefault(language, text)
    return by_language


def qualified_name(name: str) -> str:
    """Expand a prefix of `NAMESPACES` into ElementTree's {namespace}name."""
    prefix, _, local_name = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local_name}"


_NAME_BY_TAG = {qualified_name(name): name for name in _READ_PROPERTIES}


def parse_xml(text: str) -> Element:
    """Parse a packet.

    Raises:
        ValueError: no XML, has entities, or more than `MOST_TAGS` tags.
    """
    if text.count("<") > MOST_TAGS:
        raise ValueError("too many tags")
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error
    return root


def _captions(descriptions: Mapping[str, str], root: Element) -> dict[str, str]:
    """Choose captions by language, an exact language before its dialects.

    The x-default text usually repeats another one. Otherwise its language is unknown.
    """
    by_language = {language.lower(): text for language, text in descriptions.items()}
    captions = {}
    for language in CAPTION_LANGUAGES:
        dialects = (dialect for dialect in by_language if dialect.startswith(language + "-"))
        key = language if language in by_language else next(dialects, None)
        if key is not None:
            captions[language] = by_language[key]
    default = by_language.pop("x-default", None)
    album_default = alternatives(root, "album:Captions").get("x-default")
    if default is not None and (default == album_default or default not in by_language.values()):
        captions[""] = default
    return captions


def _writers(captions: Mapping[str, str], root: Element) -> dict[str, str]:
    """Return `XmpFacts.writers`."""
    written = alternatives(root, "album:Captions")
    writers = alternatives(root, "album:Writers")
    known = {}
    for language, text in captions.items():
        key = language or "x-default"
        if key in written or key in writers:
            known[language] = writers.get(key, "") if written.get(key, text) == text else ""
    return known


def _read_properties(root: Element) -> dict[str, list[str]]:
    """Return the values of `_READ_PROPERTIES`, each in the order of the packet."""
    values: dict[str, list[str]] = {}
    for tag, value in properties(root):
        if tag in _NAME_BY_TAG:
            strings = [value] if isinstance(value, str) else texts(value)
            values.setdefault(_NAME_BY_TAG[tag], []).extend(strings)
    return values


def texts(element: Element) -> list[str]:
    """Return the text of a property, or the texts of its list."""
    items = _list_items(element) or [element]
    return [item.text for item in items if item.text and item.text.strip()]


def _list_items(element: Element) -> list[Element]:
    """Return the items of a list property, [] for any other."""
    lists = (RDF + "Bag", RDF + "Seq", RDF + "Alt")
    return [item for child in element if child.tag in lists for item in child]


def decode(packet: bytes, errors: str = "replace") -> str:
    """Decode a packet without its padding, "" if it is too long.

    Only the first bytes tell the encoding reliably. An XML declaration may be wrong, and the parser
    ignores it in text that is already decoded.

    Raises:
        UnicodeDecodeError: wrong encoding, if `errors` is "strict".
    """
    if len(packet) > MAX_BYTES:
        return ""
    packet = packet.lstrip(b" \t\r\n")
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if packet.startswith(mark)), (b"", "utf-8")
    )
    if mark.startswith(b"<") or mark.endswith(b"<"):
        mark = b""
    text = packet[len(mark) :].decode(encoding, errors)
    return text[max(text.find("<"), 0) : text.rfind(">") + 1]


def parse_rating(text: str | None) -> int | None:
    """Parse 0 to 5 stars, also "3.0", or -1 for rejected."""
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    number = round(float(text))
    return number if -1 <= number <= 5 else None


def _position(latitude: str | None, longitude: str | None) -> tuple[float, float] | None:
    degrees = _degrees(latitude, "NS", 90), _degrees(longitude, "EW", 180)
    if degrees[0] is None or degrees[1] is None or degrees == (0, 0):
        return None
    return degrees[0], degrees[1]


def _degrees(text: str | None, signs: str, limit: float) -> float | None:
    """Parse "40,26.767N" or "40,26,46N" to degrees.

    `signs` has the positive letter, then the negative one.
    """
    match = _COORDINATE.fullmatch((text or "").strip().upper())
    if match is None or match[5] not in signs:
        return None
    degrees = float(match[1] + (match[4] or ""))
    degrees += float(match[2] or 0) / 60 + float(match[3] or 0) / 3600
    if not degrees <= limit:
        return None
    return degrees if match[5] == signs[0] else -degrees
