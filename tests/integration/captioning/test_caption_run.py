"""Five hundred photos through the real SDK, a server that fails in every way, and two kills."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from album.domain.captions import CaptionSelection
from album.images.decoding import small_jpeg
from album.service import Album
from tests.support.caption_process import KEY, PACE
from tests.support.gemini_server import (
    Answer,
    GeminiServer,
    Request,
    blocks,
    error,
    fills,
    garbage,
    most_within,
    says,
    slowly,
)
from tests.support.images.make import make_exif
from tests.support.importing import take_in, wait_until

CHECKOUT = Path(__file__).parents[3]
PHOTOS = 500
LARGE = 5  # of them
KILLS = (150, 380)  # after so many requests
OFTEN = 99

DROP, HANG = Answer(drop=True), Answer(hang=True)
# How often a photo meets which fault, before all goes well; and what it fails of in the end.
FAULTS: dict[str, tuple[Answer, int, str]] = {
    "quota": (error(429, "RATE_LIMIT_EXCEEDED", "0.3s"), 1, ""),
    "500 once": (error(500), 1, ""),
    "500 four times": (error(503), 4, ""),
    "500 for ever": (error(500), OFTEN, "Gemini has a fault of its own"),
    "hangs once": (HANG, 1, ""),
    "hangs for ever": (HANG, OFTEN, "Gemini did not answer within"),
    "drops once": (DROP, 1, ""),
    "drops for ever": (DROP, OFTEN, "Gemini cannot be reached"),
    "cut": (Answer(200, says("A long answer.").body, cut=True), 1, ""),
    "blocked": (blocks("SAFETY"), OFTEN, "Gemini declined this photo (SAFETY)."),
    "nothing": (says(""), OFTEN, "Gemini answered without a caption"),
    "garbage once": (garbage(), 1, ""),
    "garbage": (garbage(), OFTEN, "Gemini answered with something other than a description"),
    "plain words": (says("Two lions on a rock."), OFTEN, ""),
    "slow": (says("unused"), 0, ""),
}
SENDS = {"500 for ever": 5, "hangs for ever": 5, "drops for ever": 5, "blocked": 1, "nothing": 1}
SENDS |= {"garbage": 2, "garbage once": 2, "plain words": 2, "slow": 1, "well": 1}
SENDS |= {"quota": 2, "500 once": 2, "500 four times": 5, "hangs once": 2, "drops once": 2}
SENDS |= {"cut": 2}
EACH = {"hangs once": 2, "hangs for ever": 1}  # they take long
OF_A_KIND = 8


@pytest.fixture
def photos(album: Album, tmp_path: Path) -> dict[str, int]:
    """The ids of the photos, by how the server names them."""
    exif = make_exif(main={0x010F: "Canon"}, gps={1: "N", 2: (37.0, 30.0, 0.0)})
    folder = tmp_path / "photos"
    folder.mkdir()
    for n in range(PHOTOS):
        size = (1600, 1200) if n < LARGE else (32, 24)
        colour = (n % 8 * 32, n // 8 % 8 * 32, n // 64 * 32)
        Image.new("RGB", size, colour).save(folder / f"{n:03}.jpg", exif=exif)
    take_in(album, [folder])
    found = {
        hashlib.sha256(small_jpeg(album.originals.find(it))).hexdigest()[:16]: it.photo_id
        for it in album.store.all_photos()
    }
    assert len(found) == PHOTOS
    return found


def respond(kinds: dict[str, str]) -> Callable[[Request, int], Answer]:
    def answer(request: Request, earlier: int) -> Answer:
        kind = kinds[request.photo]
        well = fills(request.schema, "A big cat.")
        if kind == "slow":
            return slowly(well, 0.3)
        if kind in FAULTS and earlier < FAULTS[kind][1]:
            return FAULTS[kind][0]
        return well

    return answer


def start(album: Album, server: GeminiServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.caption_process", album.data_dir, server.url],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_each_photo_is_captioned_or_failed_once(album: Album, photos: dict[str, int]) -> None:
    """No photo is paid for twice, and failures have their true reason."""
    several = [kind for kind in FAULTS for _ in range(EACH.get(kind, OF_A_KIND))]
    several += ["well"] * (PHOTOS - len(several))
    random.Random(PHOTOS).shuffle(several)
    kinds = dict(zip(photos, several, strict=True))
    job_id = album.captions.start_job(CaptionSelection(lacking=True), ["ko", "en"])
    done_before: list[tuple[int, set[str]]] = []  # requests, and who was captioned, at each kill
    with GeminiServer() as server:
        server.respond = respond(kinds)
        for after in KILLS:
            process = start(album, server)
            wait_until(lambda: len(server.requests) >= after or process.poll() is not None)  # noqa: B023
            process.kill()
            assert process.wait() == -9, process.communicate()
            captioned = set(album.caption_store.get_many(list(photos.values())))
            done_before.append(
                (len(server.requests), {it for it, key in photos.items() if key in captioned})
            )
        process = start(album, server)
        said = "".join(process.communicate())

    job = album.captions.job(job_id)
    failures = {it.photo_id: it.failure for it in album.captions.failures(job_id)}
    captions = {key: album.captions.captions_by_language(key) for key in photos.values()}
    assert (job.state, job.total, job.waiting, job.left_out) == ("done", PHOTOS, 0, 0)
    assert job.written + job.failed == PHOTOS
    for photo, photo_id in photos.items():
        reason = FAULTS.get(kinds[photo], ("", 0, ""))[2]
        if reason:
            assert failures[photo_id].startswith(reason), kinds[photo]
            assert captions[photo_id] == {}
        elif kinds[photo] == "plain words":
            assert {it: got.text for it, got in captions[photo_id].items()} == {
                "en": "Two lions on a rock."
            }
        else:
            assert captions[photo_id]["en"].text == "A big cat."
            assert captions[photo_id]["ko"].model_id == "gemini-test"
            assert captions[photo_id]["ko"].prompt_version

    # No photo is sent once it has its caption; one that a kill kept from being stored is.
    for sent, captioned in done_before:
        assert captioned
        assert not {it.photo for it in server.requests[sent:]} & captioned
    again = Counter({it: n - SENDS[kinds[it]] for it, n in server.sent.items()})
    assert sum(n for n in again.values() if n > 0) <= len(KILLS) * 2 * PACE.parallel
    assert min(again.values()) == 0

    assert most_within([it.arrived for it in server.requests], PACE.window_s) <= PACE.per_minute
    assert all(max(it.size) <= 1024 and not it.metadata for it in server.requests)
    assert {max(it.size) for it in server.requests} == {1024, 32}
    assert KEY not in said
    assert "Traceback" not in said
    Image.open(io.BytesIO(server.requests[0].jpeg)).verify()
