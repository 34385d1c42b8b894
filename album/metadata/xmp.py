"""What XMP says of a photo: in the packet inside the file, or in a sidecar file beside it.

XMP is RDF written as XML (ISO 16684-1), and the same fact may stand in an attribute, in an element
or in a list. A packet is untrusted: entities are refused, sizes are bounded, and what does not
parse says nothing.
"""

from __future__ import annotations

import codecs
import math
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
"""Longer packets say nothing; those of Lightroom, every stroke of its brush in them, have two."""

MOST_TAGS = 200_000
"""A packet of nothing but tags would take the parser many seconds."""
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
ALBUM = "urn:photo-album:sidecar:1/"
"""The namespace in which the album notes what it wrote into a sidecar, lest it take its own words
for somebody else's: `Photo` (the sha256 that it is about), `Captions` (by language; x-default: of
unknown language), `Labels`, `Words` (what is in dc:subject for a label alone) and `Rating`; and who
said it, in the lines of `album.metadata.provenance`: `Writers` (of captions, by language, also of
those that somebody else had written there in the same words) and `RuleLabels` (labels that no
person gave)."""
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
_ALBUM_PROPERTIES = ("album:Photo", "album:Labels", "album:RuleLabels", "album:Words")
_ROOT = "Album"  # of the branch of labels in lr:hierarchicalSubject
_POSITION = ("exif:GPSLatitude", "exif:GPSLongitude")
_READ_PROPERTIES = (
    *_DATES, *_FLAT_KEYWORDS, *_TREES_OF_KEYWORDS, *_POSITION, "exif:GPSTimeStamp", "xmp:Rating",
    *_ALBUM_PROPERTIES, "tiff:Make", "tiff:Model", "exifEX:LensModel", "aux:Lens",
)  # fmt: skip
_BY_TAG = {
    f"{{{NAMESPACES[prefix]}}}{name}": f"{prefix}:{name}"
    for prefix, name in (wanted.split(":") for wanted in _READ_PROPERTIES)
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
    captions: Mapping[str, str] = field(default_factory=dict)
    """What dc:description says, by language: "ko", "en", and "" where that is not known."""
    labels: tuple[str, ...] = ()
    """What an album called the photo; a word that stands there for a label alone is no keyword."""
    writers: Mapping[str, str] = field(default_factory=dict)
    """By language, of those captions alone that an album wrote, or had, too: who wrote it, in a
    line of `album.metadata.provenance`; "" where that is not known, or another program changed
    it since."""
    givers: tuple[str, ...] = ()
    """Who gave those labels that no person gave, in lines of `album.metadata.provenance`."""
    photo: str | None = None
    """The sha256 of the photo that an album wrote the captions and labels for."""


def read(packet: bytes) -> XmpFacts:
    """The facts of a packet of at most `MAX_BYTES`; none of anything else."""
    try:
        root = parse_xml(decode(packet))
    except ValueError:
        return XmpFacts()
    said = _read_properties(root)
    labels = tuple(said.get("album:Labels", ()))
    not_keywords = {*said.get("album:Words", ()), *map(label_path, labels)}

    def first(*names: str) -> str | None:
        return next((said[name][0] for name in names if said.get(name)), None)

    dates = [moment for name in _DATES if (moment := capture_time.parse(first(name) or ""))]
    stamp = capture_time.parse(first("exif:GPSTimeStamp") or "")
    captions = _captions(alternatives(root, "dc:description"), root)
    return XmpFacts(
        taken=capture_time.most_trusted(dates),
        stamped=None if stamp is None or stamp.whole_day else stamp.at,
        rating=parse_rating(first("xmp:Rating")),
        keywords=(
            *(
                word
                for name in _FLAT_KEYWORDS
                for word in said.get(name, ())
                if word not in not_keywords
            ),
            *(
                re.split(r"[/|]", word)[-1]
                for name in _TREES_OF_KEYWORDS
                for word in said.get(name, ())
                if word not in not_keywords
            ),
        ),
        position=_position(*(first(name) for name in _POSITION)),
        camera=exif.camera_name(
            exif.one_line(first("tiff:Make") or ""), exif.one_line(first("tiff:Model") or "")
        ),
        lens=exif.one_line(first("exifEX:LensModel", "aux:Lens") or ""),
        captions=captions,
        writers=_writers(captions, root),
        labels=labels,
        givers=tuple(said.get("album:RuleLabels", ())),
        photo=first("album:Photo"),
    )


def label_path(label: str) -> str:
    """A label as lr:hierarchicalSubject has it; the sign that parts levels becomes its wide twin,
    which looks the same."""
    return f"{_ROOT}|{label.replace('|', '｜')}"


def properties(root: Element) -> Iterator[tuple[str, str | Element]]:
    """Every property of a packet as (tag, its text or its element), in the order of the packet."""
    for rdf in [root] if root.tag == RDF + "RDF" else root.findall(RDF + "RDF"):
        for description in rdf.findall(RDF + "Description"):
            yield from description.attrib.items()
            for element in description:
                yield element.tag, element


def alternatives(root: Element, name: str) -> dict[str, str]:
    """The texts of a property by their languages, as they are written; "x-default" for a text of
    no language, and for an attribute.

    Args:
        root: of a packet.
        name: with one of the prefixes of `NAMESPACES`.
    """
    found: dict[str, str] = {}
    for tag, value in properties(root):
        if tag != qualified_name(name):
            continue
        items = [value] if isinstance(value, str) else _list_items(value) or [value]
        for item in items:
            text = item if isinstance(item, str) else item.text
            language = "x-default" if isinstance(item, str) else item.get(LANGUAGE, "x-default")
            if text and text.strip():
                found.setdefault(language, text)
    return found


def qualified_name(name: str) -> str:
    """The tag of a property that is named with one of the prefixes of `NAMESPACES`."""
    prefix, _, own = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{own}"


def parse_xml(text: str) -> Element:
    """The root of a packet.

    Raises:
        ValueError: it is no XML, has entities, or more than `MOST_TAGS`.
    """
    if text.count("<") > MOST_TAGS:
        raise ValueError("too many tags")
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error
    return root


def _captions(written: Mapping[str, str], root: Element) -> dict[str, str]:
    """Of each language the text in it, before one in a dialect of it.

    The text for everybody repeats one of the others, as a rule; else its language is not known.
    """
    by_language = {language.lower(): text for language, text in written.items()}
    found = {}
    for ours in CAPTION_LANGUAGES:
        dialects = (it for it in by_language if it.startswith(ours + "-"))
        key = next((it for it in (ours, *dialects) if it in by_language), None)
        if key is not None:
            found[ours] = by_language[key]
    default = by_language.pop("x-default", None)
    own = alternatives(root, "album:Captions").get("x-default")
    if default is not None and (default == own or default not in by_language.values()):
        found[""] = default
    return found


def _writers(captions: Mapping[str, str], root: Element) -> dict[str, str]:
    """Who wrote those captions that are an album's, by language, as `XmpFacts.writers`."""
    ours, writers = alternatives(root, "album:Captions"), alternatives(root, "album:Writers")
    found = {}
    for language, text in captions.items():
        key = language or "x-default"
        if key in ours or key in writers:
            found[language] = writers.get(key, "") if ours.get(key, text) == text else ""
    return found


def _read_properties(root: Element) -> dict[str, list[str]]:
    """The wanted properties, each with its values in the order of the packet."""
    said: dict[str, list[str]] = {}
    for tag, value in properties(root):
        if tag in _BY_TAG:
            found = [value] if isinstance(value, str) else texts(value)
            said.setdefault(_BY_TAG[tag], []).extend(found)
    return said


def texts(element: Element) -> list[str]:
    """The one text of a property, or the texts of its list."""
    items = _list_items(element)
    if items:
        return [item.text for item in items if item.text and item.text.strip()]
    return [element.text] if element.text and element.text.strip() else []


def _list_items(element: Element) -> list[Element]:
    """The members of the list that a property is; none of another one."""
    lists = (RDF + "Bag", RDF + "Seq", RDF + "Alt")
    return [item for child in element if child.tag in lists for item in child]


def decode(packet: bytes, errors: str = "replace") -> str:
    """The text of a packet without what pads it; "" for one that is too long.

    A packet names its encoding nowhere but in its first bytes, and what its XML declaration claims
    may be wrong: given as text, the parser does not ask it.

    Raises:
        UnicodeDecodeError: it is not of that encoding, where `errors` is "strict".
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
    """0 to 5 stars, also where they are written "3.0"; -1: rejected."""
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
    """Degrees out of "40,26.767N" or "40,26,46N"; `signs`: positive, then negative."""
    found = _COORDINATE.fullmatch((text or "").strip().upper())
    if found is None or found[5] not in signs:
        return None
    degrees = float(found[1] + (found[4] or ""))
    degrees += float(found[2] or 0) / 60 + float(found[3] or 0) / 3600
    if not degrees <= limit or not math.isfinite(degrees):
        return None
    return degrees if found[5] == signs[0] else -degrees
