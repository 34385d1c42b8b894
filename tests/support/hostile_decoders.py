"""What a file can do to its decoder, by the file's name; for workers, which import it from here."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from album.domain.photo import ImageFacts
from album.errors import UnreadableImageError
from album.images.decoder import Decoded


def framed(head: bytes) -> bytes:
    return struct.pack(">I", len(head)) + head


LIES = {
    "lies in length": struct.pack(">I", 2**32 - 1),
    "lies in pickle": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    "lies in no JSON": framed(b"oops"),
    "lies in pixels": framed(b'{"size": [100000, 100000]}'),
    "lies below zero": framed(b'{"size": [-1, -1]}'),
    "lies in JPEG": framed(b'{"jpeg_bytes": 999999999999}'),
    "lies in facts": framed(b'{"facts": {"file_type": ["a list"], "width": 1, "height": 1}}'),
    "lies by silence": framed(b"{}"),
}
"""What a worker that was taken over may say in place of an answer."""


def decode_photo(path: Path, encoder_px: int, sidecars: Sequence[Path]) -> Decoded:
    """The thumbnail of what comes back says which process it was and what that process has."""
    with (
        path.open("rb") if path.exists() else Path(os.devnull).open("rb")
    ):  # a test sees who has it
        behave(path.stem, path)
    about = {
        "pid": os.getpid(),
        "path": str(path),
        "sidecars": [str(sidecar) for sidecar in sidecars],
        "modules": sorted(sys.modules),
        "nice": os.nice(0),
        "files": [str(file.readlink()) for file in open_files()],
        "environment": dict(os.environ),
    }
    if path.stem == "tries":
        about["could"] = what_can_be_done(path)
        about["network"] = [name for _, name in socket.if_nameindex() if can_send()]
    facts = ImageFacts(file_type="JPEG", width=2, height=3)
    return Decoded(Image.new("RGB", (2, 3), "red"), facts, json.dumps(about).encode())


def encoder_image(path: Path, encoder_px: int) -> Image.Image:
    return decode_photo(path, encoder_px, []).image


def thumbnail_of(path: Path) -> bytes:
    return decode_photo(path, 0, []).thumbnail


large_view = full_view = small_jpeg = thumbnail_of


def behave(name: str, path: Path) -> None:
    if name in LIES:
        os.write(int(answers_fd()), LIES[name])
        time.sleep(600)
    match name:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(0)
        case "bug":
            raise ZeroDivisionError("a bug in the decoder")
        case "sleep":
            time.sleep(600)
        case "loop":  # in C, and no other thread of Python's gets a turn
            deque(itertools.repeat(None), maxlen=0)
        case "memory":
            held = [bytes(2**26) for _ in range(2**10)]
            raise AssertionError(f"{len(held)} times 64 MB were there")
        case "large":  # more than is usual, less than is too much
            held = [b"x" * 2**26 for _ in range(6)]
            while not path.with_suffix(".go").exists():
                time.sleep(0.01)
        case "refused":
            raise UnreadableImageError("It says no.")
        case "chatty":
            os.write(1, b"a library that prints\n")
        case "waits":  # until somebody says so
            while not path.with_suffix(".go").exists():
                time.sleep(0.01)


def answers_fd() -> str:
    """The pipe to the album: the one that is neither of the three that each process has."""
    pipes = [it.name for it in open_files() if str(it.readlink()).startswith("pipe:")]
    return max(pipes, key=int)


def what_can_be_done(path: Path) -> list[str]:
    """Attempts on the system that succeeded."""
    folder = path.parent
    attempts: dict[str, Callable[[], object]] = {
        "write a file": lambda: (folder / "new").write_bytes(b"x"),
        "change the photo": lambda: os.open(path, os.O_WRONLY),
        "empty the photo": lambda: os.truncate(path, 0),
        "delete the photo": path.unlink,
        "rename the photo": lambda: path.rename(folder / "else"),
        "make a folder": lambda: (folder / "folder").mkdir(),
        "make a link": lambda: (folder / "link").symlink_to(path),
        "run a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "read its parent's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
        "read its parent's memory": lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
        "call by TCP": lambda: socket.create_connection(("127.0.0.1", port_of(folder)), 5),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "kill its parent": lambda: os.kill(os.getppid(), 0),
    }
    done = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        done.append(name)
    return done


def can_send() -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            any_socket.sendto(b"x", ("127.0.0.1", 9))
    except OSError:
        return False
    return True


def port_of(folder: Path) -> int:
    return int((folder / "port").read_text())


def open_files() -> list[Path]:
    """Links to what this process has open (Linux)."""
    return [file for file in Path("/proc/self/fd").glob("*") if file.is_symlink()]
