"""Backups as somebody else would make them up: members, manifests and sums that lie."""

from __future__ import annotations

import hashlib
import json
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from album.storage.database import Database
from album.storage.migrations import MIGRATIONS


def member_of(file: Path) -> str:
    """The name of a photo in a backup whose original the album keeps itself."""
    names = zipfile.ZipFile(file).namelist()
    return next(name for name in reversed(names) if name.startswith("photos/"))


def rewritten(
    file: Path,
    *,
    change: Callable[[dict], None] = lambda manifest: None,
    replace: dict[str, bytes] | None = None,
    extra: dict[str | zipfile.ZipInfo, bytes] | None = None,
    without: tuple[str, ...] = (),
    deflate: bool = False,
) -> None:
    """The same backup as somebody else would make it up."""
    with zipfile.ZipFile(file) as good:
        members = {name: good.read(name) for name in good.namelist()}
    manifest = json.loads(members["manifest.json"])
    members |= replace or {}
    for name in replace or {}:
        if name in manifest["members"]:
            sha256 = hashlib.sha256(members[name]).hexdigest()
            manifest["members"][name] |= {"size": len(members[name]), "sha256": sha256}
    change(manifest)
    if "manifest.json" not in (replace or {}):
        members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as bad:
        for name, content in members.items():
            if name not in without:
                packed = deflate or not name.startswith("photos/")
                kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                bad.writestr(name, content, kind)
        for info, content in (extra or {}).items():
            bad.writestr(info, content)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def flip(file: Path) -> None:
    with zipfile.ZipFile(file) as zip_file:
        info = zip_file.getinfo(member_of(file))
    content = bytearray(file.read_bytes())
    content[info.header_offset + 200] ^= 1
    file.write_bytes(content)


def share_bytes(file: Path) -> None:
    """Many members, one and the same piece of the file: what a modern bomb is made of."""
    with zipfile.ZipFile(file, "a") as zip_file:
        info = zip_file.getinfo(member_of(file))
        for number in range(2000):
            sha256 = f"{number:064x}"
            double = zipfile.ZipInfo(f"photos/{sha256[:2]}/{sha256}.jpg")
            for name in ("header_offset", "file_size", "compress_size", "CRC", "external_attr"):
                setattr(double, name, getattr(info, name))
            zip_file.filelist.append(double)
        zip_file._didModify = True


def member_twice(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as zip_file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a duplicate name, which is meant
        zip_file.writestr(member_of(file), b"another")


def with_row(statement: str) -> Callable[[Path], None]:
    """The database of the backup, changed by a statement."""

    def change(file: Path) -> None:
        path = file.with_name("rows.db")
        path.write_bytes(zipfile.ZipFile(file).read("album.db"))
        database = Database(path)
        database.connection.execute("PRAGMA foreign_keys = OFF")
        database.connection.execute(statement)
        database.close()
        rewritten(file, replace={"album.db": path.read_bytes()})
        path.unlink()

    return change


def bomb(file: Path) -> None:
    rewritten(file, replace={"album.db": bytes(80_000_000)})


def say(**values: object) -> Callable[[Path], None]:
    return lambda file: rewritten(file, change=lambda manifest: manifest.update(values))


def lie_of_a_size(file: Path) -> None:
    name = member_of(file)
    rewritten(file, change=lambda manifest: manifest["members"][name].update(size=5))


def lie_of_a_sum(file: Path) -> None:
    name = member_of(file)
    rewritten(file, change=lambda manifest: manifest["members"][name].update(sha256="0" * 64))


HOSTILE: dict[str, Callable[[Path], None]] = {
    "gone": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "empty": lambda file: file.write_bytes(b""),
    "no zip": lambda file: file.write_bytes(b"Dear diary" * 1000),
    "cut short": cut,
    "a flipped bit": flip,
    "another zip": lambda file: (
        file.unlink(),
        zipfile.ZipFile(file, "w").writestr("a.txt", b"a"),
    ),
    "a way up": lambda file: rewritten(file, extra={"../evil.jpg": b"x"}),
    "a way up inside": lambda file: rewritten(file, extra={"photos/ab/../../../evil": b"x"}),
    "an absolute name": lambda file: rewritten(file, extra={"/tmp/evil.jpg": b"x"}),
    "a drive": lambda file: rewritten(file, extra={"C:\\evil.jpg": b"x"}),
    "a symbolic link": lambda file: rewritten(
        file, extra={link(f"photos/ab/ab{'0' * 62}.jpg"): b"/etc/passwd"}
    ),
    "a name twice": member_twice,
    "shared bytes": share_bytes,
    "deflated photos": lambda file: rewritten(file, deflate=True),
    "a bomb": bomb,
    "a long manifest": lambda file: rewritten(
        file, replace={"manifest.json": b"[" + b" " * 5_000_000 + b"]"}
    ),
    "a deep manifest": lambda file: rewritten(file, replace={"manifest.json": b"[" * 100_000}),
    "a manifest of nothing": lambda file: rewritten(file, replace={"manifest.json": b"null"}),
    "a manifest that is a list": say(members=[1, 2]),
    "a manifest with a date of its own": say(made_at=5),
    "counts that are none": say(counts={"photos": float("nan")}),
    "no manifest": lambda file: rewritten(file, without=("manifest.json",)),
    "no database": lambda file: rewritten(file, without=("album.db",)),
    "a photo missing": lambda file: rewritten(file, without=(member_of(file),)),
    "another size": lie_of_a_size,
    "another sum": lie_of_a_sum,
    "a later format": say(format=2),
    "a later schema": say(schema=len(MIGRATIONS) + 1),
    "a database that is none": lambda file: rewritten(file, replace={"album.db": b"SQLite" * 999}),
    "a database without tables": with_row("DROP TABLE labels"),
    "a database without photos": with_row("DROP TABLE photos"),
    "a sha256 that leads out": with_row(
        "UPDATE photos SET sha256 = '../../../../evil' WHERE photo_id = 2"
    ),
    "a sha256 that is a number": with_row("UPDATE photos SET sha256 = 5 WHERE photo_id = 2"),
    "a file name that leads out": with_row(
        "UPDATE photos SET filename = '../a' WHERE photo_id = 2"
    ),
    "a time that is none": with_row("UPDATE photos SET taken_at = 'noon' WHERE photo_id = 2"),
    "a caption of no photo": with_row("UPDATE captions SET photo_id = 99 WHERE photo_id = 2"),
}
