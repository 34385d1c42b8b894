"""What pages of other sites can do with an album that is served: nothing; and whom it asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import handle_file

from tests.support.foreign_requests import (
    CALLS,
    FOREIGN,
    HOST,
    OUTSIDE,
    PROXIES,
    crafted,
    listening,
    routes,
)
from tests.support.served_album import ROOT, SAMPLES, ServedAlbum, served_album


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
        ALBUM_HOSTS=HOST,
    ) as album:
        lion = handle_file(SAMPLES / "lion.jpg")
        album.client().predict(files=[lion], api_name="/upload_photos")
        yield album


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    with listening() as address_and_connections:
        yield address_and_connections


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_route_answers_a_page_of_another_site(
    served: ServedAlbum, headers: dict[str, str]
) -> None:
    for method, path in routes(served):
        with httpx.stream(method, served.url + path, headers=headers, timeout=30) as answer:
            assert answer.status_code == 403, (method, path)
            assert "access-control-allow-origin" not in answer.headers, (method, path)
            assert answer.headers["x-frame-options"] == "DENY"
            assert len(answer.read()) < 1000


def test_album_opens_by_its_hosts_and_links(served: ServedAlbum) -> None:
    port = served.url.rpartition(":")[2]
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for headers in (
        {},
        {**link, "Sec-Fetch-Dest": "document"},
        {"Host": HOST, "Sec-Fetch-Site": "none"},
        {"Host": f"[::1]:{port}"},
        {"Host": f"nas.local:{port}", "Origin": f"http://nas.local:{port}"},
    ):
        answer = httpx.get(served.url, headers=headers, timeout=30)
        assert answer.status_code == 200, headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    named = served.url.replace("127.0.0.1", "localhost")
    assert httpx.get(f"{named}/config", timeout=30).status_code == 200


def test_server_connects_to_no_address_from_requests(
    served: ServedAlbum, outside: Path, listener: tuple[str, list[str]]
) -> None:
    address, connections = listener
    with httpx.Client(base_url=served.url, timeout=60) as browser:
        for target in (address, OUTSIDE, "https://dns.google/x.jpg"):
            for route in PROXIES:
                for method in ("GET", "HEAD"):
                    answer = browser.request(method, f"/gradio_api/{route}{target}")
                    assert answer.status_code in (403, 405), (route, target)
            for call in CALLS:
                for body in crafted(target):
                    answer = browser.post(f"/gradio_api/{call}", json=body)
                    assert answer.status_code == 403, (call, body)
                    assert "addresses" in answer.json()["detail"]

    assert connections == []
    assert not outside.exists(), outside.read_text()


def test_program_sending_an_address_is_refused(served: ServedAlbum, outside: Path) -> None:
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
