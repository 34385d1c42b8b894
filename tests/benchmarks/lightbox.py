"""How long the lightbox takes to show the next photo, in a real Chromium.

Photos of 12 megapixels, made up. Each time is from the key to the first frame with the large view
of the next photo: loaded ahead, made before by the server, and never looked at.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.benchmarks.figures import Figure
from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.walking import expect_photos, open_tile
from tests.support.images.make import scene
from tests.support.served_album import ServedAlbum, served_album

PHOTOS = 24
SIZE = (4000, 3000)
NEXT_MS = 150
STEP = """async () => {
  const begun = performance.now();
  const before = document.querySelector('#photo-image img');
  document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
  const image = () => document.querySelector('#photo-image img');
  for (;;) {
    const now = image();
    if (now && now !== before && now.complete && now.naturalWidth > 1000) {
      await now.decode();
      if (now === image()) break;
    }
    await new Promise((pass) => setTimeout(pass, 1));
  }
  await new Promise((pass) => requestAnimationFrame(() => setTimeout(pass)));
  return performance.now() - begun;
}"""


def lightbox_figures(_: Namespace) -> Iterator[Figure]:
    """Step through one album three times."""
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for n in range(PHOTOS):
            scene(SIZE, seed=n).save(folder / "photos" / f"{n:02}.jpg", quality=90)
        with (
            sync_playwright() as playwright,
            served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as served,
        ):
            browser = launch(playwright)
            if browser is None:
                raise RuntimeError("There is no Chromium here.")
            page = open_page(served, browser)
            page.wait_for_timeout(10_000)  # until the album has nothing else to do
            never = steps(page, wait_ms=0)
            ahead = steps(page, wait_ms=4000)
            made = steps(open_page(served, browser), wait_ms=0)
    yield figure("loaded ahead", ahead, NEXT_MS)
    yield figure("made before by the server", made)
    yield figure("never looked at", never)


def open_page(served: ServedAlbum, browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-US")
    page.goto(served.url)
    expect_photos(page, PHOTOS)
    return page


def steps(page: Page, wait_ms: int) -> list[float]:
    """Milliseconds of ten steps from the first photo on."""
    open_tile(page, 0)
    expect(page.locator("#photo-image img[data-shown]")).to_be_visible()
    times = []
    for _ in range(10):
        page.wait_for_timeout(wait_ms)
        times.append(page.evaluate(STEP))
    page.keyboard.press("Escape")
    return times


def figure(which: str, times: list[float], below: float | None = None) -> Figure:
    beside = f"longest {max(times):.0f} of {len(times)}"
    return Figure(f"the next photo, {which}", median(times), "ms", below=below, beside=beside)
