"""The timeline of 200,000 synthetic photos: in the service, and in a browser that scrolls it."""

from __future__ import annotations

import os
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from album.service import Album
from album.ui.search.url_state import from_address
from models.classifiers.factory import DefaultClassifiers
from models.clip.spec import model_id_of, parse_spec
from tests.benchmarks.figures import Figure, seconds
from tests.benchmarks.large_album import PHOTOS, fill
from tests.browser.conftest import launch
from tests.support.fakes import FakeCaptioner
from tests.support.images.make import scene
from tests.support.served_album import ServedAlbum, served_album

THUMBNAILS = 64  # different ones, each the thumbnail of many photos
TURNS = 9
JUMPS = 21
OPENING_S, JUMP_MS, MOST_TILES = 1.5, 300, 400
WARM_TILES, SCROLLED_TILES = 1_000, 5_000
MEMORY_SHARE = 1.1
READY = """() => {
  const tiles = [...document.querySelectorAll('#results .canvas > button')].filter((it) => {
    const box = it.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  });
  return tiles.length > 0 && tiles.every((it) => it.firstElementChild.naturalWidth);
}"""
ASKED = """() => performance.getEntriesByType('resource')
  .find((it) => it.name.includes('/timeline')).startTime"""
COUNT = "document.querySelectorAll('#results .canvas button').length"
PASSED = (
    "Math.max(...[...document.querySelectorAll('#results .canvas button')].map((it) => it.index))"
)


def timeline_figures(_: Namespace) -> Iterator[Figure]:
    """Measure one album, first its service and then its page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data_dir = folder / "data"
        data_dir.mkdir()
        fill(data_dir / "album.db", model_id_of(parse_spec("pocket")))
        yield from service_figures(data_dir)
        make_thumbnails(data_dir / "thumbnails" / "00")
        with served_album(folder, warm=False) as served, sync_playwright() as playwright:
            browser = launch(playwright)
            if browser is None:
                raise RuntimeError("There is no Chromium here.")
            yield from page_figures(served, browser)


def service_figures(data_dir: Path) -> Iterator[Figure]:
    album = Album(data_dir, DefaultClassifiers(), FakeCaptioner())
    timeline, query = album.timeline, from_address({}).query.listed("")
    yield Figure("reading the facts of all photos, once", seconds(album.store.photo_table), "s")
    yield Figure(
        f"order of {PHOTOS:,} photos, after a change",
        1000 * seconds(lambda: timeline.order(query).revision), "ms",
    )  # fmt: skip
    order = timeline.order(query)
    years = [int(number * PHOTOS / JUMPS) for number in range(JUMPS)]
    jumps = [1000 * seconds(partial(_jump, album, order.revision, first, query)) for first in years]
    beside = f"worst {max(jumps):.1f} of {len(jumps)}"
    yield Figure("a jump to a year: 200 photos", median(jumps), "ms", below=JUMP_MS, beside=beside)
    album.close()


def _jump(album: Album, revision: str, first: int, query: Any) -> None:
    order = album.timeline.order_of(query, revision)
    assert order is not None
    assert len(album.timeline.rows(order, first, 200, "ko")) == 200


def make_thumbnails(folder: Path) -> None:
    """Link a few JPEGs under the names of all thumbnails."""
    folder.mkdir(parents=True)
    images = []
    for number in range(THUMBNAILS):
        images.append(folder / f"made-{number}.jpg")
        scene((427, 320), seed=number).save(images[-1], quality=80)
    for row in range(PHOTOS):
        os.link(images[row % THUMBNAILS], folder / f"{row:064x}.jpg")


def page_figures(served: ServedAlbum, browser: Browser) -> Iterator[Figure]:
    first = open_page(served, browser)  # what the server does once for all
    first.wait_for_function(READY)
    first.wait_for_timeout(20_000)  # until it has compared all photos with everyday words
    first.context.close()
    opened, bare = [], []
    for _ in range(TURNS):
        page = open_page(served, browser)
        page.wait_for_function(READY)
        opened.append(page.evaluate("performance.now()") / 1000)
        bare.append(page.evaluate(ASKED) / 1000)
        page.context.close()
    yield Figure(
        "opening the page until its first screen of photos is there", median(opened), "s",
        below=OPENING_S,
        beside=f"best {min(opened):.2f}; the page itself {median(bare):.2f}, the timeline "
        f"{median(opened) - median(bare):.2f}",
    )  # fmt: skip
    page = open_page(served, browser)
    page.wait_for_function(READY)
    jumps = list(_jumps(page))
    beside = f"worst {max(jumps):.0f} of {len(jumps)}"
    yield Figure("a click on a year until its photos are there", median(jumps), "ms", beside=beside)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(READY)
    yield from scrolling_figures(page)


def open_page(served: ServedAlbum, browser: Browser) -> Page:
    page = browser.new_context(locale="ko-KR", viewport={"width": 1280, "height": 860}).new_page()
    page.goto(served.url, wait_until="commit")
    return page


def _jumps(page: Page) -> Iterator[float]:
    years = page.locator("#results .rail .year")
    for number in range(years.count()):
        box = years.nth(number).bounding_box()
        assert box
        started = time.perf_counter()
        page.mouse.click(box["x"] + 8, box["y"] + 2)
        page.wait_for_function(READY)
        yield 1000 * (time.perf_counter() - started)


def scrolling_figures(page: Page) -> Iterator[Figure]:
    """Scroll by half screens, and compare the browser's memory at two places far apart."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    most, waits = 0, []

    def scroll_past(tiles: int) -> None:
        nonlocal most
        while page.evaluate(PASSED) < tiles:
            page.evaluate("scrollBy(0, innerHeight / 2)")
            waits.append(seconds(lambda: page.wait_for_function(READY)))
            most = max(most, page.evaluate(COUNT))

    scroll_past(WARM_TILES)
    before = held(session)
    scroll_past(WARM_TILES + SCROLLED_TILES)
    after = held(session)
    beside = f"half a screen of photos: median {1000 * median(waits):.0f} ms"
    yield Figure(
        "tiles in the document while scrolling, at most", most, "", below=MOST_TILES, beside=beside
    )
    for what, unit in (("JSHeapUsedSize", "MB"), ("Nodes", "nodes")):
        scale = 1e6 if unit == "MB" else 1
        yield Figure(
            f"{what} after {SCROLLED_TILES:,} tiles more, to before", after[what] / before[what],
            "times", below=MEMORY_SHARE,
            beside=f"{before[what] / scale:.1f}, then {after[what] / scale:.1f} {unit}",
        )  # fmt: skip


def held(session: CDPSession) -> dict[str, float]:
    """What the page holds, garbage left out."""
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}
