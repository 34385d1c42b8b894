"""The status line: what a person needs to know, without names of models."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from album.runtime.status import AlbumStatus
from album.ui.shared.status_line import status_line
from tests.support.fakes import FakeModelState

SEARCHABLE = AlbumStatus(
    photos=1284,
    model_id="pocket@7c035c84",
    encoding=None,
    changes_model=False,
    importing=None,
    captions=0,
    captions_waiting=0,
    captions_failed=0,
)
STAND_IN = FakeModelState("stand-in", "ViT-B-32-SigLIP2-256/webli")


def line(
    language: str,
    status: AlbumStatus = SEARCHABLE,
    model: FakeModelState | None = None,
    importing: Any = None,
) -> str:
    """The words of the line, without its dot."""
    album: Any = SimpleNamespace(status=lambda: status)
    told = status_line(album, model or FakeModelState(), language, importing)
    assert "pocket" not in told
    assert "SigLIP" not in told
    return told.rpartition("</span>")[2].strip()


def test_ready_album_says_that_all_is_searchable():
    assert line("en") == "All 1,284 photos searchable"
    assert line("ko") == "사진 1,284장을 모두 찾을 수 있습니다"
    assert line("en", replace(SEARCHABLE, photos=1)) == "1 photo, searchable"
    assert line("en", replace(SEARCHABLE, photos=0)) == "No photos yet"


def test_import_says_how_many_are_looked_at():
    running = SimpleNamespace(done=300, total=1284, halted=False, state="running")
    paused = SimpleNamespace(done=300, total=1284, halted=True, state="paused")

    assert line("en", importing=running) == "Looking at 300 of 1,284 photos"
    assert line("ko", importing=running) == "사진 1,284장 중 300장을 살펴보는 중"
    assert line("en", importing=paused) == "All 1,284 photos searchable · paused at 300 of 1,284"


def test_photos_without_vectors_are_being_looked_at():
    encoding = replace(SEARCHABLE, encoding=(300, 1284))

    assert line("en", encoding) == "Looking at 300 of 1,284 photos"


@pytest.mark.parametrize(
    ("fetched", "english", "korean"),
    [
        (None, "starting to download", "내려받기 시작하는 중"),
        (0.4, "downloading 40%", "40% 내려받음"),
        (0.001, "downloading &lt;1%", "&lt;1% 내려받음"),
    ],
)
def test_download_of_better_model_shows_its_share(
    fetched: float | None, english: str, korean: str
) -> None:
    model = replace(STAND_IN, fetching=True, fetched=fetched, problem="It failed before.")

    assert line("en", model=model) == (
        f"All 1,284 photos searchable · Better search model: {english}"
    )
    assert line("ko", model=model).endswith(f"더 좋은 찾기 모델: {korean}")


def test_next_model_leaves_photos_searchable_meanwhile():
    moving = replace(SEARCHABLE, encoding=(300, 1284), changes_model=True)

    assert line("en", moving) == (
        "All 1,284 photos searchable · Better search model: looking at 300 of 1,284 photos"
    )
    assert "1,284장 중 300장을 익히는 중" in line("ko", moving)


@pytest.mark.parametrize(
    ("obstacle", "english", "korean"),
    [
        ("network", "no connection", "인터넷에 연결되지 않음"),
        ("hub", "its server refused", "서버가 거절함"),
        ("disk", "the disk is full", "디스크가 가득 참"),
        ("folder", "its folder cannot be written to", "저장할 폴더에 쓸 수 없음"),
        ("gone", "it is no longer offered", "더는 제공되지 않음"),
    ],
)
def test_failed_download_says_why_in_short(obstacle: str, english: str, korean: str) -> None:
    model = replace(STAND_IN, problem="The weights of X could not be …", obstacle=obstacle)

    assert line("en", model=model) == (
        "All 1,284 photos searchable · Could not download the better search model: "
        f"working with the small one ({english})"
    )
    assert f"작은 모델로 찾습니다({korean})" in line("ko", model=model)
    former = replace(SEARCHABLE, model_id="ViT-B-32/laion2b_s34b_b79k")
    assert "working with the one so far" in line("en", former, model)


def test_damaged_model_leads_to_about():
    model = replace(STAND_IN, problem="The file is damaged: replace or delete it.")

    assert "“About this album” says why" in line("en", model=model)


def test_first_model_is_being_prepared():
    loading = replace(SEARCHABLE, model_id=None)

    assert line("en", loading, replace(STAND_IN, state="loading")) == (
        "1,284 photos · getting ready to search"
    )
    broken = replace(STAND_IN, state="loading", problem="No model.")
    assert line("en", loading, broken) == "1,284 photos · No model."
