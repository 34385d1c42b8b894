"""Photos that installed packages ship, for an empty album to try."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

SAMPLES: Final = (
    ("gradio", "test_data/cheetah2.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/camera.png"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/hubble_deep_field.jpg"),
    ("skimage", "data/motorcycle_left.png"),
    ("skimage", "data/rocket.jpg"),
)
"""Package and path of each. All are photos of at least 400 px, no drawings and no screenshots."""


def sample_photos() -> list[Path]:
    """Return the sample photos that are installed, without importing their packages."""
    found = []
    for package, name in SAMPLES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin).parent / name
            if file.is_file():
                found.append(file)
    return found
