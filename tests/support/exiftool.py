"""ExifTool, a reader of XMP that has nothing in common with the album's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def facts_of(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What it reads in each of the files; the test is skipped by name where it is not installed."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    done = subprocess.run(
        ["exiftool", "-j", "-G1", "-struct", "-a", *paths], capture_output=True, check=True
    )
    facts: list[dict[str, Any]] = json.loads(done.stdout)
    return facts
