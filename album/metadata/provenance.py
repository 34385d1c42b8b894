"""Provenance of captions and labels in XMP sidecars, one line each.

    2026-11-21T10:00:00                       a caption by hand: time
    2026-11-21T10:00:00 3 gemini-3.5-flash    a caption by a model: time, prompt version, model
    words 0.9312 dog                          a label by a rule: kind, probability, label

Lines may come from any program's file. Invalid ones are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from album.domain.photo import Caption

_UNKNOWN = "-"  # prompt version
_WRITER = re.compile(r"(\d\S{1,39})(?: (\S{1,100}) (\S.{0,199}))?")
_LABEL_SOURCE = re.compile(r"(words|examples|model) (0\.\d{4}|1\.0000) (.+)", re.DOTALL)


def format_writer(caption: Caption) -> str:
    """Format who wrote a caption, and when."""
    at = caption.written_at.isoformat(timespec="seconds")
    if caption.model_id is None:
        return at
    version = "".join(caption.prompt_version.split()) or _UNKNOWN
    return " ".join((at, version, *caption.model_id.split()))


def parse_caption(text: str, language: str, line: str, otherwise: datetime) -> Caption:
    """Build a caption with its writer, a person unless the line names a model.

    Args:
        text: the caption.
        language: "ko", "en", or "" for a person's caption for readers of both.
        line: a line of `format_writer`, or any text.
        otherwise: when it was written, where the line has no time.
    """
    match = _WRITER.fullmatch(line)
    if match is None:
        return Caption(text, language, None, otherwise)
    time, prompt_version, model_id = match.groups()
    try:
        at = datetime.fromisoformat(time).replace(tzinfo=None)
    except ValueError:
        return Caption(text, language, None, otherwise)
    if model_id is None or not language:
        return Caption(text, language, None, at)
    if prompt_version == _UNKNOWN:
        prompt_version = ""
    return Caption(text, language, model_id, at, prompt_version)


def format_label_source(label: str, kind: str, probability: float | None) -> str:
    """Format which kind of rule gave a label, and its probability."""
    return " ".join((kind, f"{min(max(probability or 0.0, 0.0), 1.0):.4f}", label))


def parse_label_sources(lines: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Parse lines into label -> (kind of rule, probability in [0, 1])."""
    matches = (_LABEL_SOURCE.fullmatch(line) for line in lines)
    return {match[3]: (match[1], float(match[2])) for match in matches if match is not None}
