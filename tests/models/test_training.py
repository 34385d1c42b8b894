"""The school, on a model and a set small enough to be taught within a test."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from models.classifiers.zero_shot import ZeroShotClassifier, class_embeddings
from models.clip.encoder import ClipEncoder
from models.errors import ModelError
from models.train import main, train
from models.training.config import TrainConfig, read_recipe
from models.training.optimization import learning_rate_share
from tests.support.images.shapes import CLASSES, draw_shape, make_captioned, make_folders

RECIPE = Path("tests/models/smoke.yaml")
SHORT = ["steps=12", "log_every=1", "validate_every=6", "warmup_steps=2"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("shapes")
    make_captioned(root / "captioned", 300, seed=0)
    make_folders(root / "folders", 60, seed=1)
    make_folders(root / "test", 40, seed=2)
    return root


def smoke(shapes: Path, out: Path, *overrides: str) -> TrainConfig:
    return read_recipe(RECIPE, [f"data_root={shapes}", f"out={out}", *overrides])[0]


def curve(out: Path) -> list[dict[str, str]]:
    with (out / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.pop("images_per_s")  # the only column that the clock has a part in
    return rows


def arguments(*overrides: str) -> list[str]:
    """Of the command that trains by the recipe, with these changes."""
    return ["-m", "models.train", f"--config={RECIPE}", *(f"--set={one}" for one in overrides)]


def run_it(*overrides: str, resume: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments(*overrides), *["--resume"][: int(resume)]]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def stop_after(step: int, how: signal.Signals, *overrides: str) -> subprocess.Popen[str]:
    """Start a run, and send it a signal when it says that it has done `step`."""
    command = [sys.executable, *arguments(*overrides)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if line.startswith(f"step {step}/"):
            run.send_signal(how)
            break
    return run


# ------------------------------------------------------------------------------- it learns


@pytest.fixture(scope="module")
def learned(shapes, tmp_path_factory) -> Path:
    """The smoke recipe as anybody would run it."""
    out = tmp_path_factory.mktemp("smoke")
    run = run_it(f"data_root={shapes}", f"out={out}")
    assert run.returncode == 0, run.stderr
    (out / "said.txt").write_text(run.stdout)
    return out


@pytest.mark.parametrize("names", [list(CLASSES), list(CLASSES.values())], ids=["en", "ko"])
def test_smoke_recipe_learns_colours_and_shapes(learned, names):
    encoder = ClipEncoder(f"smoke-clip/{learned / 'smoke-clip.safetensors'}", learned, "cpu")
    classes = class_embeddings(encoder, [[name] for name in names])
    classifier = ZeroShotClassifier(classes, logit_scale=encoder.logit_scale)
    rng = np.random.default_rng(99)
    images = [draw_shape(name, rng) for name in CLASSES for _ in range(40)]
    nearest = classifier.scores(encoder.encode_images(images)).argmax(axis=1)
    assert (nearest == np.repeat(np.arange(5), 40)).mean() > 0.9


def test_run_reports_speed_loss_and_time_left(learned):
    said = (learned / "said.txt").read_text()
    assert "step 5/200  loss " in said
    assert " images/s  " in said
    assert " left" in said
    assert "zero-shot top-1 on shapes" in said


def test_run_writes_its_curve_as_csv_and_png(learned):
    rows = curve(learned)
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    assert len(losses) == 40
    # Twelve pictures of each class have the same words: lower than log 12 it cannot go.
    excess = np.array(losses) - np.log(12)
    assert excess[-5:].mean() < 0.5 * excess[:5].mean()
    accuracies = [float(row["validation_top1"]) for row in rows if row["validation_top1"]]
    assert len(accuracies) == 5  # four on the way, one of the finished weights
    assert accuracies[-1] > 0.9
    assert (learned / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_finished_weights_are_half_size_beside_their_architecture(learned):
    weights = load_file(learned / "smoke-clip.safetensors")
    assert {tensor.dtype for tensor in weights.values() if tensor.is_floating_point()} == {
        torch.float16
    }
    assert (learned / "smoke-clip.json").read_text().startswith("{")


# ------------------------------------------------------------------------- stop and go on


def same_weights(*outs: Path) -> bool:
    ours, theirs = (load_file(out / "smoke-clip.safetensors") for out in outs)
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_interrupted_and_resumed_run_equals_an_unbroken_one(shapes, tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    longer = [*SHORT, "steps=40", f"data_root={shapes}"]
    train(smoke(shapes, unbroken, *longer))
    run = stop_after(5, signal.SIGINT, *longer, f"out={broken}")
    assert run.stdout is not None
    rest = run.stdout.read()
    assert run.wait() == 130
    assert "--resume goes on from there" in rest
    assert 5 <= int(curve(broken)[-1]["step"]) < 40
    resumed = run_it(*longer, f"out={broken}", resume=True)
    assert resumed.returncode == 0, resumed.stderr
    assert curve(broken) == curve(unbroken)
    assert same_weights(broken, unbroken)


def test_killed_run_resumes_to_the_same_curve(shapes, tmp_path):
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    often = [*SHORT, "steps=30", "checkpoint_minutes=0.001"]
    train(smoke(shapes, unbroken, *often))
    stop_after(9, signal.SIGKILL, *often, f"data_root={shapes}", f"out={killed}").wait()
    train(smoke(shapes, killed, *often), resume=True)
    assert curve(killed) == curve(unbroken)
    assert same_weights(killed, unbroken)


def test_seed_determines_the_weights(shapes, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(smoke(shapes, tmp_path / name, *SHORT, f"seed={seed}"))
    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_another_recipe_does_not_resume_this_ones_checkpoint(shapes, tmp_path):
    train(smoke(shapes, tmp_path, *SHORT))
    with pytest.raises(ModelError, match="was made with another lr"):
        train(smoke(shapes, tmp_path, *SHORT, "lr=0.1"), resume=True)
    (tmp_path / "checkpoint.pt").write_bytes(b"cut")
    with pytest.raises(ModelError, match="is damaged"):
        train(smoke(shapes, tmp_path, *SHORT), resume=True)
    with pytest.raises(ModelError, match="begin without --resume"):
        train(smoke(shapes, tmp_path / "nowhere", *SHORT), resume=True)


# --------------------------------------------------------------------- the other ways to teach


def losses(out: Path) -> list[float]:
    return [float(row["loss"]) for row in curve(out) if row["loss"]]


def test_the_sigmoid_loss_learns_too(shapes, tmp_path):
    train(smoke(shapes, tmp_path, *SHORT, "steps=40", "loss=siglip"))
    assert np.mean(losses(tmp_path)[-5:]) < 0.9 * np.mean(losses(tmp_path)[:5])
    assert "logit_bias" in load_file(tmp_path / "smoke-clip.safetensors")


def test_locked_text_tower_stays_equal_bit_for_bit(shapes, learned, tmp_path):
    init = learned / "smoke-clip.safetensors"
    (tmp_path / "labels.csv").write_text(
        "source,folder,en,ko,tags\n"
        + "".join(
            f"shapes,{en.replace(' ', '_')},{en},{ko},{en.split()[0]};{en.split()[1]}\n"
            for en, ko in CLASSES.items()
        )
    )
    (tmp_path / "tags.csv").write_text(
        "en,ko,words\n" + "".join(f"{word},{word},\n" for en in CLASSES for word in en.split())
    )
    locked = ["text=locked", f"init={init}", "tag_weight=0.1", "cosine_weight=1.0", "steps=30"]
    tables = [f"labels={tmp_path / 'labels.csv'}", f"tags={tmp_path / 'tags.csv'}"]
    train(smoke(shapes, tmp_path / "out", *SHORT, *locked, *tables))
    before, after = load_file(init), load_file(tmp_path / "out" / "smoke-clip.safetensors")
    words = [name for name in before if not name.startswith("visual.") and "logit" not in name]
    assert len(words) > 10
    assert all(torch.equal(before[name], after[name]) for name in words)
    seen = [name for name in before if name.startswith("visual.transformer")]
    assert not any(torch.equal(before[name], after[name]) for name in seen if "weight" in name)
    terms = next(row for row in reversed(curve(tmp_path / "out")) if row["loss"])
    assert all(float(terms[name]) >= 0 for name in ("contrastive", "cosine", "tags"))


def test_finished_weights_interpolate_initial_and_trained_ones(shapes, learned, tmp_path):
    init = learned / "smoke-clip.safetensors"
    for blend in (1.0, 0.25):
        out = tmp_path / str(blend)
        train(smoke(shapes, out, *SHORT, f"init={init}", f"blend={blend}", "lr=0.02", "ema=0"))
    begun, all_of_it, quarter = (
        load_file(path)["visual.proj"].float()
        for path in (init, *(tmp_path / b / "smoke-clip.safetensors" for b in ("1.0", "0.25")))
    )
    assert (all_of_it - begun).abs().max() > 0.02
    assert torch.allclose(quarter, begun + 0.25 * (all_of_it - begun), atol=1e-3)  # float16


def test_distilled_text_tower_approaches_its_teacher(shapes, tmp_path):
    rng = np.random.default_rng(0)
    texts = [f"a {colour} thing {n}" for colour in ("red", "blue") for n in range(20)]
    teacher = rng.normal(size=(40, 32)).astype(np.float32)
    np.savez(tmp_path / "teacher.npz", texts=np.array(texts), embeddings=teacher)
    distilled = ["text=distilled", f"teacher={tmp_path / 'teacher.npz'}", "steps=60"]
    train(smoke(shapes, tmp_path / "out", *SHORT, *distilled))
    distances = [float(row["distil"]) for row in curve(tmp_path / "out") if row["distil"]]
    assert np.mean(distances[-5:]) < 0.8 * np.mean(distances[:5])


def test_gradients_accumulate_over_batches_of_a_step(shapes, tmp_path):
    train(smoke(shapes, tmp_path, *SHORT, "accumulate=2", "batch_size=30"))
    assert len(losses(tmp_path)) == 12


def test_processes_of_torchrun_train_one_model_together(shapes, tmp_path):
    options = [*SHORT, "steps=6", f"data_root={shapes}", f"out={tmp_path}", "batch_size=20"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [sys.executable, *launcher, *arguments(*options)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.count("step 6/6  loss") == 1  # one of them speaks
    assert (tmp_path / "smoke-clip.safetensors").is_file()


# ---------------------------------------------------------------------------------- the rest


def test_learning_rate_rises_holds_and_falls_in_cosine():
    rates = [learning_rate_share(step, 100, warmup=10, hold=0.4) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:40] == [1.0] * 31
    assert rates[70] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("architecture=RN51", "knows no architecture"),
        ("architecture=nowhere.json", "no architecture file"),
        ("architecture=ViT-B-32-SigLIP2-256", "The tokenizer of ViT-B-32-SigLIP2-256 is not in"),
        ("init=nowhere.safetensors", "no checkpoint nowhere"),
        ("data_root=nowhere", "neither a folder"),
        ("steps=none", "steps"),
    ],
)
def test_what_cannot_be_trained_gets_one_sentence(shapes, tmp_path, override, sentence):
    app = typer.Typer()
    app.command()(main)
    overrides = (f"data_root={shapes}", f"out={tmp_path}", override)
    said = CliRunner().invoke(app, arguments(*overrides)[2:])
    assert said.exit_code == 1
    assert isinstance(said.exception, SystemExit)  # no traceback
    assert sentence in said.stderr
    assert len(said.stderr.splitlines()) == 1
