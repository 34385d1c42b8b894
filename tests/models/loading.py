"""An EncoderLoader in a process of its own, since the hub's address is read at import.

`python -m tests.models.loading MODEL WEIGHTS_DIR ARCHITECTURES [SERVING]` writes one JSON line for
each thing that happens, and ends when its input is closed.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from huggingface_hub import constants

from models.clip.loader import EncoderLoader
from models.interfaces import Encoder

CHUNK_BYTES = 1_000
"""A weights file of the tests is smaller than what the hub's client reads at once."""


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(model: str, weights_dir: str, architectures: str, serving: str | None = None) -> None:
    from tests.models.tiny import add_architecture, publish

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    add_architecture(Path(architectures), "tiny")
    publish("tiny")
    loader = EncoderLoader(model, "cpu", Path(weights_dir), retry_s=0.2)

    def offer(encoder: Encoder) -> None:
        row = encoder.encode_texts(["a photo of a cat"])
        say(offered=encoder.model_id, dim=row.shape[1])

    loader.start(offer, serving)
    ended = threading.Event()

    def watch() -> None:
        seen: tuple[object, ...] = ()
        while not ended.wait(0.02):
            now = (
                loader.state, loader.fetching, loader.problem, loader.fetched, loader.obstacle
            )  # fmt: skip
            if now != seen:
                say(
                    state=now[0],
                    fetching="yes" if now[1] else "no",
                    problem=now[2],
                    fetched=now[3] and f"{now[3]:.0%}",
                    obstacle=now[4],
                )
                seen = now

    threading.Thread(target=watch, daemon=True).start()
    sys.stdin.read()
    ended.set()
    loader.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
