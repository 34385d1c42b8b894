"""Captions in a process of its own, for a test to kill: works on the jobs until all have ended.

python -m tests.support.caption_process DATA_DIR URL
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from album.captioning.captions import CaptionPace
from album.service import Album
from models.captioners.gemini import GeminiCaptioner
from models.classifiers.factory import DefaultClassifiers
from tests.support.fakes import DecodeHere

KEY = "a-key-that-tests-look-for-everywhere"
PACE = CaptionPace(
    per_minute=120, per_day=0, parallel=2, window_s=3.0, first_delay_s=0.05, lease_s=12.0
)
TIMEOUT_S = 2.5


def main(data_dir: str, url: str) -> None:
    captioner = GeminiCaptioner(KEY, "gemini-test", url, timeout_s=TIMEOUT_S)
    album = Album(
        Path(data_dir), DefaultClassifiers(), captioner, decoder=DecodeHere(), caption_pace=PACE
    )
    album.captions.start()
    while any(job.state == "running" for job in album.captions.progress().jobs):
        time.sleep(0.05)
    album.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
