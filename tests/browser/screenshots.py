"""Pictures of the page to look at before it is called done.

    .venv/bin/python -m tests.browser.screenshots
    .venv/bin/python -m tests.browser.screenshots 5000

    .venv/bin/python -m tests.browser.screenshots classes
    .venv/bin/python -m tests.browser.screenshots captions
    .venv/bin/python -m tests.browser.screenshots timeline

writes tests/browser/screenshots/<what>-<width>-<language>-<theme>.png: the empty album, a full one,
answers of every kind, a photo in the lightbox without and with its drawer, and the report of an
upload; wide and narrow, Korean and English, light and dark. With "classes": Classify with its dry
run, teaching and figures. With "captions": captions while they are written, by a Gemini on this
machine, and questions. With "timeline": the album by day, with memories above it and in the middle
of it. With a number: an import of so many made-up photos while it runs, paused at about a tenth,
and its report. Run by hand; nothing compares them. The photos of the first are those that Gradio
ships. The picture at the top of README.md is made by tests.browser.readme_picture.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

from PIL import ExifTags, Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from album.importing.sample_photos import sample_photos
from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.walking import (
    choose_way,
    go_to,
    last_report,
    open_drawer,
    open_filters,
    open_questions,
    open_tile,
    send,
    show_the_rest,
    tiles,
)
from tests.support.gemini_server import (
    Answer,
    GeminiServer,
    Request,
    blocks,
    describes,
    says,
    slowly,
)
from tests.support.images.make import make_empty, make_exif, make_text, make_truncated, scene
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

TARGET = Path(__file__).with_name("screenshots")
MOST_BYTES = 400_000
SETTLING_MS = 1500
IMAGES_ARE_HERE = """() => [...document.images].every((it) =>
  it.complete || !it.checkVisibility() || it.getBoundingClientRect().top > innerHeight)"""
TABS = {
    "ko": ("찾기", "올리기", "분류", "설명"),
    "en": ("Search", "Upload", "Classify", "Captions"),
}
QUERY = {"ko": "사자", "en": "a lion"}
CHIPS = {"ko": "2024년 여름 고양이과 동물", "en": "summer 2024 a big cat"}
ABSENT = {"ko": "2024년 병원", "en": "2024 hospital"}
VETO = {"ko": "2024년 사자 말고", "en": "2024 -lion"}
BESIDE = {"ko": "달리는 모습", "en": "running"}
LIONS = 4  # of one moment
CLASSES = {
    "ko": "고양이과 동물, 버스, 탑",
    "en": "big cat, bus, tower",
}
TAUGHT = {"ko": ("고양이과 동물", "탑"), "en": ("big cat", "tower")}
OFFERED = ("lion.jpg", "cheetah1.jpg", "tower.jpg", "bus.png")
ALIKE = (OFFERED[:2], OFFERED[2:3])
# Enough to look at; each is megabytes of history if all are kept with every change.
KEPT = {
    "empty": ("1280-en-light", "390-ko-dark"),
    "full": ("1280-ko-light", "390-en-light"),
    "lightbox": ("1280-ko-light", "390-en-dark"),
    "photo": ("1280-en-light", "1280-ko-dark", "390-ko-light", "390-en-dark"),
    "chips": ("1280-en-light", "390-ko-dark"),
    "bands": ("1280-ko-light", "390-en-light"),
    "absent": ("1280-en-dark", "390-ko-light"),
    "veto": ("1280-ko-dark", "390-en-light"),
    "burst": ("1280-en-light", "390-ko-dark"),
    "picture": ("1280-ko-light", "390-en-dark"),
    "upload": ("1280-en-light", "1280-ko-dark", "390-ko-light"),
    "filters": ("1280-en-dark", "390-ko-light"),
    "fits": ("1280-en-light", "390-ko-dark"),
}
KEPT_OF_CLASSES = {
    "classify": ("1280-ko-light", "390-en-dark"),
    "chosen": ("1280-ko-light", "390-en-dark"),
    "plan": ("1280-en-light", "390-ko-dark"),
    "teach": ("1280-ko-light", "390-en-dark"),
    "right": ("1280-en-light", "390-ko-dark"),
}
KEPT_OF_CAPTIONS = {
    "wanted": ("1280-en-light", "390-ko-light"),
    "writing": ("1280-ko-dark", "390-en-light"),
    "words": ("1280-en-light", "390-ko-dark"),
    "asked": ("1280-ko-light", "390-en-dark"),
}
KEPT_OF_TIMELINES = {
    "timeline": ("1280-ko-light", "390-en-dark"),
    "timeline-middle": ("1280-en-dark", "390-ko-light"),
}
QUESTION = {
    "ko": ("이 동물은 뭐야?", "치타입니다. 눈 밑의 검은 줄무늬가 그 표시입니다."),
    "en": ("What animal is it?", "A cheetah: the black lines below its eyes tell."),
}
KEPT_OF_IMPORTS = {
    "importing": ("1280-en-light", "1280-ko-dark", "390-ko-light"),
    "paused": ("1280-ko-light", "390-en-dark"),
    "imported": ("1280-en-light", "1280-ko-dark", "390-ko-light", "390-en-dark"),
}
WRITTEN = {
    "ko": ("눈을 마주친 치타", "바위 위에 누운 사자", "밤의 에펠탑"),
    "en": ("a cheetah looks at us", "a lion lies on a rock", "the Eiffel Tower at night"),
}


def main() -> None:
    """Take them all anew."""
    _forget(KEPT)
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        with (
            served_album(work / "empty") as empty,
            served_album(work / "full", ALBUM_FOLDERS=str(dated(work / "photos"))) as full,
            served_album(work / "captioned", ALBUM_FOLDERS=str(SAMPLES)) as captioned,
        ):
            for language, width, theme in product(("ko", "en"), (1280, 390), ("light", "dark")):
                look(browser, empty, full, work, language, width, theme)
                if f"{width}-{language}-{theme}" in KEPT["fits"]:
                    look_at_captions(browser, captioned, language, width, theme)


def all_classes() -> None:
    """Take those of Classify anew, each with an album of its own: a mark twice is none."""
    _forget(KEPT_OF_CLASSES)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        for variant in sorted({it for kept in KEPT_OF_CLASSES.values() for it in kept}):
            width, language, theme = variant.split("-")
            folder = Path(tempfile.mkdtemp())
            with served_album(folder, ALBUM_FOLDERS=str(SAMPLES)) as album:
                look_at_classes(browser, album, language, int(width), theme)


def all_timelines() -> None:
    """Take those of the timeline anew: real photos, on days of five years and of this day."""
    _forget(KEPT_OF_TIMELINES)
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        with served_album(work, ALBUM_FOLDERS=str(days_of_years(work / "photos"))) as album:
            count = len(list((work / "photos").iterdir()))
            for what, variants in KEPT_OF_TIMELINES.items():
                for variant in variants:
                    width, language, theme = variant.split("-")
                    page = opened(browser, language, int(width), theme)
                    page.goto(album.url)
                    expect(page.locator("#heading")).to_contain_text(str(count))
                    expect(tiles(page).first).to_be_visible()
                    if what == "timeline-middle":
                        page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
                    page.wait_for_timeout(SETTLING_MS)
                    save(page, TARGET / f"{what}-{variant}.png")
                    page.context.close()


def days_of_years(folder: Path) -> Path:
    """Parts of the sample photos, some on one day, and one without a date."""
    folder.mkdir()
    today = datetime.now().replace(hour=11)
    days = [today - timedelta(days=1 + 11 * n + n * n) for n in range(30)]
    days += [today.replace(year=today.year - years) for years in (4, 4, 8)]
    number = 0
    for n, path in enumerate(sample_photos()):
        with Image.open(path) as sample:
            picture = sample.convert("RGB")
        picture.thumbnail((1600, 1600))
        width, height = picture.size
        parts = [
            (0, 0, width, height), (0, 0, width, 3 * height // 4),
            (width // 8, 0, 7 * width // 8, height), (width // 5, height // 8, width, height),
        ]  # fmt: skip
        if n == 0:
            picture.save(folder / "scan.png")
        for part in parts:
            day = days[number * 7 % len(days)] + timedelta(minutes=3 * number)
            exif = make_exif(shot={ExifTags.Base.DateTimeOriginal: f"{day:%Y:%m:%d %H:%M:%S}"})
            picture.crop(part).save(folder / f"IMG_{number:03}.jpg", quality=90, exif=exif)
            number += 1
    return folder


def dated(folder: Path) -> Path:
    """The sample photos with times of 2024, and a moment with several."""
    folder.mkdir()
    for n, path in enumerate(sorted(SAMPLES.iterdir())):
        day = datetime(2024, 3, 2, 10, 30) + timedelta(days=20 * n, minutes=37 * n)
        with Image.open(path) as sample:
            picture = sample.convert("RGB")
        parts = [picture]
        if path.stem == "lion":
            width, height = picture.size
            parts = [picture.crop((n, 0, width - LIONS + n, height)) for n in range(LIONS)]
        for second, part in enumerate(parts):
            time = day + timedelta(seconds=second)
            part.save(
                folder / f"{path.stem}{second or ''}.jpg",
                quality=92,
                exif=make_exif(shot={ExifTags.Base.DateTimeOriginal: f"{time:%Y:%m:%d %H:%M:%S}"}),
            )
    return folder


def long_import(count: int) -> None:
    """Take those of an import of `count` photos anew: hundreds of them or more, to be in time."""
    _forget(KEPT_OF_IMPORTS)
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    folder = work / "Holidays"
    folder.mkdir()
    for n in range(count):
        scene((640, 480), seed=n).save(folder / f"IMG_{n:05}.jpg", quality=80)
    make_text(folder / "IMG_diary.jpg")
    make_truncated(folder / "IMG_half.jpg")
    for n in range(12):
        (folder / f"MOV_{n:04}.MP4").write_bytes(b"a video")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        with served_album(work, ALBUM_FOLDERS=f"{folder}:{work / 'Old disk'}") as album:
            page = at_uploads(browser, album, "1280-en-light")
            expect(page.locator("#status")).to_contain_text("adding")
            bar = page.locator("#import-progress [role=progressbar]")
            expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[89]|\d\d"))
            import_pictures(browser, album, "importing")
            page.locator("#pause-import").click()
            expect(page.locator("#resume-import")).to_be_visible()
            import_pictures(browser, album, "paused")
            page.locator("#resume-import").click()
            done = page.locator("#import-report .report")
            expect(done).to_have_count(1, timeout=count * 2_000 + PATIENCE_MS)
            import_pictures(browser, album, "imported")


def import_pictures(browser: Browser, album: ServedAlbum, what: str) -> None:
    """One state of an import in every language, width and theme that is kept."""
    for variant in KEPT_OF_IMPORTS[what]:
        page = at_uploads(browser, album, variant)
        page.wait_for_timeout(SETTLING_MS)  # pictures below the window are never loaded
        save(page, TARGET / f"{what}-{variant}.png", with_pictures=False)
        page.context.close()


def at_uploads(browser: Browser, album: ServedAlbum, variant: str) -> Page:
    """The tab for adding photos, scrolled to what is below the drop area."""
    width, language, theme = variant.split("-")
    page = opened(browser, language, int(width), theme)
    page.goto(album.url)
    go_to(page, TABS[language][1])
    expect(page.locator("#watched li").first).to_be_visible()
    page.locator("#watched").scroll_into_view_if_needed()
    return page


def opened(browser: Browser, language: str, width: int, theme: str) -> Page:
    """A new browser of somebody who prefers this."""
    context = browser.new_context(
        locale=f"{language}-{'KR' if language == 'ko' else 'US'}",
        viewport={"width": width, "height": 860},
        color_scheme="dark" if theme == "dark" else "light",
    )
    return context.new_page()


def look_at_captions(
    browser: Browser, album: ServedAlbum, language: str, width: int, theme: str
) -> None:
    """Which of the captions fits: some are written, then the first photo is asked about."""
    page = opened(browser, language, width, theme)
    page.goto(album.url)
    page.locator("#query input").fill(QUERY[language])
    page.keyboard.press("Enter")
    expect(tiles(page).first).to_have_attribute("title", re.compile("."))
    show_the_rest(page)
    expect(tiles(page).nth(2)).to_be_visible()
    for place, words in enumerate(WRITTEN[language]):
        open_tile(page, place)
        open_drawer(page)
        page.locator("#caption textarea").fill(words)
        page.locator("#save-caption").click()
        expect(page.locator("#caption-note")).not_to_be_empty()
        page.locator("#photo-close").click()
        expect(page.locator("#lightbox")).to_be_hidden()
    open_tile(page, 0)
    open_drawer(page)
    page.locator("#which-fits").click()
    expect(page.locator("#fits .fit").nth(2)).to_be_visible()
    page.locator("#fits .fit").nth(2).scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    save(page, TARGET / f"fits-{width}-{language}-{theme}.png")
    page.context.close()


def look(
    browser: Browser, empty: ServedAlbum, full: ServedAlbum, work: Path,
    language: str, width: int, theme: str,
) -> None:  # fmt: skip
    """All pictures of one language, width and theme, but those of Classify."""
    page = opened(browser, language, width, theme)
    picture = taking(page, KEPT, f"{width}-{language}-{theme}")

    search_tab, upload_tab, *_ = TABS[language]
    page.goto(empty.url)
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#status")).to_contain_text(
        "사진이 없습니다" if language == "ko" else "No photos yet"
    )
    picture("empty")

    page.goto(full.url)
    expect(page.locator("#status")).to_contain_text(
        "찾을 수 있습니다" if language == "ko" else "searchable"
    )
    expect(tiles(page).nth(8)).to_be_visible()
    picture("full")

    def ask(words: str) -> None:
        page.locator("#query input").fill(words)
        with page.expect_response(lambda answer: "/queue/data" in answer.url):
            page.keyboard.press("Enter")
        page.wait_for_timeout(SETTLING_MS)

    ask(CHIPS[language])
    picture("chips")
    ask(ABSENT[language])
    picture("absent")
    ask(VETO[language])
    picture("veto")
    ask(QUERY[language])
    open_tile(page, 0)
    expect(page.locator("#lightbox")).not_to_have_class(re.compile(r"\blate\b|\bloading\b"))
    picture("lightbox")
    open_drawer(page)
    picture("photo")
    page.locator("#photo-close").click()
    expect(page.locator("#lightbox")).to_be_hidden()
    show_the_rest(page)
    picture("bands")
    page.locator("#results .burst").click()
    expect(tiles(page)).to_have_count(LIONS)
    picture("burst")
    open_tile(page, 0)
    open_drawer(page)
    page.locator("#more-like-this").click()
    expect(page.locator("#chips img")).to_be_visible()
    ask(BESIDE[language])
    picture("picture")

    go_to(page, upload_tab)
    bad = [
        make_text(work / "diary.jpg"),
        make_empty(work / "IMG_0042.jpg"),
        make_truncated(work / "half.jpg"),
    ]
    send(page, *bad, SAMPLES / "lion.jpg")
    expect(last_report(page).locator("li")).to_have_count(3)
    expect(page.locator("#import")).to_be_hidden()
    expect(page.locator("#files")).not_to_contain_text("diary.jpg")
    picture("upload")

    go_to(page, search_tab)
    open_filters(page)
    expect(page.locator("#camera")).to_be_visible()
    picture("filters")
    page.context.close()


def look_at_classes(
    browser: Browser, album: ServedAlbum, language: str, width: int, theme: str
) -> None:
    """Classify with its dry run, a label that is taught, and how right a list of classes is."""
    page = opened(browser, language, width, theme)
    picture = taking(page, KEPT_OF_CLASSES, f"{width}-{language}-{theme}")
    page.goto(album.url)
    expect(page.locator("#status")).to_contain_text(
        "찾을 수 있습니다" if language == "ko" else "searchable"
    )
    expect(tiles(page).nth(8)).to_be_attached()
    go_to(page, TABS[language][2])
    page.locator("#classes textarea").fill(CLASSES[language])
    page.locator("#classes textarea").press("Enter")
    expect(page.locator(".per-class").first).to_be_visible()
    picture("classify")
    page.locator("#photo-step > button").click()
    page.locator("#take-hits").click()
    expect(page.locator("#chosen img").first).to_be_visible()
    page.locator("#classify-now").click()
    expect(page.locator(".verdict").first).to_be_visible()
    picture("chosen")
    page.locator("#drop-chosen").click()
    page.locator("#classify-now").click()
    expect(page.locator(".per-class").first).to_be_visible()
    page.locator("#photo-step > button").click()
    page.locator("#apply-labels").click()
    expect(page.locator("#plan-labels details").first).to_be_visible()
    page.locator("#plan-summary").scroll_into_view_if_needed()
    picture("plan")
    teach(page, language)
    picture("teach")
    choose_way(page, "words")
    page.locator("#how-right > button").click()
    page.locator("#evaluate").click()
    expect(page.locator("#evaluation-report table").first).to_be_visible()
    page.locator("#how-right").scroll_into_view_if_needed()
    picture("right")
    page.context.close()


def all_captions() -> None:
    """Take those of captions anew, each with an album of its own."""
    _forget(KEPT_OF_CAPTIONS)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright, GeminiServer() as gemini:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        for variant in sorted({it for kept in KEPT_OF_CAPTIONS.values() for it in kept}):
            width, language, theme = variant.split("-")
            gemini.sent.clear()
            gemini.respond = _sees(language)
            with served_album(
                Path(tempfile.mkdtemp()),
                ALBUM_FOLDERS=str(SAMPLES),
                GEMINI_API_KEY="a-key-for-pictures",
                ALBUM_GEMINI_ENDPOINT=gemini.url,
                ALBUM_CAPTIONS_PER_MINUTE="30",
            ) as album:
                look_at_caption_jobs(browser, album, language, int(width), theme)


def _sees(language: str) -> Callable[[Request, int], Answer]:
    """A Gemini that declines one photo, and is slow from the sixth on."""
    seen: dict[str, None] = {}

    def respond(request: Request, earlier: int) -> Answer:
        if request.schema is None:
            return says(QUESTION[language][1])
        place = len(seen.setdefault(request.photo) or seen)
        if place == 2:
            return blocks("SAFETY")
        said = {
            "caption_ko": "카메라를 바라보는 커다란 고양이.",
            "caption_en": "A big cat looks at the camera.",
            "keywords": ["고양이", "cat", "눈", "eyes"],
            "text_in_photo": "",
        }
        answer = describes(**{it: said[it] for it in request.schema["properties"]})
        return slowly(answer, 60 if place > 6 else 0.1)

    return respond


def look_at_caption_jobs(
    browser: Browser, album: ServedAlbum, language: str, width: int, theme: str
) -> None:
    """What is told before captions are written, and while; then the words of a photo."""
    page = opened(browser, language, width, theme)
    picture = taking(page, KEPT_OF_CAPTIONS, f"{width}-{language}-{theme}")
    page.goto(album.url)
    expect(page.locator("#status")).to_contain_text(
        "찾을 수 있습니다" if language == "ko" else "searchable"
    )
    go_to(page, TABS[language][3])
    expect(page.locator("#captions-start")).to_be_enabled()
    page.locator("#captions-language input").last.click()
    page.wait_for_timeout(SETTLING_MS)
    picture("wanted")
    page.locator("#captions-start").click()
    expect(page.locator("#caption-list .progress")).to_have_attribute("aria-valuenow", "67")
    page.locator("#caption-list summary").click()
    page.locator("#caption-jobs").scroll_into_view_if_needed()
    picture("writing")
    go_to(page, TABS[language][0])
    open_filters(page)
    page.locator("#has-caption input").click()
    page.get_by_role("option", name="있음" if language == "ko" else "with", exact=True).click()
    expect(tiles(page)).to_have_count(5)
    page.locator("#filters > button").click()  # closed again
    open_tile(page, 2)
    open_drawer(page)
    expect(page.locator("#caption-note")).not_to_be_empty()
    page.locator("#caption").scroll_into_view_if_needed()
    picture("words")
    open_questions(page)
    page.locator("#question textarea").fill(QUESTION[language][0])
    page.locator("#question textarea").press("Enter")
    expect(page.locator("#conversation li.model button")).to_be_visible()
    picture("asked")
    page.context.close()


def taking(page: Page, kept: dict[str, tuple[str, ...]], variant: str) -> Callable[[str], None]:
    """Takes the pictures that are kept of one language, width and theme."""

    def picture(what: str) -> None:
        if variant in kept[what]:
            page.mouse.move(0, 0)
            save(page, TARGET / f"{what}-{variant}.png")

    return picture


def teach(page: Page, language: str) -> None:
    """Point at photos of two labels, and have the first one learned."""
    choose_way(page, "examples")
    for label, alike in reversed(list(zip(TAUGHT[language], ALIKE, strict=True))):
        page.locator("#teach-name input").fill(label)
        page.keyboard.press("Enter")
        page.locator("#teach-take-found").click()
        for name in OFFERED:
            photo = page.locator(".question").filter(has=page.locator(f"img[alt='{name}']"))
            photo.locator(f"[data-mark={'is' if name in alike else 'not'}]").click()
        page.wait_for_timeout(SETTLING_MS)
    page.locator("#teach-learn").click()
    expect(page.locator("#teach-learned")).to_contain_text(re.compile(r"\."))
    page.locator("#teach-label").scroll_into_view_if_needed()


def save(page: Page, path: Path, *, with_pictures: bool = True) -> None:
    """A picture of the window, with fewer colours where it would be large."""
    if with_pictures:
        page.wait_for_function(IMAGES_ARE_HERE)
    png = page.screenshot(animations="disabled")
    if len(png) > MOST_BYTES:
        smaller = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(smaller, "PNG", optimize=True)
        png = smaller.getvalue()
    path.write_bytes(png)


def _forget(kept: dict[str, tuple[str, ...]]) -> None:
    TARGET.mkdir(exist_ok=True)
    for what in kept:
        for picture in TARGET.glob(f"{what}-*.png"):
            picture.unlink()


if __name__ == "__main__":
    if sys.argv[1:] == ["classes"]:
        all_classes()
    elif sys.argv[1:] == ["timeline"]:
        all_timelines()
    elif sys.argv[1:] == ["captions"]:
        all_captions()
    elif sys.argv[1:]:
        long_import(int(sys.argv[1]))
    else:
        main()
