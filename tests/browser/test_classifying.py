"""The Classify tab in a browser: look, turn a slider, write labels, find them, take them back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.walking import choose, go_to, open_filters, open_tile, tiles
from tests.support.images.make import make_text
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

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


def everything_has_a_class(page: Page) -> None:
    """The slider of strictness at its far left."""
    page.locator("#finer button").first.click()
    slide(page, "strictness", "Home", "-6")


def test_labels_are_written_searched_and_undone(album: ServedAlbum, open_page: OpenPage) -> None:
    """Labels are written after a dry run found by search and taken back."""
    page = open_page(album)
    at_classes(page)
    everything_has_a_class(page)
    page.locator("#dry-run").click()
    label, count = first_planned(page)
    expect(page.locator("#plan-summary")).to_contain_text("4 photos would get a label")
    page.locator("#write-labels").click()
    expect(page.locator("#acts li").first).to_contain_text("given to 4 photos")
    expect(page.locator("#plan")).to_be_hidden()

    go_to(page, "Search")
    open_filters(page)
    choose(page, "label", label)
    expect(tiles(page)).to_have_count(count)
    open_tile(page, 0)
    expect(page.locator("#labels")).to_contain_text(f"{label} · by words, ")

    go_to(page, "Classify")
    page.locator("#acts button[data-what=undo]").first.click()
    expect(page.locator("#acts li").first).to_contain_text("undone")
    go_to(page, "Search")
    expect(page.locator("#labels")).not_to_contain_text(label)


def test_a_slider_shows_at_once_what_it_does(album: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(album)
    at_classes(page)
    page.locator("#best-per-class").click()
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
    page = open_page(album)
    at_classes(page)
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
    choose(page, "starting-words", "Animals")
    expect(page.locator("#classes textarea")).to_have_value(re.compile(r"^cat \| 고양이$", re.M))
    expect(page.locator("#starting-words input")).to_have_value("Choose a subject")

    page.get_by_role("radio", name="A trained classifier").check(force=True)
    expect(page.locator("#no-heads")).to_contain_text("models.fine_tune")
    expect(page.locator("#classes")).to_be_hidden()
    page.get_by_role("radio", name="By examples").check(force=True)
    expect(page.locator("#teaching")).to_be_visible()
    page.get_by_role("radio", name="In words").check(force=True)
    expect(page.locator("#classes")).to_be_visible()


def test_rule_label_removed_by_hand_stays_removed(album: ServedAlbum, open_page: OpenPage) -> None:
    """A rules label that is taken away by hand does not come back."""
    page = open_page(album)
    at_classes(page)
    everything_has_a_class(page)
    page.locator("#dry-run").click()
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
    page.locator("#dry-run").click()
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
