"""Decoding in worker processes, where a hostile file affects only itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from album.errors import UnreadableImageError
from album.images import decoder_pool
from album.images.decoder import Decoded
from album.images.decoder_pool import DecodePool
from album.images.decoding import (
    decode_photo,
    encoder_image,
    full_view,
    large_view,
    small_jpeg,
    thumbnail_of,
)
from tests.support.hostile_decoders import LIES
from tests.support.images.make import make_exif, make_photo, make_text, scene
from tests.support.processes import eventually, has_open, held_megabytes, runs, workers

CHECKOUT = Path(__file__).parents[3]
HOSTILE = "tests.support.hostile_decoders"
SENTENCES = {
    "refused": r"It says no\.",
    "segfault": r"This file brings its decoder down: .*",
    "exit": r"This file brings its decoder down: .*",
    "bug": r"This file brings its decoder down: .*",
    "sleep": r"This file takes longer than 4 seconds to decode: .*",
    "loop": r"This file takes longer than 4 seconds to decode: .*",
    "memory": r"This file takes more than 0\.25 GB of memory to decode: .*",
}

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    """A pool with the real decoder."""
    pool = DecodePool(workers=2)
    yield pool
    pool.close()


@pytest.fixture
def hostile(request: pytest.FixtureRequest) -> Iterator[DecodePool]:
    """A decoder that does what a file's name says, with a short timeout if it hangs."""
    hangs = request.node.name.endswith(("[sleep]", "[loop]"))
    pool = DecodePool(2, timeout_s=4 if hangs else 60, memory_bytes=2**28, module=HOSTILE)
    yield pool
    pool.close()


def about(decoded: Decoded) -> dict:
    return json.loads(decoded.thumbnail)


def test_decoded_photo_equals_one_decoded_in_process(pool, tmp_path):
    photo = tmp_path / "a.jpg"
    scene((900, 600), seed=3).save(photo, exif=make_exif(main={0x0110: "Camera"}))

    decoded = pool.decode(photo, 96)

    here = decode_photo(photo, 96, [])
    assert decoded.image.mode == "RGB"
    assert decoded.image.tobytes() == here.image.tobytes()
    assert decoded.image.size == here.image.size
    assert decoded.facts == here.facts
    assert decoded.thumbnail == here.thumbnail


def test_other_results_equal_those_made_in_process(pool, tmp_path):
    photo = tmp_path / "a.jpg"
    scene((2400, 1600), seed=3).save(photo, exif=make_exif(main={0x0112: 6}))

    assert pool.image(photo, 96).tobytes() == encoder_image(photo, 96).tobytes()
    assert pool.image(photo, 96).tobytes() == pool.decode(photo, 96).image.tobytes()
    assert pool.thumbnail(photo) == thumbnail_of(photo)
    assert pool.large_view(photo) == large_view(photo)
    assert pool.full_view(photo) == full_view(photo)
    assert pool.small_jpeg(photo) == small_jpeg(photo)


def test_decoder_message_reaches_the_caller(pool, tmp_path):
    with pytest.raises(UnreadableImageError, match="not an image that the album reads"):
        pool.decode(make_text(tmp_path / "letter.jpg"), 96)
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        pool.decode(tmp_path / "none.jpg", 96)


@pytest.mark.parametrize("name", SENTENCES)
def test_hostile_file_is_refused_and_next_is_decoded(hostile, tmp_path, name):
    with pytest.raises(UnreadableImageError, match=f"^{SENTENCES[name]}$"):
        hostile.decode(tmp_path / f"{name}.jpg", 96)

    assert hostile.decode(tmp_path / "good.jpg", 96).image.size == (2, 3)


@pytest.mark.parametrize("what", ["image", "thumbnail", "large_view", "full_view", "small_jpeg"])
@pytest.mark.parametrize("name", ["refused", "segfault", "memory"])
def test_hostile_file_is_refused_by_every_method(hostile, tmp_path, name, what):
    make = getattr(hostile, what)
    more = [96] if what == "image" else []

    with pytest.raises(UnreadableImageError, match=f"^{SENTENCES[name]}$"):
        make(tmp_path / f"{name}.jpg", *more)

    assert make(tmp_path / "good.jpg", *more)


@linux
@pytest.mark.parametrize("name", LIES)
def test_invalid_worker_answers_are_refused(hostile, tmp_path, name):
    """It is refused and ended, as one that crashed; nothing that it says is run or held."""
    crashed = SENTENCES["segfault"]
    with pytest.raises(UnreadableImageError, match=f"^{crashed}$"):
        hostile.decode(tmp_path / f"{name}.jpg", 96)
    with pytest.raises(UnreadableImageError, match=f"^{crashed}$"):
        hostile.large_view(tmp_path / f"{name}.jpg")

    assert hostile.decode(tmp_path / "good.jpg", 96).image.size == (2, 3)


def test_worker_environment_has_no_secrets(hostile, tmp_path, monkeypatch):
    secrets = ("GEMINI_API_KEY", "ALBUM_LOGIN", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "a secret")
    monkeypatch.setenv("TZ", "Asia/Seoul")

    environment = about(hostile.decode(tmp_path / "good.jpg", 96))["environment"]

    assert "a secret" not in environment.values()
    assert environment["TZ"] == "Asia/Seoul"


@linux
def test_worker_cannot_write_connect_or_inspect_processes(hostile, tmp_path):
    landlockpy = pytest.importorskip("landlockpy")
    if landlockpy.abi_version() < 4:
        pytest.skip("this kernel has no Landlock that knows of networks")
    photo = make_photo(tmp_path / "tries.jpg")
    before = photo.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "port").write_text(str(server.getsockname()[1]))

        assert about(hostile.decode(photo, 96))["could"] == []
    assert photo.read_bytes() == before
    assert {it.name for it in tmp_path.iterdir()} == {"tries.jpg", "port"}


@linux
def test_worker_has_no_network_when_namespaces_work(hostile, tmp_path):
    user = 0 if os.geteuid() == 0 else 0x10000000
    unshare = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({user | 0x40000000}))"
    if subprocess.run([sys.executable, "-c", unshare]).returncode:
        pytest.skip("this system lets nobody have a network namespace")
    (tmp_path / "port").write_text("9")

    photo = make_photo(tmp_path / "tries.jpg")

    assert about(hostile.decode(photo, 96))["network"] == []


@linux
def test_large_files_are_decoded_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(decoder_pool, "DEFAULT_MEMORY_BYTES", 2**27)
    pool = DecodePool(workers=4, timeout_s=60, memory_bytes=2**30, module=HOSTILE)
    files = [tmp_path / str(number) / "large.jpg" for number in range(4)]
    for file in files:
        file.parent.mkdir()
        file.touch()
    before, most = workers(), 0
    with ThreadPoolExecutor(4) as threads:
        decoding = [threads.submit(pool.decode, file, 96) for file in files]
        for number in range(4):  # one after the other is let go
            assert eventually(lambda: held_megabytes(workers() - before) > 380)
            time.sleep(0.5)  # in which others would become as large
            most = max(most, held_megabytes(workers() - before))
            [at_work] = [file for file in files if has_open(file)]
            at_work.with_suffix(".go").touch()
            assert eventually(lambda n=number: sum(it.done() for it in decoding) == n + 1)
    pool.close()

    assert [it.result().image.size for it in decoding] == [(2, 3)] * 4
    assert most < 700  # two at once would hold more


@linux
@pytest.mark.parametrize("name", ["segfault", "exit", "sleep", "loop", "memory"])
def test_worker_is_replaced_after_hostile_file(hostile, tmp_path, name):
    first = about(hostile.decode(tmp_path / "good.jpg", 96))["pid"]
    before = workers()
    with pytest.raises(UnreadableImageError):
        hostile.decode(tmp_path / f"{name}.jpg", 96)
    second = about(hostile.decode(tmp_path / "good.jpg", 96))["pid"]

    assert first in before
    assert second != first
    assert workers() == before - {first} | {second}


@linux
@pytest.mark.parametrize("name", ["segfault", "bug", "memory"])
def test_other_files_in_flight_are_untouched(hostile, tmp_path, name):
    waiting = tmp_path / "waits.jpg"
    waiting.touch()
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(hostile.decode, waiting, 96)
        assert eventually(lambda: bool(has_open(waiting)))
        with pytest.raises(UnreadableImageError):
            hostile.decode(tmp_path / f"{name}.jpg", 96)
        waiting.with_suffix(".go").touch()

        assert other.result().image.size == (2, 3)


@linux
def test_real_image_beyond_memory_limit_is_refused(tmp_path):
    pool = DecodePool(workers=1, memory_bytes=64 * 2**20)
    large, small = tmp_path / "large.png", make_photo(tmp_path / "small.png")
    make_photo(large, size=(6000, 4000))

    with pytest.raises(UnreadableImageError, match=r"more than 0\.0625 GB of memory"):
        pool.decode(large, 96)

    assert pool.decode(small, 96).facts.width == 64
    pool.close()


@linux
def test_two_files_are_decoded_concurrently(hostile, tmp_path):
    files = [tmp_path / name / "waits.jpg" for name in "ab"]
    for file in files:
        file.parent.mkdir()
        file.touch()

    with ThreadPoolExecutor(2) as threads:
        both = threads.map(lambda file: about(hostile.decode(file, 2)), files)
        assert eventually(lambda: all(has_open(file) for file in files))
        for file in files:
            file.with_suffix(".go").touch()
        first, second = both

    assert first["pid"] != second["pid"]
    assert [first["path"], second["path"]] == [str(file) for file in files]


def test_many_threads_share_the_workers(tmp_path):
    pool = DecodePool(workers=1, module=HOSTILE)
    files = [tmp_path / f"{number}.jpg" for number in range(20)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda file: about(pool.decode(file, 96)), files))

    assert [it["path"] for it in found] == [str(file) for file in files]
    assert len({it["pid"] for it in found}) == 1
    pool.close()


def test_sidecars_and_relative_paths_arrive(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    found = about(hostile.decode(Path("a.jpg"), 96, [Path("a.xmp")]))

    assert found["path"] == str(tmp_path / "a.jpg")
    assert found["sidecars"] == [str(tmp_path / "a.xmp")]


def test_printed_output_is_no_answer(hostile, tmp_path, capfd):
    assert hostile.decode(tmp_path / "chatty.jpg", 96).image.size == (2, 3)
    assert "a library that prints" in capfd.readouterr().err


@linux
def test_worker_is_small_nice_and_inherits_nothing(hostile, tmp_path):
    database = sqlite3.connect(tmp_path / "album.db")
    database.execute("CREATE TABLE held (open)")
    inheritable = os.open(tmp_path / "inheritable", os.O_CREAT)
    os.set_inheritable(inheritable, True)
    with socket.create_server(("127.0.0.1", 0)):
        found = about(hostile.decode(tmp_path / "good.jpg", 96))
    database.close()
    os.close(inheritable)

    heavy = {"torch", "gradio", "app", "models", "sqlite3"}
    assert not heavy.intersection(found["modules"]), heavy.intersection(found["modules"])
    assert found["nice"] >= 10
    assert not [file for file in found["files"] if file.startswith(("socket", str(tmp_path)))]


@linux
def test_workers_start_on_demand_and_end_idle(tmp_path, monkeypatch):
    monkeypatch.setattr(decoder_pool, "IDLE_S", 0.2)
    before = workers()
    pool = DecodePool(workers=2, module=HOSTILE)
    assert workers() == before

    first = about(pool.decode(tmp_path / "good.jpg", 96))["pid"]
    assert eventually(lambda: workers() == before)
    second = about(pool.decode(tmp_path / "good.jpg", 96))["pid"]

    assert second != first
    assert eventually(lambda: workers() == before)
    pool.close()


@linux
@pytest.mark.parametrize("noticed", [True, False])
def test_killed_idle_worker_is_replaced(hostile, tmp_path, monkeypatch, noticed):
    if not noticed:  # it dies between the last look at it and the next file
        monkeypatch.setattr(decoder_pool._Worker, "alive", True)
    first = about(hostile.decode(tmp_path / "good.jpg", 96))["pid"]
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not runs(first))

    assert about(hostile.decode(tmp_path / "good.jpg", 96))["pid"] != first


@linux
def test_closed_pool_leaves_no_process(tmp_path):
    before = workers()
    pool = DecodePool(workers=2, module=HOSTILE)
    pool.decode(tmp_path / "good.jpg", 96)
    waiting = tmp_path / "waits.jpg"
    waiting.touch()
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(pool.decode, waiting, 96)
        assert eventually(lambda: bool(has_open(waiting)))
        pool.close()
        waiting.with_suffix(".go").touch()

        assert other.result().image.size == (2, 3)
    assert workers() == before


@linux
def test_thousand_files_leak_no_processes_or_descriptors(tmp_path):
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before, files_before = workers(), open_files()
    pool = DecodePool(workers=2, module=HOSTILE)
    names = ["segfault" if number % 250 == 249 else f"{number}" for number in range(1000)]

    def pid_of(name: str) -> int | None:
        try:
            return about(pool.decode(tmp_path / f"{name}.jpg", 96))["pid"]
        except UnreadableImageError:
            return None

    with ThreadPoolExecutor(2) as threads:
        pids = list(threads.map(pid_of, names))

    assert [pid is None for pid in pids] == [name == "segfault" for name in names]
    assert len(set(pids) - {None}) <= 2 + names.count("segfault")
    assert len(workers() - before) <= 2
    pool.close()
    assert workers() == before
    assert open_files() <= files_before
