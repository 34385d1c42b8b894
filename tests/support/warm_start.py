"""Starts `app.py` in a process that has imported the libraries already, which is most of a start.

For tests of what an album does once it runs. `python -m tests.support.warm_start` reads from
stdin one JSON order a line, forks for each, and answers with the id of the new process.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from album.settings import Settings, keep_libraries_private

ROOT = Path(__file__).parents[2]
LOOK_AGAIN_S = 0.02


class Forked:
    """A process that is not a child of this one, with what a `subprocess.Popen` can do."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs; how it ended is not known."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 1
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while (ended := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(LOOK_AGAIN_S)
        return ended

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, what)


class _Starter:
    """The process that is forked; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm_start"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, env: Mapping[str, str], log: Path) -> Forked:
        """Run app.py with exactly this environment."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            stdin.write(json.dumps({"env": dict(env), "log": str(log)}) + "\n")
            stdin.flush()
            return Forked(int(stdout.readline()))


@cache
def starter() -> _Starter:
    """One for all tests of a session."""
    return _Starter()


def _serve_orders() -> None:
    keep_libraries_private(Settings())
    import gradio.http_server  # noqa: F401
    import open_clip  # noqa: F401
    import torch  # noqa: F401

    import album.ui.page
    import album.ui.server.app  # noqa: F401
    import app  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for what ends
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become_app(**json.loads(line))
            return
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become_app(env: dict[str, str], log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    importlib.reload(sys.modules["gradio.http_server"])  # reads the port as it is imported
    sys.argv = ["app.py"]
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")


if __name__ == "__main__":
    _serve_orders()
