"""Fetching weights from a hub that refuses, hangs, cuts or serves; each in a process of its own."""

from __future__ import annotations

import errno
import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.clip import weights
from models.clip.loader import DEFAULT_MODEL
from models.errors import WeightsUnavailableError
from tests.models.tiny import REPO, add_architecture, write_tokenizer, write_weights
from tests.support.hub_server import HubServer

LIVENESS_S = 90
WEIGHTS = "open_clip_model.safetensors"
Events = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> dict[str, bytes]:
    """The files of a small model as the hub would hold them."""
    folder = tmp_path_factory.mktemp("repository")
    add_architecture(folder, "tiny")
    files = folder / "files"
    write_tokenizer(files)
    write_weights("tiny", files / WEIGHTS)
    return {f"{REPO}/{file.name}": file.read_bytes() for file in files.iterdir()}


@pytest.fixture
def loading(tmp_path) -> Iterator[Callable[..., Events]]:
    """Starts a loader against a hub; what it returns waits for the event that matches at a key."""
    processes = []
    (tmp_path / "architectures").mkdir()

    def start(hub: str, model: str, *serving: str) -> Events:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.models.loading", model),
                *(tmp_path / "weights", tmp_path / "architectures", *serving),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"HF_ENDPOINT": hub, "HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"},
        )
        processes.append(process)
        lines: queue.Queue[dict[str, Any]] = queue.Queue()

        def read() -> None:
            for line in process.stdout:
                lines.put(json.loads(line))

        threading.Thread(target=read, daemon=True).start()

        def next_with(key: str, pattern: str = "") -> dict[str, Any]:
            ends_at = time.monotonic() + LIVENESS_S
            while True:
                event = lines.get(timeout=max(0.0, ends_at - time.monotonic()))
                if key in event and re.search(pattern, event[key] or ""):
                    return event

        return next_with

    yield start
    for process in processes:
        process.stdin.close()
        process.wait(LIVENESS_S)


def complete_files(weights_dir: Path) -> list[str]:
    """What the hub's client would take for whole."""
    return sorted(path.name for path in weights_dir.glob("models--*/snapshots/*/*"))


def test_refusing_hub_leaves_pocket_and_a_sentence(loading, pocket, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    event = loading(f"http://127.0.0.1:{port}", "auto")

    assert event("offered", "pocket")["offered"] == pocket.model_id
    problem = event("problem", "download")["problem"]
    assert f"{DEFAULT_MODEL} could not be downloaded" in problem
    assert "check the network, or set ALBUM_MODEL=pocket" in problem
    assert event("obstacle", "network")["state"] == "stand-in"
    assert complete_files(tmp_path / "weights") == []


def test_hanging_hub_leaves_pocket_and_a_sentence(loading, pocket, tmp_path):
    with HubServer({}, mode="hang") as hub:
        event = loading(hub.url, "auto")

        assert event("offered", "pocket")["offered"] == pocket.model_id
        assert event("fetching", "yes")["state"] == "stand-in"
        assert event("problem", "check the network")["state"] == "stand-in"
    assert hub.requests
    assert complete_files(tmp_path / "weights") == []


def test_download_counts_as_whole_only_when_complete(loading, pocket, tmp_path, repository):
    weights_dir = tmp_path / "weights"
    vocabulary = f"{REPO}/tokenizer.json"
    without = {name: body for name, body in repository.items() if name != vocabulary}
    with HubServer(without, mode="serve") as hub:
        event = loading(hub.url, "tiny/web")
        assert event("offered", "pocket")["offered"] == pocket.model_id
        assert event("problem", "no weights of tiny/web any more")["state"] == "stand-in"
        assert event("obstacle", "gone")["fetched"] is None
        assert not any(WEIGHTS in request for request in hub.requests)

        hub.mode = "cut"
        hub.files[vocabulary] = repository[vocabulary]
        assert event("problem", "tiny/web could not be downloaded")["state"] == "stand-in"
        assert hub.cuts == 1
        assert WEIGHTS not in complete_files(weights_dir)

        hub.mode = "serve"
        assert event("offered", "tiny/web")["dim"] == 24
        assert event("state", "ready")["problem"] is None

        hub.requests.clear()
        event = loading(hub.url, "tiny/web")
        assert event("offered")["offered"] == "tiny/web"
        assert hub.requests == [], "a start with everything on disk asks the hub nothing"


def test_download_tells_how_much_has_arrived(loading, pocket, repository):
    with HubServer(dict(repository), mode="halves") as hub:
        event = loading(hub.url, "tiny/web")

        assert event("offered", "pocket")["offered"] == pocket.model_id
        assert event("fetched", "49%|50%")["fetching"] == "yes"  # with or without the small files
        hub.second_half.set()
        assert event("offered", "tiny/web")["dim"] == 24
        assert event("state", "ready")["fetched"] is None


@pytest.mark.parametrize(
    ("error", "obstacle"),
    [
        (OSError(errno.ENOSPC, "full"), "disk"),
        (OSError(errno.EDQUOT, "full"), "disk"),
        (PermissionError(errno.EACCES, "no"), "folder"),
        (ConnectionError("gone"), "network"),
        (RuntimeError("cut"), "network"),
    ],
)
def test_failed_download_names_its_obstacle(error, obstacle, tmp_path, monkeypatch):
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr(weights, "_fetch_first", fail)

    with pytest.raises(WeightsUnavailableError) as raised:
        weights.fetch_weights(DEFAULT_MODEL, tmp_path)

    assert raised.value.obstacle == obstacle
