"""Processes of one user ask each other over a Unix socket, or learn that nobody answers."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from album.runtime import local_socket
from album.runtime.local_socket import AT_ONCE, LONGEST_REQUEST_BYTES, NAME, LocalSocket, ask
from tests.support.importing import wait_until

LIVENESS_S = 60
pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")


def doubled(request: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if "n" not in request else {"n": 2 * request["n"], "said": request.get("said")}


@pytest.fixture
def served(tmp_path) -> Iterator[Path]:
    """A folder in which a process answers."""
    answering = LocalSocket(tmp_path, doubled)
    answering.start()
    yield tmp_path
    answering.close()


def raw(folder: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(LIVENESS_S)
    connection.connect(str(folder / NAME))
    return connection


def test_answer_comes_back_in_any_language(served):
    said = "고양이 \udcff \n 🐱"

    assert ask(served, {"n": 21, "said": said}) == {"n": 42, "said": said}


def test_socket_is_for_its_owner_alone(served):
    status = (served / NAME).stat()

    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.getuid()


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
@pytest.mark.parametrize("side", ["who answers", "who asks"])
def test_socket_refuses_process_of_another_user(served, monkeypatch, side):
    here = threading.get_ident()
    own = os.getuid()

    def of_another(*_: object) -> int:
        asks = threading.get_ident() == here
        return own + 1 if asks == (side == "who asks") else own

    monkeypatch.setattr(local_socket.os, "getuid", of_another)

    assert ask(served, {"n": 1}) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may change")
def test_real_process_of_another_user_gets_no_answer():
    program = (
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "it = socket.socket(socket.AF_UNIX); it.settimeout(30); it.connect(sys.argv[1])\n"
        "it.sendall(b'{\"n\": 1}\\n')\n"
        "sys.stdout.write(repr(it.recv(100)))\n"
    )
    with tempfile.TemporaryDirectory() as name:  # other users cannot enter those of pytest
        folder = Path(name)
        folder.chmod(0o755)
        answering = LocalSocket(folder, doubled)
        answering.start()
        (folder / NAME).chmod(0o666)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program, str(folder / NAME)],
            capture_output=True,
            text=True,
        )
        assert ask(folder, {"n": 1}) == {"n": 2, "said": None}
        answering.close()

    cut = done.stdout == "b''" or "ConnectionResetError" in done.stderr
    assert cut or "BrokenPipeError" in done.stderr, done


def test_nobody_answers_where_nobody_listens(tmp_path):
    assert ask(tmp_path, {"n": 1}) is None
    assert ask(tmp_path / "nowhere", {"n": 1}) is None
    (tmp_path / NAME).write_text("no socket")
    assert ask(tmp_path, {"n": 1}) is None


def test_nothing_but_a_dead_socket_is_replaced(tmp_path):
    (tmp_path / NAME).write_text("mine")
    refused = LocalSocket(tmp_path, doubled)
    refused.start()
    refused.close()

    assert (tmp_path / NAME).read_text() == "mine"


def test_socket_of_killed_process_is_replaced(tmp_path):
    program = (
        "import sys; from pathlib import Path; from album.runtime.local_socket import LocalSocket\n"
        "LocalSocket(Path(sys.argv[1]), lambda request: {}).start()\n"
        "sys.stdout.write('up'); sys.stdout.flush(); sys.stdin.read()\n"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with killed:
        assert killed.stdout is not None
        assert killed.stdout.read(2) == b"up"
        killed.kill()
    assert (tmp_path / NAME).exists()
    assert ask(tmp_path, {"n": 1}) is None

    answering = LocalSocket(tmp_path, doubled)
    answering.start()
    assert ask(tmp_path, {"n": 1}) == {"n": 2, "said": None}
    answering.close()
    assert not (tmp_path / NAME).exists()


def test_second_process_leaves_first_socket_alone(served):
    second = LocalSocket(served, lambda request: {"n": "of the second"})
    second.start()
    second.close()

    assert ask(served, {"n": 1}) == {"n": 2, "said": None}


def test_socket_answers_when_path_exceeds_address(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux has a way around")
    folder = tmp_path / ("very" * 20) / ("long" * 20)
    folder.mkdir(parents=True)
    answering = LocalSocket(folder, doubled)
    answering.start()

    assert ask(folder, {"n": 1}) == {"n": 2, "said": None}
    answering.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "sent",
    [b"", b"no json\n", b"[1]\n", b'{"n": 1}', b'{"other": 1}\n', b"[" * 50_000 + b"\n",
     b'{"n": "' + b"x" * LONGEST_REQUEST_BYTES + b'"}\n', b"\xff\xfe\n"],
    ids=["nothing", "words", "list", "cut", "unknown", "deep", "long", "bytes"],
)  # fmt: skip
def test_invalid_request_gets_no_answer_and_harms_nothing(served, sent):
    with raw(served) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
        except (ConnectionError, BrokenPipeError):
            pass  # it did not even read all of it

    assert ask(served, {"n": 1}) == {"n": 2, "said": None}


@pytest.mark.parametrize("answer", ["", "words\n", "[1]\n", '{"n": 1}'])
def test_answer_that_is_none_is_none(tmp_path, answer):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / NAME))
        listening.listen()

        def once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer.encode())

        thread = threading.Thread(target=once)
        thread.start()
        assert ask(tmp_path, {"n": 1}) is None
        thread.join(LIVENESS_S)


def test_ask_gives_up_when_answer_is_late(tmp_path, monkeypatch):
    monkeypatch.setattr(local_socket, "ANSWER_S", 0.2)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / NAME))
        listening.listen()
        started = time.monotonic()

        assert ask(tmp_path, {"n": 1}) is None
        assert time.monotonic() - started < LIVENESS_S


def test_later_requests_are_answered_after_logged_bug(tmp_path, caplog):
    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        return {"n": 1 / request["n"]}

    answering = LocalSocket(tmp_path, answer)
    answering.start()

    assert ask(tmp_path, {"n": 0}) is None
    wait_until(lambda: "ZeroDivisionError" in caplog.text)
    assert ask(tmp_path, {"n": 1}) == {"n": 1}
    answering.close()


def test_excess_requests_are_refused_and_later_answered(tmp_path):
    busy, go = threading.Semaphore(0), threading.Event()

    def slowly(request: Mapping[str, Any]) -> dict[str, Any]:
        busy.release()
        assert go.wait(LIVENESS_S)
        return dict(request)

    answering = LocalSocket(tmp_path, slowly)
    answering.start()
    waiting = [raw(tmp_path) for _ in range(AT_ONCE)]
    for connection in waiting:
        connection.sendall(b'{"n": 1}\n')
        assert busy.acquire(timeout=LIVENESS_S)
    assert ask(tmp_path, {"n": 2}) is None
    go.set()
    for connection in waiting:
        with connection, connection.makefile("rb") as stream:
            assert json.loads(stream.readline()) == {"n": 1}

    deadline = time.monotonic() + LIVENESS_S
    while ask(tmp_path, {"n": 3}) != {"n": 3}:  # their threads end a moment after the answer
        assert time.monotonic() < deadline
    answering.close()


def test_threads_and_descriptors_end_with_the_socket(tmp_path):
    before = threading.active_count()
    for _ in range(3):
        answering = LocalSocket(tmp_path, doubled)
        answering.start()
        for n in range(20):
            assert ask(tmp_path, {"n": n}) == {"n": 2 * n, "said": None}
        answering.close()

    deadline = time.monotonic() + LIVENESS_S
    while threading.active_count() > before:
        assert time.monotonic() < deadline
    assert not (tmp_path / NAME).exists()
