"""What the album says of a photo, brought into a sidecar file, where all else stays as it is.

What the album wrote it notes beside it (`xmp.ALBUM`), so that it takes back its own words, and no
others, when they don't hold any more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from album.export.xmp_document import (
    DEFAULT,
    EMPTY,
    SidecarError,
    Value,
    differing,
    parsed,
    refuse_loss,
    value_of,
    words_of,
    written,
)
from album.metadata import xmp

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_KEYWORD = 100


@dataclass(frozen=True, slots=True)
class SidecarContent:
    """What the album says of one photo."""

    sha256: str
    captions: Mapping[str, str]
    """By language: "ko", "en", or "" where it is not known."""
    writers: Mapping[str, str] = field(default_factory=dict)
    """Who wrote them, by language, in lines of `album.metadata.provenance`."""
    labels: Sequence[str] = ()
    givers: Sequence[str] = ()
    """Who gave those of `labels` that no person gave, in lines of `album.metadata.provenance`."""
    keywords: Sequence[str] = ()
    """What the files of the photo call it already."""
    rating: int | None = None
    """0 to 5 stars; -1: rejected."""

    @property
    def worth_a_file(self) -> bool:
        """Whether a photo without a sidecar needs one; its file itself has the keywords."""
        return bool(self.captions or self.labels or self.rating)


@dataclass(frozen=True, slots=True)
class Extended:
    """What became of a packet."""

    packet: bytes | None
    """UTF-8; None: it says all of it already."""
    notes: tuple[str, ...]
    """What is not as the album has it, in sentences."""


def extended(packet: bytes, said: SidecarContent, *, replace: bool = False) -> Extended:
    """A packet with what the album says of a photo, and everything that it held before.

    Descriptions in other languages, words and branches of others stay. Where somebody else wrote
    another description in the same language, or other stars, theirs stay.

    Args:
        packet: of at most `xmp.MAX_BYTES`; b"": there is none yet.
        said: the facts.
        replace: the album's description and stars count where they differ from those of others.

    Raises:
        SidecarError: the packet is broken, or could not be written without losing something.
    """
    before = parsed(packet) if packet.strip() else parsed(EMPTY)
    wanted, notes = _plan(before.root, said, replace)
    changes = differing(before.root, wanted)
    if not changes:
        return Extended(None, tuple(notes))
    text = written(before, changes)
    if len(text.encode()) > xmp.MAX_BYTES:
        raise SidecarError("The sidecar would become too long to be read again.")
    after = parsed(text.encode())
    refuse_loss(before.root, after.root, changes)
    if differing(after.root, _plan(after.root, said, replace)[0]):
        raise SidecarError(
            "The sidecar would not say afterwards what it should: it stays as it is."
        )
    return Extended(text.encode(), tuple(notes))


def refuse_broken(packet: bytes) -> None:
    """Raise unless a packet can be read.

    Raises:
        SidecarError: it is damaged, or none.
    """
    parsed(packet)


def photo_of(packet: bytes) -> str | None:
    """The sha256 of the photo that an album wrote a packet for; None where no album did."""
    return xmp.read(packet).photo


def xml_text(text: str) -> str:
    """A text without the characters that XML cannot hold, such as most control characters."""
    return _FORBIDDEN.sub("", text)


def _plan(root: Element, said: SidecarContent, replace: bool) -> tuple[dict[str, Value], list[str]]:
    """The value that each property of `KEYS` is to have, and what is not as the album has it."""
    notes: list[str] = []
    captions = {
        language or DEFAULT: xml_text(text)
        for language, text in said.captions.items()
        if xml_text(text).strip()
    }
    labels = list(dict.fromkeys(xml_text(label) for label in said.labels))
    if any(_FORBIDDEN.search(it) for it in (*said.captions.values(), *said.labels)):
        notes.append("Characters that XML cannot hold, such as control characters, were left out.")
    description, ours = _description(root, captions, replace, notes)
    subject, words = _subject(root, labels, said.keywords)
    rating, our_rating = _rating(root, said.rating, replace, notes)
    branches = [xmp.label_path(label) for label in labels]
    no_more = {xmp.label_path(label) for label in words_of(root, "album:Labels")}.difference(
        branches
    )
    tree = [it for it in words_of(root, "lr:hierarchicalSubject") if it not in no_more]
    writers = {
        language or DEFAULT: xml_text(line)
        for language, line in said.writers.items()
        if description.get(_spelled(description, language or DEFAULT))
        == captions.get(language or DEFAULT, "")
    }
    is_ours = bool(ours or writers or labels or our_rating)
    return {
        "dc:description": description,
        "dc:subject": subject,
        "lr:hierarchicalSubject": [*tree, *(it for it in branches if it not in tree)],
        "xmp:Rating": rating,
        "album:Photo": said.sha256 if is_ours else None,
        "album:Captions": ours,
        "album:Writers": writers,
        "album:Labels": labels,
        "album:RuleLabels": list(map(xml_text, said.givers)),
        "album:Words": words,
        "album:Rating": our_rating,
    }, notes


def _description(
    root: Element, captions: dict[str, str], replace: bool, notes: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The descriptions of all languages, and which of them are the album's."""
    description = xmp.alternatives(root, "dc:description")
    ours_before = xmp.alternatives(root, "album:Captions")
    ours: dict[str, str] = {}
    for language in (*xmp.CAPTION_LANGUAGES, DEFAULT):
        key = _spelled(description, language)
        now, before, wanted = (
            description.get(key),
            ours_before.get(language),
            captions.get(language),
        )
        is_copy = language == DEFAULT and wanted is None
        if language == DEFAULT:
            before, wanted = (
                before or _for_everybody(ours_before),
                wanted or _for_everybody(captions),
            )
        theirs = now is not None and now != before
        if theirs and wanted is not None and now != wanted:
            if not replace and not is_copy:
                notes.append(
                    f"The sidecar has another description ({language}), which stays: have it"
                    " replaced if yours is the better one."
                )
            theirs = not replace
        if theirs:
            continue
        if wanted is None:
            description.pop(key, None)
            continue
        description[key] = wanted
        if not is_copy:
            ours[language] = wanted
    return description, ours


def _spelled(description: Mapping[str, str], language: str) -> str:
    """A language as the sidecar writes it."""
    return next((it for it in description if it.lower() == language), language)


def _for_everybody(captions: Mapping[str, str]) -> str | None:
    """What programs show that know no languages."""
    return next((captions[it] for it in xmp.CAPTION_LANGUAGES if it in captions), None)


def _subject(
    root: Element, labels: Sequence[str], keywords: Sequence[str]
) -> tuple[list[str], list[str]]:
    """All words of dc:subject, and those that stand there for a label alone."""
    before = words_of(root, "dc:subject")
    for_labels = set(words_of(root, "album:Words"))
    others = {word for word in before if word not in for_labels}
    known = {_alike(word) for word in (*others, *_leaves_of_trees(root))}
    new = [xml_text(word) for word in keywords if _alike(xml_text(word)) not in known]
    others.update(new)
    words = [label for label in labels if label not in others]
    standing = [word for word in before if word in others or word in words]
    added = [word for word in dict.fromkeys([*new, *words]) if word not in standing]
    return [*standing, *added], words


def _leaves_of_trees(root: Element) -> list[str]:
    branches = [*words_of(root, "lr:hierarchicalSubject"), *words_of(root, "digiKam:TagsList")]
    return [re.split(r"[/|]", branch)[-1] for branch in branches]


def _alike(word: str) -> str:
    """Equal for words that the album takes for the same."""
    return " ".join(unicodedata.normalize("NFC", word).split())[:_LONGEST_KEYWORD].casefold()


def _rating(
    root: Element, stars: int | None, replace: bool, notes: list[str]
) -> tuple[str | None, str | None]:
    """The stars, and the same if they are the album's."""
    now, before = value_of(root, "xmp:Rating"), value_of(root, "album:Rating")
    assert not isinstance(now, (list, dict))
    wanted = None if stars is None else str(stars)
    if now is None or now == before:
        return wanted, wanted
    if wanted is not None and xmp.parse_rating(now) != stars:
        if replace:
            return wanted, wanted
        notes.append("The sidecar has other stars, which stay: have them replaced if yours count.")
    return now, None
