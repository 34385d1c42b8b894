"""How soon an album with photos in it answers: a command, an import again, the page."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figure, seconds
from tests.benchmarks.importing import make_photos
from tests.benchmarks.visitors import client_of
from tests.support.served_album import ROOT, ServedAlbum, served_album
from tests.support.visitor import Visitor, load_page

PHOTOS = 600
TURNS = 5
SEARCH_BAR_S = 3.0
IMPORT_BAR_S = 1.0  # beyond the start of Python


def figures() -> Iterator[Figure]:
    """Each in new processes, after one turn that puts all files into memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder / "photos", PHOTOS, (640, 480))
        again = ("import", str(folder / "photos"))
        _command(folder, *again)
        yield _figure('python -m album search "dog"', SEARCH_BAR_S, _turns(folder, "search", "dog"))
        python = min(seconds(partial(_python, folder, "-c", "pass")) for _ in range(TURNS))
        imported = [took - python for took in _turns(folder, *again)]
        what = f"importing {PHOTOS} unchanged photos, beyond Python's start"
        yield _figure(what, IMPORT_BAR_S, imported, f"; that {python:.2f} s")
        pages, searches = [], []
        for _ in range(TURNS):
            began = time.perf_counter()
            with served_album(folder, warm=False) as served:
                pages.append(time.perf_counter() - began)
                searches.append(seconds(lambda: asyncio.run(_search(served))))
        yield _figure("python app.py until its page answers", 8, pages)
        yield _figure("the first search of its page, from there", SEARCH_BAR_S, searches)


def _figure(what: str, bar: float, took: list[float], more: str = "") -> Figure:
    beside = f"best {min(took):.2f}, worst {max(took):.2f} of {len(took)}{more}"
    return Figure(what, median(took), "s", below=bar, beside=beside)


def _turns(folder: Path, *words: str) -> list[float]:
    _command(folder, *words)
    return [seconds(lambda: _command(folder, *words)) for _ in range(TURNS)]


def _command(folder: Path, *words: str) -> None:
    _python(folder, "-m", "album", *words)


def _python(folder: Path, *words: str) -> None:
    settings = {"ALBUM_MODEL": "pocket", "ALBUM_DATA_DIR": str(folder / "data")}
    subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | settings,
        check=True,
        capture_output=True,
    )


async def _search(served: ServedAlbum) -> None:
    """Load the page and ask as soon as it is there, as a browser does."""
    async with client_of(served) as http:
        visitor = Visitor(http, await load_page(http))
        await visitor.arrive()
        await visitor.search("dog")
        if "data-place" not in str(visitor.shown("results")):
            raise RuntimeError(f"no hit is shown: {visitor.shown('results')}")
        await visitor.leave()
