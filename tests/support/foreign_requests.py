"""What pages of other sites can ask a served album for, and a server that nobody may be sent to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.served_album import ServedAlbum

EVIL = {"Origin": "http://evil.example"}
OUTSIDE = "http://8.8.8.8/photo.jpg"
HOST = "photos.example.org"
"""A name that the served album knows as its own."""
FOREIGN: list[dict[str, str]] = [
    {"Host": "evil.example"},
    {"Host": "evil.example", **EVIL},
    EVIL,
    {**EVIL, "Host": HOST},
    {**EVIL, "Access-Control-Request-Method": "POST"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
]
CALLS = ("queue/join", "call/upload_photos", "call/v2/upload_photos", "run/upload_photos")
PROXIES = ("file=", "file/", "proxy=")


def routes(served: ServedAlbum) -> list[tuple[str, str]]:
    """A method and a path for every kind of answer; the album has a photo."""
    return [
        *(("GET", path) for path in ("/", "/config", "/gradio_api/info", "/theme.css")),
        *(("GET", path) for path in ("/gradio_api/startup-events", "/robots.txt", "/nowhere")),
        *(("GET", f"/gradio_api/{path}") for path in ("queue/data?session_hash=x", "heartbeat/x")),
        ("GET", "/photos/1/thumbnail"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/call/photo_details"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/login"),
        ("OPTIONS", "/gradio_api/queue/join"),
    ]


def crafted(address: str) -> list[dict[str, Any]]:
    """Bodies with a file at an address, for every way to call a function."""
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    beside = {"path": "/tmp/x.jpg", "url": address, "meta": {"_type": "gradio.FileData"}}
    more = {"session_hash": "x", "fn_index": 0, "fn_name": "upload_photos"}
    return [
        {**body, **more}
        for it in (file, beside)
        for body in ({"data": [[it]]}, {"data": [it]}, {"data": [], "files": [it]}, {"files": [it]})
    ]


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
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
