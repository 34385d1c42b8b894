"""What programs may call, through a real server: good answers, clear refusals, closed doors."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from album.storage.database import Database
from album.storage.labels import LabelStore
from tests.support.images.make import make_empty, make_photo, make_text, make_truncated
from tests.support.served_album import SAMPLES, ServedAlbum, served_album

ENDPOINTS = {
    "/search_photos", "/similar_photos", "/upload_photos", "/classify_photos", "/caption_photo",
    "/photo_details", "/album_status", "/album_labels", "/album_themes", "/import_status",
    "/pause_import", "/resume_import", "/cancel_import",
}  # fmt: skip
SENT = ("cheetah1.jpg", "lion.jpg", "bus.png", "tower.jpg", "screenshot.gif")
HIT = {"photo_id", "file_name", "score", "date", "caption", "band", "why", "burst"}
COUNTS = {"model_id", "total", "sure", "maybe", "rest", "hits"}
UNDERSTOOD = {
    "understood",
    "visual",
    "notices",
    "unread",
    "vetoed",
    "nearest",
    "absent",
    "ways_out",
}
DETAILS = {
    "photo_id", "file_name", "file_type", "width", "height", "size_bytes", "date", "date_from",
    "camera", "lens", "exposure_s", "f_number", "iso", "focal_mm", "latitude", "longitude", "place",
    "rating", "keywords", "caption", "labels", "missing",
}  # fmt: skip
NO_ID = "A photo id is a whole number above zero."
PATIENCE_S = 180  # an upper bound for a busy machine, waited out only by a failing test
NO_IMPORT_ID = "An import id is a whole number above zero."
IMPORT = {
    "import_id", "kind", "state", "wish", "total", "done", "added", "already_here", "updated",
    "missing", "failed", "skipped", "problem", "seconds", "asked_at", "ended_at",
}  # fmt: skip
NO_NUMBER = "limit and offset are whole numbers."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAlbum]:
    with served_album(tmp_path_factory.mktemp("endpoints")) as album:
        client = album.client()
        client.predict(
            files=[handle_file(SAMPLES / name) for name in SENT], api_name="/upload_photos"
        )
        yield album


@pytest.fixture(scope="module")
def client(served: ServedAlbum) -> Client:
    return served.client()


def ids_by_name(client: Client) -> dict[str, int]:
    hits = client.predict(limit=500, api_name="/search_photos")["hits"]
    return {hit["file_name"]: hit["photo_id"] for hit in hits}


def refusal(client: Client, api_name: str, **given: Any) -> str:
    with pytest.raises(AppError) as refused:
        client.predict(api_name=api_name, **given)
    return str(refused.value)


def raw_answer(served: ServedAlbum, api_name: str, data: str) -> tuple[str, Any]:
    """(event, its data) to a body that no well-behaved client would send."""
    address = f"{served.url}/gradio_api/call{api_name}"
    sent = httpx.post(
        address, content=f'{{"data":{data}}}', headers={"content-type": "application/json"}
    )
    assert sent.status_code == 200, sent.text
    stream = httpx.get(f"{address}/{sent.json()['event_id']}", timeout=60).text
    event, _, answer = stream.strip().partition("\n")
    return event.removeprefix("event: "), json.loads(answer.removeprefix("data: "))


# What is offered


def test_exactly_these_endpoints_are_public(served: ServedAlbum) -> None:
    info = httpx.get(f"{served.url}/gradio_api/info").json()

    assert set(info["named_endpoints"]) == ENDPOINTS
    assert info["unnamed_endpoints"] == {} or info["unnamed_endpoints"] == []
    events = httpx.get(f"{served.url}/config").json()["dependencies"]
    public = {f"/{it['api_name']}" for it in events if it["api_visibility"] != "private"}
    assert public == ENDPOINTS


def test_endpoints_document_purpose_and_arguments(served: ServedAlbum) -> None:
    for name, info in httpx.get(f"{served.url}/gradio_api/info").json()["named_endpoints"].items():
        assert info["description"].strip(), name
        assert not any(it["parameter_name"].startswith("param_") for it in info["parameters"]), name


def test_a_search_needs_no_argument_at_all(client: Client) -> None:
    found = client.predict(api_name="/search_photos")

    assert found["total"] == len(found["hits"]) == len(SENT)
    assert found["query"] == ""


# What comes back


def test_a_search_answers_with_exactly_these_keys(client: Client) -> None:
    found = client.predict(query="a big cat", limit=3, rest=True, api_name="/search_photos")

    assert set(found) == {"query", *COUNTS, *UNDERSTOOD}
    assert found["query"] == "a big cat"
    assert found["total"] == len(SENT)
    assert [set(hit) for hit in found["hits"]] == [HIT] * 3
    assert all(-1 <= hit["score"] <= 1 for hit in found["hits"])
    assert all(set(why) == {"kind", "excerpt", "likeness"} for why in found["hits"][0]["why"])


def test_rest_comes_last_and_only_on_request(client: Client) -> None:
    bare = client.predict(query="a big cat", api_name="/search_photos")
    whole = client.predict(query="a big cat", rest=True, api_name="/search_photos")

    assert bare["total"] == len(bare["hits"]) == bare["sure"] + bare["maybe"] < len(SENT)
    assert bare["rest"] == whole["rest"] == len(SENT) - bare["total"]
    assert whole["hits"][: bare["total"]] == bare["hits"]
    assert {hit["band"] for hit in whole["hits"][bare["total"] :]} == {"rest"}
    assert not bare["nearest"]


def test_hits_sort_by_date_inside_their_band(client: Client) -> None:
    hits = client.predict(query="a big cat", sort="date", rest=True, api_name="/search_photos")[
        "hits"
    ]

    bands = [hit["band"] for hit in hits]
    assert bands == sorted(bands, key=["sure", "maybe", "rest"].index)
    for band in bands:
        days = [hit["date"] for hit in hits if hit["band"] == band]
        assert days == sorted(days, reverse=True)


def test_what_was_understood_of_the_words_is_told(client: Client) -> None:
    found = client.predict(query="고양이 2019년 -사람", api_name="/search_photos")

    year, people = found["understood"]
    assert (year["kind"], year["text"], year["excluded"]) == ("date", "2019년", False)
    assert (year["first"], year["last"]) == ("2019-01-01", "2019-12-31")
    assert (people["kind"], people["excluded"], people["first"]) == ("look", True, None)
    assert found["visual"] == "고양이"
    assert found["unread"] == ""


@pytest.mark.parametrize("query", ["a big cat", "고양이과 동물"])
def test_big_cats_rank_first_in_both_languages(client: Client, query: str) -> None:
    found = client.predict(query=query, limit=2, rest=True, api_name="/search_photos")

    assert {hit["file_name"] for hit in found["hits"]} == {"cheetah1.jpg", "lion.jpg"}


def test_a_picture_finds_itself_first(client: Client) -> None:
    found = client.predict(
        image=handle_file(SAMPLES / "tower.jpg"), limit=1, api_name="/search_photos"
    )

    assert found["hits"][0]["file_name"] == "tower.jpg"
    assert found["hits"][0]["score"] == pytest.approx(1, abs=0.02)


def test_pages_are_cut_out_of_one_ranking(client: Client) -> None:
    def ids(limit: int, offset: int) -> list[int]:
        page = client.predict(
            query="bus", limit=limit, offset=offset, rest=True, api_name="/search_photos"
        )
        return [hit["photo_id"] for hit in page["hits"]]

    assert ids(2, 0) + ids(2, 2) == ids(4, 0)


def test_similar_photos_leave_out_the_photo_itself(client: Client) -> None:
    lion = ids_by_name(client)["lion.jpg"]

    found = client.predict(photo_id=lion, api_name="/similar_photos")

    assert set(found) == {"photo_id", *COUNTS}
    assert len(found["hits"]) == len(SENT) - 1
    assert found["photo_id"] == lion
    assert lion not in [hit["photo_id"] for hit in found["hits"]]
    assert found["hits"][0]["file_name"] == "cheetah1.jpg"


def test_details_have_exactly_these_keys(client: Client) -> None:
    details = client.predict(photo_id=ids_by_name(client)["bus.png"], api_name="/photo_details")

    assert set(details) == DETAILS
    assert details["file_name"] == "bus.png"
    assert details["size_bytes"] == (SAMPLES / "bus.png").stat().st_size
    assert details["labels"] == []


def test_class_probabilities_are_sorted_and_sum_to_one(client: Client) -> None:
    lion = ids_by_name(client)["lion.jpg"]

    found = client.predict(
        photo_ids=[lion], files=None, labels="bus, tower, 사자 | big cat",
        api_name="/classify_photos",
    )  # fmt: skip

    assert set(found) == {"model_id", "photos"}
    (photo,) = found["photos"]
    assert set(photo) == {"photo_id", "labels", "none", "none_probability"}
    assert photo["none"] is False
    assert photo["labels"][0]["label"] == "사자"
    shares = [it["probability"] for it in photo["labels"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) + photo["none_probability"] == pytest.approx(1, abs=1e-4)


def test_files_are_classified_without_being_kept(client: Client, tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "new.jpg", "yellow")
    before = client.predict(api_name="/album_status")["photos"]

    found = client.predict(
        photo_ids=None, files=[handle_file(photo), handle_file(make_text(tmp_path / "no.jpg"))],
        labels="cat\ndog", api_name="/classify_photos",
    )  # fmt: skip

    assert [set(it) for it in found["photos"]] == [
        {"file_name", "labels", "none", "none_probability"}, {"file_name", "reason"},
    ]  # fmt: skip
    assert client.predict(api_name="/album_status")["photos"] == before


def test_the_status_has_exactly_these_keys(client: Client) -> None:
    status = client.predict(api_name="/album_status")

    assert set(status) == {
        "photos", "model_id", "encoding", "importing", "captions", "captions_waiting",
        "captions_failed",
    }  # fmt: skip
    assert status["photos"] == len(SENT)
    assert status["model_id"].startswith("pocket")


def test_labels_are_told_with_their_givers(served: ServedAlbum, client: Client) -> None:
    assert client.predict(api_name="/album_labels") == {"labels": []}
    lion = ids_by_name(client)["lion.jpg"]
    database = Database(served.data_dir / "album.db")  # another process of the same album
    LabelStore(database).give("mine", [lion])
    (label,) = client.predict(api_name="/album_labels")["labels"]
    LabelStore(database).clear_label("mine", [lion])
    database.close()

    assert label == {
        "label": "mine", "photos": 1, "given": {"person": 1}, "refused": 0, "rule": None,
        "living": False,
    }  # fmt: skip


def test_upload_reports_outcome_of_every_file(tmp_path: Path) -> None:
    def sent(client: Client, *files: Path) -> Any:
        return client.predict(files=[*map(handle_file, files)], api_name="/upload_photos")

    good = make_photo(tmp_path / "우리 집 (1).jpg", "orange")
    bad = [
        make_text(tmp_path / "words.jpg"),
        make_empty(tmp_path / "empty.jpg"),
        make_truncated(tmp_path / "cut.jpg"),
    ]
    with served_album(tmp_path / "album") as album:
        report = sent(album.client(), good, *bad)
        assert set(report) == {"added", "already_here", "photo_ids", "failed", "seconds"}
        assert report["added"] == len(report["photo_ids"]) == 1
        reasons = {it["file_name"]: it["reason"] for it in report["failed"]}
        assert set(reasons) == {"words.jpg", "empty.jpg", "cut.jpg"}
        assert all(reason.endswith(".") for reason in reasons.values())
        assert len(set(reasons.values())) == 3  # each its own
        details = album.client().predict(photo_id=report["photo_ids"][0], api_name="/photo_details")
        assert details["file_name"] == "우리 집 (1).jpg"

        again = sent(album.client(), good)
        assert (again["added"], again["already_here"]) == (0, 1)

        # Browsers flatten folders: two folders may hold the same photo under the same name.
        twins = [make_photo(tmp_path / folder / "twin.jpg", "purple") for folder in "ab"]
        both = sent(album.client(), *twins)
        assert (both["added"], both["already_here"], both["failed"]) == (1, 1, [])
        left = [it for it in (album.data_dir / "incoming").rglob("*") if it.is_file()]
        assert {it.name for it in left} == {"words.jpg", "empty.jpg", "cut.jpg"}  # to try again


def test_import_status_has_exactly_these_keys(client: Client) -> None:
    client.predict(files=[handle_file(SAMPLES / "lion.jpg")], api_name="/upload_photos")

    (again,) = client.predict(limit=1, api_name="/import_status")["imports"]
    *_, first = client.predict(api_name="/import_status")["imports"]

    assert set(again) == set(first) == IMPORT
    assert (again["state"], again["done"], again["total"]) == ("done", 1, 1)
    assert (again["added"], again["already_here"], again["failed"]) == (0, 1, 0)
    assert (first["kind"], first["added"], first["skipped"]) == ("upload", len(SENT), {})
    assert (first["problem"], first["wish"]) == (None, "run")
    assert again["import_id"] > first["import_id"]


def test_import_pauses_resumes_and_cancels(tmp_path: Path) -> None:
    for n in range(200):
        make_photo(tmp_path / "photos" / f"{n}.jpg", (n, 7, 7))

    def until(client: Client, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            (known,) = client.predict(api_name="/import_status")["imports"] or [{"state": "none"}]
            if known["state"] in states:
                return dict(known)
            time.sleep(0.1)
        raise AssertionError(f"never {states}: {known}")

    with served_album(tmp_path, warm=False, ALBUM_FOLDERS=str(tmp_path / "photos")) as album:
        # It waits for its model at first: there is time enough to pause it.
        client = album.client()
        number = until(client, "waiting", "running")["import_id"]
        assert client.predict(import_id=number, api_name="/pause_import")["wish"] == "pause"
        paused = until(client, "paused")
        assert paused["done"] < 200

        assert client.predict(import_id=number, api_name="/resume_import")["wish"] == "run"
        assert until(client, "done")["done"] == 200
        # What has ended does not end once more.
        for api_name in ("/pause_import", "/cancel_import", "/resume_import"):
            ended = client.predict(import_id=number, api_name=api_name)
            assert (ended["state"], ended["wish"]) == ("done", "run")


def test_no_answer_names_a_place_on_the_server(served: ServedAlbum, client: Client) -> None:
    lion = ids_by_name(client)["lion.jpg"]
    picture = handle_file(SAMPLES / "lion.jpg")
    both = {"photo_ids": [lion], "files": [picture], "labels": "cat, bus"}
    answers = [
        client.predict(api_name="/album_status"),
        client.predict(query="cat", api_name="/search_photos"),
        client.predict(image=picture, api_name="/search_photos"),
        client.predict(photo_id=lion, api_name="/similar_photos"),
        client.predict(photo_id=lion, api_name="/photo_details"),
        client.predict(files=[picture], api_name="/upload_photos"),
        client.predict(api_name="/import_status"),
        client.predict(**both, api_name="/classify_photos"),
        refusal(client, "/caption_photo", photo_id=10**9),
    ]

    for answer in answers:
        text = json.dumps(answer, ensure_ascii=False)
        assert str(served.data_dir) not in text
        assert "/" not in text


# What is refused, in words


@pytest.mark.parametrize("api_name", ["/photo_details", "/similar_photos", "/caption_photo"])
@pytest.mark.parametrize("photo_id", [0, -1, 1.5, True, None, "1", "x", [1], {"a": 1}, 10**30])
def test_invalid_photo_id_is_refused(client: Client, api_name: str, photo_id: Any) -> None:
    assert refusal(client, api_name, photo_id=photo_id) == NO_ID


@pytest.mark.parametrize("api_name", ["/photo_details", "/similar_photos", "/caption_photo"])
def test_unknown_photo_id_is_refused(client: Client, api_name: str) -> None:
    assert refusal(client, api_name, photo_id=10**12) == "This photo is not in the album."


@pytest.mark.parametrize("api_name", ["/pause_import", "/resume_import", "/cancel_import"])
def test_invalid_import_id_is_refused(client: Client, api_name: str) -> None:
    for import_id in (0, -1, 1.5, True, None, "1", [1], 10**30):
        assert refusal(client, api_name, import_id=import_id) == NO_IMPORT_ID
    assert refusal(client, api_name, import_id=10**12) == "There is no import 1000000000000."


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**400])
@pytest.mark.parametrize(
    ("api_name", "values"),
    [
        ("/photo_details", "[N]"),
        ("/similar_photos", "[N, 20, 0]"),
        ("/similar_photos", "[1, N, N]"),
        ("/caption_photo", '[N, "ko"]'),
        ("/classify_photos", '[[1, N], null, "cat, dog"]'),
        ("/search_photos", '["", null, "", "", N, N, "best", false]'),
        ("/search_photos", '["cat", null, "", "", N, N, "best", false]'),
        ("/import_status", "[N]"),
        ("/pause_import", "[N]"),
        ("/resume_import", "[N]"),
        ("/cancel_import", "[N]"),
    ],
)
def test_a_number_too_large_is_answered(
    served: ServedAlbum, api_name: str, values: str, number: int
) -> None:
    event, answer = raw_answer(served, api_name, values.replace("N", str(number)))

    assert event == "complete" or answer["error"].endswith(".")
    assert httpx.get(f"{served.url}/original/{number}").status_code == 404
    assert "Traceback" not in served.said()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_outside_json_are_refused(served: ServedAlbum, number: str) -> None:
    assert raw_answer(served, "/photo_details", f"[{number}]")[1]["error"] == NO_ID
    page = raw_answer(served, "/search_photos", f'["", null, "", "", {number}, 0, "best", false]')
    assert page[1]["error"] == NO_NUMBER


@pytest.mark.parametrize(("limit", "hits"), [(0, 1), (-1, 1), (-(10**18), 1), (1e18, len(SENT))])
def test_limit_is_clamped_to_its_range(client: Client, limit: float, hits: int) -> None:
    assert len(client.predict(limit=limit, api_name="/search_photos")["hits"]) == hits
    found = client.predict(query="cat", limit=limit, rest=True, api_name="/search_photos")
    assert len(found["hits"]) == hits


def test_offset_beyond_end_gives_empty_page(client: Client) -> None:
    for query in ("", "cat"):
        found = client.predict(query=query, offset=1e18, rest=True, api_name="/search_photos")
        assert (found["hits"], found["total"]) == ([], len(SENT))


@pytest.mark.parametrize("value", [1.5, "x", "5", None, True, [1]])
def test_fractional_limit_or_offset_is_refused(client: Client, value: Any) -> None:
    assert refusal(client, "/search_photos", limit=value) == NO_NUMBER
    assert refusal(client, "/search_photos", offset=value) == NO_NUMBER


@pytest.mark.parametrize(
    "query",
    ["x" * 1000, "\x00\x01\x1b[31m", "😀🏳️‍🌈", "사" * 1000, "'; DROP TABLE photos; --", "%"],
)
def test_any_text_is_a_query(client: Client, query: str) -> None:
    found = client.predict(query=query, limit=2, rest=True, api_name="/search_photos")

    assert found["query"] == query
    assert all(hit["score"] is None or math.isfinite(hit["score"]) for hit in found["hits"])
    assert len(found["hits"]) == 2


def test_a_query_longer_than_any_sentence_is_refused(client: Client) -> None:
    for query in ("x" * 1001, "사" * 1_000_000):
        said = refusal(client, "/search_photos", query=query)
        assert said == "A search can have 1,000 characters at most; say less."


def test_invalid_sort_or_rest_is_refused(client: Client) -> None:
    for sort in ("size", "Best", "1"):
        assert refusal(client, "/search_photos", sort=sort) == "sort is best or date."
    for rest in ("yes", 1, [True]):
        assert refusal(client, "/search_photos", rest=rest) == "rest is true or false."


def test_blank_queries_show_all_photos(client: Client) -> None:
    for query in ("", "  \n\t ", None):
        found = client.predict(query=query, api_name="/search_photos")
        assert (found["total"], found["model_id"]) == (len(SENT), None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("/search_photos", r'["\ud800", null, "", "", 1, 0, "", null]'),
        ("/classify_photos", r'[[1], null, "a\ud800, cat"]'),
    ],
)
def test_half_a_character_gets_a_sentence(served: ServedAlbum, name: str, values: str) -> None:
    event, answer = raw_answer(served, name, values)

    assert event == "error"
    assert "half a character" in answer["error"]


@pytest.mark.parametrize(
    "day",
    [
        "garbage",
        "2019-13",
        "2019-02-30",
        "9999-99-99",
        "0000",
        "-",
        "99999999999999",
        "2019\x00",
        5,
    ],
)
def test_invalid_day_is_refused_with_its_format(client: Client, day: Any) -> None:
    for bound in ("after", "before"):
        sentence = refusal(client, "/search_photos", **{bound: day})
        assert "is no date; write it as 2019-08-03" in sentence or "no such day" in sentence


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("", "Write at least two classes, with commas between them."),
        (None, "Write at least two classes, with commas between them."),
        ("cat", "Write at least two classes, with commas between them."),
        ("cat, cat", "“cat” stands there twice; begin each line with another name."),
        (" | \n ,", "Write at least two classes, with commas between them."),
        ("\n".join(map(str, range(10_000))), "These are 10000 classes; 5000 at most work at once."),
    ],
)
def test_too_few_and_too_many_classes_are_refused(
    client: Client, labels: str | None, sentence: str
) -> None:
    said = refusal(client, "/classify_photos", photo_ids=[1], files=None, labels=labels)
    assert said == sentence


@pytest.mark.parametrize(
    ("photo_ids", "sentence"),
    [
        ([], "Send photo_ids or files to classify."),
        (None, "Send photo_ids or files to classify."),
        ("1", "photo_ids must be a list of photo ids."),
        ({"a": 1}, "photo_ids must be a list of photo ids."),
        ([10**12], "This photo is not in the album."),
        (["1"], NO_ID),
        ([True], NO_ID),
        ([1.5], NO_ID),
        ([[1]], NO_ID),
        ([None], NO_ID),
    ],
)
def test_invalid_list_of_photo_ids_is_refused(
    client: Client, photo_ids: Any, sentence: str
) -> None:
    said = refusal(client, "/classify_photos", photo_ids=photo_ids, files=None, labels="a, b")
    assert said == sentence


def test_too_many_photos_times_classes_are_refused(client: Client) -> None:
    def said(photos: int, classes: int) -> str:
        labels = "\n".join(map(str, range(classes)))
        ids = [1] * photos
        return refusal(client, "/classify_photos", photo_ids=ids, files=None, labels=labels)

    assert said(10_001, 2) == "Send at most 10000 photo ids at once."
    assert (
        said(2_000, 501)
        == "These are 2000 photos times 501 classes; ask about fewer of them at once."
    )


def test_an_upload_of_nothing_is_refused(client: Client) -> None:
    for files in ([], None):
        assert refusal(client, "/upload_photos", files=files) == "Send at least one file."


def test_a_caption_without_a_key_says_which_key(client: Client) -> None:
    lion = ids_by_name(client)["lion.jpg"]

    assert "GEMINI_API_KEY" in refusal(client, "/caption_photo", photo_id=lion)
    for language in ("xx", "5", "한국어"):
        said = refusal(client, "/caption_photo", photo_id=lion, language=language)
        assert said == "Captions can be written in ko or en."


def test_query_file_without_image_is_refused(client: Client, tmp_path: Path) -> None:
    words = handle_file(make_text(tmp_path / "words.jpg"))
    assert refusal(client, "/search_photos", image=words).startswith("This is not an image")

    empty = handle_file(make_empty(tmp_path / "empty.jpg"))
    assert refusal(client, "/search_photos", image=empty).startswith("The file is empty")
