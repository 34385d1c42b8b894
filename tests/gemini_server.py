"""A local server that speaks the part of the Gemini REST API that captions need.

    with GeminiServer() as server:
        server.answers.append(error(429, retry_delay="37s"))
        GeminiCaptioner("key", "gemini-test", server.url).caption(jpeg, "en")
        server.requests[0].jpeg

Answers are given in order; with none left it says `server.text`. `python -m tests.gemini_server`
serves by hand on port 8787.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """What goes back: a body with its status, or nothing at all while `hang`."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    hang: bool = False


@dataclass(frozen=True)
class Request:
    """What came in, with header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def jpeg(self) -> bytes:
        (data,) = (part["inlineData"] for part in self._parts if "inlineData" in part)
        assert data["mimeType"] == "image/jpeg"
        return base64.b64decode(data["data"])

    @property
    def text(self) -> str:
        return " ".join(part["text"] for part in self._parts if "text" in part)

    @property
    def _parts(self) -> list[dict[str, Any]]:
        return [part for content in self.body["contents"] for part in content["parts"]]


def says(text: str, finish_reason: str | int = "STOP") -> Answer:
    """One candidate with `text`, no parts where it is empty; Google writes reasons as numbers."""
    content = {"role": "model", "parts": [{"text": text}] if text else []}
    return _json(200, {"candidates": [{"content": content, "finishReason": finish_reason}]})


def blocks(reason: str | int) -> Answer:
    """The prompt itself was blocked: no candidate comes back."""
    return _json(200, {"promptFeedback": {"blockReason": reason}})


def error(status: int, reason: str | None = None, retry_delay: str | None = None) -> Answer:
    """An error in Google's form, with an ErrorInfo and a RetryInfo where given."""
    kind = "type.googleapis.com/google.rpc."
    details: list[dict[str, str]] = []
    if reason:
        details.append({"@type": kind + "ErrorInfo", "reason": reason, "domain": "googleapis.com"})
    if retry_delay:
        details.append({"@type": kind + "RetryInfo", "retryDelay": retry_delay})
    said = {"code": status, "message": f"scripted {status}", "details": details}
    return _json(status, {"error": said})


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode())


class GeminiServer:
    """Listens on a free port of this machine between `with` and its end."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[Answer] = []
        self.text = "A big cat resting on warm stones."
        self.requests: list[Request] = []
        self._closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _serve(self, call: BaseHTTPRequestHandler) -> None:
        body = call.rfile.read(int(call.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in call.headers.items()}
        with self._lock:
            self.requests.append(Request(call.path, headers, json.loads(body)))
            answer = self.answers.pop(0) if self.answers else says(self.text)
        if answer.hang:
            self._closing.wait()
            return
        if not call.path.partition("?")[0].endswith(":generateContent"):
            answer = error(404)
        call.send_response(answer.status)
        call.send_header("Content-Type", answer.content_type)
        call.send_header("Content-Length", str(len(answer.body)))
        call.end_headers()
        call.wfile.write(answer.body)

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
        self._http.shutdown()
        self._http.server_close()


if __name__ == "__main__":
    with GeminiServer(port=8787) as server:
        sys.stdout.write(f"set ALBUM_GEMINI_ENDPOINT={server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
