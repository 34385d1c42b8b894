"""What pages of other sites can do with an album that is served: nothing; and whom it asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from tests.served_album import ROOT, SAMPLES, ServedAlbum, served_album

EVIL = {"Origin": "http://evil.example"}
OUTSIDE = "http://8.8.8.8/photo.jpg"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of what the server connects to beyond this machine."""
    return tmp_path_factory.mktemp("outside") / "outside.log"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, outside: Path) -> Iterator[ServedAlbum]:
    with served_album(
        tmp_path_factory.mktemp("foreign"),
        warm=False,
        PYTHONPATH=str(ROOT / "tests" / "browser" / "outside_log"),
        OUTSIDE_LOG=str(outside),
        ALBUM_HOSTS="photos.example.org",
    ) as album:
        lion = handle_file(SAMPLES / "lion.jpg")
        album.client().predict(files=[lion], api_name="/upload_photos")
        yield album


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """(address, connections) of a web server on this machine."""
    connections: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            connections.append(str(self.client_address))
            super().setup()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/photo.jpg", connections
        server.shutdown()


def routes(served: ServedAlbum) -> list[tuple[str, str]]:
    thumbnail = next(served.data_dir.glob("thumbnails/??/*.jpg"))
    return [
        *(("GET", path) for path in ("/", "/config", "/gradio_api/info", "/theme.css")),
        *(("GET", path) for path in ("/gradio_api/startup-events", "/robots.txt", "/nowhere")),
        *(("GET", f"/gradio_api/{path}") for path in ("queue/data?session_hash=x", "heartbeat/x")),
        ("GET", f"/gradio_api/file={thumbnail}"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/call/photo_details"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/login"),
        ("OPTIONS", "/gradio_api/queue/join"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example", **EVIL},
        EVIL,
        {**EVIL, "Host": "photos.example.org"},
        {**EVIL, "Access-Control-Request-Method": "POST"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
)
def test_no_route_answers_a_page_of_another_site(
    served: ServedAlbum, headers: dict[str, str]
) -> None:
    for method, path in routes(served):
        with httpx.stream(method, served.url + path, headers=headers, timeout=30) as answer:
            assert answer.status_code == 403, (method, path)
            assert "access-control-allow-origin" not in answer.headers, (method, path)
            assert answer.headers["x-frame-options"] == "DENY"
            assert len(answer.read()) < 1000


def test_the_album_opens_by_its_own_names_and_from_links(served: ServedAlbum) -> None:
    port = served.url.rpartition(":")[2]
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for headers in (
        {},
        {**link, "Sec-Fetch-Dest": "document"},
        {"Host": "photos.example.org", "Sec-Fetch-Site": "none"},
        {"Host": f"[::1]:{port}"},
        {"Host": f"nas.local:{port}", "Origin": f"http://nas.local:{port}"},
    ):
        answer = httpx.get(served.url, headers=headers, timeout=30)
        assert answer.status_code == 200, headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    named = served.url.replace("127.0.0.1", "localhost")
    assert httpx.get(f"{named}/config", timeout=30).status_code == 200


def crafted(address: str) -> list[Any]:
    """Bodies with a file at an address, for every way to call a function."""
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    beside = {"path": "/tmp/x.jpg", "url": address, "meta": {"_type": "gradio.FileData"}}
    return [
        body
        for it in (file, beside)
        for body in ({"data": [[it]]}, {"data": [it]}, {"data": [], "files": [it]}, {"files": [it]})
    ]


def test_the_server_connects_to_no_address_that_it_is_given(
    served: ServedAlbum, outside: Path, listener: tuple[str, list[str]]
) -> None:
    address, connections = listener
    calls = ["queue/join", "call/upload_photos", "call/v2/upload_photos", "run/upload_photos"]
    with httpx.Client(base_url=served.url, timeout=60) as browser:
        for target in (address, OUTSIDE, "https://dns.google/x.jpg"):
            for route in ("file=", "file/", "proxy="):
                for method in ("GET", "HEAD"):
                    answer = browser.request(method, f"/gradio_api/{route}{target}")
                    assert answer.status_code in (403, 405), (route, target)
            for call in calls:
                for body in crafted(target):
                    more = {"session_hash": "x", "fn_index": 0, "fn_name": "upload_photos"}
                    answer = browser.post(f"/gradio_api/{call}", json={**body, **more})
                    assert answer.status_code == 403, (call, body)
                    assert "addresses" in answer.json()["detail"]

    assert connections == []
    assert not outside.exists(), outside.read_text()


def test_a_program_that_sends_an_address_is_told_to_send_the_file(
    served: ServedAlbum, outside: Path
) -> None:
    client = served.client()

    with pytest.raises(Exception, match=r"403|addresses"):
        client.predict(files=[handle_file(OUTSIDE)], api_name="/upload_photos")
    assert client.predict(api_name="/album_status")["photos"] == 1
    assert not outside.exists(), outside.read_text()


def test_a_body_without_end_gets_a_sentence(served: ServedAlbum) -> None:
    many = b'{"data": ["' + b"a" * 40_000_000 + b'"]}'
    asked = {"content": many, "headers": {"Content-Type": "application/json"}, "timeout": 60}

    answer = httpx.post(f"{served.url}/gradio_api/queue/join", **asked)

    assert answer.status_code == 413
    assert "32 MB" in answer.json()["detail"]
