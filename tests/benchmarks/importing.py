"""Importing: how fast beside the loop of tutorials and beside its own parts, and what it costs.

Everything that is compared takes turns, so that all of it sees the same noise. `python -m
tests.benchmarks.importing DATA_DIR FOLDER` imports a folder in a process of its own and prints the
most memory that this process and its decoders held.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from album.images.decoder import Decoded
from album.images.decoder_pool import WORKERS
from album.service import Album
from models.classifiers.factory import DefaultClassifiers
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET, parse_spec
from tests.benchmarks.figures import Figure, peak_bytes, seconds
from tests.benchmarks.pocket import opened
from tests.support.fakes import DecodeHere, FakeCaptioner, FakeEncoder
from tests.support.images.make import make_exif, scene

MEGAPIXELS_12 = (4000, 3000)
DIFFERENT = 8
TURNS = 4
TURN = 64
PLAIN_TURN = 8
MANY, FEW = 2_000, 200
UNCHANGED = 20_000
CHECKOUT = Path(__file__).parents[2]


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = make_photos(folder / "photos", TURNS * TURN + TURN, MEGAPIXELS_12)
        vit = make_vit(folder / "random.safetensors")
        for what, spec in (("pocket", POCKET), ("ViT-B/32", vit)):
            yield from speed_figures(what, spec, photos, folder / what.replace("/", "-"))
    yield from memory_figures()
    yield from rescan_figures()


def speed_figures(what: str, spec: str, photos: Sequence[Path], data_dir: Path) -> Iterator[Figure]:
    """Photos of 12 megapixels a second, and searches meanwhile."""
    encoder = ClipEncoder(spec, data_dir)
    plain = plain_way(spec)
    album = opened(data_dir, encoder)
    spent = dict.fromkeys(("import", "decode", "encode", "plain"), 0.0)
    album.imports.run(photos[:1])  # the first forward pass is slow, and decoders are to be started
    plain(photos[:1], data_dir)
    for turn in range(TURNS):
        part = photos[turn * TURN + 1 : (turn + 1) * TURN + 1]
        spent["import"] += seconds(partial(album.imports.run, part))
        began = time.perf_counter()
        images = [decoded.image for decoded in decode_all(album, part, encoder.image_size)]
        spent["decode"] += time.perf_counter() - began
        spent["encode"] += seconds(partial(encoder.encode_images, images))
        spent["plain"] += seconds(partial(plain, part[:PLAIN_TURN], data_dir))
    rate = {name: TURNS * TURN / spent[name] for name in ("import", "decode", "encode")}
    rate["plain"] = TURNS * PLAIN_TURN / spent["plain"]
    parts = 1 / (1 / rate["decode"] + 1 / rate["encode"])
    slowest = slowest_search(album, photos[TURNS * TURN + 1 :])
    album.close()
    yield Figure(f"12 MP, {what}: the loop of tutorials", rate["plain"], "photos/s")
    yield Figure(f"  decoding alone, {WORKERS} at once", rate["decode"], "photos/s")
    yield Figure("  encoding alone", rate["encode"], "photos/s")
    yield Figure(f"  importing {TURNS * TURN}", rate["import"], "photos/s")
    yield Figure(
        "  importing / the loop of tutorials", rate["import"] / rate["plain"], "x", above=6
    )
    yield Figure("  importing / decoding, then encoding", rate["import"] / parts, "x", above=0.8)
    yield Figure("  slowest search while importing", slowest, "s", below=1)


def decode_all(album: Album, photos: Sequence[Path], encoder_px: int) -> list[Decoded]:
    with ThreadPoolExecutor(2 * WORKERS) as threads:
        return list(threads.map(lambda photo: album.decoder.decode(photo, encoder_px), photos))


def slowest_search(album: Album, photos: Sequence[Path]) -> float:
    """Of searches with texts that the encoder has never seen, as long as an import runs."""
    album.search.find("a first search")
    import_id = album.imports.start(photos)
    times = []
    while not album.imports.wait(import_id, timeout_s=0.1):
        times.append(seconds(partial(album.search.find, f"{len(times)} dogs on a beach")))
    return max(times)


def plain_way(spec: str) -> Callable[[Sequence[Path], Path], None]:
    """Full decode, float32, one photo at a time, saved at the end, as tutorials show it."""
    named = parse_spec(spec)
    model, _, preprocess = open_clip.create_model_and_transforms(
        named.architecture, pretrained=str(named.checkpoint)
    )
    model.eval()

    @torch.no_grad()
    def embed(photos: Sequence[Path], folder: Path) -> None:
        rows = []
        for photo in photos:
            pixels = preprocess(Image.open(photo).convert("RGB")).unsqueeze(0)
            rows.append(model.encode_image(pixels, normalize=True).numpy())
        np.save(folder / "embeddings", np.concatenate(rows))

    return embed


def make_vit(file: Path) -> str:
    """The spec of a ViT-B/32 that has learnt nothing: as slow as one that has."""
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-B-32").state_dict(), file)
    return f"ViT-B-32/{file}"


def make_photos(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Files that differ in their last bytes, behind a picture that many of them share."""
    folder.mkdir()
    different = [folder.with_name(f"{folder.name} {seed}.jpg") for seed in range(DIFFERENT)]
    for seed, path in enumerate(different):
        scene(size, seed).save(path, quality=88, exif=make_exif(main={0x0110: "Bench"}))
    photos = [folder / f"{number:05}.jpg" for number in range(count)]
    for number, path in enumerate(photos):
        shutil.copyfile(different[number % DIFFERENT], path)
        with path.open("ab") as file:
            file.write(number.to_bytes(4, "big"))
    return photos


def memory_figures() -> Iterator[Figure]:
    """How much more memory an import of many photos takes than one of few."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peaks = {}
        for count in (FEW, MANY):
            make_photos(folder / f"{count}", count, (640, 480))
            program = [
                sys.executable,
                "-m",
                __name__,
                folder / f"album {count}",
                folder / f"{count}",
            ]
            done = subprocess.run(
                program, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, text=True
            )
            peaks[count] = int(done.stdout.split()[-1]) / 2**20
        yield Figure(
            f"memory of importing {MANY:,} photos, over that of {FEW}",
            peaks[MANY] - peaks[FEW],
            "MB",
            below=200,
            beside=f"{peaks[FEW]:.0f} MB with its decoders",
        )


def rescan_figures() -> Iterator[Figure]:
    """Importing a folder again in which nothing has changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photos(folder / "photos", UNCHANGED, (32, 24))
        data_dir = folder / "data"
        album = Album(data_dir, DefaultClassifiers(), FakeCaptioner(), decoder=DecodeHere())
        album.active.set_encoder(FakeEncoder(), fill=False)
        first_s = seconds(lambda: album.imports.run([folder / "photos"]))
        again_s = seconds(lambda: album.imports.run([folder / "photos"]))
        album.close()
        yield Figure(
            f"importing {UNCHANGED:,} unchanged files again",
            again_s,
            "s",
            below=10,
            beside=f"{first_s:.0f} s the first time, with a model and a decoder that cost nothing",
        )


def main(data_dir: str, folder: str) -> None:
    album = opened(Path(data_dir), ClipEncoder(POCKET, Path(data_dir)))
    album.imports.run([Path(folder)])
    children = [
        child
        for thread in Path("/proc/self/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    print(sum(peak_bytes(process) for process in ("self", *children)))
    album.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
