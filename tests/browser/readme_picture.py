"""The picture at the top of README.md.

    .venv/bin/python -m tests.browser.readme_picture

writes tests/browser/screenshots/readme.jpg: the page with the results of one search. Every photo is
part of an installed package. The eight on the page: scikit-image says that five are CC0 or in the
public domain, scikit-learn's two are CC BY 2.0, and Gradio's one is under the Apache-2.0 licence of
its package.
"""

from __future__ import annotations

import io
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import skimage
import sklearn
from PIL import ExifTags, Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.screenshots import IMAGES_ARE_HERE, SETTLING_MS, TARGET
from tests.browser.walking import search, tiles
from tests.support.images.make import make_exif
from tests.support.served_album import SAMPLES, served_album

SKIMAGE = Path(skimage.__file__).parent / "data"
SKLEARN = Path(sklearn.__file__).parent / "datasets" / "images"
PHOTOS = (  # the latest first, as the page shows them
    SKLEARN / "china.jpg",
    SKIMAGE / "coffee.png",
    SKIMAGE / "chelsea.png",
    SKIMAGE / "astronaut.png",
    SKLEARN / "flower.jpg",
    SAMPLES / "lion.jpg",
    SAMPLES / "tower.jpg",
    SKIMAGE / "rocket.jpg",
    SAMPLES / "cheetah1.jpg",
    SKIMAGE / "camera.png",
    SAMPLES / "cheetah.jpg",
    SKIMAGE / "hubble_deep_field.jpg",
)
LAST_DAY = datetime(2025, 8, 30, 11, 20)
QUERY = "summer 2025 without animals"
RESULTS = 8  # all but the four animals
WINDOW = {"width": 960, "height": 866}
SCALE = 1.75  # sharp where a README is shown on a fine screen
QUALITY = 88


def main() -> None:
    """Take the picture again."""
    expect.set_options(timeout=PATIENCE_MS)
    work = Path(tempfile.mkdtemp())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("There is no Chromium here.")
        with served_album(work, ALBUM_FOLDERS=str(dated_photos(work / "photos"))) as album:
            (TARGET / "readme.jpg").write_bytes(picture(browser, album.url))


def dated_photos(folder: Path) -> Path:
    """Copy the photos as a phone would name and date them."""
    folder.mkdir()
    for place, path in enumerate(PHOTOS):
        time = LAST_DAY - timedelta(days=8 * place, minutes=97 * place)
        exif = make_exif(shot={ExifTags.Base.DateTimeOriginal: f"{time:%Y:%m:%d %H:%M:%S}"})
        with Image.open(path) as photo:
            photo.convert("RGB").save(folder / f"IMG_{4100 - place}.jpg", quality=92, exif=exif)
    return folder


def picture(browser: Browser, url: str) -> bytes:
    """Search on the page and return the window as a JPEG."""
    context = browser.new_context(
        locale="en-US", viewport=WINDOW, color_scheme="light", device_scale_factor=SCALE
    )
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#status")).to_contain_text("searchable")
    expect(tiles(page)).to_have_count(len(PHOTOS))
    search(page, QUERY)
    expect(tiles(page)).to_have_count(RESULTS)
    page.locator("#query input").blur()
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLING_MS)
    page.wait_for_function(IMAGES_ARE_HERE)
    png = page.screenshot(animations="disabled")
    context.close()
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    return jpeg.getvalue()


if __name__ == "__main__":
    main()
