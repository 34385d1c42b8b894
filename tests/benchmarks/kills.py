"""`kills`: one library through many `kill -9`, none of which may lose or double a write.

`python -m tests.benchmarks.kills FOLDER NUMBER` is the process that is killed. It writes until
then, and says before each write what that will leave, and after it "done".
"""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from album.runtime.files import sha256_of
from album.service import Album
from album.storage.originals import is_half
from tests.benchmarks.figures import Figure
from tests.support.images.make import scene
from tests.support.importing import opened, wait_until

CHECKOUT = Path(__file__).parents[2]
SEED = 20261130
LATEST_S = 1.5  # a kill comes at a random time before, also while the library is being opened
KINDS = ("upload", "labels", "caption", "folder")
FAVOUR = 50  # times as often as another kind, in a process whose turn it is
DIFFERENT = 4000  # photos, so that more and more of them are here already
ALL = 10**9


def kill_figures(options: Namespace) -> Iterator[Figure]:
    """Kill processes that write, more of one kind each, and look at what they left."""
    started, chance, ledger = time.perf_counter(), random.Random(SEED), Ledger()
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.kills):
            ledger.take(_killed(Path(name), number, chance.uniform(0, LATEST_S)))
            ledger.check(Path(name))
        ledger.check(Path(name), complete=True)
    for what, counts in (("acknowledged writes", ledger.writes), ("cut short", ledger.cut)):
        beside = ", ".join(f"{kind} {counts[kind]:,}" for kind in KINDS)
        yield Figure(f"{options.kills:,} kills: {what}", counts.total(), "", beside=beside)
    for what, found in ledger.wrongs.items():
        yield Figure(f"    {what}", len(found), "", below=1, beside="; ".join(sorted(found)[:3]))
    yield Figure("    time", time.perf_counter() - started, "s", beside=f"{ledger.photos:,} photos")


class Ledger:
    """What was acknowledged, and what of it is not as it must be."""

    def __init__(self) -> None:
        self.writes: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        """Writes that a kill kept from being acknowledged."""
        self.wrongs: dict[str, set[str]] = {
            what: set() for what in ("lost", "doubled", "faults", "told as running")
        }
        self.photos = 0
        self._stays: set[str] = set()
        self._latest: dict[str, str] = {}
        self._begun: dict[str, Any] | None = None

    def take(self, lines: Iterable[str]) -> None:
        """Note what a process said until it was killed."""
        self._begun = None
        for line in lines:
            if line != "done\n":
                self._begun = json.loads(line)
            elif self._begun is not None:
                self._note(self._begun)
                self.writes[self._begun["kind"]] += 1
                self._begun = None
        if self._begun is not None:
            self.cut[self._begun["kind"]] += 1

    def check(self, folder: Path, *, complete: bool = False) -> None:
        """Check the library as the next start finds it, or `complete`, as that leaves it."""
        album = opened(folder / "data")
        imports = album.imports.recent(ALL)
        running = {f"import {it.import_id}" for it in imports if it.state == "running"}
        self.wrongs["told as running"] |= running
        if complete:
            album.start()
            wait_until(lambda: album.imports.running is None)
            self._stays |= {it.replace("received", "photo") for it in self._stays}
        self.wrongs["faults"].update(album.faults(deep=True))
        here = Counter(_things(album, folder / "data" / "photos"))
        album.close()
        if self._begun is not None and (stays := here.keys() & set(self._begun["stays"])):
            self._note(self._begun | {"stays": stays})  # it was written, or this part of it
        latest = {f"{key}: {value}" for key, value in self._latest.items()}
        self.wrongs["lost"] |= (self._stays | latest) - here.keys()
        written = {it for it in here if it.startswith(("act", "caption"))}
        twice = {it for it, count in here.items() if count > 1}
        self.wrongs["doubled"] |= twice | (written - self._stays)
        self.photos = sum(it.startswith("photo") for it in here)

    def _note(self, write: dict[str, Any]) -> None:
        self._stays.update(write["stays"])
        self._latest.update(write["latest"])


def _things(album: Album, originals: Path) -> Iterator[str]:
    """Everything that may be lost or doubled, a line each."""
    received = {sha256_of(file) for file in album.originals.uploads()}
    for photo in album.store.all_photos():
        photo_id = photo.photo_id
        received.add(photo.sha256)
        yield f"photo {photo.sha256}"
        yield f"labels of {photo_id}: {' '.join(album.labels_of(photo_id))}"
        captions = [it.caption for it in album.captions.history(photo_id)]
        if (shown := album.captions.get(photo_id)) is not None:
            captions.append(shown)
            yield f"shown of {photo_id}: {shown.text}"
        yield from (f"caption of {photo_id}: {it.text}" for it in captions)
    yield from (f"received {sha256}" for sha256 in received)
    yield from (f"act {' '.join(sorted(act.labels))}" for act in album.labels.acts(ALL))
    for file in originals.rglob("*"):
        if file.is_file() and not is_half(file):
            yield f"file {sha256_of(file)}"


def _killed(folder: Path, number: int, after_s: float) -> list[str]:
    """What a process said until it was killed, so long after it was ready to begin."""
    command = [sys.executable, "-m", "tests.benchmarks.kills", str(folder), str(number)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        lines: list[str] = []
        reader = threading.Thread(target=lines.extend, args=(process.stdout,))
        reader.start()
        time.sleep(after_s)
        process.kill()
        reader.join()
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"process {number} ended by itself")
    return [line for line in lines if line.endswith("\n")]


# The process that is killed


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _begin(kind: str, stays: Iterable[str], latest: dict[str, str] | None = None) -> None:
    _say(json.dumps({"kind": kind, "stays": list(stays), "latest": latest or {}}))


def _write_until_killed(folder: Path, number: int) -> None:
    _say("ready")
    album = opened(folder / "data")
    album.start()
    chance = random.Random(f"{SEED} {number}")
    weights = [FAVOUR if number % len(KINDS) == it else 1 for it in range(len(KINDS))]
    ids = [photo.photo_id for photo in album.store.all_photos()]
    for turn in itertools.count():
        word = f"{number}-{turn}"
        match chance.choices(KINDS, weights)[0] if ids else "folder":
            case "upload":
                files = _make_photos(folder / "sent" / word, chance)
                _begin("upload", [f"received {sha256_of(file)}" for file in files])
                album.upload([(file, file.name) for file in files])
            case "folder":
                before = sorted((folder / "folders").glob("*"))
                again = before and chance.random() < 0.3
                source = chance.choice(before) if again else folder / "folders" / word
                files = sorted(source.iterdir()) if again else _make_photos(source, chance)
                _begin("folder", [f"photo {sha256_of(file)}" for file in files])
                album.imports.run([source], chance.choice(("in place", "copy")))
                ids = ids or album.import_store.added_by(1)
            case "labels":  # one more; of three, one goes
                photo_id = chance.choice(ids)
                had = album.labels_of(photo_id)
                labels = sorted([*had[-2:], word])
                act = " ".join(sorted({*had} ^ {*labels}))
                _begin("labels", [f"act {act}"], {f"labels of {photo_id}": " ".join(labels)})
                album.labels.set_by_person(photo_id, labels)
            case "caption":
                photo_id, text = chance.choice(ids), f"{word}번째 여름, 바다에서"
                stays = [f"caption of {photo_id}: {text}"]
                _begin("caption", stays, {f"shown of {photo_id}": text})
                album.captions.write(photo_id, text)
        _say("done")
        if turn % 2:  # at other times, the next writes meet the imports of uploads
            wait_until(lambda: album.imports.running_here is None)


def _make_photos(folder: Path, chance: random.Random) -> list[Path]:
    """Some photos; the folder is there when all of them are."""
    making = folder.parent.parent / f"making {folder.name}"
    making.mkdir()
    for number in range(chance.randint(1, 6)):
        scene((64, 48), seed=chance.randrange(DIFFERENT)).save(making / f"사진 {number}.png")
    folder.parent.mkdir(exist_ok=True)
    making.rename(folder)
    return sorted(folder.iterdir())


if __name__ == "__main__":
    _write_until_killed(Path(sys.argv[1]), int(sys.argv[2]))
