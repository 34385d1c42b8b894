"""Parsing, writing and comparing of XMP packets, without loss.

exiv2 writes them with the toolkit of Adobe, which knows the types of the standard. What it would
lose of a packet is found by comparing, and then the write is refused.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from album.errors import AlbumError
from album.metadata import xmp

DEFAULT = "x-default"
"""The language of the default text."""
_DEEPEST = 100  # levels of tags, which the toolkit reads by recursion
_DECLARATION = re.compile(r"\A\s*<\?xml\s.*?\?>", re.DOTALL)
_SAME = frozenset(xmp.RDF + name for name in ("Description", "Bag", "Seq", "Alt", "li", "value"))
_NO_FACTS = frozenset(xmp.RDF + name for name in ("about", "parseType", "ID", "nodeID", "datatype"))
_exiv2_lock = threading.Lock()  # the toolkit has one global table of namespaces

KEYS = {
    "dc:description": "Xmp.dc.description",
    "dc:subject": "Xmp.dc.subject",
    "lr:hierarchicalSubject": "Xmp.lr.hierarchicalSubject",
    "xmp:Rating": "Xmp.xmp.Rating",
    **{
        f"album:{name}": f"Xmp.photoAlbum.{name}"
        for name in ("Photo", "Captions", "Writers", "Labels", "RuleLabels", "Words", "Rating")
    },
}
Value = dict[str, str] | list[str] | str | None
"""Texts by language, a list of texts, or one text. Empty or None: the property is absent."""


class SidecarError(AlbumError):
    """Raised when a sidecar cannot be read or extended."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A parsed packet with what its element tree does not hold."""

    text: str
    """Without its XML declaration."""
    root: Element
    comments: tuple[str, ...]
    wrapped: bool
    """Whether `<?xpacket?>` marks its beginning and end."""
    namespaces: frozenset[tuple[str, str]]
    """(prefix, name)."""


EMPTY = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
)


class _PacketBuilder(TreeBuilder):
    """Builds a tree and collects comments and namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[str] = []
        self.namespaces: set[tuple[str, str]] = set()
        self.depth = 0

    def start(self, tag: Any, attrs: Any) -> Element:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("too deep")
        return super().start(tag, attrs)

    def end(self, tag: Any) -> Element:
        self.depth -= 1
        return super().end(tag)

    def comment(self, text: str | None) -> Any:
        self.comments.append(text or "")

    def start_ns(self, prefix: str, uri: str) -> Any:
        self.namespaces.add((prefix, uri))


def parse_packet(packet: bytes) -> Packet:
    """Parse a packet.

    Raises:
        SidecarError: the packet is damaged, no XMP, or too large.
    """
    if len(packet) > xmp.MAX_BYTES:
        raise SidecarError("The sidecar is too long to be read: it stays as it is.")
    target = _PacketBuilder()
    try:
        text = xmp.decode(packet, "strict")
        if text.count("<") > xmp.MOST_TAGS:
            raise ValueError("too many tags")
        parser = DefusedXMLParser(target=target, forbid_dtd=True)
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SidecarError(
            "The sidecar is damaged, no XMP, or absurdly large: it stays as it is; repair or delete"
            " it."
        ) from error
    wrapped = "<?xpacket" in text
    return Packet(
        _DECLARATION.sub("", text),
        root,
        tuple(target.comments),
        wrapped,
        frozenset(target.namespaces),
    )


def write_packet(before: Packet, changes: Mapping[str, Value]) -> str:
    """Write a packet with other values of some properties.

    Raises:
        SidecarError: the toolkit does not take it.
    """
    exiv2, prefixes = _toolkit()
    for prefix, name in before.namespaces:
        uri = prefixes.get(prefix, name)
        if uri.rstrip("/#") != name.rstrip("/#"):
            raise SidecarError(
                "The sidecar gives the short name “{prefix}” a meaning of its own, with which "
                "it cannot be extended: it stays as it is.",
                prefix=prefix,
            )
    flags = exiv2.XmpParser.XmpFormatFlags
    format_ = int(flags.useCompactFormat) | int(flags.omitPacketWrapper)
    with _exiv2_lock:
        try:
            image = exiv2.ImageFactory.create(exiv2.ImageType.xmp)
            image.setXmpPacket(before.text)
            data = image.xmpData()
            for name, value in changes.items():
                _set(exiv2, data, KEYS[name], value)
            failed, text = exiv2.XmpParser.encode(data, format_)
        except exiv2.Exiv2Error as error:
            raise SidecarError(
                "The sidecar is no XMP as its standard has it: it stays as it is."
            ) from error
    if failed:
        raise SidecarError("The sidecar is no XMP as its standard has it: it stays as it is.")
    return _restore_wrapping(text or EMPTY.decode(), before)


@cache
def _toolkit() -> tuple[Any, dict[str, str]]:
    """Load exiv2 and its namespaces by prefix."""
    import exiv2

    with _exiv2_lock:
        exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)
        exiv2.XmpProperties.registerNs(xmp.ALBUM, "photoAlbum")
        prefixes = {**exiv2.XmpProperties.registeredNamespaces(), "photoAlbum": xmp.ALBUM}
    return exiv2, prefixes


def _set(exiv2: Any, data: Any, key: str, value: Value) -> None:
    if not value:
        position = data.findKey(exiv2.XmpKey(key))
        if position != data.end():
            data.erase(position)
    elif isinstance(value, str):
        data[key] = exiv2.XmpTextValue(value)
    elif isinstance(value, list):
        data[key] = exiv2.XmpArrayValue(value, exiv2.TypeId.xmpBag)
    else:
        data[key] = exiv2.LangAltValue(value)


def _restore_wrapping(text: str, before: Packet) -> str:
    """Add what the toolkit removes: wrapper, comments and exact namespaces."""
    for _, name in before.namespaces:
        if not name.endswith(("/", "#")):  # a slash added by exiv2 makes another namespace
            pattern = re.escape(escape(name))
            text = re.sub(f'(\\sxmlns:[^=]+="{pattern})/"', r'\1"', text)
    head, sign, tail = text.partition(">")
    comments = "".join(f"\n <!--{comment}-->" for comment in before.comments)
    text = f"{head}{sign}{comments}{tail}".rstrip() + "\n"
    if before.wrapped:
        return (
            f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{text}<?xpacket end="w"?>\n'
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def value_of(root: Element, name: str) -> Value:
    """Read a property of `KEYS` by its name with a prefix."""
    if name in ("dc:description", "album:Captions", "album:Writers"):
        return xmp.alternatives(root, name)
    words = [
        word
        for tag, value in xmp.properties(root)
        if tag == xmp.qualified_name(name)
        for word in ([value] if isinstance(value, str) else xmp.texts(value))
    ]
    if name in ("xmp:Rating", "album:Rating", "album:Photo"):
        return words[0] if words else None
    return words


def texts_of(root: Element, name: str) -> list[str]:
    """Read a property that is a list of texts."""
    return list(value_of(root, name) or ())


def missing_values(root: Element, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the wanted values that differ from those of the packet."""
    return {
        name: value
        for name, value in values.items()
        if (value_of(root, name) or None) != (value or None)
    }


def refuse_loss(before: Element, after: Element, changes: Mapping[str, Value]) -> None:
    """Compare a packet before and after a change.

    Raises:
        SidecarError: a text outside of `changes` is gone.
    """
    replaced = {
        (xmp.qualified_name(name), _plain(text))
        for name in changes
        for text in _texts(value_of(before, name))
        if text not in _texts(changes[name])
    }
    for path, text in Counter(_leaves(before)) - Counter(_leaves(after)):
        if (path[0], text) not in replaced:
            name = path[-1].rpartition("}")[2]
            raise SidecarError(
                "The sidecar holds something ({name}) that could not be kept: it stays as it is.",
                name=name,
            )


def _texts(value: Value) -> list[str]:
    if isinstance(value, dict):
        return list(value.values())
    return [value] if isinstance(value, str) else list(value or ())


def _leaves(root: Element) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text that is not blank with the tags above it.

    Equivalent RDF gives equal paths: attributes or elements, a single text or a list of one, no
    language or `DEFAULT`.
    """
    for rdf in [root] if root.tag == xmp.RDF + "RDF" else root:
        if rdf.tag == xmp.RDF + "RDF":
            yield from _leaves_below(rdf, ())
        else:
            yield (rdf.tag,), "outside"  # not read by the toolkit


def _leaves_below(element: Element, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if element.tag not in _SAME and element.tag != xmp.RDF + "RDF":
        path = (*path, element.tag)
    language = element.get(xmp.LANGUAGE, DEFAULT).lower()
    if language != DEFAULT:
        path = (*path, language)
    for tag, text in element.attrib.items():
        if tag not in _NO_FACTS and tag != xmp.LANGUAGE and text.strip():
            is_value = tag in (xmp.RDF + "value", xmp.RDF + "resource")
            yield path if is_value else (*path, tag), _plain(text)
    for child in element:
        yield from _leaves_below(child, path)
        if child.tail and child.tail.strip():
            yield (*path, "text"), _plain(child.tail)
    if element.text and element.text.strip():
        yield path if not len(element) else (*path, "text"), _plain(element.text)


def _plain(text: str) -> str:
    return " ".join(text.split())
