"""A local server that speaks the part of the Gemini REST API that the album needs.

    with GeminiServer() as server:
        server.answers.append(error(429, retry_delay="37s"))
        GeminiCaptioner("key", "gemini-test", server.url).describe(jpeg, ("en",))
        server.requests[0].jpeg

Answers are given in order; with none left `server.respond` decides, which a test may set: by the
request, and by how often its photo came before. By default it says `server.text`, in JSON where a
form is asked for. `python -m tests.support.gemini_server` serves by hand on port 8787.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from PIL import Image

KIND = "type.googleapis.com/google.rpc."
METADATA = {"exif", "xmp", "photoshop", "comment"}
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Answer:
    """What goes back: a body with its status, or nothing at all while `hang` or after `drop`."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    hang: bool = False
    drop: bool = False
    """The connection is closed without a word."""
    cut: bool = False
    """It is closed after half of the body."""
    delay_s: float = 0.0
    """How long the answer takes to begin."""
    permits: threading.Semaphore | None = None
    """The answer begins when it gets one of these."""
    drip_s: float = 0.0
    """How long each byte of the body takes."""
    location: str = ""
    """Where a redirect leads."""


@dataclass(frozen=True)
class Request:
    """What came in, with header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    arrived: float = field(default_factory=time.monotonic)
    """Seconds of the clock of this process."""

    @property
    def jpeg(self) -> bytes:
        (data,) = (part["inlineData"] for part in self._parts if "inlineData" in part)
        assert data["mimeType"] == "image/jpeg"
        return base64.b64decode(data["data"])

    @cached_property
    def photo(self) -> str:
        """Names the JPEG; "" where there is none."""
        there = any("inlineData" in part for part in self._parts)
        return hashlib.sha256(self.jpeg).hexdigest()[:16] if there else ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the JPEG in pixels."""
        with Image.open(io.BytesIO(self.jpeg)) as image:
            return image.size

    @property
    def metadata(self) -> set[str]:
        """What the JPEG carries beside its pixels: kinds of metadata."""
        with Image.open(io.BytesIO(self.jpeg)) as image:
            found = METADATA & set(image.info)
            return found | {"exif"} if image.getexif() else found

    @property
    def has_exif(self) -> bool:
        return "exif" in self.metadata

    @property
    def text(self) -> str:
        return " ".join(part["text"] for part in self._parts if "text" in part)

    @property
    def system(self) -> str:
        """The instructions above the conversation."""
        parts = self.body.get("systemInstruction", {}).get("parts", [])
        return " ".join(part["text"] for part in parts)

    @property
    def turns(self) -> list[tuple[str, list[str]]]:
        """(role, kinds of its parts: "photo" or the text) of each turn."""
        return [
            (
                content["role"],
                ["photo" if "inlineData" in part else part["text"] for part in content["parts"]],
            )
            for content in self.body["contents"]
        ]

    @property
    def schema(self) -> dict[str, Any] | None:
        """The form that the answer is to have."""
        config = self.body.get("generationConfig", {})
        if config.get("responseMimeType") != "application/json":
            return None
        schema: dict[str, Any] = config["responseSchema"]
        return schema

    @property
    def _parts(self) -> list[dict[str, Any]]:
        return [part for content in self.body["contents"] for part in content["parts"]]


Respond = Callable[[Request, int], Answer]
"""The answer to a request whose photo has been sent that often before."""


def says(text: str, finish_reason: str | int = "STOP") -> Answer:
    """One candidate with `text`, no parts where it is empty; Google writes reasons as numbers."""
    content = {"role": "model", "parts": [{"text": text}] if text else []}
    return _json(200, {"candidates": [{"content": content, "finishReason": finish_reason}]})


def describes(finish_reason: str | int = "STOP", **fields: object) -> Answer:
    """One candidate with `fields` as JSON, such as caption_ko="개", keywords=["개"]."""
    return says(json.dumps(fields, ensure_ascii=False), finish_reason)


def fills(schema: dict[str, Any], caption: str) -> Answer:
    """What a model says that keeps to the form."""
    korean = "따뜻한 바위 위에서 쉬는 큰 고양이."
    known = {"keywords": ["고양이", "cat"], "text_in_photo": "", "caption_ko": korean}
    return describes(**{name: known.get(name, caption) for name in schema["properties"]})


def blocks(reason: str | int) -> Answer:
    """The prompt itself was blocked: no candidate comes back."""
    return _json(200, {"promptFeedback": {"blockReason": reason}})


def garbage() -> Answer:
    """One candidate whose text is no JSON and nothing to read."""
    return says('{"caption": [[[')


def slowly(answer: Answer, delay_s: float) -> Answer:
    """`answer`, after a while."""
    return replace(answer, delay_s=delay_s)


def let_go(answer: Answer, permits: threading.Semaphore) -> Answer:
    """`answer`, as soon as it gets a permit: whatever the machine does, it comes in its turn."""
    return replace(answer, permits=permits)


def error(
    status: int,
    reason: str | None = None,
    retry_delay: str | None = None,
    *,
    quota: str | None = None,
    message: str | None = None,
) -> Answer:
    """An error in Google's form, with an ErrorInfo, a RetryInfo and a QuotaFailure where given."""
    details: list[dict[str, object]] = []
    if reason:
        details.append({"@type": KIND + "ErrorInfo", "reason": reason, "domain": "googleapis.com"})
    if quota:
        details.append({"@type": KIND + "QuotaFailure", "violations": [{"quotaId": quota}]})
    if retry_delay:
        details.append({"@type": KIND + "RetryInfo", "retryDelay": retry_delay})
    said = {"code": status, "message": message or f"scripted {status}", "details": details}
    return _json(status, {"error": said})


def used_up_today(retry_delay: str = "34s") -> Answer:
    """429 for a day's quota; Google names some seconds beside it nevertheless."""
    quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    return error(429, "RATE_LIMIT_EXCEEDED", retry_delay, quota=quota)


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode())


def most_within(times: Sequence[float], window_s: float) -> int:
    """The most of `times` that lie within any window of that length."""
    ordered = sorted(times)
    most = first = 0
    for last, arrived in enumerate(ordered):
        while arrived - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


class GeminiServer:
    """Listens on a free port of this machine between `with` and its end."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[Answer] = []
        self.text = "A big cat resting on warm stones."
        self.respond: Respond = self._say_text
        self.requests: list[Request] = []
        self.sent: Counter[str] = Counter()
        """By photo: how often it came."""
        self.answered: Counter[str] = Counter()
        """By photo: how often an answer of status 200 left whole."""
        self.after_success: Counter[str] = Counter()
        """By photo: how often it came although such an answer had left."""
        self.at_once = 0
        """The most requests that were being served at the same time."""
        self._serving = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self._http = Listener(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _say_text(self, request: Request, earlier: int) -> Answer:
        return says(self.text) if request.schema is None else fills(request.schema, self.text)

    def _serve(self, call: BaseHTTPRequestHandler) -> None:
        body = call.rfile.read(int(call.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in call.headers.items()}
        request = Request(call.path, headers, json.loads(body))
        with self._lock:
            self.requests.append(request)
            earlier = self.sent[request.photo]
            self.sent[request.photo] += 1
            self.after_success[request.photo] += bool(self.answered[request.photo])
            self._serving += 1
            self.at_once = max(self.at_once, self._serving)
            answer = self.answers.pop(0) if self.answers else self.respond(request, earlier)
        try:
            if not call.path.partition("?")[0].endswith(":generateContent"):
                answer = error(404)
            self._give(call, request, answer)
        except OSError:
            pass  # nobody waits any more
        finally:
            with self._lock:
                self._serving -= 1

    def _give(self, call: BaseHTTPRequestHandler, request: Request, answer: Answer) -> None:
        if self._closing.wait(None if answer.hang else answer.delay_s) or answer.drop:
            return
        while answer.permits and not answer.permits.acquire(timeout=LOOK_AGAIN_S):
            if self._closing.is_set():
                return
        call.send_response(answer.status)
        call.send_header("Content-Type", answer.content_type)
        call.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            call.send_header("Location", answer.location)
        call.end_headers()
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        if answer.drip_s:
            for position in range(len(body)):
                call.wfile.write(body[position : position + 1])
                if self._closing.wait(answer.drip_s):
                    return
        else:
            call.wfile.write(body)
        if answer.status == 200 and not answer.cut:
            with self._lock:
                self.answered[request.photo] += 1

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
