"""Zips that somebody made up: members that grow, sizes that lie."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

ZEROS = bytes(1 << 20)


def make_zip(path: Path, members: dict[str, bytes | int], packing: int = 8) -> Path:
    """A zip; a number of megabytes stands for a member of zeros."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", packing) as zipped:
        for name, content in members.items():
            with zipped.open(name, "w") as member:
                if isinstance(content, bytes):
                    member.write(content)
                else:
                    for _ in range(content):
                        member.write(ZEROS)
    return path


def declare(path: Path, name: str, *, size: int, packed: int | None = None) -> None:
    """Have the zip say of a member that it has another size."""
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\1\2", 46), (b"PK\3\4", 30)):
        entry = data.index(mark)
        while data[entry + at : entry + at + len(name)] != name.encode():
            entry = data.index(mark, entry + 1)
        sizes = entry + (20 if mark == b"PK\1\2" else 18)
        if packed is not None:
            struct.pack_into("<I", data, sizes, packed)
        struct.pack_into("<I", data, sizes + 4, size)
    path.write_bytes(data)
