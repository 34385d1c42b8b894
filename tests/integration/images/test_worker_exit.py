"""End of worker processes with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.processes import PATIENCE_S, eventually, has_open, runs

CHECKOUT = Path(__file__).parents[3]
HOSTILE = "tests.support.hostile_decoders"
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PARENT = """
import signal
import sys
from pathlib import Path
from album.images.decoder_pool import DecodePool
from tests.support.hostile_decoders import LIES

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
try:
    pool = DecodePool(workers=1, module="tests.support.hostile_decoders", timeout_s=500)
    pool.decode(Path(sys.argv[1]), 96)
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.fixture
def parent(tmp_path) -> Iterator[Callable[[str], tuple[subprocess.Popen, int]]]:
    """Return a function that starts a process with a hanging worker: (process, pid of worker)."""
    processes: list[subprocess.Popen] = []
    hanging: list[int] = []

    def start(name: str) -> tuple[subprocess.Popen, int]:
        file = tmp_path / f"{name}.jpg"
        file.touch()
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, file],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,  # as a shell starts a command
        )
        processes.append(process)
        assert eventually(lambda: bool(has_open(file)))
        hanging.append(has_open(file)[0])
        return process, hanging[-1]

    yield start
    for worker in hanging:  # there is one only after a test that failed
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    for process in processes:
        process.kill()
        process.communicate()


@linux
@pytest.mark.parametrize("name", ["sleep", "loop"])
def test_worker_exits_when_parent_is_killed(parent, name):
    process, worker = parent(name)
    assert runs(worker)

    process.kill()

    assert eventually(lambda: not runs(worker))
    assert process.communicate() == ("", "")


@linux
@pytest.mark.parametrize("name", ["sleep", "loop"])
def test_ctrl_c_prints_nothing_from_workers(parent, name):
    process, worker = parent(name)

    os.killpg(process.pid, signal.SIGINT)

    assert process.communicate(timeout=PATIENCE_S) == ("stopped\n", "")
    assert eventually(lambda: not runs(worker))
