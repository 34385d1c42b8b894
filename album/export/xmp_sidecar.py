"""Captions, labels and stars in XMP sidecars, which keep everything else.

The album records what it wrote in its own namespace (`xmp.ALBUM`), so that it later removes only
its own values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from album.export.sidecar_content import SidecarContent
from album.export.xmp_document import (
    DEFAULT,
    EMPTY,
    SidecarError,
    Value,
    missing_values,
    parse_packet,
    refuse_loss,
    texts_of,
    value_of,
    write_packet,
)
from album.metadata import xmp

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_KEYWORD = 100


@dataclass(frozen=True, slots=True)
class PacketUpdate:
    """The result of extending a packet."""

    packet: bytes | None
    """In UTF-8, or None if the packet is up to date."""
    notes: tuple[str, ...]
    """What differs from the album, in sentences."""


def extend_packet(packet: bytes, content: SidecarContent, *, replace: bool = False) -> PacketUpdate:
    """Add what the album says of a photo to a packet.

    Values of other programs stay: descriptions in other languages, keywords, hierarchical keywords.
    So do their description in a language of a caption and their stars, unless `replace`.

    Args:
        packet: of at most `xmp.MAX_BYTES`; b"" for a new sidecar.
        content: what to write.
        replace: overwrite the description and stars of other programs.

    Raises:
        SidecarError: the packet is broken, or cannot be written without loss.
    """
    before = parse_packet(packet) if packet.strip() else parse_packet(EMPTY)
    values, notes = _plan(before.root, content, replace)
    changes = missing_values(before.root, values)
    if not changes:
        return PacketUpdate(None, tuple(notes))
    text = write_packet(before, changes)
    if len(text.encode()) > xmp.MAX_BYTES:
        raise SidecarError("The sidecar would become too long to be read again.")
    after = parse_packet(text.encode())
    refuse_loss(before.root, after.root, changes)
    if missing_values(after.root, _plan(after.root, content, replace)[0]):
        raise SidecarError(
            "The sidecar would not say afterwards what it should: it stays as it is."
        )
    return PacketUpdate(text.encode(), tuple(notes))


def refuse_broken(packet: bytes) -> None:
    """Check that a packet can be read.

    Raises:
        SidecarError: the packet is damaged or no XMP.
    """
    parse_packet(packet)


def sha256_in(packet: bytes) -> str | None:
    """Return the sha256 of the photo in an album's packet, if any."""
    return xmp.read(packet).photo


def xml_text(text: str) -> str:
    """Remove the characters that XML cannot hold, such as most control characters."""
    return _FORBIDDEN.sub("", text)


def _plan(
    root: Element, content: SidecarContent, replace: bool
) -> tuple[dict[str, Value], list[str]]:
    """Compute the value of each property of `KEYS`, and the notes."""
    notes: list[str] = []
    captions = {
        language or DEFAULT: xml_text(text)
        for language, text in content.captions.items()
        if xml_text(text).strip()
    }
    labels = list(dict.fromkeys(xml_text(label) for label in content.labels))
    if any(map(_FORBIDDEN.search, (*content.captions.values(), *content.labels))):
        notes.append("Characters that XML cannot hold, such as control characters, were left out.")
    description, album_captions = _description(root, captions, replace, notes)
    subject, label_words = _subject(root, labels, content.keywords)
    rating, album_rating = _rating(root, content.rating, replace, notes)
    branches = [xmp.label_path(label) for label in labels]
    removed = {xmp.label_path(label) for label in texts_of(root, "album:Labels")} - {*branches}
    hierarchy = [
        branch for branch in texts_of(root, "lr:hierarchicalSubject") if branch not in removed
    ]
    writers = {
        language or DEFAULT: xml_text(line)
        for language, line in content.writers.items()
        if description.get(_language_key(description, language or DEFAULT))
        == captions.get(language or DEFAULT, "")
    }
    has_album_values = bool(album_captions or writers or labels or album_rating)
    return {
        "dc:description": description,
        "dc:subject": subject,
        "lr:hierarchicalSubject": [
            *hierarchy,
            *(branch for branch in branches if branch not in hierarchy),
        ],
        "xmp:Rating": rating,
        "album:Photo": content.sha256 if has_album_values else None,
        "album:Captions": album_captions,
        "album:Writers": writers,
        "album:Labels": labels,
        "album:RuleLabels": list(map(xml_text, content.givers)),
        "album:Words": label_words,
        "album:Rating": album_rating,
    }, notes


def _description(
    root: Element, captions: dict[str, str], replace: bool, notes: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Compute the descriptions by language, and those of the album."""
    description = xmp.alternatives(root, "dc:description")
    album_before = xmp.alternatives(root, "album:Captions")
    album_now: dict[str, str] = {}
    for language in (*xmp.CAPTION_LANGUAGES, DEFAULT):
        key = _language_key(description, language)
        now = description.get(key)
        before, caption = album_before.get(language), captions.get(language)
        is_copy = language == DEFAULT and caption is None
        if language == DEFAULT:
            before = before or _default_text(album_before)
            caption = caption or _default_text(captions)
        is_foreign = now is not None and now != before
        if is_foreign and caption is not None and now != caption:
            if not replace and not is_copy:
                notes.append(
                    f"The sidecar has another description ({language}), which stays: have it"
                    " replaced if yours is the better one."
                )
            is_foreign = not replace
        if is_foreign:
            continue
        if caption is None:
            description.pop(key, None)
            continue
        description[key] = caption
        if not is_copy:
            album_now[language] = caption
    return description, album_now


def _language_key(description: Mapping[str, str], language: str) -> str:
    """Return a language in the letter case of the sidecar."""
    return next((key for key in description if key.lower() == language), language)


def _default_text(captions: Mapping[str, str]) -> str | None:
    """Choose the text for programs that ignore languages."""
    return next((captions[key] for key in xmp.CAPTION_LANGUAGES if key in captions), None)


def _subject(
    root: Element, labels: Sequence[str], keywords: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Compute the words of dc:subject, and those written for labels only."""
    before = texts_of(root, "dc:subject")
    for_labels = set(texts_of(root, "album:Words"))
    foreign = {word for word in before if word not in for_labels}
    present = {_keyword_key(word) for word in (*foreign, *_hierarchical_words(root))}
    new = [xml_text(word) for word in keywords if _keyword_key(xml_text(word)) not in present]
    foreign.update(new)
    label_words = [label for label in labels if label not in foreign]
    current = [word for word in before if word in foreign or word in label_words]
    added = [word for word in dict.fromkeys([*new, *label_words]) if word not in current]
    return [*current, *added], label_words


def _hierarchical_words(root: Element) -> list[str]:
    branches = [*texts_of(root, "lr:hierarchicalSubject"), *texts_of(root, "digiKam:TagsList")]
    return [word for branch in branches for word in xmp.split_branch(branch)]


def _keyword_key(word: str) -> str:
    """Normalise a keyword for comparing, as an import does."""
    return " ".join(unicodedata.normalize("NFC", word).split())[:_LONGEST_KEYWORD].casefold()


def _rating(
    root: Element, stars: int | None, replace: bool, notes: list[str]
) -> tuple[str | None, str | None]:
    """Compute the stars, and those written by the album."""
    now, before = value_of(root, "xmp:Rating"), value_of(root, "album:Rating")
    assert not isinstance(now, (list, dict))
    rating = None if stars is None else str(stars)
    if now is None or now == before:
        return rating, rating
    if rating is not None and xmp.parse_rating(now) != stars:
        if replace:
            return rating, rating
        notes.append("The sidecar has other stars, which stay: have them replaced if yours count.")
    return now, None
