"""Images and originals of photos: sent from where they are, to whoever may enter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.routes import App
from starlette.testclient import TestClient

from album.domain.photo import Photo, ViewKind
from album.service import Album
from album.ui.photo.panel import PhotoPanel
from album.ui.server.photo_routes import FOREVER, NEVER, photo_routes
from album.ui.shared.photo_html import address
from tests.support.event_loop import run
from tests.support.images.make import make_photo
from tests.support.importing import take_in, upload


def served(album: Album, auth: list[tuple[str, str]] | None = None) -> Iterator[TestClient]:
    with gr.Blocks() as page:
        gr.Markdown("the page")
    page.auth = auth
    app = App.create_app(page, app_kwargs={"routes": photo_routes(album)})
    with TestClient(app) as client:
        yield client


@pytest.fixture
def open_to_all(album: Album) -> Iterator[TestClient]:
    yield from served(album)


@pytest.fixture
def locked(album: Album) -> Iterator[TestClient]:
    yield from served(album, [("me", "a good password")])


def files_below(folder: Path) -> set[Path]:
    return {it for it in folder.rglob("*") if it.is_file()}


@pytest.mark.parametrize("how", ["upload", "in place"])
def test_an_original_comes_whole_under_its_own_name(
    album: Album, tmp_path: Path, open_to_all: TestClient, how: str
) -> None:
    path = make_photo(tmp_path / "in" / '가족 "1".html.jpg', "red")
    content = path.read_bytes()
    if how == "upload":
        upload(album, [(path, path.name)])
    else:
        take_in(album, [path])
    (photo,) = album.store.all_photos()
    before = files_below(album.data_dir)

    answer = open_to_all.get(
        f"/{address(photo, 'original')}", headers={"accept-encoding": "br, gzip"}
    )

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    disposition = answer.headers["content-disposition"]
    assert disposition == ("attachment; filename*=utf-8''%EA%B0%80%EC%A1%B1%20%221%22.html.jpg")
    assert files_below(album.data_dir) - before <= set(album.data_dir.glob("album.db*"))


@pytest.mark.parametrize("what", ["0", "99", str(2**63), "9" * 400, "../album.db", "1/../2", "x"])
def test_what_is_no_photo_is_not_found(open_to_all: TestClient, what: str) -> None:
    for size in ("thumbnail", "large", "full", "original"):
        assert open_to_all.get(f"/photos/{what}/{size}").status_code == 404


def test_an_original_that_is_gone_is_a_sentence(
    album: Album, tmp_path: Path, open_to_all: TestClient
) -> None:
    path = make_photo(tmp_path / "a.jpg", "red")
    (photo_id,) = take_in(album, [path]).added
    path.unlink()

    answer = open_to_all.get(f"/photos/{photo_id}/original")

    assert answer.status_code == 404
    assert answer.text.startswith("The original of a.jpg is not where it was")
    with gr.Blocks():
        panel = PhotoPanel(album)
    request: Any = gr.Request(headers={"accept-language": "en"})
    with pytest.raises(gr.Error, match="is not where it was"):
        panel.fetch_original(photo_id, request)


def test_without_the_login_no_original_is_sent(
    album: Album, tmp_path: Path, locked: TestClient
) -> None:
    path = make_photo(tmp_path / "a.jpg", "red")
    (photo_id,) = take_in(album, [path]).added
    address = f"/photos/{photo_id}/original"
    assert locked.get(address).status_code == 401
    assert locked.get(address, headers={"cookie": "access-token-x=y"}).status_code == 401

    entered = locked.post("/login", data={"username": "me", "password": "a good password"})

    assert entered.status_code == 200
    assert locked.get(address).content == path.read_bytes()
    locked.get("/logout", follow_redirects=False)
    locked.cookies.clear()
    assert locked.get(address).status_code == 401


def test_images_are_kept_by_version(album: Album, tmp_path: Path, open_to_all: TestClient) -> None:
    take_in(album, [make_photo(tmp_path / "a.jpg", "red")])
    (photo,) = album.store.all_photos()
    files = {
        "thumbnail": album.originals.thumbnail(photo.sha256),
        "large": album.images.view(photo),
        "full": album.images.view(photo, "full"),
    }
    for size, file in files.items():
        answer = open_to_all.get(f"/{address(photo, size)}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == FOREVER
        assert str(album.data_dir) not in str(answer.url)
        other = open_to_all.get(f"/photos/{photo.photo_id}/{size}?v=0")
        assert other.headers["cache-control"] == NEVER
    files["thumbnail"].unlink()
    assert open_to_all.get(f"/{address(photo)}").status_code == 404
    assert open_to_all.get(f"/photos/{photo.photo_id}/huge").status_code == 404


def test_without_the_login_no_view_is_made(
    album: Album, tmp_path: Path, locked: TestClient
) -> None:
    (photo_id,) = take_in(album, [make_photo(tmp_path / "a.jpg", "red")]).added

    for size in ("thumbnail", "large", "full"):
        assert locked.get(f"/photos/{photo_id}/{size}").status_code == 401
    assert album.images.find_view(album.photo(photo_id)) is None


def test_picture_of_missing_original_is_not_kept(
    album: Album, tmp_path: Path, open_to_all: TestClient
) -> None:
    path = make_photo(tmp_path / "a.jpg", "red")
    (photo_id,) = take_in(album, [path]).added
    photo, content = album.photo(photo_id), path.read_bytes()
    path.unlink()
    thumbnail = album.originals.thumbnail(photo.sha256).read_bytes()
    for size in ("large", "full"):
        answer = open_to_all.get(f"/{address(photo, size)}")
        assert (answer.content, answer.headers["cache-control"]) == (thumbnail, NEVER)

    path.write_bytes(content)

    answer = open_to_all.get(f"/{address(photo, 'large')}")
    assert answer.content == album.images.view_path(photo, "large").read_bytes()
    assert answer.headers["cache-control"] == FOREVER


def test_view_is_not_made_for_lost_connections(album: Album, tmp_path: Path) -> None:
    """Photos that were stepped over: those still waiting cost nothing."""
    ids = take_in(
        album, [make_photo(tmp_path / f"{n}.png", (n * 40, 0, 0)) for n in range(5)]
    ).added
    made: list[int] = []
    go = threading.Event()
    make = album.images.view

    def view(photo: Photo, kind: ViewKind = "large") -> Path:
        made.append(photo.photo_id)
        assert go.wait(60)
        return make(photo, kind)

    album.images.view = view  # type: ignore[method-assign]
    with gr.Blocks() as page:
        gr.Markdown("the page")
    app = App.create_app(page, app_kwargs={"routes": photo_routes(album)})

    async def ask_and_leave() -> list[int]:
        left = asyncio.Event()
        statuses: list[int] = []

        async def ask(photo_id: int, stays: bool) -> None:
            messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

            async def receive() -> Any:
                if (message := next(messages, None)) is not None:
                    return message
                await (asyncio.Event().wait() if stays else left.wait())
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {
                "type": "http", "method": "GET", "path": f"/photos/{photo_id}/large",
                "raw_path": b"", "query_string": b"", "headers": [(b"host", b"testserver")],
                "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
                "http_version": "1.1", "root_path": "", "app": app,
            }  # fmt: skip
            await app(scope, receive, send)

        def begin(photo_ids: list[int], *, stays: bool) -> list[asyncio.Task[None]]:
            return [asyncio.create_task(ask(photo_id, stays)) for photo_id in photo_ids]

        tasks = begin(ids[:2], stays=True)
        while len(made) < 2:
            await asyncio.sleep(0.01)
        tasks += begin(ids[2:4], stays=False) + begin(ids[4:], stays=True)
        await asyncio.sleep(0.2)
        left.set()
        go.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        return statuses

    statuses = run(ask_and_leave())

    assert sorted(made) == [ids[0], ids[1], ids[4]]
    assert sorted(statuses) == [200, 200, 200, 499, 499]
