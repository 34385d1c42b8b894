"""How long the lightbox takes to show the next photo, in a real Chromium.

    .venv/bin/python -m tests.benchmarks.lightbox

Photos of 12 megapixels, made up. Each time is from the key to the first frame with the large view
of the next photo: loaded ahead, made before by the server, and never looked at.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import PATIENCE_MS, launch
from tests.browser.walking import open_tile, tiles
from tests.support.images.make import scene
from tests.support.served_album import served_album

PHOTOS = 24
SIZE = (4000, 3000)
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


def main() -> None:
    """Print the three times."""
    expect.set_options(timeout=3 * PATIENCE_MS)
    folder = Path(tempfile.mkdtemp())
    (folder / "photos").mkdir()
    for n in range(PHOTOS):
        scene(SIZE, seed=n).save(folder / "photos" / f"{n:02}.jpg", quality=90)
    try:
        with (
            sync_playwright() as playwright,
            served_album(folder, ALBUM_FOLDERS=str(folder / "photos")) as album,
        ):
            browser = launch(playwright)
            if browser is None:
                sys.exit("There is no Chromium here.")
            page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-US")
            page.goto(album.url)
            expect(tiles(page)).to_have_count(PHOTOS)
            page.wait_for_timeout(5000)
            cold = steps(page, wait_ms=0)
            ahead = steps(page, wait_ms=4000)
            print(f"loaded ahead: {line(ahead)}")
            other = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-US")
            other.goto(album.url)
            expect(tiles(other)).to_have_count(PHOTOS)
            print(f"made before: {line(steps(other, wait_ms=0))}")
            print(f"never looked at: {line(cold)}")
    finally:
        shutil.rmtree(folder)


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


def line(times: list[float]) -> str:
    return f"median {median(times):.0f} ms, longest {max(times):.0f} ms"


if __name__ == "__main__":
    main()
