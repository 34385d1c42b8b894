"""The album beside a page of another site, in a browser that has both open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.walking import go_to, open_tile, search, tiles
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

pytestmark = pytest.mark.browser

LOGIN = ("me", "a good password")
ATTACK = """async address => {
    const form = new FormData();
    form.append('files', new Blob(['x']), 'x.jpg');
    const asked = [
        ['/config', {}],
        ['/config', {mode: 'no-cors'}],
        ['/gradio_api/queue/join', {method: 'POST', mode: 'no-cors', body: '{}'}],
        ['/gradio_api/upload', {method: 'POST', mode: 'no-cors', body: form}],
        ['/gradio_api/upload', {method: 'POST', body: form}],
    ];
    const told = [];
    for (const [path, how] of asked)
        told.push(await fetch(address + path, how).then(() => 'answered', () => 'refused'));
    const shown = document.createElement('img');
    const seen = new Promise(pass => { shown.onload = shown.onerror = it => pass(it.type); });
    shown.src = address + '/gradio_api/file=http://8.8.8.8/x.png';
    told.push(await seen);
    return told;
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    with served_album(tmp_path_factory.mktemp("beside")) as album:
        yield album


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another site: it has a link to wherever its query says."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            address = self.path.partition("?")[2]
            self.wfile.write(
                f"<a id=link href='{address}'>album</a><iframe src='{address}'></iframe>".encode()
            )

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 860})
    yield context.new_page()
    context.close()


def test_page_works_within_its_policy(served: ServedAlbum, page: Page) -> None:
    broken: list[str] = []
    page.on("console", lambda it: broken.append(it.text) if "Security Policy" in it.text else None)
    page.goto(served.url)
    for tab in ("Classify", "Captions", "Upload"):
        go_to(page, tab)
    page.locator("#files input[type=file]").set_input_files(
        [str(SAMPLES / name) for name in ("lion.jpg", "bus.png")]
    )
    expect(page.locator("#status")).to_contain_text("2 photos")
    go_to(page, "Search")
    search(page, "lion")
    open_tile(page, 0)
    shown = page.locator("#photo-image img")
    expect(shown).to_be_visible()
    assert shown.evaluate("it => it.decode().then(() => it.naturalWidth)") > 0
    assert tiles(page).locator("img").first.evaluate("it => it.naturalWidth") > 0

    assert broken == []


def test_page_of_another_site_gets_nothing(served: ServedAlbum, foreign: str, page: Page) -> None:
    before = set((served.data_dir / "temp").rglob("*"))
    page.goto(f"{foreign}/?{served.url}")

    told = page.evaluate(ATTACK, served.url)

    assert told == [*["refused"] * 5, "error"]
    assert set((served.data_dir / "temp").rglob("*")) == before
    (framed,) = page.frames[1:]
    assert framed.locator("#query").count() == 0
    page.locator("#link").click()
    expect(page.locator("#query")).to_be_visible()


def test_login_holds_after_a_link_from_another_site(
    tmp_path: Path, foreign: str, page: Page
) -> None:
    with served_album(tmp_path, ALBUM_LOGIN=":".join(LOGIN)) as album:
        page.goto(f"{foreign}/?{album.url}")
        page.locator("#link").click()
        for label, value in zip(("username", "password"), LOGIN, strict=True):
            page.get_by_label(label).fill(value)
        page.get_by_role("button", name="Login").click()
        expect(page.locator("#query")).to_be_visible()
        page.reload()
        expect(page.locator("#query")).to_be_visible()
