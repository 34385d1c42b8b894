"""Connections that never finish a request: they cost nobody else anything, and they end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.half_requests import HALVES, UPLOAD, ended, opened
from tests.support.importing import wait_until
from tests.support.served_album import ServedAlbum, served_album

resource = pytest.importorskip("resource")

MANY = 1100
ORDINARY = 1024  # what a process may hold open on most machines, unless it asks for more
REQUEST_TIMEOUT_S = 15
HEADERS_TIMEOUT_S = REQUEST_TIMEOUT_S / 3
CLOSED_WITHIN_S = 240  # a busy machine; one of these two is meant


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """An album in a process that begins with the limit that is ordinary."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * MANY:
        pytest.skip("this machine does not let a process hold so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (ORDINARY, hard))
    try:
        with served_album(
            tmp_path_factory.mktemp("connections"),
            warm=False,
            ALBUM_REQUEST_TIMEOUT_S=str(REQUEST_TIMEOUT_S),
        ) as album:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4 * MANY, hard))
            wait_until(lambda: "The album is open" in album.said())
            yield album
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_open_connections_hold_nobody_up(served: ServedAlbum) -> None:
    lines = served.said().count("\n")
    halves = list(HALVES.values())
    connections: list[socket.socket] = []
    try:
        for n in range(MANY):
            connections.append(opened(served, halves[n % len(halves)]))
        for path in ("/", "/config"):
            assert httpx.get(served.url + path, timeout=30).status_code == 200
        assert served.client().predict(api_name="/album_status")["photos"] == 0
        deadline = time.monotonic() + CLOSED_WITHIN_S
        assert all(ended(it, deadline - time.monotonic()) for it in connections)
    finally:
        for connection in connections:
            connection.close()

    assert httpx.get(f"{served.url}/config", timeout=30).status_code == 200
    assert served.said().count("\n") - lines < 100, served.said()[-3000:]


def test_senders_who_leave_write_no_log(served: ServedAlbum) -> None:
    lines = served.said().count("\n")

    for sent in (*HALVES.values(), UPLOAD, b"no HTTP\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        for _ in range(20):
            with opened(served, sent):
                time.sleep(0.02)
    assert httpx.get(f"{served.url}/config", timeout=30).status_code == 200

    assert served.said().count("\n") - lines < 100, served.said()[-3000:]


def test_upload_that_stops_gets_a_sentence(served: ServedAlbum) -> None:
    with opened(served, UPLOAD) as stopped:
        stopped.settimeout(CLOSED_WITHIN_S)
        said = b""
        while part := stopped.recv(65536):
            said += part

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"too long" in said


def test_idle_and_working_connections_are_told_apart(served: ServedAlbum) -> None:
    """A stream that waits for news stays open longer than a request may take to arrive."""
    with httpx.Client(base_url=served.url, timeout=60) as browser:
        stream = browser.stream("GET", "/gradio_api/heartbeat/x")
        with stream as heartbeat:
            beats = heartbeat.iter_lines()
            began = time.monotonic()
            while time.monotonic() - began < HEADERS_TIMEOUT_S + 1:
                assert "ALIVE" in next(it for it in beats if it)

    body = json.dumps({"data": []}).encode()
    head = b"POST /gradio_api/call/album_status HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with opened(served, b"") as slow:  # which arrives in pieces, but in time
        for piece in (head[:10], head[10:80], head[80:], body[:3], body[3:]):
            slow.sendall(piece)
            time.sleep(0.2)
        assert b"200 OK" in slow.recv(65536)
