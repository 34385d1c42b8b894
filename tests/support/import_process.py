"""One import in a process of its own, for a test to kill.

python -m tests.support.import_process DATA_DIR in-place|copy|upload|resume FOLDER [LINE]

With LINE the process kills itself, as `kill -9` does, before that line of the album's code, counted
over all of its threads. At the end it prints what an uninterrupted import needs, as JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import album.service
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder

ALBUM = str(Path(album.service.__file__).parent)
NEVER = 10**12


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


def main(data_dir: str, mode: str, folder: str, line: str = "") -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    lines = count_lines(int(line)) if line else None
    started = time.monotonic()
    facts = work(Path(data_dir), mode, Path(folder))
    facts["seconds"] = time.monotonic() - started
    if lines is not None:
        facts["lines"] = next(lines) - 1
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
