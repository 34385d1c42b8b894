"""Chips for the parts of a query, each removable."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date

from markupsafe import Markup

from album.search.query import Chip, toggle_strict, without_chip
from album.ui.i18n.messages import say
from album.ui.shared.templates import render

MONTHS = tuple(calendar.month_name)  # "" before January
_PLAIN = re.compile(r"[\d\s.,/~–\-년월일]+")  # needs no explanation of its days

# Every answer renders the chips again. Keyboard focus moves to the successor of a removed chip.
ON_LOAD = """
let gone = null;
element.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-chip]');
  if (!chip) return;
  gone = [...element.querySelectorAll('[data-chip]')].indexOf(chip);
  trigger('select', {index: Number(chip.dataset.chip), value: chip.dataset.kind});
});
new MutationObserver(() => {
  if (gone === null) return;
  const left = element.querySelectorAll('[data-chip]');
  const next = left[Math.min(gone, left.length - 1)];
  gone = null;
  if (document.activeElement === document.body)
    (next ?? document.querySelector('#query input, #query textarea'))?.focus();
}).observe(element, {childList: true, subtree: true});
"""


def cut_from(box: str, text: str, chip: Chip) -> str:
    """Remove the chip's part from a box edited since.

    Args:
        box: the text in the box now.
        text: the query text that the chip was parsed from.
        chip: one of the chips of `text`.
    """
    if box == text:
        return without_chip(text, chip)
    part = text[chip.start : chip.end]
    start = box.find(part)
    if start < 0:
        return box
    return without_chip(box, replace(chip, start=start, end=start + len(part)))


def toggled_in(box: str, text: str, chip: Chip, language: str) -> str:
    """Make the label of a chip strict, or a word again, in a box edited since.

    Args:
        box: the text in the box now.
        text: the query text that the chip was parsed from.
        chip: one of the chips of `text`.
        language: of the reader.
    """
    part = text[chip.start : chip.end]
    start = box.find(part) if box != text else chip.start
    if start < 0:
        return box
    here = replace(chip, start=start, end=start + len(part))
    return toggle_strict(box, here, say(language, "label_mark"))


def word_chips(
    text: str, chips: tuple[Chip, ...], language: str, *, idle: Collection[Chip] = ()
) -> list[Markup]:
    """Render the chips of a query text.

    Args:
        text: the query text.
        chips: its chips.
        language: of the reader.
        idle: exclusions among them that left no photo out.
    """
    return [
        _word_chip(text, chip, index, language, idle=chip in idle)
        for index, chip in enumerate(chips)
    ]


def _word_chip(text: str, chip: Chip, index: int, language: str, *, idle: bool) -> Markup:
    label = ""
    words = " ".join(text[chip.start : chip.end].split())
    days = meaning(chip.first, chip.last, language) if chip.kind == "date" else ""
    if _PLAIN.fullmatch(words) or days.casefold() == words.casefold():
        days = ""
    if chip.label:
        label = say(language, "label_chip", label=chip.label)
    minus = chip.excluded and words.startswith("-")
    return removable(
        label or (words[1:] if minus else words),
        "chip",
        index,
        language,
        name=words,
        meaning=say(language, "changed_nothing") if idle else days,
        excluded=chip.excluded,
        minus=minus,
        label=chip.label,
        strict=chip.strict,
    )


def removable(
    text: str,
    kind: str,
    index: int,
    language: str,
    *,
    name: str | None = None,
    meaning: str = "",
    image: Markup | None = None,
    excluded: bool = False,
    minus: bool = False,
    label: str = "",
    strict: bool = False,
) -> Markup:
    """Render a chip with a button that removes it.

    Args:
        text: its text.
        kind: kind of chip that the listener is sent.
        index: index among the chips of that kind.
        language: of the reader.
        name: its name in the button's label, `text` by default.
        meaning: the days that the text stands for, or what it did, or "".
        image: an image element before the text.
        excluded: whether photos that match it are left out.
        minus: whether a minus stands before it, which "without dogs" needs none of.
        label: the label that it is about, which gets a switch between strict and not.
        strict: whether only the label counts.
    """
    return render(
        "search/chip.html",
        language,
        text=text,
        kind=kind,
        index=index,
        remove=say(language, "remove", what=text if name is None else name),
        label=label,
        strict=strict,
        meaning=meaning,
        image=image or "",
        excluded=excluded,
        minus=minus,
    )


def meaning(first: date | None, last: date | None, language: str) -> str:
    """Format a range of days: "June–August 2025", or "" for none."""
    if first is None or last is None:
        return _open_ended(first, last, language)
    whole = first.day == 1 and _ends_month(last)
    if whole and first.month == 1 and last.month == 12:
        if first.year == last.year:
            return _year(first, language)
        return say(language, "years", first=first.year, last=last.year)
    same_month = (first.year, first.month) == (last.year, last.month)
    if whole and same_month:
        return month_name(first, language)
    months = {"first": _month_name(first, language), "last": _month_name(last, language)}
    if whole and first.year == last.year:
        return say(language, "months_of_year", year=first.year, **months)
    if whole:
        return f"{month_name(first, language)} – {month_name(last, language)}"
    if same_month and first != last:
        days = f"{first.day}–{last.day}"
        return say(language, "day_of_month", day=days, month=months["first"], year=first.year)
    if first == last:
        return _day(first, language)
    return f"{_day(first, language)} – {_day(last, language)}"


def _open_ended(first: date | None, last: date | None, language: str) -> str:
    if first is not None:
        format_day = _year if (first.month, first.day) == (1, 1) else _day
        return say(language, "since_day", day=format_day(first, language))
    if last is not None:
        format_day = _year if (last.month, last.day) == (12, 31) else _day
        return say(language, "until_day", day=format_day(last, language))
    return ""


def _ends_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _day(day: date, language: str) -> str:
    name = _month_name(day, language)
    return say(language, "day_of_month", day=day.day, month=name, year=day.year)


def day_name(day: date, language: str) -> str:
    """Name a day below the name of its month: "Sat, Aug 3"."""
    return say(
        language,
        "day_heading",
        weekday=say(language, "weekdays").split()[day.weekday()],
        month=f"{day.month}월" if language == "ko" else calendar.month_abbr[day.month],
        day=day.day,
    )


def month_name(day: date, language: str) -> str:
    """Name the month of a day: "August 2019"."""
    return say(language, "month_of_year", month=_month_name(day, language), year=day.year)


def _year(day: date, language: str) -> str:
    return say(language, "one_year", year=day.year)


def _month_name(day: date, language: str) -> str:
    return f"{day.month}월" if language == "ko" else MONTHS[day.month]
