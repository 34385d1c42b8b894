"""The album as people run it: `app.py` in a process of its own, on a free port.

with served_album(tmp_path) as served:
    served.client().predict(api_name="/album_status")
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import gradio
from gradio_client import Client

from tests.support.warm_start import Forked, starter

ROOT = Path(__file__).parents[2]
SAMPLES = Path(gradio.__file__).parent / "media_assets" / "images"
START_S = 120  # a busy machine; a good one takes a tenth of it
STOP_S = 40
OWN_SETTINGS = ("ALBUM_", "GEMINI_", "GOOGLE_", "GRADIO_", "HF_")


@dataclass(frozen=True)
class ServedAlbum:
    """A running album: where it answers and where its files are."""

    url: str
    data_dir: Path
    log: Path
    process: subprocess.Popen[bytes] | Forked

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self.process.pid

    @property
    def temp_dir(self) -> Path:
        """Where it puts uploads and downloads: the folder that was made last."""
        folders = [it for it in (self.data_dir / "temp").iterdir() if it.is_dir()]
        return max(folders, key=lambda it: it.stat().st_ctime)

    def client(self, auth: tuple[str, str] | None = None) -> Client:
        """A program that talks to the album."""
        return Client(
            self.url, auth=auth, verbose=False, download_files=False, analytics_enabled=False
        )

    def said(self) -> str:
        """What the server has written so far, to stdout and stderr."""
        return self.log.read_text(errors="replace")


@contextmanager
def served_album(folder: Path, *, warm: bool = True, **env: str) -> Iterator[ServedAlbum]:
    """Run an album with the pocket model and its data below `folder`.

    Args:
        folder: of the test; `data` and `server.log` are made in it.
        warm: in a process that has the largest libraries already; else by `python app.py`.
        env: more environment variables for the server.

    Raises:
        RuntimeError: it ended or did not answer; what it said is in the message.
    """
    port = _free_port()
    data_dir, log = folder / "data", folder / "server.log"
    folder.mkdir(parents=True, exist_ok=True)
    inherited = {key: it for key, it in os.environ.items() if not key.startswith(OWN_SETTINGS)}
    settings = {
        "ALBUM_DATA_DIR": str(data_dir),
        "ALBUM_MODEL": "pocket",
        "ALBUM_DEVICE": "cpu",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "NO_PROXY": "127.0.0.1,localhost",  # the fake Gemini is on this machine
    }
    if warm:
        (data_dir / "embeddings").mkdir(parents=True, exist_ok=True)
        for known in Path(_known_words().name).iterdir():
            shutil.copy(known, data_dir / "embeddings")
    start = starter().start if warm else _start
    process = start({**inherited, **settings, **env}, log)
    served = ServedAlbum(f"http://127.0.0.1:{port}", data_dir, log, process)
    try:
        _wait_until_it_answers(process, served)
        yield served
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended by itself, {process.returncode}:\n{served.said()}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for known in (data_dir / "embeddings").glob("*.words.*.npy"):
            shutil.copy(known, _known_words().name)


@cache
def _known_words() -> tempfile.TemporaryDirectory[str]:
    """For what the model makes of everyday words, which it would be asked anew in each album."""
    return tempfile.TemporaryDirectory()


def _start(env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes] | Forked, served: ServedAlbum) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended with {process.returncode}:\n{served.said()}")
        try:
            with urlopen(f"{served.url}/config", timeout=5) as answer:
                json.load(answer)
            return
        except HTTPError as error:
            if error.code == 401:  # it asks for the login: it is up
                return
        except (URLError, OSError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"app.py did not answer within {START_S} s:\n{served.said()}")
