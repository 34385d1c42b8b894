"""Searching and importing with the embedded model; importing beside the loop of the tutorials."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import open_clip
import torch
from PIL import Image

from album.service import Album
from models.clip import ClipEncoder
from models.spec import POCKET, POCKET_ARCHITECTURE, parse_spec
from models.zero_shot import ZeroShotClassifier
from tests.benchmarks.figures import Figure, seconds
from tests.fakes import FakeCaptioner
from tests.images.make import make_exif, scene

LIBRARY = 1000
SEARCHES = 41
TURNS = 4
TURN = 50
PLAIN_TURN = 10
MEGAPIXELS_12 = (4000, 3000)


def opened(data_dir: Path, encoder: ClipEncoder) -> Album:
    album = Album(data_dir, ZeroShotClassifier, FakeCaptioner())
    album.active.offer(encoder, fill=False)
    return album


def search_figures() -> Iterator[Figure]:
    """Searches whose texts the encoder has never seen, so that each is encoded."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = ClipEncoder(POCKET, Path(folder))
        photos = Path(folder, "photos")
        photos.mkdir()
        for number in range(LIBRARY):
            scene((160, 120), seed=number).save(photos / f"{number:04}.jpg")
        album = opened(Path(folder, "data"), encoder)
        album.importer.import_files(sorted(photos.iterdir()))
        for language, text in (
            ("English", "{} dogs on a beach"),
            ("Korean", "해변의 강아지 {}마리"),
        ):
            album.search.find(text)  # the first forward pass is slow
            times = [
                seconds(partial(album.search.find, text.format(number)))
                for number in range(2, SEARCHES)
            ]
            yield Figure(
                f"search of {LIBRARY:,} photos with pocket, a new text in {language}",
                1000 * median(times),
                "ms",
                below=300,
                beside=f"at worst {1000 * max(times):.1f} ms",
            )
        album.close()


def import_figures() -> Iterator[Figure]:
    """Photos of 12 megapixels a second: the album, and one after the other in float32."""
    with tempfile.TemporaryDirectory() as folder:
        photos = make_12_megapixel_photos(Path(folder, "photos"), 1 + TURNS * TURN)
        album = opened(Path(folder, "data"), ClipEncoder(POCKET, Path(folder)))
        embed = plain_way()
        album.importer.import_files(photos[:1])  # the first forward pass is slow
        embed(photos[0])
        plain_s, ours_s, imported = 0.0, 0.0, 0
        for start in range(1, len(photos), TURN):  # turn about, so that both see the same noise
            report = album.importer.import_files(photos[start : start + TURN])
            imported += len(report.added)
            ours_s += report.seconds
            plain_s += sum(seconds(partial(embed, path)) for path in photos[start:][:PLAIN_TURN])
        album.close()
        plain, ours = TURNS * PLAIN_TURN / plain_s, imported / ours_s
        yield Figure("the loop of tutorials over photos of 12 MP", plain, "photos/s")
        yield Figure(
            f"import of {imported} photos of 12 MP with pocket",
            ours,
            "photos/s",
            beside=f"{ours / plain:.1f} x the loop of tutorials",
        )


def make_12_megapixel_photos(folder: Path, count: int) -> list[Path]:
    """Files that differ in their last bytes, behind a picture that eight of them share."""
    folder.mkdir()
    different = [folder / f"scene {seed}.jpg" for seed in range(8)]
    for seed, path in enumerate(different):
        exif = make_exif(main={0x0110: "Bench"})
        scene(MEGAPIXELS_12, seed).save(path, quality=88, exif=exif)
    photos = [folder / f"{number:04}.jpg" for number in range(count)]
    for number, path in enumerate(photos):
        shutil.copyfile(different[number % len(different)], path)
        with path.open("ab") as file:
            file.write(number.to_bytes(4, "big"))
    return photos


def plain_way() -> Callable[[Path], torch.Tensor]:
    """Full decode, float32, one photo at a time, as tutorials show it."""
    spec = parse_spec(POCKET)
    model, _, preprocess = open_clip.create_model_and_transforms(
        POCKET_ARCHITECTURE, pretrained=str(spec.checkpoint)
    )
    model.eval()

    @torch.no_grad()
    def embed(path: Path) -> torch.Tensor:
        pixels = preprocess(Image.open(path).convert("RGB")).unsqueeze(0)
        return model.encode_image(pixels, normalize=True)

    return embed
