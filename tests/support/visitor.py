"""A browser without a screen: speaks what Gradio's page speaks, one session for each visitor.

async with httpx.AsyncClient(base_url=served.url) as http:
    page = await load_page(http)
    visitor = Visitor(http, page)
    await visitor.arrive()
    await visitor.search("a red car")
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

API = "/gradio_api"


class RefusedError(Exception):
    """Raised when the server does not do what was asked of it; the sentence."""


@dataclass(frozen=True)
class Page:
    """What the server says of its page: its components and what listens to them."""

    components: dict[int, dict[str, Any]]
    listeners: list[dict[str, Any]]

    def component(self, elem_id: str) -> int:
        """The number of a component."""
        return next(
            number for number, props in self.components.items() if props.get("elem_id") == elem_id
        )

    def listener(self, component: int, event: str) -> dict[str, Any]:
        """The last of what listens to an event of a component on the server."""
        return [
            it for it in self.listeners if [component, event] in it["targets"] and it["backend_fn"]
        ][-1]

    def endpoint(self, name: str) -> dict[str, Any]:
        """What programs call by a name."""
        return next(it for it in self.listeners if it["api_name"] == name)

    @property
    def loads(self) -> list[dict[str, Any]]:
        """What runs when the page has been loaded."""
        return [it for it in self.listeners if any(event == "load" for _, event in it["targets"])]

    @property
    def tick(self) -> dict[str, Any]:
        """What asks for the status line, with the number of photos that it knows."""
        status = self.component("status")
        return next(
            it
            for it in self.listeners
            if status in it["outputs"] and any(event == "tick" for _, event in it["targets"])
        )


async def load_page(http: httpx.AsyncClient) -> Page:
    """Read the page's configuration."""
    config = (await http.get("/config")).raise_for_status().json()
    return Page({it["id"]: it["props"] for it in config["components"]}, config["dependencies"])


class Visitor:
    """One session."""

    def __init__(self, http: httpx.AsyncClient, page: Page) -> None:
        """Begin a session that has asked for nothing yet."""
        self._http = http
        self._page = page
        self.session = uuid.uuid4().hex
        self.calls = 0
        self.opened = 0
        self._values = {number: props.get("value") for number, props in page.components.items()}
        self._alive: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting = 0
        self._messages: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def arrive(self) -> None:
        """Do what a browser does with a page that it has loaded."""
        self.stay()
        for listener in self._page.loads:
            if listener["backend_fn"]:
                await self.run(listener)
        await self.run(self._page.listener(self._page.tick["outputs"][1], "change"))

    def stay(self) -> None:
        """Keep the session alive until the visitor leaves, as pages and programs do."""
        self._alive = asyncio.create_task(self._stay())

    async def leave(self) -> None:
        """Close the page."""
        if self._alive is not None:
            self._alive.cancel()
            with suppress(asyncio.CancelledError):
                await self._alive

    async def search(self, words: str) -> list[Any]:
        """Type words and press Enter."""
        self._values[self._page.component("query")] = words
        return await self.fire("query", "submit")

    async def open(self, photo_id: int | None = None) -> list[Any]:
        """Open a photo, by default the first of the results."""
        if photo_id is None:
            photo_id = int(re.search(r'data-photo="(\d+)"', str(self.shown("results")))[1])
        self.opened += 1
        self.type("open-photo", json.dumps({"asked": self.opened, "photo": photo_id}))
        return await self.fire("open-photo", "submit")

    async def tick(self) -> None:
        """Ask for the status line."""
        await self.run(self._page.tick)

    def shown(self, elem_id: str) -> Any:
        """What a component shows."""
        return self._values[self._page.component(elem_id)]

    def type(self, elem_id: str, value: Any) -> None:
        """Change what a component holds, without an event."""
        self._values[self._page.component(elem_id)] = value

    async def fire(self, elem_id: str, event: str, data: Any = None) -> list[Any]:
        """Let something happen to a component.

        Raises:
            RefusedError: the server refuses it or fails.
        """
        component = self._page.component(elem_id)
        return await self.run(self._page.listener(component, event), data, component)

    async def send(self, *files: Path) -> list[dict[str, Any]]:
        """Send files; what components and endpoints that take files are given of them."""
        parts = [("files", (file.name, file.read_bytes())) for file in files]
        paths = _checked(await self._http.post(f"{API}/upload", files=parts))
        return [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]

    async def call(self, name: str, *values: Any) -> Any:
        """Call a public endpoint.

        Raises:
            RefusedError: the server refuses it or fails.
        """
        listener = self._page.endpoint(name)
        return (await self._answer(self._body(listener, list(values), None, None)))[0]

    async def run(
        self, listener: dict[str, Any], event_data: Any = None, trigger: int | None = None
    ) -> list[Any]:
        """Run a listener with what the components hold; they hold its answer then."""
        inputs = [self._values.get(number) for number in listener["inputs"]]
        body = self._body(listener, inputs, event_data, trigger)
        if listener["queue"] is False:
            answer = (await self._post("run/predict", body))["data"]
        else:
            answer = await self._answer(body)
        for number, value in zip(listener["outputs"], answer, strict=False):
            is_update = isinstance(value, dict) and value.get("__type__") == "update"
            if not is_update:
                self._values[number] = value
            elif "value" in value:
                self._values[number] = value["value"]
        return answer

    def _body(
        self, listener: dict[str, Any], data: list[Any], event_data: Any, trigger: int | None
    ) -> dict[str, Any]:
        self.calls += 1
        return {
            "data": data, "fn_index": listener["id"], "session_hash": self.session,
            "event_data": event_data, "trigger_id": trigger,
        }  # fmt: skip

    async def _answer(self, body: dict[str, Any]) -> list[Any]:
        event_id = (await self._post("queue/join", body))["event_id"]
        messages = self._messages.setdefault(event_id, asyncio.Queue())
        self._waiting += 1
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        answer: list[Any] = []
        try:
            while True:
                told = await messages.get()
                output = told.get("output") or {}
                if told["msg"] == "process_completed" and not told["success"]:
                    raise RefusedError(str(output.get("error")))
                if told["msg"] in ("process_generating", "process_completed"):
                    answer = output.get("data") or answer
                if told["msg"] == "process_completed":
                    return answer
        finally:
            self._waiting -= 1
            del self._messages[event_id]

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON in ASCII, as browsers do with halves of characters; what is answered."""
        headers = {"content-type": "application/json"}
        content = json.dumps(body)
        return _checked(await self._http.post(f"{API}/{path}", content=content, headers=headers))

    async def _read(self) -> None:
        """Hand the messages of the session's one stream to those who wait for them."""
        where = {"session_hash": self.session}
        try:
            while self._waiting:
                async with self._http.stream("GET", f"{API}/queue/data", params=where) as stream:
                    async for line in stream.aiter_lines():
                        told = json.loads(line[5:]) if line.startswith("data:") else {}
                        if event_id := told.get("event_id"):
                            self._messages.setdefault(event_id, asyncio.Queue()).put_nowait(told)
                        if told.get("msg") == "close_stream":
                            break
        except httpx.HTTPError as error:
            failed = {"msg": "process_completed", "success": False, "output": {"error": str(error)}}
            for messages in self._messages.values():
                messages.put_nowait(failed)

    async def _stay(self) -> None:
        address = f"{API}/heartbeat/{self.session}"
        async with self._http.stream("GET", address, timeout=None) as stream:
            async for _ in stream.aiter_lines():
                pass


def _checked(sent: httpx.Response) -> Any:
    if sent.is_error:
        raise RefusedError(f"{sent.status_code}: {sent.text}")
    return sent.json()
