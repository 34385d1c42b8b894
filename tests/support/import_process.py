"""One import in a process of its own, for a test to kill.

The process is forked from one that has imported the album already, which is half of a start.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import album.service
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder

ALBUM = str(Path(album.service.__file__).parent)
NEVER = 10**12
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class ImportProcess:
    """An import that can be killed.

    With `line` the process kills itself, as `kill -9` does, before that line of the album's code,
    counted over all of its threads.
    """

    def __init__(self, data_dir: Path, mode: str, folder: Path, line: int | None = None) -> None:
        """Start the process, and wait until it begins its work.

        Args:
            data_dir: of the library.
            mode: "in-place", "copy", "upload" or "resume".
            folder: of the photos.
            line: see above.
        """
        self._errors = data_dir.with_name(f"{data_dir.name}.errors")
        self._answers, sender = FORKS.Pipe(duplex=False)
        arguments = (sender, self._errors, data_dir, mode, folder, line)
        self._process = FORKS.Process(target=_main, args=arguments)
        self._process.start()
        sender.close()
        assert self._answer() == "ready", self.errors()

    def runs(self) -> bool:
        """Return whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End it as `kill -9` does, if it has not ended."""
        self._process.kill()
        self.join()

    def join(self) -> None:
        """Wait for its end."""
        self._process.join()

    def facts(self) -> dict[str, Any]:
        """Wait for its end, and return what it says of an import that nobody interrupts."""
        facts = self._answer()
        self.join()
        assert facts, self.errors()
        return dict(facts)

    def errors(self) -> str:
        """Return what it wrote to stderr."""
        return self._errors.read_text()

    def _answer(self) -> Any:
        try:
            return self._answers.recv()
        except EOFError:
            return None


def count_lines(fatal: int) -> itertools.count[int]:
    """Count the lines of the album that run from now on, and end before number `fatal`."""
    lines = itertools.count(1)

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and next(lines) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename.startswith(ALBUM) else None

    threading.settrace(on_call)
    sys.settrace(on_call)
    return lines


def work(data_dir: Path, mode: str, folder: Path) -> dict[str, Any]:
    library = album.service.Album(
        data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere()
    )
    library.active.set_encoder(FakeEncoder(), fill=False)
    if mode == "resume":
        library.start()
        while library.imports.running:
            time.sleep(0.01)
        library.close()
        return {}
    if mode == "upload":
        import_id = library.upload([(path, path.name) for path in sorted(folder.iterdir())])
        library.imports.wait(import_id)
    else:
        import_id = library.imports.run(
            [folder], "copy" if mode == "copy" else "in place"
        ).import_id
    record = library.imports.get(import_id)
    failed = [failure.path.name for failure in library.import_store.failures(import_id)]
    library.close()
    return {
        "import_id": import_id,
        "added": record.added,
        "already_here": record.already_here,
        "failed": failed,
    }


def _main(
    sender: Connection, errors: Path, data_dir: Path, mode: str, folder: Path, line: int | None
) -> None:
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), sys.stderr.fileno())
    sender.send("ready")
    lines = None if line is None else count_lines(line)
    started = time.monotonic()
    facts = work(data_dir, mode, folder)
    facts["seconds"] = time.monotonic() - started
    if lines is not None:
        facts["lines"] = next(lines) - 1
    sender.send(facts)
