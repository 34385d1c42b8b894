"""What the browser asks for the timeline: all days, photos of a part, and nothing for strangers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import gradio as gr
import pytest
from gradio.routes import App
from starlette.testclient import TestClient

from album.service import Album
from album.ui.search.url_state import from_address
from album.ui.server.timeline_routes import LONG_BYTES, MOST_PHOTOS, timeline_routes
from tests.integration.organizing.test_photo_timeline import Add, adder
from tests.support.captioning import set_caption

KOREAN = {"accept-language": "ko-KR,ko"}


def served(album: Album, auth: list[tuple[str, str]] | None = None) -> Iterator[TestClient]:
    with gr.Blocks() as page:
        gr.Markdown("the page")
    page.auth = auth
    routes = timeline_routes(album, from_address)
    with TestClient(App.create_app(page, app_kwargs={"routes": routes})) as client:
        yield client


@pytest.fixture
def client(album: Album) -> Iterator[TestClient]:
    yield from served(album)


@pytest.fixture
def add(album: Album) -> Add:
    return adder(album.store)


def photos(client: TestClient, revision: str, query: str = "", **how: object) -> list[dict]:
    answer = client.get(f"/timeline/photos?{query}&revision={revision}&from=0&count=9", **how)
    assert answer.status_code == 200
    return answer.json()


def test_outline_has_days_and_shapes(client: TestClient, add: Add) -> None:
    first, second, unknown = add(datetime(2019, 8, 3), (4, 4)), add(datetime(2019, 8, 3)), add()

    outline = client.get(f"/timeline?at={first}", headers=KOREAN).json()

    assert outline["days"] == [["2019-08-03", 2], ["", 1]]
    assert outline["language"] == "ko"
    assert (outline["at"], outline["memories"]) == (1, [])
    assert list(base64.b64decode(outline["ratios"])) == [141, 128, 141]
    rows = photos(client, outline["revision"])
    assert [row["id"] for row in rows] == [second, first, unknown]
    assert rows[0] == {
        "id": second, "version": "0" * 16, "width": 4, "height": 3, "alt": "1.jpg",
        "favourite": False,
    }  # fmt: skip


def test_photos_are_those_of_the_address(client: TestClient, album: Album, add: Add) -> None:
    summer, _ = add(datetime(2019, 8, 3)), add(datetime(2020, 1, 1))
    set_caption(album.store.database, summer, "바다 <b>", "ko")
    album.change_labels(summer, gives=["favourite"])

    outline = client.get("/timeline?q=2019").json()
    (row,) = photos(client, outline["revision"], "q=2019", headers=KOREAN)

    assert outline["days"] == [["2019-08-03", 1]]
    assert (row["id"], row["alt"], row["favourite"]) == (summer, "바다 <b>", True)
    assert client.get("/timeline?after=2020-01-01").json()["days"] == [["2020-01-01", 1]]
    assert client.get("/timeline?label=none&p=7&photo=1&rest=1").json()["days"] == []


def test_parts_are_bounded(client: TestClient, add: Add) -> None:
    for day in range(MOST_PHOTOS + 5):
        add(datetime(2019, 1, 1) + timedelta(days=day))
    revision = client.get("/timeline").json()["revision"]

    def ids(part: str) -> list[int]:
        answer = client.get(f"/timeline/photos?revision={revision}&{part}")
        return [row["id"] for row in answer.json()]

    assert len(ids(f"from=0&count={10**17}")) == MOST_PHOTOS
    assert ids("from=400&count=3") == [5, 4, 3]
    assert ids(f"from={10**17}&count=3") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "revision=zz&from=0&count=1",
        "revision={}&from=-1&count=1",
        "revision={}&from=x&count=1",
        "revision={}&from=0&count=0",
        "revision={}&from=0",
        "revision={}&from=0&count=9999999999999999999",
        "revision={}&from=٣&count=1",
        "revision={}&from=0&count=1&q=a+dog",
        "revision={}&from=0&count=1&like=1",
    ],
)
def test_forged_parameters_are_refused(client: TestClient, add: Add, query: str) -> None:
    add(datetime(2019, 1, 1))
    revision = client.get("/timeline").json()["revision"]

    assert client.get(f"/timeline/photos?{query.format(revision)}").status_code == 400


@pytest.mark.parametrize("query", ["q=a+dog", "like=1", "burst=1"])
def test_searches_by_looks_are_refused_in_a_sentence(client: TestClient, query: str) -> None:
    answer = client.get(f"/timeline?{query}", headers=KOREAN)

    assert answer.status_code == 400
    assert answer.text == "이 찾기는 날짜순 목록이 아닙니다."


@pytest.mark.parametrize("at", ["x", "-1", "0", "9" * 18, "9" * 400])
def test_unknown_photo_has_no_place(client: TestClient, add: Add, at: str) -> None:
    add(datetime(2019, 1, 1))

    assert client.get(f"/timeline?at={at}").json()["at"] == -1


def test_changed_album_is_a_conflict(client: TestClient, album: Album, add: Add) -> None:
    add(datetime(2019, 1, 1))
    revision = client.get("/timeline").json()["revision"]
    for day in range(2, 9):
        add(datetime(2019, 1, day))
        client.get("/timeline")

    answer = client.get(f"/timeline/photos?revision={revision}&from=0&count=9")

    assert answer.status_code == 409


def test_nothing_is_told_without_the_login(album: Album, add: Add) -> None:
    add(datetime(2019, 1, 1))
    for locked in served(album, [("me", "a good password")]):
        revision = album.timeline.order(from_address({}).query.listed("")).revision
        paths = ("/timeline", f"/timeline/photos?revision={revision}&from=0&count=9")
        assert [locked.get(path).status_code for path in paths] == [401, 401]
        assert "2019" not in locked.get(paths[0]).text

        locked.post("/login", data={"username": "me", "password": "a good password"})

        assert [locked.get(path).status_code for path in paths] == [200, 200]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_memories_are_of_the_readers_day(client: TestClient, add: Add, zone: str) -> None:
    """The two zones never have the same date."""
    today = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
    earlier = today.replace(year=today.year - 4)  # also on 29 February
    add(earlier)
    add(earlier)
    cookie = {"cookie": f"time-zone={zone.replace('/', '%2F')}"}
    other = {"cookie": "time-zone=Pacific%2FKiritimati"}
    if zone == "Pacific/Kiritimati":
        other = {"cookie": "time-zone=Pacific%2FPago_Pago"}

    (memory,) = client.get("/timeline", headers=cookie).json()["memories"]

    assert memory["text"] == "4 years ago today · 2 photos"
    assert memory["address"] == f"?q={earlier:%Y-%m-%d}"
    assert len(memory["covers"]) == 2
    assert client.get("/timeline", headers=other).json()["memories"] == []
    assert client.get("/timeline?q=2000-", headers=cookie).json()["memories"] == []


def test_long_outline_is_compressed(client: TestClient, add: Add) -> None:
    for day in range(300):
        add(datetime(2019, 1, 1) + timedelta(days=day))

    plain = client.get("/timeline", headers={"accept-encoding": "identity"})
    packed = client.get("/timeline", headers={"accept-encoding": "gzip"})

    assert len(plain.content) > LONG_BYTES
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.json() == plain.json()
    assert packed.headers["x-content-type-options"] == "nosniff"
    assert "private" in packed.headers["cache-control"]


def test_names_are_answered_in_ascii(client: TestClient, album: Album, add: Add) -> None:
    photo_id = add(datetime(2019, 1, 1))
    with album.store.writing() as db:
        db.execute(
            "UPDATE photos SET filename = ? WHERE photo_id = ?", ("a\u2028</script>", photo_id)
        )
    revision = client.get("/timeline").json()["revision"]

    answer = client.get(f"/timeline/photos?revision={revision}&from=0&count=9")

    assert answer.content.isascii()
    assert json.loads(answer.content)[0]["alt"] == "a\u2028</script>"
