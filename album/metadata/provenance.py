"""Who wrote a caption and who gave a label, as the album notes it in sidecars: one line each.

    2026-11-21T10:00:00                       a caption by hand, and when
    2026-11-21T10:00:00 3 gemini-3.5-flash    one by a model: when, by which instructions, which
    words 0.9312 dog                          a label of a rule: its kind, how probable, which

A line may come out of anybody's file: one that is none tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from album.domain.photo import Caption

_UNKNOWN = "-"  # by which instructions
_WRITER = re.compile(r"(\d\S{1,39})(?: (\S{1,100}) (\S.{0,199}))?")
_LABEL_SOURCE = re.compile(r"(words|examples|model) (0\.\d{4}|1\.0000) (.+)", re.DOTALL)


def format_writer(caption: Caption) -> str:
    """Who wrote a caption, and when."""
    at = caption.written_at.isoformat(timespec="seconds")
    if caption.model_id is None:
        return at
    version = "".join(caption.prompt_version.split()) or _UNKNOWN
    return " ".join((at, version, *caption.model_id.split()))


def parse_caption(text: str, language: str, line: str, otherwise: datetime) -> Caption:
    """A caption with its writer: a person where the line tells of no model.

    Args:
        text: the caption.
        language: "ko", "en", or "" for a person's, for readers of both.
        line: as `format_writer` has it, or anything.
        otherwise: when it was written, where the line does not tell.
    """
    found = _WRITER.fullmatch(line)
    if found is None:
        return Caption(text, language, None, otherwise)
    try:
        at = datetime.fromisoformat(found[1]).replace(tzinfo=None)
    except ValueError:
        return Caption(text, language, None, otherwise)
    if found[3] is None or not language:
        return Caption(text, language, None, at)
    return Caption(text, language, found[3], at, "" if found[2] == _UNKNOWN else found[2])


def format_label_source(label: str, kind: str, probability: float | None) -> str:
    """Which kind of rule gave a label, and how probable that was."""
    return " ".join((kind, f"{min(max(probability or 0.0, 0.0), 1.0):.4f}", label))


def parse_label_sources(lines: Iterable[str]) -> dict[str, tuple[str, float]]:
    """The kind of rule and the probability in [0, 1] of each label that the lines name."""
    found = (_LABEL_SOURCE.fullmatch(line) for line in lines)
    return {it[3]: (it[1], float(it[2])) for it in found if it is not None}
