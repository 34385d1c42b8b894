"""The process that finds themes, as the album runs it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from album.errors import AlbumError
from album.settings import decoder_environment

log = logging.getLogger(__name__)

Arrays = dict[str, npt.NDArray[Any]]

WORKER = "album.organizing.theme_worker"
NICENESS = 10
STOP_CHECK_S = 0.1
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Several that wait for each other take many times as long on a busy machine."""

_CHECKOUT = Path(__file__).parents[2]


def run_worker(
    matrix_file: Path,
    ids_file: Path,
    rows: int,
    on_share: Callable[[float], None],
    is_stopped: Callable[[], bool],
    niceness: int = NICENESS,
) -> Arrays | None:
    """Run the worker and return what it found, or None if it was stopped.

    Args:
        matrix_file: the vectors of a model.
        ids_file: their photos.
        rows: how many of them are photos of the album.
        on_share: called with the share of the work that is done, from another thread.
        is_stopped: asked ten times a second.
        niceness: of the process, in [0, 19].

    Raises:
        AlbumError: it failed.
    """
    try:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                WORKER,
                matrix_file,
                ids_file,
                str(rows),
                str(niceness),
            ],
            cwd=_CHECKOUT,
            env=decoder_environment() | ONE_THREAD,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # not affected by Ctrl-C in the terminal
        )
    except OSError as error:
        raise AlbumError("The themes cannot be found: no process can be started.") from error
    output: list[bytes] = []
    said: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        output.append(process.stdout.read())

    def listen() -> None:
        assert process.stderr is not None
        for line in io.TextIOWrapper(process.stderr, errors="replace"):
            try:
                on_share(min(max(float(line), 0.0), 1.0))
            except ValueError:
                said.append(line)
                del said[:-20]

    threads = [threading.Thread(target=target, daemon=True) for target in (read, listen)]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            if is_stopped():
                return None
            time.sleep(STOP_CHECK_S)
        if process.wait() == 0:
            with np.load(io.BytesIO(output[0]), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
    finally:
        process.kill()
        process.wait()
    log.error("the search for themes failed:\n%s", "".join(said))
    raise AlbumError("The themes could not be found; the album's log says why.")
