"""What a file can do to its decoder, by the file's name; for workers, which import it from here."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from album.decode_worker import Decoded
from album.errors import UnreadableImageError
from album.photo import ImageFacts


def by_name(path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
    """The thumbnail of what comes back says which process it was and what that process has."""
    match path.stem:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(0)
        case "bug":
            raise ZeroDivisionError("a bug in the decoder")
        case "sleep":
            path.with_suffix(".pid").write_text(str(os.getpid()))
            time.sleep(600)
        case "loop":  # in C, and no other thread of Python's gets a turn
            path.with_suffix(".pid").write_text(str(os.getpid()))
            deque(itertools.repeat(None), maxlen=0)
        case "memory":
            held = [bytes(2**26) for _ in range(2**10)]
            raise AssertionError(f"{len(held)} times 64 MB were there")
        case "refused":
            raise UnreadableImageError("It says no.")
        case "chatty":
            os.write(1, b"a library that prints\n")
        case "meets":  # returns once as many files are decoded at once as `encoder_px` says
            path.with_suffix(".here").touch()
            while len(list(path.parent.parent.rglob("*.here"))) < encoder_px:
                time.sleep(0.01)
        case "waits":  # until somebody says so
            path.with_suffix(".here").touch()
            while not path.with_suffix(".go").exists():
                time.sleep(0.01)
    about = {
        "pid": os.getpid(),
        "path": str(path),
        "sidecars": [str(sidecar) for sidecar in sidecars],
        "modules": sorted(sys.modules),
        "nice": os.nice(0),
        "files": [str(file.readlink()) for file in open_files()],
    }
    facts = ImageFacts(file_type="JPEG", width=2, height=3)
    return Decoded(Image.new("RGB", (2, 3), "red"), facts, json.dumps(about).encode())


def open_files() -> list[Path]:
    """Links to what this process has open (Linux)."""
    return [file for file in Path("/proc/self/fd").glob("*") if file.is_symlink()]
