"""Checks of every request, and security headers of every answer.

A page of another site can send requests through the visitor's browser. The browser states the
origin of a request and the host name that it used, and both are checked here.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from album.settings import Settings
from album.ui.i18n.messages import reader_language, say
from album.ui.server.login import sender_address
from album.ui.server.request_body import (
    ADDRESS,
    BodyReader,
    Message,
    Receive,
    RequestRefusedError,
    SenderGoneError,
    TimedBody,
    check_json,
)

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

ANY_HOST = "*"
UPLOAD = "/gradio_api/upload"
FETCHED_FILE = re.compile(r"/file[=/](?P<path>.*)", re.DOTALL)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:;"
    " frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {}"
)  # Gradio's page has inline scripts and evaluates strings
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RequestGuard:
    """ASGI middleware that refuses or forwards requests.

    Args:
        app: the app behind it.
        hosts: further host names of the album, with or without a port. `ANY_HOST` allows all.
        framed_by: origins whose pages may show the album in a frame.
        timeout_s: how long a sender may be idle within a body.
    """

    def __init__(
        self,
        app: App,
        hosts: Collection[str] = (),
        framed_by: Collection[str] = (),
        timeout_s: float = Settings.request_timeout_s,
    ) -> None:
        self._app = app
        self._timeout_s = timeout_s
        machine = socket.gethostname().lower()
        self._any_host = ANY_HOST in hosts
        self._host_names = {"localhost", machine, *(_host_name(host) for host in hosts)}
        self._origins = {_origin(host) for host in hosts}
        self._framed_by = tuple(framed_by)
        self._headers = {
            **HEADERS,
            "Content-Security-Policy": POLICY.format(" ".join(framed_by) or "'none'"),
        }
        if not framed_by:
            self._headers["X-Frame-Options"] = "DENY"
        self._bodies = BodyReader()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        sender_address.set((scope.get("client") or ("",))[0])
        headers = Headers(raw=scope["headers"])
        reply = _Reply(send, self._headers, headers, scope, framed=bool(self._framed_by))
        try:
            self._check_names(scope, headers)
            self._check_origin(scope, headers)
            self._check_path(scope["path"])
            if scope["type"] == "http":
                checked_receive = await self._check_body(scope, headers, receive, reply)
                await self._app(scope, checked_receive, reply.send)
            else:
                await self._app(scope, receive, reply.send)
        except RequestRefusedError as refused:
            await reply.refuse(refused)
        except (SenderGoneError, ClientDisconnect):
            log.debug("The sender of %r closed the connection", scope["path"])

    def _check_names(self, scope: Scope, headers: Headers) -> None:
        """Refuse foreign host names, against DNS rebinding."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise RequestRefusedError(400, "no_host")
        for host in _hosts_of(headers):
            if not self._any_host and not self._is_known(_host_name(host)):
                raise RequestRefusedError(403, "unknown_host", host=host[:100])

    def _is_known(self, name: str) -> bool:
        if name in self._host_names:
            return True
        try:
            return _is_own_address(name)
        except ValueError:  # names that nobody can register
            return name.endswith((".local", ".localhost"))

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse requests by pages of other origins, except followed links."""
        origin = headers.get("origin")
        if origin is not None and _origin_of(origin) in self._own_origins(headers):
            origin = None
        site = headers.get("sec-fetch-site", "none")
        # Behind a proxy that changes the host, the browser knows the origin better.
        if site == "same-origin" or (site == "none" and origin is None):
            return
        frames = ("document", "iframe") if self._framed_by else ("document",)
        is_link = (
            scope.get("method") in ("GET", "HEAD")
            and origin is None
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") in frames
        )
        if not is_link:
            raise RequestRefusedError(403, "foreign_origin", origin=(origin or site)[:100])

    def _own_origins(self, headers: Headers) -> set[str]:
        """Collect the origins of this album, including those of the request."""
        return self._origins | {_origin(host) for host in _hosts_of(headers)}

    def _check_path(self, path: str) -> None:
        """Refuse paths that make the server fetch an address."""
        file = FETCHED_FILE.search(path)
        if "/proxy=" in path or (file and ADDRESS.match(file["path"])):
            raise RequestRefusedError(403, "no_addresses")

    async def _check_body(
        self, scope: Scope, headers: Headers, receive: Receive, reply: _Reply
    ) -> Receive:
        """Check the body, and return a `receive` that yields it.

        Uploads are not read here, but get a time limit.
        """
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return receive
        timed = TimedBody(receive, self._timeout_s)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["path"].rstrip("/").endswith(UPLOAD) and kind == FORMS[0]:

            async def receive_timed() -> Message:
                try:
                    return await timed()
                except RequestRefusedError as refused:  # while Gradio reads the upload
                    await reply.refuse(refused)
                    return {"type": "http.disconnect"}

            return receive_timed
        body = await self._bodies.read(timed)
        if kind not in FORMS:
            origins = self._own_origins(headers)
            if (origin := headers.get("origin")) is not None:
                origins.add(_origin_of(origin))  # behind a proxy, the page may use another name
            await check_json(body, lambda address: _origin_of(address) in origins)
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        return replay


class _Reply:
    """The answer to one request, with added headers."""

    def __init__(
        self, send: Send, added: dict[str, str], headers: Headers, scope: Scope, *, framed: bool
    ) -> None:
        self._send, self._scope = send, scope
        self._added, self._request_headers = added, headers
        forwarded = headers.get("x-forwarded-proto", "").partition(",")[0].strip()
        self._https = "https" in (scope.get("scheme"), forwarded)
        self._framed = framed and self._https
        self._begun = self._refused = False

    async def send(self, message: Message) -> None:
        """Send a message with the security headers."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            self._add_headers(MutableHeaders(raw=message.setdefault("headers", [])))
        await self._send(message)

    async def refuse(self, refused: RequestRefusedError) -> None:
        """Answer with a sentence unless another answer has begun."""
        if self._refused:
            return
        log.debug("Refused %r: %s", self._scope["path"], refused)
        if self._scope["type"] == "websocket":
            await self._send({"type": "websocket.close", "code": 1008})
        elif not self._begun:
            language = reader_language(self._request_headers)
            sentence = say(language, refused.text, **refused.values)
            data = json.dumps({"detail": sentence, "error": sentence}, ensure_ascii=False)
            is_page = "text/html" in self._request_headers.get("accept", "")
            body = (sentence if is_page else data).encode("utf-8", "replace")
            kind = "text/plain; charset=utf-8" if is_page else "application/json"
            headers = {
                "content-type": kind,
                "content-length": str(len(body)),
                "connection": "close",
            }
            await self.send(
                {
                    "type": "http.response.start",
                    "status": refused.status,
                    "headers": Headers(headers).raw,
                }
            )
            await self.send({"type": "http.response.body", "body": body})
        self._refused = True

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in self._added.items():
            headers.setdefault(name, value)
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", self._restricted(cookie))

    def _restricted(self, cookie: str) -> str:
        """Restrict a cookie to requests by the album's own pages."""
        parts = [part.strip() for part in cookie.split(";")]
        secure = self._https or any(part.lower() == "secure" for part in parts)
        parts = [
            part for part in parts if part.lower().partition("=")[0] not in ("samesite", "secure")
        ]
        # In a frame of another site a cookie is third-party, and is partitioned by site.
        parts += ["SameSite=None", "Partitioned"] if self._framed else ["SameSite=Strict"]
        return "; ".join([*parts, "Secure"] if secure else parts)


def _host_name(host: str) -> str:
    """Return the lower-case name or address of `name:port` or `[address]:port`."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0].partition("%")[0]
    return (host if host.count(":") > 1 else host.partition(":")[0]).rstrip(".")


def _origin(host: str) -> str:
    """Normalise `name:port`, without a default port."""
    return re.sub(r":(80|443)?$", "", host.strip().lower())


def _origin_of(address: str) -> str:
    """Return `name:port` of a web address, or "" for anything else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return _origin(parts.netloc) if parts.scheme in ("http", "https") else ""


def _hosts_of(headers: Headers) -> list[str]:
    """List the host names of this server or its proxy in a request."""
    forwarded = ",".join(headers.getlist("x-forwarded-host"))
    return [*headers.getlist("host"), *filter(str.strip, forwarded.split(","))]


def _is_own_address(name: str) -> bool:
    """Tell whether an address is this machine's by binding a socket.

    Raises:
        ValueError: `name` is no address.
    """
    address = ipaddress.ip_address(name)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as test_socket:
            test_socket.bind((str(address), 0))
    except OSError:
        return False
    return True
