"""The path of the temporary folder stays on the server, and works as if it did not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from album.ui.server.temp_names import TempNames
from tests.support.event_loop import run

FOLDER = Path('/home/김 "x"/album/data/temp/12-ab')


class Inner:
    """The app behind it: remembers what it was asked, and answers with `answer`."""

    def __init__(self, answer: Any = None, kind: str = "application/json") -> None:
        self.answer, self.kind = answer, kind
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        parts = self.answer if isinstance(self.answer, list) else [self.answer or b"{}"]
        headers = [(b"content-type", self.kind.encode())]
        if self.kind == "application/json":
            headers.append((b"content-length", str(sum(map(len, parts))).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for n, part in enumerate(parts, 1):
            more = n < len(parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})


def asked(app: Any, method: str, path: str, **more: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **more)

    return run(ask())


def name_of(app: TempNames, inner: Inner) -> str:
    """The name that stands for the folder, as an upload gets it."""
    inner.answer, inner.kind = json.dumps([f"{FOLDER}/h/a.jpg"]).encode(), "application/json"
    (path,) = asked(app, "POST", "/gradio_api/upload").json()
    return str(path).removesuffix("/h/a.jpg")


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_answers_contain_the_name_alone(ensure_ascii: bool) -> None:
    inner = Inner()
    app = TempNames(inner, FOLDER)
    said = {"path": f"{FOLDER}/h/나.jpg", "url": f"http://a/gradio_api/file={FOLDER}/h/나.jpg"}
    inner.answer = json.dumps(said, ensure_ascii=ensure_ascii).encode()

    answer = asked(app, "POST", "/gradio_api/run/x")

    name = name_of(app, inner)
    assert name.startswith("temp-")
    assert "/" not in name
    assert answer.json() == {
        "path": f"{name}/h/나.jpg", "url": f"http://a/gradio_api/file={name}/h/나.jpg",
    }  # fmt: skip
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_events_are_sent_one_by_one_with_name() -> None:
    quoted = json.dumps(f"{FOLDER}/a.zip")
    inner = Inner([f"data: {quoted}\n\n".encode(), b"data: 1\n\n"], "text/event-stream")
    app = TempNames(inner, FOLDER)
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "path": "/gradio_api/queue/data",
        "headers": [(b"accept-encoding", b"br")],
    }
    run(app(scope, receive, send))

    assert [it.get("body") for it in messages[1:]] == [
        f'data: "{name_of(app, inner)}/a.zip"\n\n'.encode(), b"data: 1\n\n",
    ]  # fmt: skip
    assert inner.scopes[0]["headers"] == []  # a compressed answer could not be changed


def test_requests_get_the_path_again() -> None:
    inner = Inner()
    app = TempNames(inner, FOLDER)
    name = name_of(app, inner)

    asked(app, "POST", "/gradio_api/queue/join", json={"data": [{"path": f"{name}/h/a.jpg"}]})
    assert json.loads(inner.bodies[-1]) == {"data": [{"path": f"{FOLDER}/h/a.jpg"}]}
    asked(app, "GET", f"/gradio_api/file={name}/h/a%20b.jpg")
    assert inner.scopes[-1]["path"] == f"/gradio_api/file={FOLDER}/h/a b.jpg"


@pytest.mark.parametrize("path", ["/", "/photos/3/large", "/config"])
def test_other_answers_are_passed_on_unchanged(path: str) -> None:
    inner = Inner(f"about {FOLDER}".encode())
    app = TempNames(inner, FOLDER)

    assert asked(app, "GET", path, headers={"accept-encoding": "br"}).content == inner.answer
    assert ("accept-encoding", "br") in [
        (k.decode(), v.decode()) for k, v in inner.scopes[0]["headers"]
    ]


def test_uploads_and_pictures_are_never_changed() -> None:
    inner = Inner()
    app = TempNames(inner, FOLDER)
    name = name_of(app, inner)
    files = {"files": ("a.jpg", f"{name} in a file".encode())}

    asked(app, "POST", "/gradio_api/upload", files=files)
    assert f"{name} in a file".encode() in inner.bodies[-1]
    inner.answer, inner.kind = str(FOLDER).encode(), "image/jpeg"
    assert asked(app, "GET", "/gradio_api/file=/x.jpg").content == str(FOLDER).encode()


def test_name_differs_in_each_process() -> None:
    names = {name_of(TempNames(inner, FOLDER), inner) for inner in (Inner(), Inner())}

    assert len(names) == 2
