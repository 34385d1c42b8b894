"""Parsing of language model answers, which are untrusted text.

Results have the documented form: Unicode in NFC, bounded length, no invisible or unstorable
characters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import CaptionRefusedError, ModelError
from models.interfaces import CaptionResult

LONGEST_CAPTION = 2_000  # characters, as all lengths here
LONGEST_KEYWORD = 60
MOST_KEYWORDS = 30
LONGEST_TEXT = 10_000
LONGEST_ANSWER = 4_000
LONGEST_TRANSLATION = 300

QUOTES = ('""', "''", "“”", "‘’", "``", "「」")
# Invisible, yet part of what is seen: they join the pictures of an emoji and letters of scripts.
JOINERS = "\u200c\u200d"
FENCE = re.compile(r"\s*```\w*\n?(.*?)(?:```\s*)?", re.DOTALL)
CUT_CAPTION = r'"caption_%s"\s*:\s*"((?:[^"\\]|\\.)*)'
"""A caption within an answer that is broken as a whole, or ends within it."""


class MalformedAnswerError(ModelError):
    """Raised for an answer of the wrong form. A retry may help."""


def one_line(text: str, longest: int) -> str:
    """Clean `text` to one line of at most `longest` characters."""
    visible = "".join(c for c in " ".join(text.split()) if c in JOINERS or not _is_hidden(c))
    return unicodedata.normalize("NFC", visible)[:longest].strip()


def lines(text: str, longest: int) -> str:
    """Clean `text` line by line, with single blank lines at most."""
    clean = (one_line(line, longest) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(clean).strip())[:longest].rstrip()


def parse_description(answer: str, languages: Sequence[str]) -> CaptionResult:
    """Parse an answer of the form of `prompts.describe_schema`.

    Raises:
        MalformedAnswerError: it is no JSON object, lacks a caption, or holds other types.
    """
    try:
        # Line breaks within strings are against the rules of JSON, but clear enough.
        fields = json.loads(_without_fence(answer), strict=False)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError("no JSON") from error
    if not isinstance(fields, dict):
        raise MalformedAnswerError("no JSON object")
    captions = _captions_in(fields, languages)
    if len(captions) < len(languages):
        raise MalformedAnswerError("a caption is missing")
    keywords = fields.get("keywords") or []
    text = fields.get("text_in_photo") or ""
    if not isinstance(keywords, list) or not all(isinstance(word, str) for word in keywords):
        raise MalformedAnswerError("keywords that are no words")
    if not isinstance(text, str):
        raise MalformedAnswerError("a text that is no text")
    return CaptionResult(captions, _cleaned(keywords), lines(text, LONGEST_TEXT))


def salvage_description(answer: str, languages: Sequence[str]) -> CaptionResult:
    """Recover what is readable from a malformed answer.

    For broken JSON that is its captions, else the whole text as one caption of an unknown language.

    Raises:
        CaptionRefusedError: nothing in it is readable.
    """
    text = _without_fence(answer)
    if text.startswith(("{", "[")):
        captions = _captions_in(_pieces_of(text, languages), languages)
    else:
        captions = {"": one_line(text, LONGEST_CAPTION)}
    if not any(any(c.isalnum() for c in caption) for caption in captions.values()):
        raise CaptionRefusedError(
            "Gemini answered with something other than a description: ask again, or write the "
            "caption by hand."
        )
    return CaptionResult(captions)


def parse_answer(answer: str) -> str:
    """Clean a chat answer to plain lines of at most LONGEST_ANSWER characters."""
    return lines(answer, LONGEST_ANSWER)


def parse_translation(answer: str, original: str) -> str:
    """Clean a translation of quotation marks and full stop.

    They are kept where the original has them.

    Raises:
        CaptionRefusedError: the answer is not one line of a translation's length.
    """
    text = answer
    if text[:1] + text[-1:] in QUOTES and original.strip()[:1] != text[:1]:
        text = text[1:-1].strip()
    if not original.rstrip().endswith("."):
        text = text.removesuffix(".")
    if not text or len(text) > LONGEST_TRANSLATION or not text.isprintable():
        raise CaptionRefusedError(
            "Gemini answered with something other than a translation: reword it."
        )
    return text


def _captions_in(fields: Mapping[str, Any], languages: Sequence[str]) -> dict[str, str]:
    """Collect the requested captions that are present."""
    values = {language: fields.get(f"caption_{language}") for language in languages}
    clean = {
        language: one_line(caption, LONGEST_CAPTION)
        for language, caption in values.items()
        if isinstance(caption, str)
    }
    return {language: caption for language, caption in clean.items() if caption}


def _pieces_of(text: str, languages: Sequence[str]) -> dict[str, Any]:
    """Extract the captions of JSON that is truncated or broken elsewhere."""
    pieces: dict[str, Any] = {}
    for language in languages:
        match = re.search(CUT_CAPTION % language, text)
        if match is None:
            continue
        try:
            pieces[f"caption_{language}"] = json.loads(f'"{match[1]}"', strict=False)
        except ValueError:
            continue  # cut within an escape
    return pieces


def _cleaned(keywords: Sequence[str]) -> tuple[str, ...]:
    """Strip marks, duplicates and overlong entries from keywords."""
    kept: dict[str, str] = {}
    for keyword in keywords:
        word = one_line(keyword, LONGEST_TEXT).strip(" #,.;·-\"'“”")
        if word and len(word) <= LONGEST_KEYWORD:
            kept.setdefault(word.casefold(), word)
    return tuple(kept.values())[:MOST_KEYWORDS]


def _without_fence(answer: str) -> str:
    """Strip the ``` lines that models put around code."""
    fenced = FENCE.fullmatch(answer)
    return (fenced[1] if fenced else answer).strip()


def _is_hidden(character: str) -> bool:
    """Check for control characters, lone surrogates and invisible marks."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")
