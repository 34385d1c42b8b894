"""What stands in front of every route: who may ask, for what, and what a browser may do with it.

A page of another site reaches this server by way of the visitor's browser. The browser says where a
request comes from, and by which name it found the server. Both are checked here.
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

from album.ui.i18n.messages import preferred_language, say
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
FETCHED = re.compile(r"/file[=/](?P<path>.*)", re.DOTALL)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:;"
    " font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:;"
    " frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {}"
)  # Gradio's page has scripts in it and makes functions of strings
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RequestGuard:
    """An ASGI app that refuses or passes on what comes in for another.

    Args:
        app: what it stands in front of.
        hosts: names, with a port or without, by which the album is reached beside those of this
            machine; `ANY_HOST` for every name.
        framed_by: origins whose pages may show the album in a frame.
    """

    def __init__(
        self, app: App, hosts: Collection[str] = (), framed_by: Collection[str] = ()
    ) -> None:
        self._app = app
        machine = socket.gethostname().lower()
        self._any_host = ANY_HOST in hosts
        self._names = {"localhost", machine, *(_host_name(host) for host in hosts)}
        self._places = {_origin(host) for host in hosts}
        self._framed_by = tuple(framed_by)
        self._headers = {
            **HEADERS,
            "Content-Security-Policy": POLICY.format(" ".join(framed_by) or "'none'"),
        }
        if not framed_by:
            self._headers["X-Frame-Options"] = "DENY"
        self._bodies = BodyReader()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
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
                passed_on = await self._check_body(scope, headers, receive, reply)
                await self._app(scope, passed_on, reply.send)
            else:
                await self._app(scope, receive, reply.send)
        except RequestRefusedError as refused:
            await reply.refuse(refused)
        except (SenderGoneError, ClientDisconnect):
            log.debug("The sender of %r closed the connection", scope["path"])

    def _check_names(self, scope: Scope, headers: Headers) -> None:
        """Refuse a name that is not this server's: the page of a stranger could be behind it."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise RequestRefusedError(400, "no_host")
        for host in _hosts_of(headers):
            if not self._any_host and not self._is_known(_host_name(host)):
                raise RequestRefusedError(403, "unknown_host", host=host[:100])

    def _is_known(self, name: str) -> bool:
        if name in self._names:
            return True
        try:
            return _is_own_address(name)
        except ValueError:  # nobody can buy a name below these
            return name.endswith((".local", ".localhost"))

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse what a page of another origin asks for, but not a link that is followed."""
        origin = headers.get("origin")
        if origin is not None and _origin_of(origin) in self._own(headers):
            origin = None
        site = headers.get("sec-fetch-site", "none")
        # A browser knows better than we whether it is one origin, where a proxy changes the host.
        if site == "same-origin" or (site == "none" and origin is None):
            return
        frames = ("document", "iframe") if self._framed_by else ("document",)
        followed = (
            scope.get("method") in ("GET", "HEAD")
            and origin is None
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") in frames
        )
        if not followed:
            raise RequestRefusedError(403, "foreign_origin", origin=(origin or site)[:100])

    def _own(self, headers: Headers) -> set[str]:
        """Places at which a request finds this album."""
        return self._places | {_origin(host) for host in _hosts_of(headers)}

    def _check_path(self, path: str) -> None:
        """Refuse what would have the server fetch something from an address."""
        fetched = FETCHED.search(path)
        if "/proxy=" in path or (fetched and ADDRESS.match(fetched["path"])):
            raise RequestRefusedError(403, "no_addresses")

    async def _check_body(
        self, scope: Scope, headers: Headers, receive: Receive, reply: _Reply
    ) -> Receive:
        """Read the body, unless it brings files; return what passes it on."""
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return receive
        timed = TimedBody(receive)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["path"].rstrip("/").endswith(UPLOAD) and kind == FORMS[0]:

            async def arriving() -> Message:
                try:
                    return await timed()
                except RequestRefusedError as refused:  # in the midst of Gradio's own reading
                    await reply.refuse(refused)
                    return {"type": "http.disconnect"}

            return arriving
        body = await self._bodies.read(timed)
        if kind not in FORMS:
            own = self._own(headers)
            if (origin := headers.get("origin")) is not None:
                own.add(_origin_of(origin))  # behind a proxy the page may know another name
            await check_json(body, lambda address: _origin_of(address) in own)
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return first.pop() if first else await receive()

        return replayed


class _Reply:
    """The answer to one request, on its way out."""

    def __init__(
        self, send: Send, more: dict[str, str], headers: Headers, scope: Scope, *, framed: bool
    ) -> None:
        self._send, self._more, self._asked, self._scope = send, more, headers, scope
        forwarded = headers.get("x-forwarded-proto", "").partition(",")[0].strip()
        self._https = "https" in (scope.get("scheme"), forwarded)
        self._framed = framed and self._https
        self._begun = self._refused = False

    async def send(self, message: Message) -> None:
        """Send a message with the headers that every answer has."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._begun = True
            self._add_headers(MutableHeaders(raw=message.setdefault("headers", [])))
        await self._send(message)

    async def refuse(self, refused: RequestRefusedError) -> None:
        """Answer with a sentence, unless another answer has begun."""
        if self._refused:
            return
        log.debug("Refused %r: %s", self._scope["path"], refused)
        if self._scope["type"] == "websocket":
            await self._send({"type": "websocket.close", "code": 1008})
        elif not self._begun:
            language = preferred_language(self._asked.get("accept-language", ""))
            sentence = say(language, refused.text, **refused.values)
            told = json.dumps({"detail": sentence, "error": sentence}, ensure_ascii=False)
            page = "text/html" in self._asked.get("accept", "")
            body = (sentence if page else told).encode("utf-8", "replace")
            kind = "text/plain; charset=utf-8" if page else "application/json"
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
        for name, value in self._more.items():
            headers.setdefault(name, value)
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", self._kept_here(cookie))

    def _kept_here(self, cookie: str) -> str:
        """A cookie that browsers send with requests of the album's own pages alone."""
        parts = [part.strip() for part in cookie.split(";")]
        secure = self._https or any(part.lower() == "secure" for part in parts)
        parts = [it for it in parts if it.lower().partition("=")[0] not in ("samesite", "secure")]
        # In the frame of another site a cookie is foreign, and is kept apart for that site.
        parts += ["SameSite=None", "Partitioned"] if self._framed else ["SameSite=Strict"]
        return "; ".join([*parts, "Secure"] if secure else parts)


def _host_name(host: str) -> str:
    """The name or address in `name:port` or `[address]:port`, in small letters."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0].partition("%")[0]
    return (host if host.count(":") > 1 else host.partition(":")[0]).rstrip(".")


def _origin(host: str) -> str:
    """`name:port` without a port that goes without saying."""
    return re.sub(r":(80|443)?$", "", host.strip().lower())


def _origin_of(address: str) -> str:
    """`name:port` of a web address, or "" for anything else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return _origin(parts.netloc) if parts.scheme in ("http", "https") else ""


def _hosts_of(headers: Headers) -> list[str]:
    """The names by which a browser found this server, or a proxy before it."""
    forwarded = ",".join(headers.getlist("x-forwarded-host"))
    return [*headers.getlist("host"), *(it for it in forwarded.split(",") if it.strip())]


def _is_own_address(name: str) -> bool:
    """Tell whether this machine has an address: only then can a socket be bound to it.

    Raises:
        ValueError: it is no address.
    """
    address = ipaddress.ip_address(name)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as bound:
            bound.bind((str(address), 0))
    except OSError:
        return False
    return True
