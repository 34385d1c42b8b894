"""The way out of the album on the page, without a browser: what its listeners answer."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from album.export.exporter import ExportProblem, ExportReport
from album.export.plan import ExportPlan
from album.export.verification import Difference, VerifyReport
from album.search.request import SearchRequest
from album.service import Album
from album.ui.export import export_html, export_job
from album.ui.export.view import ExportView
from album.ui.shared.background_task import BackgroundTask, TaskCancelledError
from album.ui.shared.session_state import SearchState
from tests.support.captioning import set_caption
from tests.support.images.make import make_exif, make_photo
from tests.support.importing import take_in, upload, wait_until

ENGLISH: Any = SimpleNamespace(headers={"accept-language": "en"})
KOREAN: Any = SimpleNamespace(headers={"accept-language": "ko"})
HARM = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    for colour in ("red", "blue"):
        make_photo(tmp_path / "mine" / f"{colour}.jpg", colour)
    return tmp_path / "mine"


@pytest.fixture
def view(album: Album, mine: Path, tmp_path: Path) -> ExportView:
    """Two photos in place, one of them with a caption, and one uploaded with a label."""
    for photo_id in take_in(album, [mine]).added:
        if album.photo(photo_id).filename == "red.jpg":
            set_caption(album.database, photo_id, "빨간 사진", "ko")
    sent = shutil.copy(make_photo(tmp_path / "g.jpg", "green"), tmp_path / "sent.jpg")
    album.labels.set_by_person(upload(album, [(Path(sent), "green.jpg")]).added[0], ["숲"])
    with gr.Blocks():
        return ExportView(album, gr.State(SearchState()), tmp_path / "temp")


def given(view: ExportView, **choices: object) -> dict[Any, Any]:
    """The form as it is, but for these choices."""
    ordinary = {
        "shown": SearchState(), "which": "all", "label": None, "where": "zip", "with_photos": False,
        "replace": False,
    }  # fmt: skip
    return {getattr(view, f"_{name}"): it for name, it in (ordinary | choices).items()}


def last(view: ExportView, steps: Iterable[dict[Any, Any]]) -> dict[str, Any]:
    """All updates of a listener together, by the names of what they are of."""
    names = {id(it): name.removeprefix("_") for name, it in vars(view).items()}
    return {names[id(key)]: value for step in steps for key, value in step.items()}


def looked(view: ExportView, request: Any = ENGLISH, **choices: object) -> dict[str, Any]:
    return last(view, [view.look(given(view, **choices), request)])


def exported(view: ExportView, request: Any = ENGLISH, **choices: object) -> dict[str, Any]:
    begin = view.ask if choices.get("where") == "beside" else view.order_zip
    order = last(view, [begin(given(view, **choices), request)])["order"]
    return last(view, view.export(order, BackgroundTask(), request))


def test_plan_is_shown_for_every_choice(view, album):
    assert "Photos: 3. With a caption, a label or stars: 2. Each" in looked(view)["plan"]
    beside = looked(view, where="beside")
    assert "Photos: 2. With a caption, a label or stars: 1." in beside["plan"]
    assert "the album keeps them itself: 1." in beside["plan"]
    assert "stays" in beside["plan"]
    assert "replaced" in looked(view, where="beside", replace=True)["plan"]
    assert (beside["write"]["visible"], beside["make_zip"]["visible"]) == (True, False)
    assert not beside["with_photos"]["visible"]
    assert "go into the ZIP" in looked(view, with_photos=True)["plan"]
    labelled = looked(view, KOREAN, which="label")
    assert "사진 1장, 그중" in labelled["plan"]
    assert (labelled["label"]["value"], labelled["label"]["visible"]) == ("숲", True)
    nothing = looked(view, which="found", shown=SearchState(SearchRequest("label:바다")))
    assert "No photo is chosen" in nothing["plan"]
    nearest = SearchState(SearchRequest("yellow"))
    assert album.search.find(nearest.query).nearest
    assert "No photo is chosen" in looked(view, which="found", shown=nearest)["plan"]


def test_search_selection_covers_all_pages(album, tmp_path):
    photos = [make_photo(tmp_path / "in" / f"{n}.png", (n, 0, 0)) for n in range(70)]
    take_in(album, photos)
    with gr.Blocks():
        view = ExportView(album, gr.State(SearchState()), tmp_path / "temp")

    assert "Photos: 70." in looked(view, which="found")["plan"]


def test_search_selection_covers_whole_bursts(album, tmp_path):
    for n in range(4):
        shot = make_exif(shot={0x9003: f"2020:05:05 10:00:0{n}"})
        make_photo(tmp_path / "in" / f"{n}.jpg", (255, n, 0), exif=shot)
    take_in(album, [tmp_path / "in"])
    with gr.Blocks():
        view = ExportView(album, gr.State(SearchState()), tmp_path / "temp")
    shown = SearchState(SearchRequest("red", rest=True))

    assert album.search.find(shown.query).total == 1
    assert "Photos: 4." in looked(view, which="found", shown=shown)["plan"]


def test_beside_is_offered_when_photos_are_in_place(album, tmp_path):
    sent = make_photo(tmp_path / "g.jpg", "green")
    upload(album, [(sent, "green.jpg")])
    with gr.Blocks():
        view = ExportView(album, gr.State(SearchState()), tmp_path / "temp")

    told = looked(view, where="beside")

    assert told["where"] == gr.update(visible=False, value="zip")
    assert told["make_zip"]["visible"]
    with pytest.raises(gr.Error, match="make a ZIP instead"):
        view.ask(given(view, where="beside"), ENGLISH)


def test_many_gigabytes_are_not_offered_as_a_download(view, album):
    with album.database.writing() as db:
        db.execute("UPDATE photos SET size_bytes = 700000000")

    told = looked(view, with_photos=True)
    made = exported(view, with_photos=True)

    assert "up to 2.0 GB; these are 2.1 GB" in told["plan"]
    assert not told["with_photos"]["visible"]
    assert "photos copied" not in made["report"]


def test_full_disk_is_reported_before_writing(view, monkeypatch, tmp_path):
    monkeypatch.setattr(export_job, "has_room", lambda folder, size_bytes: False)

    with pytest.raises(gr.Error, match="no room"):
        view.order_zip(given(view, with_photos=True), KOREAN)
    assert list((tmp_path / "temp" / "exports").iterdir()) == []


def test_sidecars_beside_photos_need_confirmation(view, mine):
    (mine / "red.jpg.xmp").write_text("<broken")
    asked = last(view, [view.ask(given(view, where="beside"), ENGLISH)])

    assert "Really write a sidecar" in asked["question"]
    assert sorted(it.name for it in mine.iterdir()) == ["blue.jpg", "red.jpg", "red.jpg.xmp"]
    told = exported(view, KOREAN, where="beside")
    assert "쓰지 못함 1건" in told["report"]
    assert "red.jpg.xmp — <span>사이드카가 손상되었거나" in told["report"]
    assert str(mine) not in told["report"]
    differing = last(view, view.verify(told["done"], BackgroundTask(), ENGLISH))["verified"]
    assert "1 of 2 photos" in differing
    assert "Korean caption: “빨간 사진” in the album, nothing read back" in differing

    (mine / "red.jpg.xmp").unlink()
    told = exported(view, where="beside")
    assert "New sidecars: 1" in told["report"]
    assert "could not" not in told["report"]
    same = last(view, view.verify(told["done"], BackgroundTask(), ENGLISH))["verified"]
    assert "All of it comes back as it is: 2 of 2" in same


def test_zip_is_offered_with_size_and_read_back(view):
    told = exported(view)

    zip_file = Path(told["download"]["value"])
    assert zip_file.is_file()
    assert told["download"]["label"].startswith("Download the ZIP (")
    assert "New sidecars: 2" in told["report"]
    read = last(view, view.verify(told["done"], BackgroundTask(), ENGLISH))["verified"]
    assert "3 of 3" in read
    os.utime(zip_file.parent, (0, 0))
    again = exported(view)
    assert not zip_file.exists()
    assert Path(again["download"]["value"]).is_file()


def test_a_zip_of_nothing_is_not_offered(view, album, tmp_path):
    for photo in album.store.all_photos():
        set_caption(album.database, photo.photo_id, "")
        album.labels.set_by_person(photo.photo_id, [])

    assert "None of these photos" in looked(view)["plan"]
    told = exported(view)

    assert "nothing to put into a ZIP" in told["report"]
    assert not told["download"]["visible"]
    assert list((tmp_path / "temp" / "exports").iterdir()) == []


def test_what_is_stopped_says_what_is_left(view):
    order = last(view, [view.order_zip(given(view), ENGLISH)])["order"]
    work: BackgroundTask[Any] = BackgroundTask()
    view.stop(work)

    told = last(view, view.export(order, work, ENGLISH))

    assert "Photos left when it ended: 3." in told["report"]
    done = exported(view)["done"]
    with pytest.raises(gr.Error, match="stopped before"):
        last(view, view.verify(done, work, ENGLISH))


def test_closed_browser_cancels_export_and_removes_zip(view, monkeypatch, tmp_path):
    begun, go_on = threading.Event(), threading.Event()
    finished: list[ExportReport] = []

    def slow(export: Any, zip_file: Path, photo_ids: Any, **how: Any) -> ExportReport:
        zip_file.write_bytes(b"half a zip")
        begun.set()
        go_on.wait(60)
        finished.append(ExportReport(None, new=1, not_reached=int(how["stopped"]())))
        return finished[0]

    monkeypatch.setattr(export_job, "export_zip", slow)
    order = last(view, [view.order_zip(given(view), ENGLISH)])["order"]
    steps = view.export(order, BackgroundTask(), ENGLISH)
    next(steps)
    assert begun.wait(60)
    steps.close()  # which does not wait for the work
    go_on.set()

    wait_until(lambda: finished and not list((tmp_path / "temp" / "exports").iterdir()))
    assert finished[0].not_reached == 1


def test_task_without_partial_results_stops_at_progress_report():
    def job() -> None:
        while True:
            work.report_or_cancel(1, 2, "x")
            time.sleep(0.001)

    with ThreadPoolExecutor(1) as pool:
        work: BackgroundTask[None] = BackgroundTask()
        for _ in work.steps(pool, job):
            work.cancel()
        with pytest.raises(TaskCancelledError):
            work.result()


def test_long_lists_are_cut_and_escaped():
    problem = ExportProblem(1, HARM, Path("/a/b") / f"{HARM}.xmp".replace("/", ""), HARM)
    done = ExportReport(None, failed=[problem] * 53, notes=[problem])
    differences = [Difference(1, HARM, "labels", HARM, "x" * 999)] * 51

    told = export_html.report(done, "en")
    read = export_html.verified(VerifyReport(1, 0, differences), "ko")

    assert told.count("<li>") == 51
    assert "and 3 more" in told
    assert "그 밖에 1건 더" in read
    assert "<img" not in told + read
    assert "/a/b" not in told
    assert "x" * 161 not in read


@pytest.mark.parametrize(
    ("told", "question"), [(0, "take back"), (1, "a sidecar beside"), (2, "2 sidecars")]
)
def test_the_question_says_how_many(told, question):
    plan = ExportPlan((1, 2), (1, 2), told, told, 9)

    assert question in export_html.question(plan, "en", replace=False)
