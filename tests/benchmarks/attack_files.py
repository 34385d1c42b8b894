"""Attacks with files: pictures and zips that grow, and backups that somebody made up."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from album.maintenance.backup import backup
from tests.benchmarks.bystanders import Peaks, figures_of, searching
from tests.benchmarks.figures import Figure
from tests.support.hostile_backups import HOSTILE
from tests.support.hostile_rows import (
    EXTRAS,
    FALSE_TABLES,
    PHOTOS,
    UNSOUND_ROWS,
    changed,
    fill,
    without_triggers,
)  # fmt: skip
from tests.support.images.make import make_huge_png, make_photo
from tests.support.library import library, photo
from tests.support.served_album import ROOT, ServedAlbum
from tests.support.visitor import Page, RefusedError, Visitor
from tests.support.zips import declare, make_zip

BOMBS = 4
BOMB_SIZE = (14_000, 14_000)  # 196 of the 200 megapixels that a photo may have
SERVER_BAR_MB = 1500
DECODER_BAR_MB = 3500  # 3 GB for the pixels, and what the process itself takes
ON_DISK_BAR_MB = 64
RESTORE_WITHIN_S = 60
LOOK_S = 0.02
REFUSED = "refused"

LIAR = "a member of 200 MB that says it has 1,000 bytes"
_ZIPS: dict[str, tuple[str, dict[str, bytes | int]]] = {
    "twenty blank pictures of 29 MB in a zip": ("", {f"{n}.bmp": 29 for n in range(20)}),
    "a blank picture of 200 MB in a zip": ("bomb.bmp", {"bomb.bmp": 200}),
    "a sidecar of 200 MB in a zip": ("good.jpg.json", {"good.jpg.json": 200}),
    LIAR: ("liar.bmp", {"liar.bmp": 200}),
}
"""By what it is: the member that a report must name, "" for the zip itself; and the members."""


@dataclass(frozen=True)
class Attacked:
    """A served album, and a browser that has its page."""

    served: ServedAlbum
    http: httpx.AsyncClient
    page: Page


async def bomb_figures(attacked: Attacked) -> list[Figure]:
    """Some small PNGs at once, each of which takes a gigabyte when it is decoded."""
    http, page = attacked.http, attacked.page
    bomb = make_huge_png(attacked.served.data_dir.parent / "bomb.png", BOMB_SIZE, whole=True)
    kinds: dict[str, Callable[[list[Path]], Awaitable[object]]] = {
        "query pictures": lambda files: asyncio.gather(
            *(_search_with(Visitor(http, page), file) for file in files)
        ),
        "files to classify": lambda files: _call(attacked, "classify_photos", files, "cat, dog"),
        "uploads": lambda files: _call(attacked, "upload_photos", files),
    }
    figures = []
    for kind, attack in kinds.items():
        files = []
        for number in range(BOMBS):  # none is known from before
            files.append(bomb.with_name(f"{kind} {number}.png"))
            files[-1].write_bytes(bomb.read_bytes() + f"{kind} {number}".encode())
        peaks = Peaks(attacked.served.pid)
        watching = asyncio.create_task(peaks.watch())
        started = time.perf_counter()
        async with searching(http, page) as times:
            answer = await attack(files)
            seconds = time.perf_counter() - started
        watching.cancel()
        figures += [
            Figure(
                f"{BOMBS} PNGs of 196 megapixels as {kind}, answered after", seconds, "s",
                beside=_told(answer),
            ),
            Figure("    memory of the server, peak", peaks.server / 2**20, "MB",
                   below=SERVER_BAR_MB),
            Figure("    memory of the largest decoder, peak", peaks.decoder / 2**20, "MB",
                   below=DECODER_BAR_MB),
            *figures_of(times),
        ]  # fmt: skip
    return figures


def _told(answer: Any) -> str:
    """How often each thing was said of a file."""
    if isinstance(answer, dict):
        files = answer.get("photos") or answer["failed"]
        said = [file.get("reason", "classified") for file in files]
        said += ["added"] * answer.get("added", 0)
    else:
        said = answer
    return "; ".join(f"{n} x {what}" for what, n in Counter(said).items())


async def _search_with(visitor: Visitor, file: Path) -> str:
    await visitor.arrive()
    visitor.type("picture", await visitor.send(file))
    try:
        await visitor.fire("picture", "upload")
        return "shown"
    except RefusedError as error:
        return str(error)
    finally:
        await visitor.leave()


async def _call(attacked: Attacked, name: str, files: list[Path], *more: object) -> Any:
    program = Visitor(attacked.http, attacked.page)
    before = [[]] if name == "classify_photos" else []
    return await program.call(name, *before, await program.send(*files), *more)


async def zip_figures(attacked: Attacked) -> list[Figure]:
    """Zips that would become far larger than they are, each uploaded by a program."""
    folder = attacked.served.data_dir.parent / "zips"
    figures = []
    async with searching(attacked.http, attacked.page) as times:
        for number, (kind, (wrong, members)) in enumerate(_ZIPS.items()):
            photo = make_photo(folder / f"{number}.jpg", (9 * number, 99, 9)).read_bytes()
            zipped = make_zip(folder / f"{number}.zip", {**members, "good.jpg": photo})
            if kind == LIAR:
                declare(zipped, wrong, size=1000)
            with _on_disk(attacked.served.data_dir) as grown:
                answer = await _call(attacked, "upload_photos", [zipped])
            reasons = {failed["file_name"]: failed["reason"] for failed in answer["failed"]}
            told = reasons.get(wrong or zipped.name, "nothing")
            size = zipped.stat().st_size / 2**20
            figures.append(
                Figure(
                    f"{kind}, on disk at most", grown() / 2**20, "MB", below=ON_DISK_BAR_MB,
                    beside=f"zip of {size:.1f} MB; added {answer['added']}; told: {told}",
                )
            )  # fmt: skip
    return [*figures, *figures_of(times)]


@contextmanager
def _on_disk(folder: Path) -> Iterator[Callable[[], int]]:
    """How many bytes more than before a folder held at most, once this is over."""
    most, before, over = [0], _sizes_in(folder), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            now = _sizes_in(folder)  # what goes meanwhile does not count against what comes
            grown = sum(max(0, size - before.get(file, 0)) for file, size in now.items())
            most[0] = max(most[0], grown)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield lambda: most[0]
    finally:
        over.set()
        looking.join()


def _sizes_in(folder: Path) -> dict[Path, int]:
    sizes = {}
    for file in folder.rglob("*"):
        with suppress(OSError):  # gone meanwhile
            if file.is_file():
                sizes[file] = file.stat().st_size
    return sizes


def backup_figures() -> Iterator[Figure]:
    """Backups that somebody changed, each restored by the command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = folder / "good.zip"
        with library(folder / "data") as source:
            for number in range(PHOTOS):
                source.add(photo(folder / "photos" / f"{number}.jpg", number), keep=True)
            fill(source.database)
            drop = without_triggers(source.data_dir / "album.db")
            backup(source.database, source.store, source.originals, good, with_originals=True)
        outcomes = [(kind, _restored(good, change)) for kind, change in _changes(drop)]
    restored = [kept for _, kept in outcomes if isinstance(kept, int)]
    crashed = [f"{kind}: {kept}" for kind, kept in outcomes if kept not in (*restored, REFUSED)]
    yield Figure(
        f"{len(outcomes)} hostile backups, neither restored nor refused",
        len(crashed),
        "",
        below=1,
        beside="; ".join(crashed)[:300],
    )
    yield Figure(
        f"    photos lost by the {len(restored)} that were restored",
        PHOTOS * len(restored) - sum(restored), "", below=1,
        beside=f"{sum(restored)} kept; the other {len(outcomes) - len(restored)} refused",
    )  # fmt: skip


def _changes(drop: list[str]) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """What it is that is done to a backup, and what does it."""
    for kind, statement in EXTRAS.items():
        yield kind, _running([statement])
    for kind, statements in FALSE_TABLES.items():
        yield kind, _running(statements)
    for kind, statement in UNSOUND_ROWS.items():
        yield kind, _running([*drop, statement])
    yield from HOSTILE.items()


def _running(statements: Sequence[str]) -> Callable[[Path], object]:
    return lambda file: changed(file, *statements)


def _restored(good: Path, change: Callable[[Path], object]) -> int | str:
    """How many photos came back, or that it was refused, or what else was said."""
    file, target = good.with_name("bad.zip"), good.with_name("restored")
    shutil.copyfile(good, file)
    change(file)
    command = [sys.executable, "-m", "album", "restore", str(file), "--data-dir", str(target)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=RESTORE_WITHIN_S
        )
        lines = done.stderr.strip().splitlines()
        if done.returncode == 0:
            with library(target) as restored:
                return restored.store.count()
        one_sentence = done.returncode == 1 and "Traceback" not in done.stderr
        return REFUSED if one_sentence and not target.exists() else f"{lines[-1:]}"
    except subprocess.TimeoutExpired:
        return "no end"
    finally:
        for left in (file, target):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
