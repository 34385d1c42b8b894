"""`python -m models.fine_tune`: classifiers out of a folder of photos, both ways."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import torchvision
import typer
from click.testing import Result
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from models.classifiers.image_network import blocks_of, build_tower, geometry, new_network
from models.classifiers.tower_spec import TowerSpec
from models.classifiers.trained_head import list_heads, load_head
from models.errors import ModelError
from models.fine_tune import NOTHING_GAINED, lines_of, main
from models.fine_tuning.linear import class_weights, fit_linear
from models.fine_tuning.loop import Material, fine_tune, validate
from models.fine_tuning.metrics import classification_metrics, wilson
from models.fine_tuning.photos import FEWEST, Labelled, Photos, Split, read_folder, split
from models.fine_tuning.pipeline import Watch, train_classifier
from models.fine_tuning.pixels import decode_squares
from models.fine_tuning.settings import FineTuneSettings
from models.fine_tuning.towers import RESNET50, fetch_resnet50, pretrained_tower
from tests.support.images.make import make_photo, make_text, make_truncated

COLOURS = {"빨강 꽃": (220, 30, 30), "green": (30, 170, 40), "blau é": (40, 40, 220)}
EACH = 10
QUICK = ("--mode", "finetune", "--epochs", 4, "--patience", 9, "--batch-size", 6, "--blocks", 1)

app = typer.Typer()
app.command()(main)


def draw(path: Path, colour: tuple[int, int, int], rng: np.random.Generator) -> Path:
    """A photo of about one colour, and like no other."""
    near = np.clip(np.array(colour) + rng.integers(-30, 31, 3), 0, 255)
    return make_photo(path, tuple(int(x) for x in near), (40, 36))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other are slow with arrays this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def coloured(tmp_path_factory) -> Path:
    """A folder per colour."""
    root = tmp_path_factory.mktemp("coloured") / "colours"
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        for number in range(EACH):
            draw(root / name / f"{number}.png", colour, rng)
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    """A CLIP of two layers with random weights, as ALBUM_MODEL takes it."""
    folder = tmp_path_factory.mktemp("tiny")
    config = folder / "smoke-clip.json"
    shutil.copy(Path(__file__).with_name("smoke-clip.json"), config)
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    save_file(open_clip.create_model("smoke-clip").state_dict(), folder / "tiny.safetensors")
    return f"smoke-clip/{folder / 'tiny.safetensors'}"


@pytest.fixture(scope="module")
def bands(tmp_path_factory) -> Path:
    """Bright bands that lie or stand: random features hardly tell them apart."""
    root = tmp_path_factory.mktemp("bands") / "bands"
    rng = np.random.default_rng(3)
    for name in ("lying", "standing"):
        (root / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(90, 110, (32, 32, 3), dtype=np.uint8)
            at = int(rng.integers(2, 26))
            pixels[at : at + 5] = 240
            turned = pixels if name == "lying" else pixels.swapaxes(0, 1)
            Image.fromarray(turned).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def parts(coloured) -> Split:
    return split(read_folder(coloured), seed=0)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def facts_of(result: Result) -> dict:
    assert result.exit_code == 0, result.output + result.stderr
    return json.loads(result.stdout)


def sentence_of(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # no traceback
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def pictures(folder: Path, names: list[str]) -> list[Image.Image]:
    return [Image.open(folder / name).convert("RGB") for name in names]


# ------------------------------------------------------------------------------- end to end


def test_head_on_frozen_features_is_measured_and_saved(coloured, tiny, tmp_path):
    before = {path: path.read_bytes() for path in coloured.rglob("*.png")}

    facts = facts_of(run(coloured, "--model", tiny, "--out", tmp_path, "--json"))

    assert facts["classes"] == sorted(COLOURS)
    assert facts["photos"] == [6, 6, 6]
    assert facts["split"] == {"train": [6] * 3, "validation": [2] * 3, "test": [2] * 3}
    assert facts["accuracy"]["value"] == 1.0
    assert facts["accuracy"]["low"] < 0.7  # six photos prove little
    assert facts["confusion"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert facts["model_id"].startswith("smoke-clip/tiny@")
    assert facts["tower"] is None
    assert sorted(path.name for path in (tmp_path / "colours").iterdir()) == [
        *("card.json", "curve.png", "head.safetensors", "run.json")
    ]
    with Image.open(tmp_path / "colours" / "curve.png") as curve:
        curve.load()
        assert curve.format == "PNG"
    assert {path: path.read_bytes() for path in coloured.rglob("*.png")} == before
    [card] = list_heads(tmp_path)
    assert (card.name, card.model_id) == ("colours", facts["model_id"])
    assert card.classes == tuple(sorted(COLOURS))


def test_saved_network_predicts_as_when_tested(coloured, tiny, tmp_path):
    facts = facts_of(run(coloured, "--model", tiny, "--out", tmp_path, "--json", *QUICK))

    assert facts["model_id"] is None
    assert facts["accuracy"]["value"] == 1.0
    head = load_head(tmp_path, "colours")
    assert head.image_size == 32
    assert head.card.mode == "finetune"
    tested = json.loads((tmp_path / "colours" / "run.json").read_text())["photos"]["test"]
    shares = head.of_images(pictures(coloured, tested))
    assert [head.card.classes[c] for c in shares.argmax(axis=1)] == [
        name.partition("/")[0] for name in tested
    ]


def test_text_report_has_metrics_and_folder(coloured, tiny, tmp_path):
    said = run(coloured, "--model", tiny, "--out", tmp_path, *QUICK, "--name", "mine")

    assert said.exit_code == 0, said.stderr
    assert "epoch 1/4  loss " in said.stdout
    assert "right: 100.0 % of 6 photos that were held back (61.0 % to 100.0 %)" in said.stdout
    assert "chance 33.3 %" in said.stdout
    assert str(tmp_path / "mine") in said.stdout


@pytest.mark.parametrize("mode", ["features", "finetune"])
def test_saved_classifier_has_the_measured_probabilities(parts, coloured, tiny, tmp_path, mode):
    from models.fine_tuning import saving

    settings = FineTuneSettings(mode=mode, model=tiny, epochs=2, batch_size=6)
    trained = train_classifier(parts.train, parts.validation, parts.test, sorted(COLOURS), settings)
    assert trained is not None
    working = saving.begin(tmp_path, "it", resume=False, overwrite=False)
    saving.finish(trained, parts, {}, coloured, working, tmp_path / "it")

    head = load_head(tmp_path, "it")
    if mode == "features":
        from models.clip.encoder import ClipEncoder

        encoder = ClipEncoder(tiny, tmp_path, "cpu")
        images = pictures(coloured, [str(path) for path, _ in parts.test])
        shares = head.of_embeddings(encoder.encode_images(images))
        with pytest.raises(ModelError, match="reads embeddings of smoke-clip"):
            head.of_images(images)
    else:
        assert trained.network is not None
        kept = load_file(tmp_path / "it" / "head.safetensors")
        for name, tensor in trained.network.tower.state_dict().items():
            assert torch.equal(kept[f"tower.{name}"].float(), tensor)  # to the last bit
        shares = head.of_images(pictures(coloured, [str(path) for path, _ in parts.test]))
        with pytest.raises(ModelError, match="looks at the pictures themselves"):
            head.of_embeddings(np.zeros((1, 32), np.float32))
    assert shares.shape == trained.probabilities.shape
    np.testing.assert_allclose(shares, trained.probabilities, atol=2e-3)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


# ------------------------------------------------------------------------- what learns, and how


@pytest.mark.parametrize("blocks", [1, "all"])
def test_chosen_blocks_and_head_learn_and_others_stay(bands, tiny, blocks, tmp_path):
    settings = FineTuneSettings(
        mode="finetune",
        model=tiny,
        blocks=blocks,
        epochs=12,
        batch_size=15,
        lr=0.1,
        tower_lr=3e-3,
        patience=12,
        smallest_area=0.9,
    )
    spec, tower, _ = pretrained_tower(settings)
    network = new_network(spec, tower, 2)
    files = read_folder(bands).labelled
    paths = [path for path, _ in files]
    labels = torch.tensor([label for _, label in files])
    squares = decode_squares(paths, geometry(spec), spec.image_size, tmp_path / "all.npy").pixels
    material = Material(squares[::2], labels[::2], squares[1::2], labels[1::2], "")
    begun = {name: tensor.clone() for name, tensor in tower.state_dict().items()}

    tuned = fine_tune(
        *(network, material, settings, None, False),
        *(lambda _: None, lambda _done, _of: None, lambda: False),
    )

    assert tuned is not None
    losses = [row["validation_loss"] for row in tuned.curve]
    assert losses[0] == pytest.approx(np.log(2))  # the head had nothing to say yet
    assert min(losses) < 0.3
    assert tuned.chosen["epoch"] == int(np.argmin(losses))
    assert validate(network, material)[0] == min(losses)  # it holds its best weights
    first, last = (f"transformer.resblocks.{block}.mlp.c_fc.weight" for block in (0, 1))
    moved = [
        not torch.equal(network.tower.state_dict()[name], begun[name])
        for name in ("conv1.weight", first, last, "proj")
    ]
    assert moved == ([False, False, True, True] if blocks == 1 else [True] * 4)


def test_batch_norms_keep_their_statistics():
    spec = TowerSpec(
        kind="clip",
        embed_dim=8,
        vision_cfg={"layers": [1, 1, 1, 1], "width": 8, "head_width": 32, "image_size": 32},
        image_size=32,
        resize_px=32,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
    )
    network = new_network(spec, build_tower(spec), 2)
    squares = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    labels = torch.tensor([0, 1] * 4)
    norm = network.tower.bn1
    assert isinstance(norm, torch.nn.BatchNorm2d)
    began, gain = norm.running_mean.clone(), norm.weight.detach().clone()
    settings = FineTuneSettings(mode="finetune", blocks="all", epochs=2, batch_size=4)

    tuned = fine_tune(
        *(network, Material(squares, labels, squares, labels, ""), settings, None, False),
        *(lambda _: None, lambda _done, _of: None, lambda: False),
    )

    assert tuned is not None
    assert torch.equal(norm.running_mean, began)
    assert tuned.chosen["epoch"] == 0 or not torch.equal(norm.weight, gain)


def test_run_stops_early_and_keeps_its_best_weights(parts, tiny):
    settings = FineTuneSettings(
        mode="finetune", model=tiny, epochs=30, batch_size=6, tower_lr=0.5, lr=0.5, patience=2
    )
    trained = train_classifier(parts.train, parts.validation, parts.test, list("abc"), settings)

    assert trained is not None
    assert trained.chosen["epochs"] == trained.chosen["epoch"] + 2
    losses = [row["validation_loss"] for row in trained.curve]
    assert losses[int(trained.chosen["epoch"])] == min(losses)
    assert trained.figures["accuracy"]["value"] == 1.0  # and not what came of such rates


def test_useless_fine_tuning_is_reported(coloured, tiny, tmp_path):
    words = (coloured, "--model", tiny, "--out", tmp_path, "--mode", "finetune", "--patience", 1)
    for rates, gained in ((("--tower-lr", 0.5, "--lr", 0.5), False), (("--lr", 0.01), True)):
        said = run(*words, *rates, "--epochs", 2, "--overwrite")
        assert said.exit_code == 0, said.stderr
        assert (NOTHING_GAINED in said.stdout) != gained


def test_seed_determines_the_classifier(parts, tiny):
    def weights(seed: int) -> np.ndarray:
        settings = FineTuneSettings(mode="finetune", model=tiny, epochs=1, batch_size=6, seed=seed)
        made = train_classifier(parts.train, parts.validation, parts.test, list("abc"), settings)
        assert made is not None
        # Of the last step, whether it was the best or not.
        return np.array([made.curve[-1]["train_loss"], made.curve[-1]["validation_loss"]])

    assert (weights(1) == weights(1)).all()
    assert (weights(1) != weights(2)).any()


def test_rare_classes_count_as_much_as_common_ones():
    labels = torch.tensor([0] * 90 + [1] * 10)
    weights = class_weights(labels, 2, balance=True)
    assert (weights[labels]).mean() == pytest.approx(1)
    assert weights[1] == pytest.approx(9 * weights[0])
    assert class_weights(labels, 2, balance=False).tolist() == [1, 1]


def test_balanced_head_finds_more_of_a_rare_class():
    rng = np.random.default_rng(0)

    def sample(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.tensor([0] * (9 * n) + [1] * n)
        x = torch.from_numpy(rng.normal(size=(10 * n, 3)).astype(np.float32))
        return x + y[:, None] * 0.7, y

    x, y = sample(40)
    seen, right = sample(40)
    found = {}
    for balance in (True, False):
        head = fit_linear(x, y, seen, right, 2, balance)
        taken_for = (seen @ head.weight.T + head.bias).argmax(1)
        found[balance] = (taken_for[right == 1] == 1).float().mean()
    assert found[True] > found[False] + 0.3


def test_head_matches_its_row_of_the_curve():
    rng = np.random.default_rng(1)
    y = torch.from_numpy(rng.integers(0, 4, 80))
    x = torch.from_numpy(rng.normal(5, 3, (80, 6)).astype(np.float32)) + y[:, None]
    seen, right = x[40:], y[40:]

    head = fit_linear(x[:40], y[:40], seen, right, 4, balance=True)

    row = head.curve[head.best_step - 1]
    assert row["step"] == head.best_step
    loss = torch.nn.functional.cross_entropy(seen @ head.weight.T + head.bias, right)
    assert float(loss) == pytest.approx(row["validation_loss"], rel=1e-3)
    assert row["validation_loss"] == min(it["validation_loss"] for it in head.curve)


@pytest.mark.parametrize(
    ("architecture", "blocks"),
    [("ViT-B-32", 12), ("RN50", 16), ("ViT-B-32-SigLIP2-256", 12), (None, 16)],
)
def test_tower_blocks_are_layers_or_residual_blocks(architecture, blocks):
    spec = RESNET50
    if architecture is not None:
        config = open_clip.get_model_config(architecture)
        spec = RESNET50.model_copy(
            update={
                "kind": "clip",
                "embed_dim": config["embed_dim"],
                "vision_cfg": config["vision_cfg"],
            }
        )
    with torch.device("meta"):
        tower = build_tower(spec)
    *found, after = blocks_of(tower)
    assert len(found) == blocks
    names = [name for names in [*found, after] for name in names]
    assert len(set(names)) == len(names)
    assert set(names) < {name for name, _ in tower.named_parameters()}  # the stem is left


# ------------------------------------------------------------------------------ stop and go on


class CrashError(Exception):
    """In place of a power cut."""


def settings_for_stops(tiny: str) -> FineTuneSettings:
    return FineTuneSettings(
        mode="finetune", model=tiny, epochs=4, batch_size=6, patience=9, tower_lr=1e-3,
        checkpoint_minutes=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_stopped_and_resumed_run_equals_an_unbroken_one(parts, tiny, tmp_path, steps):
    three = (parts.train, parts.validation, parts.test, sorted(COLOURS), settings_for_stops(tiny))
    unbroken = train_classifier(*three)
    asked = iter(range(1, 1000))
    stopping = Watch(listen=lambda: lambda: next(asked) >= steps)

    stopped = train_classifier(*three, checkpoint=tmp_path / "checkpoint.pt", watch=stopping)
    resumed = train_classifier(*three, checkpoint=tmp_path / "checkpoint.pt", resume=True)

    assert stopped is None
    assert unbroken is not None
    assert resumed is not None
    assert resumed.curve == unbroken.curve
    assert (resumed.probabilities == unbroken.probabilities).all()
    assert resumed.chosen == unbroken.chosen


def test_crashed_run_resumes_to_the_same_end(parts, tiny, tmp_path):
    three = (parts.train, parts.validation, parts.test, sorted(COLOURS), settings_for_stops(tiny))
    unbroken = train_classifier(*three)

    def crash(sentence: str) -> None:
        if sentence.startswith("epoch 2/"):
            raise CrashError

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(CrashError):
        train_classifier(*three, checkpoint=checkpoint, watch=Watch(say=crash))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    resumed = train_classifier(*three, checkpoint=checkpoint, resume=True)

    assert unbroken is not None
    assert resumed is not None
    assert resumed.curve == unbroken.curve


def test_ctrl_c_stops_after_a_step_for_resume(coloured, tiny, tmp_path):
    long = ("--mode", "finetune", "--epochs", 400, "--patience", 400, "--batch-size", 3)
    words = [str(it) for it in (coloured, "--model", tiny, "--out", tmp_path, *long)]
    process = subprocess.Popen(
        [sys.executable, "-m", "models.fine_tune", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 1/"):
            process.send_signal(signal.SIGINT)
            break
    _, said = process.communicate(timeout=100)

    assert process.returncode == 130
    assert "--resume with the same options goes on from there" in said
    assert list_heads(tmp_path) == []
    with pytest.raises(ModelError, match="no trained classifier"):
        load_head(tmp_path, ".colours.part")
    changed = sentence_of(run(*words, "--resume", "--lr", 0.5))
    assert "The run began with lr 0.0003, not 0.5" in changed
    going_on = sentence_of(run(*words, "--resume", "--seed", 3))
    assert "not those that this run began with" in going_on  # another split


def test_leftovers_of_a_killed_run_are_removed(coloured, tiny, tmp_path):
    left = tmp_path / ".colours.part"
    (left / "pixels-x").mkdir(parents=True)
    (left / "pixels-x" / "all.npy").write_bytes(b"0" * 1000)
    (left / "checkpoint.part").write_bytes(b"half")
    (left / "checkpoint.pt").write_bytes(b"half")

    words = (coloured, "--model", tiny, "--out", tmp_path)
    assert "is damaged: begin without --resume" in sentence_of(run(*words, *QUICK, "--resume"))
    facts_of(run(*words, "--json"))

    assert [path.name for path in tmp_path.iterdir()] == ["colours"]
    assert sorted(path.name for path in (tmp_path / "colours").iterdir()) == [
        *("card.json", "curve.png", "head.safetensors", "run.json")
    ]


def test_foreign_or_damaged_checkpoint_is_not_resumed(parts, tiny, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    settings = settings_for_stops(tiny)

    def resume(part: Labelled) -> None:
        train_classifier(
            *(part, parts.validation, parts.test, sorted(COLOURS), settings),
            checkpoint=checkpoint,
            resume=True,
        )

    with pytest.raises(ModelError, match="nothing to resume"):
        resume(parts.train)
    train_classifier(
        *(parts.train, parts.validation, parts.test, sorted(COLOURS), settings),
        checkpoint=checkpoint,
        watch=Watch(listen=lambda: lambda: True),
    )
    with pytest.raises(ModelError, match="not those that this run began with"):
        resume(parts.train[1:])
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelError, match="is damaged: begin without --resume"):
        resume(parts.train)


# ---------------------------------------------------------------------------------- the photos


def test_broken_and_duplicate_files_are_counted_and_named(coloured, tiny, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(coloured, root)
    make_truncated(root / "green" / "half.png")
    make_text(root / "green" / "text.jpg")
    make_text(root / "green" / "notes.txt")
    shutil.copy(root / "green" / "0.png", root / "green" / "again.png")
    shutil.copy(root / "green" / "1.png", root / "blau é" / "green.png")
    (root / ".hidden").mkdir()

    facts = facts_of(run(root, "--model", tiny, "--out", tmp_path / "out", "--json"))

    left_out = {
        reason: (it["count"], sorted(Path(name).name for name in it["first"]))
        for reason, it in facts["skipped"].items()
    }
    assert left_out == {
        "not a kind of picture that can be read here": (1, ["notes.txt"]),
        "unreadable image": (2, ["half.png", "text.jpg"]),
        "the same photo again": (1, ["again.png"]),
        "the same photo in two classes": (2, ["1.png", "green.png"]),
    }
    total = [sum(counts) for counts in zip(*facts["split"].values(), strict=True)]
    assert dict(zip(facts["classes"], total, strict=True)) == {
        "blau é": EACH, "green": EACH - 1, "빨강 꽃": EACH,
    }  # fmt: skip
    lines = "\n".join(lines_of(facts))
    assert "left out, unreadable image: 2 (" in lines
    assert "half.png, " in lines


def test_decomposed_hangul_folders_are_one_class(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("\uac15", "\u1100\u1161\u11bc", "b"):  # 강, twice
        for number in range(FEWEST):
            draw(tmp_path / folder / f"{number}.png", (9, 90, 200), rng)
    photos = read_folder(tmp_path)
    assert photos.classes == ("b", "\uac15")
    assert len(photos.labelled) == 3 * FEWEST


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "holds 0 class"),
        ({"cat": 5}, "holds 1 class: at least two are needed"),
        ({"cat": 5, "dog": 2, "emu": 0}, 'have fewer: "dog" (2), "emu" (0); add photos'),
    ],
)
def test_insufficient_folder_says_what_is_missing(tmp_path, counts, sentence):
    root = tmp_path / "photos"
    root.mkdir()
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir()
        for number in range(count):
            draw(root / name / f"{number}.png", (200, 9, 90), rng)
    assert sentence in sentence_of(run(root, "--out", tmp_path / "out"))
    assert list_heads(tmp_path / "out") == []


def test_split_has_every_class_once_in_each_part():
    photos = Photos(
        ("few", "many"),
        [*((Path(f"f{i}"), 0) for i in range(3)), *((Path(f"m{i}"), 1) for i in range(100))],
    )
    dealt = split(photos, seed=4)
    parts = (dealt.train, dealt.validation, dealt.test)
    assert [sum(label == 0 for _, label in part) for part in parts] == [1, 1, 1]
    assert [sum(label == 1 for _, label in part) for part in parts] == [65, 15, 20]
    assert sorted(it for part in parts for it in part) == sorted(photos.labelled)
    assert dealt == split(photos, seed=4)
    assert dealt != split(photos, seed=5)


def test_photo_deleted_during_training_is_skipped(parts, tiny, tmp_path):
    gone = (tmp_path / "gone.png", 1)
    settings = FineTuneSettings(model=tiny)
    trained = train_classifier(
        *([*parts.train, gone], parts.validation, [gone, *parts.test], sorted(COLOURS), settings)
    )
    assert trained is not None
    assert trained.unreadable == [gone[0], gone[0]]
    assert trained.predictions.tolist() == [-1, *(label for _, label in parts.test)]
    assert trained.figures["photos"] == len(parts.test)


# ------------------------------------------------------------------------------- what it says


def test_existing_classifier_is_replaced_on_request_only(coloured, tiny, tmp_path):
    words = (coloured, "--model", tiny, "--out", tmp_path, "--json")
    facts_of(run(*words))
    kept = (tmp_path / "colours" / "card.json").read_bytes()

    assert "already: choose another --name, or --overwrite it" in sentence_of(run(*words))
    sentence_of(run(*words, "--overwrite", "--model", "smoke-clip/nowhere.safetensors"))
    assert (tmp_path / "colours" / "card.json").read_bytes() == kept
    assert facts_of(run(*words, "--overwrite", "--seed", 7))["seed"] == 7
    assert [card.name for card in list_heads(tmp_path)] == ["colours"]


def test_interrupted_replacement_is_restored(coloured, tmp_path):
    before = tmp_path / ".colours.before"
    before.mkdir()
    (before / "card.json").write_text("{}")
    assert "already: choose another --name" in sentence_of(run(coloured, "--out", tmp_path))
    assert (tmp_path / "colours" / "card.json").is_file()
    assert not before.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--name", "../up"), "cannot be the name of a classifier"),
        (("--name", ".x"), "cannot be the name of a classifier"),
        (("--blocks", "two"), "--blocks is a number such as 2, or all"),
        (("--blocks", "0"), "--blocks is a number such as 2, or all"),
        (("--lr", "0"), "--lr: Input should be greater than 0"),
        (("--device", "abacus"), 'no device "abacus"'),
        (("--model", "nothing"), '"nothing" does not name a model'),
        (("--mode", "finetune", "--model", "ViT-B-32/openai"), "are not in"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(coloured, tmp_path, words, sentence):
    assert sentence in sentence_of(
        run(coloured, "--out", tmp_path, "--weights-dir", tmp_path / "weights", *words)
    )


def test_a_folder_that_is_not_there_says_so(tmp_path):
    assert "There is no folder" in sentence_of(run(tmp_path / "none", "--out", tmp_path))


# ---------------------------------------------------------------------------------- ResNet-50


@pytest.fixture
def no_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory) -> Path:
    """A folder with weights that no photo was ever shown to."""
    folder = tmp_path_factory.mktemp("resnet")
    torch.manual_seed(0)
    state = torchvision.models.resnet50(weights=None).state_dict()
    torch.save(state, folder / "resnet50-0000.pth")
    return folder


def test_resnet_without_weights_says_where_to_get_them(coloured, tmp_path, no_cache):
    words = ("--backbone", "resnet50", "--weights-dir", tmp_path / "weights")
    said = sentence_of(run(coloured, "--out", tmp_path, *words))
    assert "--download fetch them (98 MB), or use --backbone clip" in said


def test_weights_are_downloaded_on_request_only(coloured, tmp_path, no_cache, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/resnet50-11ad3fa6.pth"
    with pytest.raises(ModelError, match=r"could not be downloaded .* or use --backbone clip"):
        fetch_resnet50(tmp_path / "weights", url)
    assert list((tmp_path / "weights").iterdir()) == []


def test_damaged_resnet_weights_are_named(coloured, tmp_path, no_cache):
    (tmp_path / "resnet50-cut.pth").write_bytes(b"half")
    words = ("--backbone", "resnet50", "--weights-dir", tmp_path)
    said = sentence_of(run(coloured, "--out", tmp_path, *words))
    assert "resnet50-cut.pth is damaged or not of torchvision's ResNet-50" in said


def test_local_resnet_is_used_with_a_new_head(resnet50, tmp_path, no_cache):
    rng = np.random.default_rng(0)
    root = tmp_path / "colours"
    for name, colour in list(COLOURS.items())[:2]:
        for number in range(FEWEST):
            draw(root / name / f"{number}.png", colour, rng)
    words = ("--backbone", "resnet50", "--weights-dir", resnet50, "--out", tmp_path / "out")
    facts = facts_of(run(root, *words, "--json"))

    assert (facts["backbone"], facts["model_id"]) == ("resnet50", None)
    assert facts["weights_of"] == "resnet50-0000"
    assert facts["d"] == 2048
    head = load_head(tmp_path / "out", "colours")
    assert head.image_size == 224
    tested = json.loads((tmp_path / "out" / "colours" / "run.json").read_text())["photos"]["test"]
    shares = head.of_images(pictures(root, tested))
    right = [head.card.classes.index(name.partition("/")[0]) for name in tested]
    assert (shares.argmax(axis=1) == right).mean() == facts["accuracy"]["value"]


# ----------------------------------------------------------------------------------- the figures


def test_the_interval_of_a_share_is_wilsons():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
    for right, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
                                (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):  # fmt: skip
        it = wilson(right, n)
        assert (it["low"], it["high"]) == (
            pytest.approx(low, abs=1e-4),
            pytest.approx(high, abs=1e-4),
        )
    assert wilson(0, 0) == {"value": 0.0, "low": 0.0, "high": 1.0}


def test_precision_and_recall_count_the_confusion_matrix():
    right, taken_for = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
    figures = classification_metrics(right, taken_for, ("a", "b", "c"))

    assert figures["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    assert figures["accuracy"]["value"] == pytest.approx(3 / 6)
    assert figures["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    a, b, c = figures["per_class"]
    assert (a["precision"]["value"], a["recall"]["value"]) == (pytest.approx(2 / 3),) * 2
    assert b["precision"]["value"] == pytest.approx(1 / 3)
    assert c["precision"] is None
    assert c["recall"]["value"] == 0
    assert (
        classification_metrics(right[:3], taken_for[:3], ("a", "b"))["per_class"][1]["recall"]
        is None
    )


def test_tower_description_cannot_name_the_model_hub():
    values = RESNET50.model_dump() | {"kind": "clip"}
    with pytest.raises(ValueError, match="timm_model_name is no name"):
        TowerSpec(**values | {"vision_cfg": {"timm_model_name": "hf-hub:someone/net"}})
    spec = TowerSpec(
        **values | {"vision_cfg": {"timm_model_name": "resnet18", "timm_model_pretrained": True}}
    )
    assert spec.vision_cfg["timm_model_pretrained"] is False
