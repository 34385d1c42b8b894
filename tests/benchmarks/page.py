"""How long `python app.py` takes until its page answers, on an empty library."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure

CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 120


def figures() -> Iterator[Figure]:
    for model in ("pocket", "auto"):
        yield Figure(
            f"python app.py until it answers, ALBUM_MODEL={model}",
            seconds_to_answer(model),
            "s",
            below=8,
        )


def seconds_to_answer(model: str) -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as data_dir:
        settings = {
            "ALBUM_DATA_DIR": data_dir,
            "ALBUM_MODEL": model,
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
        }
        started = time.perf_counter()
        with Path(data_dir, "log.txt").open("w+") as log:
            app = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=CHECKOUT,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
            )
            try:
                while not answers(f"http://127.0.0.1:{port}/config"):
                    if app.poll() is not None or time.perf_counter() - started > PATIENCE_S:
                        log.seek(0)
                        raise RuntimeError(f"app.py does not answer:\n{log.read()}")
                    time.sleep(0.02)
                return time.perf_counter() - started
            finally:
                app.terminate()
                app.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
