"""Coloured shapes with captions: what a small model can learn in a minute."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = {
    "red circle": "빨간 원",
    "blue square": "파란 사각형",
    "green triangle": "초록 삼각형",
    "yellow star": "노란 별",
    "black cross": "검은 십자가",
}


def draw_shape(name: str, rng: np.random.Generator, px: int = 48) -> Image.Image:
    """One shape of a random size, at a random place, turned a little, on a pale ground."""
    colour, shape = name.split()
    ground = tuple(int(x) for x in rng.integers(190, 256, 3))
    image = Image.new("RGB", (px, px), ground)
    r = rng.uniform(0.2, 0.38) * px
    x, y = rng.uniform(r, px - r, 2)
    turn = rng.uniform(-0.3, 0.3)

    def corners(*polar: tuple[float, float]) -> list[tuple[float, float]]:
        return [
            (x + r * length * math.sin(angle + turn), y - r * length * math.cos(angle + turn))
            for length, angle in polar
        ]

    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), colour)
    elif shape == "cross":
        for angle in (0.0, math.pi / 2):
            draw.line(corners((1, angle), (1, angle + math.pi)), colour, round(r / 2))
    else:
        around = 2 * math.pi
        polygon = {
            "square": [(1.0, around * (i + 0.5) / 4) for i in range(4)],
            "triangle": [(1.0, around * i / 3) for i in range(3)],
            "star": [(1.0 if i % 2 == 0 else 0.4, around * i / 10) for i in range(10)],
        }[shape]
        draw.polygon(corners(*polygon), colour)
    return image


def make_captioned(folder: Path, n: int, seed: int = 0) -> Path:
    """`n` pictures with an English and a Korean caption each: the CSV `image_path,caption`."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image_path", "caption"])
        for number in range(n):
            english, korean = list(CLASSES.items())[number % len(CLASSES)]
            draw_shape(english, rng).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", f"a photo of a {english}"])
            writer.writerow([f"{number}.png", f"{korean} 사진"])
    return folder / "pairs.csv"


def make_folders(folder: Path, each: int, seed: int = 0) -> Path:
    """A folder per class with `each` pictures."""
    rng = np.random.default_rng(seed)
    for name in CLASSES:
        of_class = folder / name.replace(" ", "_")
        of_class.mkdir(parents=True)
        for number in range(each):
            draw_shape(name, rng).save(of_class / f"{number}.png")
    return folder
