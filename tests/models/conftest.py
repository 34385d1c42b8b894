from __future__ import annotations

from pathlib import Path

import gradio
import pytest
from PIL import Image

from models.clip.encoder import ClipEncoder


@pytest.fixture(scope="session")
def weights_dir(tmp_path_factory) -> Path:
    """Empty, and it stays so: nothing in this process may fetch anything."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="session")
def pocket(weights_dir) -> ClipEncoder:
    return ClipEncoder("pocket", weights_dir, "cpu")


@pytest.fixture(scope="session")
def photos() -> list[Image.Image]:
    """Real photos and drawings: those that the gradio package ships."""
    folder = Path(gradio.__file__).parent / "media_assets" / "images"
    files = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".jpeg", ".png"))
    assert len(files) >= 5
    return [Image.open(file).convert("RGB") for file in files]
