"""Crafted requests, straight over HTTP: no file of the server is read, imported, moved or shown."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import handle_file

from album.ui.server.login import MOST_WAITING
from tests.support.event_loop import run
from tests.support.images.make import make_photo
from tests.support.served_album import ROOT, SAMPLES, ServedAlbum, served_album

TAKES_FILES = ("file", "uploadbutton")
FILLERS = {"textbox": "cat\nbus", "number": 1, "checkbox": False, "radio": "en", "dropdown": ""}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    """An album with one photo of its own and one that stays where its owner has it."""
    folder = tmp_path_factory.mktemp("security")
    make_photo(folder / "pictures" / "mine.jpg", "green")
    with served_album(folder, ALBUM_FOLDERS=str(folder / "pictures")) as album:
        lion = handle_file(SAMPLES / "lion.jpg")
        album.client().predict(files=[lion], api_name="/upload_photos")  # waits for its turn
        assert album.client().predict(api_name="/album_status")["photos"] == 2
        yield album


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """(address, requests) of a web server on this machine that nobody should be sent to."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/photo.jpg", requests
        server.shutdown()


def config(served: ServedAlbum) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """The events of the page and its components by id."""
    told = httpx.get(f"{served.url}/config").json()
    return told["dependencies"], {it["id"]: it for it in told["components"]}


def call(served: ServedAlbum, fn_index: int, data: list[Any], **more: Any) -> dict[str, Any]:
    """What an event answers, private ones too: its index is all that a request needs."""
    session = uuid.uuid4().hex
    body = {"data": data, "fn_index": fn_index, "session_hash": session, **more}
    joined = httpx.post(f"{served.url}/gradio_api/queue/join", json=body, timeout=60)
    if joined.status_code == 403:  # refused before Gradio saw it
        return {"error": joined.json()["detail"]}
    assert joined.status_code == 200, joined.text
    answers = httpx.stream(
        "GET", f"{served.url}/gradio_api/queue/data?session_hash={session}", timeout=60
    )
    with answers as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line else {}
            if message.get("msg") in ("process_completed", "unexpected_error"):
                return message.get("output", message)
    raise AssertionError("the stream ended without an answer")


def crafted_calls(served: ServedAlbum, path: str, **more: Any) -> dict[str, dict[str, Any]]:
    """The answer of every event that takes files, asked with `path` as its file, by its name."""
    events, components = config(served)
    crafted = {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
    answers = {}
    for event in events:
        inputs = [components[it] for it in event["inputs"]]
        if not any(it["type"] in TAKES_FILES for it in inputs):
            continue
        data: list[Any] = []
        for it in inputs:
            several = it["props"].get("file_count") in ("multiple", "directory")
            file = [crafted] if several else crafted
            data.append(file if it["type"] in TAKES_FILES else FILLERS.get(it["type"]))
        answers[event["api_name"]] = call(served, event["id"], data)
    return answers


def everything(served: ServedAlbum) -> dict[str, str]:
    """sha256 by file of all that is the album's or its owner's."""
    folders = [
        served.data_dir / name for name in ("photos", "thumbnails", "embeddings", "incoming")
    ]
    folders.append(served.data_dir.parent / "pictures")
    files = [
        file
        for folder in folders
        for file in folder.rglob("*")
        # But for what the album works out for itself meanwhile.
        if file.is_file() and not {".background", ".words"} & set(file.suffixes)
    ]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def name_of_temp_folder(served: ServedAlbum) -> str:
    """The name under which visitors know the folder of uploads."""
    sent = httpx.post(f"{served.url}/gradio_api/upload", files={"files": ("a.txt", b"a")})
    (path,) = sent.json()
    return str(path).partition("/")[0]


def server_paths(served: ServedAlbum) -> dict[str, str]:
    """Files of the server that a crafted request might name, each by what it is."""
    own = next(file for file in (served.data_dir / "photos").rglob("*") if file.is_file())
    thumbnail = next(served.data_dir.glob("thumbnails/??/*.jpg"))
    return {
        "a system file": "/etc/passwd",
        "the database": f"{served.data_dir}/album.db",
        "an original": str(own),
        "a thumbnail": str(thumbnail),
        "a photo of the owner": str(served.data_dir.parent / "pictures" / "mine.jpg"),
        "the way out of the upload folder": f"{served.data_dir}/temp/../album.db",
        "the way out by the folder's name": f"{name_of_temp_folder(served)}/../../album.db",
        "a relative way": "../../../../../../etc/passwd",
        "the code": str(ROOT / "app.py"),
        "the upload folder itself": f"{served.data_dir}/temp",
        "a file address": "file:///etc/passwd",
        "an address of the server": "/gradio_api/file=/etc/passwd",
        "the metadata service": "http://169.254.169.254/latest/meta-data",
        "a NUL byte": f"{served.data_dir}/temp/a\0b.jpg",
        "nothing": "",
    }


KINDS = (
    "a system file", "the database", "an original", "a thumbnail",
    "a photo of the owner", "the way out of the upload folder", "the way out by the folder's name",
    "a relative way", "the code",
    "the upload folder itself", "a file address", "an address of the server",
    "the metadata service", "a NUL byte", "nothing",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_events_refuse_files_not_uploaded(served: ServedAlbum, kind: str) -> None:
    before = everything(served)

    answers = crafted_calls(served, server_paths(served)[kind])

    assert len(answers) == 11, "an event that takes files came or went: look at it, then count anew"
    for name, answer in answers.items():
        assert "error" in answer, name
        assert str(served.data_dir) not in (answer["error"] or ""), name
    assert everything(served) == before
    assert (served.data_dir / "album.db").exists()
    assert served.client().predict(api_name="/album_status")["photos"] == 2


def test_a_streamed_file_is_checked_like_any_other(served: ServedAlbum) -> None:
    before = everything(served)
    original = server_paths(served)["an original"]
    thumbnail = server_paths(served)["a thumbnail"]

    for path in (original, thumbnail):
        answers = crafted_calls(served, path, is_stream=True, url="/gradio_api/file=x")
        assert all("error" in answer for answer in answers.values())
    assert everything(served) == before


def test_a_link_in_the_upload_folder_leads_nowhere(served: ServedAlbum) -> None:
    before = everything(served)
    link = served.temp_dir / "link.jpg"
    link.symlink_to(served.data_dir.parent / "pictures" / "mine.jpg")

    answers = crafted_calls(served, str(link))

    link.unlink()
    assert all("error" in answer for answer in answers.values())
    assert everything(served) == before


def test_server_fetches_no_address_of_its_network(
    served: ServedAlbum, listener: tuple[str, list[str]]
) -> None:
    address, requests = listener

    answers = crafted_calls(served, address)

    assert all("error" in answer for answer in answers.values())
    assert requests == []


@pytest.mark.parametrize("name", ["../../../escape.jpg", "/tmp/escape.jpg", "..", "a\\..\\b.jpg"])
def test_upload_name_cannot_leave_upload_folder(
    served: ServedAlbum, tmp_path: Path, name: str
) -> None:
    photo = make_photo(tmp_path / "photo.jpg")

    sent = httpx.post(
        f"{served.url}/gradio_api/upload", files={"files": (name, photo.read_bytes())}
    )

    if sent.status_code == 200:
        (path,) = sent.json()
        folder, _, inside = path.partition("/")
        assert folder.startswith("temp-")  # a name instead of its path on the server
        file = (served.temp_dir / inside).resolve()
        assert file.is_relative_to(served.temp_dir)
        assert file.is_file()
    else:
        assert 400 <= sent.status_code < 500
    assert not (served.data_dir.parent / "escape.jpg").exists()
    assert not Path("/tmp/escape.jpg").exists()


def test_tile_and_chip_take_only_numbers(served: ServedAlbum) -> None:
    events, _ = config(served)
    select = [
        it["id"] for it in events if it["api_name"] in ("select_tile", "remove_chip", "on_button")
    ]
    assert len(select) == 3

    for fn_index in select:
        for value in ("/etc/passwd", "1; DROP TABLE photos", {"image": "x"}, None, -1, 10**30):
            chosen = {"index": value, "value": value}
            answer = call(served, fn_index, [None], event_data=chosen)
            assert "passwd" not in json.dumps(answer)
            assert str(served.data_dir / "photos") not in json.dumps(answer)
    assert served.client().predict(api_name="/album_status")["photos"] == 2


# Files that can be fetched


def fetched(
    served: ServedAlbum, path: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """GET the path exactly as written: HTTP libraries would tidy up its dots."""
    host = HTTPConnection(served.url.removeprefix("http://"), timeout=30)
    host.request("GET", path, headers=headers or {})
    answer = host.getresponse()
    body = answer.read()
    host.close()
    return answer.status, body


def private_files(served: ServedAlbum) -> list[str]:
    data = served.data_dir
    known = server_paths(served)
    (data / "weights").mkdir(exist_ok=True)
    (data / "weights" / "model.safetensors").write_bytes(b"weights")
    return [
        known["the database"], f"{data}/album.db-wal", f"{data}/ALBUM.DB", known["an original"],
        known["a photo of the owner"], f"{data}/weights/model.safetensors",
        f"{data}/embeddings", f"{data}/incoming", f"{data}/temp", f"{data}/thumbnails", str(data),
        f"{data.parent}/server.log", f"{ROOT}/app.py", f"{ROOT}/requirements.txt", "app.py",
        "requirements.txt", f"{ROOT}/album/ui/shared/page.css", f"{ROOT}/.git/config",
        "/etc/passwd", "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd", "//etc/passwd", "file:///etc/passwd", "/proc/self/environ",
        "http://169.254.169.254/", f"{data}/thumbnails/../album.db",
        f"{data}/thumbnails/..%2falbum.db", f"{data}/thumbnails/%2e%2e/album.db",
        f"{data}/thumbnails/%252e%252e/album.db", f"{data}/thumbnails/{data}/album.db",
        f"{data}/album.db%00.jpg", f"{data}/temp/../album.db",
    ]  # fmt: skip


def test_private_files_are_not_given_away(served: ServedAlbum) -> None:
    for path in private_files(served):
        for route in (
            "/gradio_api/file=",
            "/file=",
            "/gradio_api/file/",
            "/gradio_api/stream/",
            "/static/",
            "/",
        ):
            status, body = fetched(served, route + path)
            assert status in (307, 308, 400, 403, 404, 405, 422), (route, path, status)
            assert b"root:" not in body, (route, path)
            assert b"SQLite" not in body, (route, path)


def test_thumbnails_are_served_by_id_alone(served: ServedAlbum) -> None:
    thumbnails = {it.read_bytes() for it in served.data_dir.glob("thumbnails/??/*.jpg")}
    path = server_paths(served)["a thumbnail"]

    answers = [fetched(served, f"/photos/{number}/thumbnail") for number in (1, 2)]

    assert [status for status, _ in answers] == [200, 200]
    assert {body for _, body in answers} <= thumbnails
    assert fetched(served, f"/gradio_api/file={path}")[0] == 403


def test_original_is_sent_by_id_from_its_folder(served: ServedAlbum) -> None:
    original = Path(server_paths(served)["an original"]).read_bytes()
    temp = served.data_dir / "temp"
    before = {it for it in temp.rglob("*") if it.is_file()}

    answers = [fetched(served, f"/photos/{number}/original") for number in (1, 2)]

    assert [status for status, _ in answers] == [200, 200]
    assert original in [body for _, body in answers]
    assert {it for it in temp.rglob("*") if it.is_file()} == before


def test_static_folder_holds_only_generated_jpegs(
    served: ServedAlbum,
) -> None:
    files = [it for it in (served.data_dir / "thumbnails").rglob("*") if it.is_file()]

    assert len(files) >= 2
    assert all(it.suffix == ".jpg" and it.read_bytes()[:2] == b"\xff\xd8" for it in files)
    assert not any(b"Exif" in it.read_bytes()[:64] for it in files)


def test_queries_of_one_page_keep_their_order(served: ServedAlbum) -> None:
    events, components = config(served)
    search = next(it for it in events if it["api_name"] == "search")
    kinds = [components[it]["type"] for it in search["inputs"]]
    session = uuid.uuid4().hex
    asked = []
    for words in ("a slow question " * 50, "", "another slow one " * 50, "", "cat", ""):
        data = ["" if kind != "state" else None for kind in kinds]
        data[kinds.index("textbox")] = words
        body = {"data": data, "fn_index": search["id"], "session_hash": session}
        asked.append(
            httpx.post(f"{served.url}/gradio_api/queue/join", json=body).json()["event_id"]
        )
    answered = []
    address = f"{served.url}/gradio_api/queue/data?session_hash={session}"
    with httpx.stream("GET", address, timeout=60) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line else {}
            if message.get("msg") == "process_completed":
                assert message["success"], message
                answered.append(message["event_id"])
            if len(answered) == len(asked):
                break

    assert answered == asked


def test_bug_reveals_nothing_to_the_browser(served: ServedAlbum) -> None:
    events, _ = config(served)
    save = next(it["id"] for it in events if it["api_name"] == "photo_details")

    for data in ([], [1, 2, 3], [{"__type__": "update"}]):
        said = json.dumps(call(served, save, data))
        assert "Traceback" not in said
        assert ".py" not in said


# The login


LOGIN = ("me", "a good password")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    folder = tmp_path_factory.mktemp("locked")
    make_photo(folder / "pictures" / "mine.jpg", "green")
    with served_album(
        folder,
        ALBUM_LOGIN=":".join(LOGIN),
        ALBUM_FOLDERS=str(folder / "pictures"),
    ) as album:
        lion = handle_file(SAMPLES / "lion.jpg")
        album.client(LOGIN).predict(files=[lion], api_name="/upload_photos")
        yield album


def test_nothing_is_served_without_login(locked: ServedAlbum) -> None:
    thumbnail = next(locked.data_dir.glob("thumbnails/??/*.jpg"))
    for path in (
        "/config", "/gradio_api/info", "/gradio_api/openapi.json",
        f"/gradio_api/file={thumbnail}", f"/gradio_api/file={locked.data_dir}/album.db",
        "/gradio_api/call/album_status/x", "/gradio_api/upload_progress?upload_id=x",
        "/gradio_api/queue/status", "/gradio_api/deep_link", "/monitoring",
        "/photos/1/original", "/photos/1/thumbnail", "/photos/1/large",
    ):  # fmt: skip
        assert fetched(locked, path)[0] in (401, 403, 404), path
    for path, body in (
        ("/gradio_api/call/album_status", {"data": []}),
        ("/gradio_api/call/search_photos", {"data": ["", None, "", "", 20, 0]}),
        ("/gradio_api/run/album_status", {"data": []}),
        ("/gradio_api/queue/join", {"data": [], "fn_index": 0, "session_hash": "x"}),
        ("/gradio_api/vibe-code", {"code": "x"}),  # an editor of Gradio's; off unless asked for
    ):
        assert httpx.post(locked.url + path, json=body).status_code in (401, 403, 404, 422), path
    before = set((locked.data_dir / "temp").rglob("*"))
    photo = (SAMPLES / "bus.png").read_bytes()
    sent = httpx.post(f"{locked.url}/gradio_api/upload", files={"files": ("bus.png", photo)})
    assert sent.status_code == 401
    assert set((locked.data_dir / "temp").rglob("*")) == before
    page = httpx.get(locked.url).text
    assert '"auth_required":true' in page
    assert '"components":[]' in page
    assert str(locked.data_dir) not in page


def test_only_the_right_password_opens_the_album(locked: ServedAlbum) -> None:
    for name, password in (
        ("me", "wrong"),
        ("", ""),
        ("me\na good password", ""),
        ("ME", LOGIN[1]),
    ):
        answer = httpx.post(
            f"{locked.url}/login", data={"username": name, "password": password}, timeout=60
        )
        assert answer.status_code in (400, 401, 422)
        assert not answer.cookies

    status = locked.client(LOGIN).predict(api_name="/album_status")
    assert status["photos"] == 2
    with httpx.Client() as browser:
        entered = browser.post(
            f"{locked.url}/login", data=dict(zip(("username", "password"), LOGIN, strict=True))
        )
        originals = [browser.get(f"{locked.url}/photos/{number}/original") for number in (1, 2)]
        assert [it.status_code for it in originals] == [200, 200]
        assert (SAMPLES / "lion.jpg").read_bytes() in [it.content for it in originals]
        assert entered.status_code == 200
        thumbnail = next(locked.data_dir.glob("thumbnails/??/*.jpg"))
        seen = [browser.get(f"{locked.url}/photos/{number}/thumbnail") for number in (1, 2)]
        assert thumbnail.read_bytes() in [it.content for it in seen]
        # The folder itself is not served.
        assert browser.get(f"{locked.url}/gradio_api/file={thumbnail}").status_code == 403


def test_wrong_passwords_hold_nobody_up(locked: ServedAlbum) -> None:
    """Twenty guesses wait in one lane; page and right password are answered meanwhile."""

    async def guess(browser: httpx.AsyncClient, password: str) -> httpx.Response:
        return await browser.post("/login", data={"username": LOGIN[0], "password": password})

    async def attack() -> None:
        async with httpx.AsyncClient(base_url=locked.url, timeout=120) as browser:
            guesses = [asyncio.create_task(guess(browser, f"wrong {n}")) for n in range(20)]
            await asyncio.sleep(0.5)  # so that they are under way
            assert (await browser.get("/")).status_code == 200
            assert (await guess(browser, LOGIN[1])).status_code == 200
            assert sum(it.done() for it in guesses) < 10
            answers = await asyncio.gather(*guesses)
            assert {it.status_code for it in answers} == {400}

    run(attack())

    assert re.search(r"Login refused: \d+ wrong .* \d+ since the start", locked.said())
    assert "wrong 19" not in locked.said()


def test_dropped_guesses_are_paced_by_address(locked: ServedAlbum) -> None:
    """Who hangs up before the answer has to wait all the same, and nobody else has."""
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=locked.url, transport=elsewhere) as guesser:
        for number in range(MOST_WAITING + 5):
            data = {"username": LOGIN[0], "password": f"wrong {number}"}
            with suppress(httpx.ReadTimeout):
                guesser.post("/login", data=data, timeout=httpx.Timeout(30, read=0.05))
        right = dict(zip(("username", "password"), LOGIN, strict=True))
        assert guesser.post("/login", data=right, timeout=60).status_code == 400

    assert httpx.post(f"{locked.url}/login", data=right, timeout=60).status_code == 200


def test_login_cookies_come_from_the_album_alone(locked: ServedAlbum) -> None:
    given = {"username": LOGIN[0], "password": LOGIN[1]}
    for headers, secure in (({}, [True, False]), ({"X-Forwarded-Proto": "https"}, [True, True])):
        answer = httpx.post(f"{locked.url}/login", data=given, headers=headers, timeout=60)
        cookies = answer.headers.get_list("set-cookie")
        assert [it.count("SameSite=Strict") for it in cookies] == [1, 1], cookies
        assert ["Secure" in it for it in cookies] == secure, cookies
        assert all("HttpOnly" in it for it in cookies)
