"""A local server that speaks the part of the model hub that fetching files needs.

`mode` may be changed while it runs: "serve", "hang" (accepts and never answers), "cut" (the first
download of a large file ends half way, the following ones are refused), "halves" (the second half
of a large file comes when `second_half` is set).
"""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self

COMMIT = "0" * 40
LARGE_BYTES = 10_000


class HubServer:
    """Listens on a free port of this machine between `with` and its end."""

    def __init__(
        self, files: dict[str, bytes], mode: Literal["serve", "hang", "cut", "halves"]
    ) -> None:
        """`files` by "<owner>/<name>/<file>"; every other path is a 404."""
        self.mode = mode
        self.requests: list[str] = []
        self.cuts = 0
        self.files = files
        self.second_half = threading.Event()
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                outer._serve(self, with_body=False)

            def do_GET(self) -> None:
                outer._serve(self, with_body=True)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _serve(self, call: BaseHTTPRequestHandler, with_body: bool) -> None:
        self.requests.append(f"{call.command} {call.path}")
        if self.mode == "hang":
            self._closing.wait()
            return
        named = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", call.path)
        body = self.files.get("/".join(named.groups())) if named else None
        if body is None:
            call.send_response(404)
            call.send_header("X-Error-Code", "EntryNotFound")
            call.send_header("X-Repo-Commit", COMMIT)
            call.send_header("Content-Length", "0")
            call.end_headers()
            return
        cut = with_body and self.mode == "cut" and len(body) > LARGE_BYTES
        if cut and self.cuts:
            call.send_error(503)
            return
        first = int(re.sub(r"\D", "", call.headers.get("Range", "")) or 0)
        call.send_response(206 if first else 200)
        call.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        call.send_header("X-Repo-Commit", COMMIT)
        call.send_header("Accept-Ranges", "bytes")
        call.send_header("Content-Length", str(len(body) - first))
        if first:
            call.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        call.end_headers()
        if cut:
            self.cuts += 1
            call.wfile.write(body[: len(body) // 2])
        elif with_body:
            half = (
                len(body) // 2 if self.mode == "halves" and len(body) > LARGE_BYTES else len(body)
            )
            call.wfile.write(body[first:half])
            call.wfile.flush()
            if half < len(body):
                self.second_half.wait()
                call.wfile.write(body[half:])

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self.second_half.set()
        self._http.shutdown()
        self._http.server_close()
