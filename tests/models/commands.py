"""The command line as tests call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from album.__main__ import cli


def run(data_dir: Path, *words: object, **env: str) -> Result:
    """One command on a library, with the embedded model."""
    clean = {"ALBUM_MODEL": "pocket", "GEMINI_API_KEY": "", "ALBUM_DATA_DIR": str(data_dir), **env}
    return CliRunner().invoke(cli, [str(word) for word in words], env=clean)


def read(result: Result) -> Any:
    """What a command that went well said as JSON."""
    assert result.exit_code == 0, result.output + result.stderr
    return json.loads(result.stdout)
