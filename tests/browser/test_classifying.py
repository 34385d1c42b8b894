"""The Classify tab in a browser: look, turn a slider, write labels, find them, take them back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import choose, choose_way, go_to, open_filters, open_tile, tiles
from tests.support.images.make import make_text
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

SHORT_WAY = {
    "en-US": {
        "tab": "Classify",
        "whole": "Sorts the whole album.",
        "classes": "big cat, tower",
        "first": "big cat",
        "sort": "Sort",
        "apply": "Apply as labels",
        "preview": "would get a label",
        "undo": "Undo",
        "undone": "undone",
    },
    "ko-KR": {
        "tab": "분류",
        "whole": "사진첩 전체를 분류합니다.",
        "classes": "고양이과 동물, 탑",
        "first": "고양이과 동물",
        "sort": "분류하기",
        "apply": "이름표로 붙이기",
        "preview": "이름표가 붙습니다",
        "undo": "되돌리기",
        "undone": "되돌림",
    },
}
CLASSES = "big cat | 사자\nbus\ntower"


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("classifying")
    (folder / "photos").mkdir()
    for name in ("lion.jpg", "tower.jpg", "bus.png", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served:
        yield served


def at_classes(page: Page, classes: str = CLASSES) -> None:
    """In the Classify tab with a list of classes, when all photos are there."""
    expect(tiles(page)).to_have_count(4)
    go_to(page, "Classify")
    page.locator("#classes textarea").fill(classes)


def slide(page: Page, name: str, key: str, value: str) -> None:
    """Move a slider to one of its ends; while the page settles it may lose the focus."""
    number = page.locator(f"#{name} input[type=number]")
    for _ in range(60):
        page.locator(f"#{name} input[type=range]").press(key)
        if number.input_value() == value:
            break
        page.wait_for_timeout(500)
    expect(number).to_have_value(value)


def plan(page: Page) -> None:
    """Sort, then see what would become labels."""
    page.locator("#classify-now").click()
    expect(page.locator(".per-class").first).to_be_visible()
    page.locator("#apply-labels").click()


def everything_has_a_class(page: Page) -> None:
    """The slider of strictness at its far left."""
    page.locator("#finer button").first.click()
    slide(page, "strictness", "Home", "-6")


@pytest.mark.parametrize(("locale", "width"), zip(SHORT_WAY, (390, 1280), strict=True))
def test_short_way_sorts_applies_and_undoes(
    album: ServedAlbum, open_page: OpenPage, locale: str, width: int
) -> None:
    """One box, one button, results; then labels with a preview and an undo."""
    words = SHORT_WAY[locale]
    page = open_page(album, locale, width=width)
    expect(tiles(page)).to_have_count(4)
    go_to(page, words["tab"])
    expect(page.locator("#chosen")).to_contain_text(words["whole"])
    for hidden in ("#way", "#decided", "#strictness", "#wording", "#classify-files", "#plan"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#apply-labels")).to_be_hidden()

    box = page.locator("#classes textarea")
    box.fill(words["classes"])
    if width == 390:
        page.get_by_role("button", name=words["sort"], exact=True).click()
    else:
        box.press("Enter")
    groups = page.locator(".per-class")
    expect(groups).to_have_count(2)
    expect(groups.first.locator("h3")).to_have_text(words["first"])
    expect(groups.first.locator("button")).to_have_count(2)

    page.get_by_role("button", name=words["apply"], exact=True).click()
    expect(page.locator("#plan-summary")).to_contain_text(words["preview"])
    expect(page.locator("#apply-labels")).to_be_hidden()
    page.locator("#write-labels").click()
    applied = page.locator("#applied li")
    expect(applied).to_contain_text(words["first"])
    applied.get_by_role("button", name=words["undo"], exact=True).click()
    expect(applied).to_contain_text(words["undone"])
    expect(page.locator("#apply-labels")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = [
        page.locator(it).bounding_box() for it in ("#classify-now", "#apply-labels", "#classes")
    ]
    assert all(size and size["height"] >= 40 for size in sizes)
    assert not re.search(r"python|\.venv|`", page.locator("#tabs").inner_text())


def test_labels_are_written_searched_and_undone(album: ServedAlbum, open_page: OpenPage) -> None:
    """Labels are written after a dry run found by search and taken back."""
    page = open_page(album)
    at_classes(page)
    everything_has_a_class(page)
    plan(page)
    label, count = first_planned(page)
    expect(page.locator("#plan-summary")).to_contain_text("4 photos would get a label")
    page.locator("#write-labels").click()
    expect(page.locator("#acts li").first).to_contain_text("given to 4 photos")
    expect(page.locator("#applied li")).to_contain_text("given to 4 photos")
    expect(page.locator("#plan")).to_be_hidden()

    go_to(page, "Search")
    open_filters(page)
    choose(page, "label", label)
    expect(tiles(page)).to_have_count(count)
    open_tile(page, 0)
    expect(page.locator("#labels")).to_contain_text(f"{label} · by words, ")
    page.locator("#photo-close").click()

    go_to(page, "Classify")
    page.locator("#labels-so-far > button").click()
    listed = page.locator("#label-list")
    expect(listed.get_by_text(label, exact=True)).to_be_visible()
    expect(listed.locator("input").first).to_be_hidden()  # until somebody renames
    page.locator("#acts button[data-what=undo]").first.click()
    expect(page.locator("#acts li").first).to_contain_text("undone")
    expect(listed.get_by_text(label, exact=True)).to_have_count(0)
    go_to(page, "Search")
    expect(tiles(page)).to_have_count(0)  # the label is still the filter


def test_a_slider_shows_at_once_what_it_does(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    at_classes(page)
    page.locator("#classify-now").click()
    expect(page.locator(".per-class")).to_have_count(3)

    everything_has_a_class(page)
    expect(page.locator(".none-of-these")).to_have_count(0)
    expect(page.locator(".per-class button")).to_have_count(4)
    surest = page.locator(".per-class button span").first
    before = surest.inner_text()
    slide(page, "decided", "Home", "-4")
    expect(surest).not_to_have_text(before)

    slide(page, "strictness", "End", "6")
    expect(page.locator(".none-of-these .class-head")).to_contain_text("4 photos")


def test_files_and_results_are_classified_together(
    album: ServedAlbum, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(album, width=390)
    at_classes(page)
    page.locator("#photo-step > button").click()
    page.locator("#take-hits").click()
    expect(page.locator("#chosen img")).to_have_count(4)
    text = make_text(tmp_path / "diary.jpg")
    page.locator("#classify-files input[type=file]").set_input_files([SAMPLES / "lion.jpg", text])
    expect(page.locator("#classify-files")).to_contain_text("diary")

    page.locator("#classify-now").click()

    expect(page.locator(".verdict")).to_have_count(6)
    expect(page.locator(".verdict.unreadable")).to_contain_text("diary.jpg")
    expect(page.locator(".verdict .bar").first).to_contain_text("big cat")
    page.locator(".verdict button").first.click()
    expect(page.locator("#lightbox")).to_be_visible()


def test_subjects_fill_the_list_and_ways_switch(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    at_classes(page, "")
    page.locator("#finer > button").click()
    choose(page, "starting-words", "Animals")
    expect(page.locator("#classes textarea")).to_have_value(re.compile(r"^cat \| 고양이$", re.M))
    expect(page.locator("#starting-words input")).to_have_value("Choose a subject")

    choose_way(page, "head")
    expect(page.locator("#no-heads")).to_contain_text("The README says how")
    expect(page.locator("#classes")).to_be_hidden()
    expect(page.locator("#strictness")).to_be_hidden()
    choose_way(page, "examples")
    expect(page.locator("#teaching")).to_be_visible()
    choose_way(page, "words")
    expect(page.locator("#classes")).to_be_visible()


def test_rule_label_removed_by_hand_stays_removed(album: ServedAlbum, open_page: OpenPage) -> None:
    """A rules label that is taken away by hand does not come back."""
    page = open_page(album)
    at_classes(page)
    everything_has_a_class(page)
    plan(page)
    label, _ = first_planned(page)
    page.locator("#write-labels").click()
    expect(page.locator("#acts li").first).to_contain_text("given to 4 photos")
    go_to(page, "Search")
    open_tile_with(page, label)
    page.locator("#labels .token-remove").first.click()
    expect(page.locator("#labels")).not_to_contain_text(label)
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()

    go_to(page, "Classify")
    plan(page)
    expect(page.locator("#plan-summary")).to_contain_text("Nothing would change")


def first_planned(page: Page) -> tuple[str, int]:
    """The first label of the dry run, and how many photos would get it."""
    summary = page.locator("#plan-labels summary").first
    expect(summary).to_contain_text("get it")
    found = re.search(r"(\d+) get it", summary.inner_text())
    assert found is not None
    return summary.locator("strong").inner_text(), int(found[1])


def open_tile_with(page: Page, label: str) -> None:
    """A photo that has the label, in the panel."""
    open_filters(page)
    choose(page, "label", label)
    expect(page.locator("#heading")).to_contain_text("newest first")
    open_tile(page, 0)
    expect(page.locator("#labels")).to_contain_text(label)
