"""What was understood of a question, as chips that can be taken away one by one."""

from __future__ import annotations

import calendar
import html
import re
from datetime import date

from album.search.query import Chip
from album.ui.i18n.messages import say

MONTHS = tuple(calendar.month_name)  # "" before January
_PLAIN = re.compile(r"[\d\s.,/~–\-년월일]+")  # says itself which days it means

# Chips are drawn anew with every answer; the keyboard goes on at the place of the one that is gone.
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


def cut(text: str, chip: Chip) -> str:
    """`text` without the part that the chip stands for, and without blanks left double."""
    return _whole(text[: chip.start], text[chip.end :])


def cut_from(typed: str, asked: str, chip: Chip) -> str:
    """The same where the box may hold other words by now than those that were understood.

    Args:
        typed: what is in the box.
        asked: what the chip was found in.
        chip: one of the chips of `asked`.
    """
    if typed == asked:
        return cut(asked, chip)
    start = typed.find(words := asked[chip.start : chip.end])
    if start < 0:
        return typed
    return _whole(typed[:start], typed[start + len(words) :])


def _whole(before: str, after: str) -> str:
    """What is left, without a "+" that has nothing on one of its sides."""
    words: list[str] = []
    for word in (before + " " + after).split():
        if word != "+" or (words and words[-1] != "+"):
            words.append(word)
    return " ".join(words[:-1] if words[-1:] == ["+"] else words)


def word_chips(text: str, chips: tuple[Chip, ...], language: str) -> list[str]:
    """The chips of what was typed, as escaped HTML."""
    drawn = []
    for number, chip in enumerate(chips):
        words = " ".join(text[chip.start : chip.end].split())
        told = meaning(chip.first, chip.last, language) if chip.kind == "date" else ""
        if _PLAIN.fullmatch(words) or told.casefold() == words.casefold():
            told = ""
        shown = words.removeprefix("-") if chip.excluded else words  # a minus is drawn before it
        inner = html.escape(shown) + (f" <small>{html.escape(told)}</small>" if told else "")
        if chip.excluded:
            inner = f'<span class="sr-only">{say(language, "left_out_chip")}</span>{inner}'
        drawn.append(removable(inner, words, "chip", number, language, excluded=chip.excluded))
    return drawn


def removable(
    inner: str, name: str, kind: str, number: int, language: str, *, excluded: bool = False
) -> str:
    """A chip as HTML.

    Args:
        inner: escaped HTML.
        name: what it is called, as plain text.
        kind: what the listener is told.
        number: which of that kind.
        language: of the reader.
        excluded: photos that show this are left out.
    """
    label = html.escape(say(language, "remove", what=name))
    return (
        f'<span class="chip{" excluded" if excluded else ""}"><span>{inner}</span>'
        f'<button type="button" data-chip="{number}" data-kind="{kind}" aria-label="{label}"'
        f' title="{label}">×</button></span>'
    )


def meaning(first: date | None, last: date | None, language: str) -> str:
    """The days from `first` to `last` as one says them: "June–August 2025"; "" for none."""
    if first is None or last is None:
        return _open_ended(first, last, language)
    whole = first.day == 1 and _ends_month(last)
    if whole and first.month == 1 and last.month == 12:
        if first.year == last.year:
            return _year(first, language)
        return say(language, "years", first=first.year, last=last.year)
    same_month = (first.year, first.month) == (last.year, last.month)
    if whole and same_month:
        return _month(first, language)
    months = {"first": _month_name(first, language), "last": _month_name(last, language)}
    if whole and first.year == last.year:
        return say(language, "months_of_year", year=first.year, **months)
    if whole:
        return f"{_month(first, language)} – {_month(last, language)}"
    if same_month and first != last:
        days = f"{first.day}–{last.day}"
        return say(language, "day_of_month", day=days, month=months["first"], year=first.year)
    if first == last:
        return _day(first, language)
    return f"{_day(first, language)} – {_day(last, language)}"


def _open_ended(first: date | None, last: date | None, language: str) -> str:
    if first is not None:
        in_short = _year if (first.month, first.day) == (1, 1) else _day
        return say(language, "since_day", day=in_short(first, language))
    if last is not None:
        in_short = _year if (last.month, last.day) == (12, 31) else _day
        return say(language, "until_day", day=in_short(last, language))
    return ""


def _ends_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _day(day: date, language: str) -> str:
    name = _month_name(day, language)
    return say(language, "day_of_month", day=day.day, month=name, year=day.year)


def _month(day: date, language: str) -> str:
    return say(language, "month_of_year", month=_month_name(day, language), year=day.year)


def _year(day: date, language: str) -> str:
    return say(language, "one_year", year=day.year)


def _month_name(day: date, language: str) -> str:
    return f"{day.month}월" if language == "ko" else MONTHS[day.month]
