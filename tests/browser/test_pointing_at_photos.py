"""A label is taught on the page by pointing at photos, and the page says how right it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_look import CONTRASTS, VISIBLE_TEXTS
from tests.browser.walking import choose_way, go_to, tiles
from tests.support.images.shapes import draw_shape
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

TAB = {"en-US": "Classify", "ko-KR": "분류"}
LABEL = {"en-US": "reddish", "ko-KR": "붉은 것"}
SAID = {"en-US": ("1 is “{}” · 0 are not", "4 are “{}” · 4 are not"),
        "ko-KR": ("“{}” 맞음 1장 · 아님 0장", "“{}” 맞음 4장 · 아님 4장")}  # fmt: skip
RIGHT = {"en-US": re.compile(r"About \d+ of 10+ photos"), "ko-KR": re.compile(r"약 \d+장이 맞고")}
EACH = 8


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """Pictures of red circles and of blue squares, no two the same, and a few real photos."""
    folder = tmp_path_factory.mktemp("teaching")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    for n in range(EACH):
        draw_shape("red circle", rng).resize((192, 192)).save(folder / "photos" / f"red{n}.png")
        draw_shape("blue square", rng).resize((192, 192)).save(folder / "photos" / f"blue{n}.png")
    for name in ("lion.jpg", "tower.jpg", "cheetah1.jpg"):
        shutil.copy(SAMPLES / name, folder / "photos")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as album:
        yield album


def teach(page: Page, locale: str, label: str) -> None:
    """Go where labels are taught and name one."""
    expect(tiles(page)).to_have_count(2 * EACH + 3)
    go_to(page, TAB[locale])
    choose_way(page, "examples")
    if label:  # Enter in an empty box chooses the first label that there is
        page.locator("#teach-name input").fill(label)
        page.keyboard.press("Enter")
    page.locator("#teach-take-found").click()
    expect(page.locator(".question")).to_have_count(2 * EACH + 3)


def question(page: Page, name: str) -> Locator:
    return page.locator(".question").filter(has=page.locator(f"img[alt='{name}']"))


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_label_is_taught_and_tried_on_album(
    served: ServedAlbum, open_page: OpenPage, locale: str
) -> None:
    page = open_page(served, locale)
    label = LABEL[locale]
    one, eight = (it.format(label) for it in SAID[locale])
    teach(page, locale, label)

    # By mouse: once is yes, once more takes it back, the other button says no.
    first = question(page, "red0.png")
    first.locator("[data-mark=is]").click()
    expect(first).to_have_attribute("data-said", "is")
    expect(first.locator("[data-mark=is]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#teach-said")).to_have_text(one)
    first.locator("[data-mark=is]").click()
    expect(first).to_have_attribute("data-said", "")
    expect(page.locator("#teach-said")).not_to_contain_text(label)
    # By keyboard, faster than the album answers.
    for n in range(4):
        question(page, f"red{n}.png").locator("[data-mark=is]").focus()
        page.keyboard.press("y")
        question(page, f"blue{n}.png").locator("[data-mark=not]").press("Space")
    expect(page.locator("#teach-said")).to_have_text(eight)
    expect(page.locator(".question[data-said=is]")).to_have_count(4)
    page.locator("#labels-so-far > button").click()
    expect(page.locator("#label-list li").filter(has_text=label)).to_be_visible()

    page.locator("#teach-learn").click()
    expect(page.locator("#teach-learned")).to_contain_text(RIGHT[locale])
    expect(question(page, "red0.png")).to_have_count(0)  # answered already
    expect(page.locator("#teach-said")).to_have_text(eight)

    page.locator("#teach-surest").click()
    expect(page.locator(".sure").first).to_have_text(re.compile(r"\d+%"))
    surest = page.locator(".question img").first
    expect(surest).to_have_attribute("alt", re.compile(r"red[4-7]\.png"))

    page.locator("#classify-now").click()
    expect(page.locator(".per-class")).to_contain_text(label)
    page.locator("#apply-labels").click()
    expect(page.locator("#plan")).to_be_visible()
    expect(page.locator("#plan-labels img").first).to_be_visible()
    assert page.locator(".toast-body").count() == 0


def test_marks_belong_to_a_name_and_persist(served: ServedAlbum, open_page: OpenPage) -> None:
    page = open_page(served)
    teach(page, "en-US", "kept")
    question(page, "lion.jpg").locator("[data-mark=is]").click()
    expect(page.locator("#teach-said")).to_have_text("1 is “kept” · 0 are not")

    choose_way(page, "words")
    expect(page.locator("#teaching")).to_be_hidden()
    choose_way(page, "examples")
    expect(question(page, "lion.jpg")).to_have_attribute("data-said", "is")

    page.locator("#teach-name input").fill("another")
    page.keyboard.press("Enter")
    expect(question(page, "lion.jpg")).to_have_attribute("data-said", "")

    page = open_page(served)
    teach(page, "en-US", "kept")
    expect(question(page, "lion.jpg")).to_have_attribute("data-said", "is")


def test_mark_without_a_name_is_reverted_with_reason(
    served: ServedAlbum, open_page: OpenPage
) -> None:
    page = open_page(served, "ko-KR")
    teach(page, "ko-KR", "")

    question(page, "lion.jpg").locator("[data-mark=is]").click()

    expect(page.locator(".toast-body")).to_contain_text("먼저 이름표의 이름을 적어 주세요")
    expect(question(page, "lion.jpg")).to_have_attribute("data-said", "")


@pytest.mark.parametrize(("locale", "theme"), [("en-US", "light"), ("ko-KR", "dark")])
def test_teaching_and_report_fit_a_phone(
    served: ServedAlbum, open_page: OpenPage, locale: str, theme: str
) -> None:
    page = open_page(served, locale, width=390, color_scheme=theme)
    red, blue = f"red {theme} {locale}", f"blue {theme} {locale}"
    for label, other in ((red, "blue"), (blue, "red")):
        teach(page, locale, label)
        for n in range(4):
            question(page, f"{label.split()[0]}{n}.png").locator("[data-mark=is]").click()
            question(page, f"{other}{n}.png").locator("[data-mark=not]").click()
        go_to(page, {"en-US": "Search", "ko-KR": "찾기"}[locale])
    go_to(page, TAB[locale])
    assert page.evaluate(CONTRASTS) == []
    choose_way(page, "words")
    page.locator("#classes textarea").fill(f"{red} | red\n{blue} | blue")
    page.locator("#how-right button").first.click()
    page.locator("#evaluate").click()

    expect(page.locator(".accuracy")).to_contain_text("8")
    assert page.locator(".confusion tbody tr").count() == 2
    assert page.locator(".confusion tbody td").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CONTRASTS) == []
    texts = " ".join(page.evaluate(VISIBLE_TEXTS))
    wrong = r"이름표|사진" if locale == "en-US" else r"\b(photos|right|label|says)\b"
    assert not re.search(wrong, texts)
