"""The guard in front of a small app: what it passes on, what it refuses, what it adds."""

from __future__ import annotations

import asyncio
import json
import socket
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from album.ui.server import request_body
from album.ui.server.request_guard import RequestGuard
from tests.support.event_loop import run

NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FILE = {"path": "/data/temp/a.jpg", "meta": {"_type": "gradio.FileData"}}


class Inner:
    """The app behind the guard; it answers with the body that it was sent."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        cookies = [(b"set-cookie", b"a=1; HttpOnly; Path=/; SameSite=lax")]
        cookies += [(b"set-cookie", b"b=2; SameSite=none; Secure")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def inner() -> Inner:
    return Inner()


def asked(
    app: Any, method: str = "GET", url: str = "http://127.0.0.1:7860/", **more: Any
) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.request(method, url, **more)

    return run(ask())


def sent(app: Any, messages: list[Any], scope: dict[str, Any]) -> list[Any]:
    """What the app sends when it receives these messages and then nothing for good."""
    said: list[Any] = []

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Any) -> None:
        said.append(message)

    headers = [(b"host", b"localhost"), *scope.pop("headers", [])]
    whole = {"type": "http", "method": "POST", "path": "/x", "headers": headers, **scope}
    run(app(whole, receive, send))
    return said


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:7860", "127.0.0.1", "127.0.0.1:7860", "[::1]:7860", "0.0.0.0"),
        *("nas.local:7860", "album.localhost", "photos.example.org", "photos.example.org:8443"),
        *(socket.gethostname(), f"{socket.gethostname()}.local:7860", "localhost."),
    ],
)
def test_known_host_is_passed_on(inner, host):
    answer = asked(RequestGuard(inner, ["photos.example.org"]), headers={"host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:7860", "8.8.8.8", "127.0.0.1.evil.example", ""),
        *("localhost.evil.example", "[2001:db8::1]:7860", "evil.example:127.0.0.1", "local"),
    ],
)
def test_unknown_host_is_refused(inner, host):
    guard = RequestGuard(inner, ["photos.example.org"])

    assert asked(guard, headers={"host": host}).status_code == 403
    forwarded = {"host": "localhost", "x-forwarded-host": f"localhost, {host}"}
    assert asked(guard, headers=forwarded).status_code == (403 if host else 200)
    assert all(it["type"] == "http" for it in inner.scopes[1:])
    assert len(inner.scopes) == (0 if host else 1)


def test_every_host_is_known_on_a_space(inner):
    assert asked(RequestGuard(inner, ["*"]), headers={"host": "a-b.hf.space"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:7860"},
        {"origin": "https://127.0.0.1:7860"},  # a proxy before it speaks HTTPS
        {"origin": "https://photos.example.org"},
        {"origin": "https://photos.example.org:8443", "host": "photos.example.org:8443"},
        {"origin": "https://album.local", "x-forwarded-host": "album.local"},
        {"origin": "https://album.local:444", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_own_origin_is_passed_on(inner, method, headers):
    guard = RequestGuard(inner, ["photos.example.org"])

    assert asked(guard, method, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://localhost:7860"},
        {"origin": "null"},
        {"origin": "http://evil.example", "sec-fetch-site": "none"},
        {"origin": "file://"},
        {"origin": "http://photos.example.org:3000"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {**NAVIGATION, "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"},
        {**NAVIGATION, "sec-fetch-site": "cross-site", "origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_foreign_origin_is_refused(inner, method, headers):
    answer = asked(RequestGuard(inner, ["photos.example.org"]), method, headers=headers)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert not inner.scopes


def test_link_from_another_site_opens_the_page(inner):
    headers = {**NAVIGATION, "sec-fetch-site": "cross-site"}
    guard = RequestGuard(inner)

    assert asked(guard, "GET", headers=headers).status_code == 200
    assert asked(guard, "POST", headers=headers).status_code == 403


@pytest.mark.parametrize("origin", [b"http://evil.example", b"http://localhost"])
def test_websocket_is_guarded_too(inner, origin):
    said = sent(RequestGuard(inner), [], {"type": "websocket", "headers": [(b"origin", origin)]})

    assert [it["type"] for it in said] == [
        "websocket.close" if b"evil" in origin else "websocket.accept"
    ]


@pytest.mark.parametrize("url", ["http://localhost/", "http://evil.example/"])
def test_every_answer_tells_browsers_its_limits(inner, url):
    headers = asked(RequestGuard(inner), url=url).headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy


def test_named_sites_may_frame_the_album(inner):
    guard = RequestGuard(inner, ["*"], ["https://huggingface.co"])
    shown = {**NAVIGATION, "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}
    forwarded = {"host": "a-b.hf.space", "x-forwarded-proto": "https"}

    answer = asked(guard, headers={**shown, **forwarded})

    assert answer.status_code == 200
    assert "x-frame-options" not in answer.headers
    assert "frame-ancestors https://huggingface.co" in answer.headers["content-security-policy"]
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.endswith("; SameSite=None; Partitioned; Secure"), cookie
    foreign = {"origin": "https://huggingface.co", "sec-fetch-site": "cross-site"}
    assert asked(guard, "POST", headers={**foreign, **forwarded}).status_code == 403


@pytest.mark.parametrize(
    ("url", "headers", "secure"),
    [
        ("http://localhost/", {}, False),
        ("https://localhost/", {}, True),
        ("http://localhost/", {"x-forwarded-proto": "https"}, True),
    ],
)
def test_cookies_stay_on_the_album(inner, url, headers, secure):
    cookies = asked(RequestGuard(inner), url=url, headers=headers).headers.get_list("set-cookie")

    first, second = (next(iter(SimpleCookie(it).values())) for it in cookies)
    assert first["samesite"] == second["samesite"] == "Strict"
    assert first["httponly"] is True
    assert first["path"] == "/"
    assert bool(first["secure"]) is secure
    assert second["secure"] is True
    assert all(it.lower().count("samesite") == 1 for it in cookies)


# Addresses that the server would fetch


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/gradio_api/file=http://8.8.8.8/x",
            "/gradio_api/file=https://a.example/x",
            "/file=ftp:x",
        ),
        *("/gradio_api/file/http://8.8.8.8/x", "/gradio_api/file=%68ttp://8.8.8.8/x"),
        *("/gradio_api/proxy=https://a.hf.space/x", "/root/gradio_api/file=HTTP://8.8.8.8/"),
        *("/gradio_api/file=//a.example/x", "/gradio_api/file=%5C%5Ca.example%5Cx"),
    ],
)
def test_address_in_a_path_is_refused(inner, path):
    answer = asked(RequestGuard(inner), url=f"http://localhost{path}")

    assert answer.status_code == 403
    assert "addresses" in answer.json()["detail"]
    assert not inner.scopes


def test_file_of_the_server_may_be_asked_for(inner):
    for path in ("/data/thumbnails/ab/cd.jpg", "C:/data/12:30.jpg", "/data/http: a.jpg"):
        answer = asked(RequestGuard(inner), url=f"http://localhost/gradio_api/file={path}")
        assert answer.status_code == 200, path


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{**FILE, "path": "http://8.8.8.8/x.jpg"}]},
        {"data": [[{"image": {**FILE, "path": "https://8.8.8.8/x"}, "caption": None}]]},
        {"data": [{**FILE, "url": "http://8.8.8.8/x.jpg"}]},
        {"data": [], "event_data": {"value": {"path": " HTTP://8.8.8.8"}}},
        {"files": {"path": "file:///etc/passwd"}},
        {"files": {"path": "\\\\a.example\\x"}},
        [{"path": "//a.example/x"}],
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "a/b+json", None])
def test_address_in_a_file_is_refused(inner, body, kind):
    headers = {} if kind is None else {"content-type": kind}

    answer = asked(RequestGuard(inner), "POST", content=json.dumps(body), headers=headers)

    assert answer.status_code == 403
    assert "addresses" in answer.json()["detail"]
    assert not inner.scopes


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"path": "http://8.8.8.8", "path": "/data/temp/a.jpg"}}',
        '{"a": {"path": "/data/temp/a.jpg", "path": "http://8.8.8.8"}}',
        '{"\\u0070ath": "\\u0068ttp://8.8.8.8"}',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_address_is_found_however_it_is_written(inner, text, encoding):
    answer = asked(RequestGuard(inner), "POST", content=text.encode(encoding))

    assert answer.status_code == 403
    assert not inner.scopes


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": 1' + "0" * 5000 + "}", "\xff\xfe\x00"])
def test_body_that_is_no_json_is_refused(inner, text):
    answer = asked(RequestGuard(inner), "POST", content=text.encode("latin-1"))

    assert (answer.status_code, answer.json()["detail"]) == (400, "The request is not JSON.")
    assert not inner.scopes


def test_body_of_the_page_arrives_unchanged(inner):
    own = {**FILE, "url": "http://127.0.0.1:7860/gradio_api/file=/data/temp/a.jpg"}
    body = json.dumps({"data": ["http://8.8.8.8/ in words", [own], None, float("nan")]}).encode()
    own_by_proxy = {**FILE, "url": "https://nas:8443/gradio_api/file=/data/temp/a.jpg"}
    behind = {"origin": "https://nas:8443", "sec-fetch-site": "same-origin", "host": "nas.local"}

    assert asked(RequestGuard(inner), "POST", content=body).content == body
    assert asked(RequestGuard(inner), "POST").content == b""
    answer = asked(RequestGuard(inner), "POST", json=[own_by_proxy], headers=behind)
    assert answer.status_code == 200


# Sizes and times


def test_too_large_body_gets_a_sentence(inner, monkeypatch):
    monkeypatch.setattr(request_body, "MOST_MB", 1)
    guard = RequestGuard(inner)

    for kind in ("application/json", "multipart/form-data; boundary=x"):
        answer = asked(
            guard,
            "POST",
            content=b'"' + b"a" * 1_000_000 + b'"',
            headers={"content-type": kind, "accept-language": "ko"},
        )
        assert answer.status_code == 413
        assert "1MB" in answer.json()["detail"]
    assert not inner.scopes
    assert asked(guard, "POST", content=b'"' + b"a" * 999_998 + b'"').status_code == 200


def test_body_of_very_many_values_is_refused(inner):
    body = b"[" + b"[]," * 1_000_000 + b"1]"

    assert asked(RequestGuard(inner), "POST", content=body).status_code == 413


def test_bodies_of_all_requests_share_a_limit(inner, monkeypatch):
    monkeypatch.setattr(request_body, "MOST_AT_ONCE_BYTES", 1000)
    guard = RequestGuard(inner)

    assert asked(guard, "POST", content=b'"' + b"a" * 2000 + b'"').status_code == 503
    assert asked(guard, "POST", content=b'"' + b"a" * 900 + b'"').status_code == 200


def test_files_are_passed_on_as_they_arrive(inner, monkeypatch):
    monkeypatch.setattr(request_body, "MOST_MB", 1)
    url = "http://localhost/gradio_api/upload"
    files = {"files": ("a.jpg", b"a" * 2_000_000)}

    assert asked(RequestGuard(inner), "POST", url, files=files).status_code == 200


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload"])
def test_missing_request_body_is_not_awaited(inner, path):
    part = {"type": "http.request", "body": b"[", "more_body": True}
    kind = (b"content-type", b"multipart/form-data; boundary=x")

    guard = RequestGuard(inner, timeout_s=0.05)
    said = sent(guard, [part], {"path": path, "headers": [kind]})

    assert said[0]["status"] == 408
    assert (b"connection", b"close") in said[0]["headers"]
    assert len(said) == 2


def test_body_that_trickles_is_not_waited_for(inner, monkeypatch):
    monkeypatch.setattr(request_body, "SLOWEST_BYTES_PER_S", 1e9)
    parts = [{"type": "http.request", "body": b" ", "more_body": True} for _ in range(10)]

    said = sent(RequestGuard(inner, timeout_s=0.0), parts, {})

    assert said[0]["status"] == 408
    assert not inner.scopes


def test_sender_who_leaves_costs_nothing(inner, caplog):
    parts = [{"type": "http.request", "body": b"[", "more_body": True}, {"type": "http.disconnect"}]

    assert sent(RequestGuard(inner), parts, {}) == []
    assert not inner.scopes
    assert not caplog.records


def test_large_body_is_checked_beside_the_loop(inner, monkeypatch):
    beside: list[bool] = []
    check = request_body._check_json

    def noting(*args: Any) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            beside.append(True)
        else:
            beside.append(False)
        check(*args)

    monkeypatch.setattr(request_body, "_check_json", noting)
    asked(RequestGuard(inner), "POST", json=["a" * 200_000])
    asked(RequestGuard(inner), "POST", json=["a"])

    assert beside == [True, False]
