"""Train a classifier on a folder of photos, one folder per class.

    python -m models.fine_tune PHOTOS                            train a head on album embeddings
    python -m models.fine_tune PHOTOS --mode finetune            train the image tower, too
    python -m models.fine_tune PHOTOS --mode finetune --resume   continue from the checkpoint

The classifier appears in the album when training ends.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from models.command_line import in_sentences
from models.errors import ModelError
from models.evaluation.report import NAMED, percent, table
from models.fine_tuning.photos import read_folder, split
from models.fine_tuning.settings import Backbone, FineTuneSettings, Mode
from models.progress import no_progress, progress_bar

WORST = 3  # classes that are named when all is done
NOTHING_GAINED = (
    "Fine-tuning made it no better: the network is saved as it was, and --mode features does the "
    "same with the vectors that the album has already."
)
STOPPED = 130  # exit status after Ctrl-C, as shells have it


@in_sentences
def main(
    folder: Annotated[Path, typer.Argument(help="A folder with a folder per class.")],
    mode: Annotated[
        Mode, typer.Option(help="features: only a new head learns; finetune: the network, too.")
    ] = "features",
    backbone: Annotated[
        Backbone,
        typer.Option(help="What looks at the photos: the album's own model, or ResNet-50."),
    ] = "clip",
    model: Annotated[str, typer.Option(help="As ALBUM_MODEL takes it, for --backbone clip.")] = (
        "pocket"
    ),
    blocks: Annotated[
        str, typer.Option(help="How many of the network's last blocks learn, or all.")
    ] = "2",
    epochs: Annotated[int, typer.Option(min=1, help="At most; it ends when it gets worse.")] = 20,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos per step.")] = 32,
    lr: Annotated[float, typer.Option(help="Learning rate of the head.")] = 3e-4,
    tower_lr: Annotated[float, typer.Option(help="Learning rate of the network.")] = 1e-4,
    smallest_area: Annotated[
        float, typer.Option(help="The least share of a photo that a random crop shows.")
    ] = 0.5,
    patience: Annotated[
        int, typer.Option(min=1, help="Epochs that may pass without getting better.")
    ] = 4,
    balance: Annotated[bool, typer.Option(help="Whether rare classes count as much.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and of all chance.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the album looks for classifiers.")] = Path(
        "data/classifiers"
    ),
    name: Annotated[str | None, typer.Option(help="What to call it, if not as the folder.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace one of the same name.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    download: Annotated[
        bool, typer.Option(help="Fetch the weights of ResNet-50 where they are missing.")
    ] = False,
    weights_dir: Annotated[
        Path, typer.Option(help="Where published weights are on this machine.")
    ] = Path("data/weights"),
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Train a classifier on a folder with a folder per class."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    settings = settings_of(
        mode=mode,
        backbone=backbone,
        model=model,
        blocks=blocks if blocks == "all" else number(blocks),
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        tower_lr=tower_lr,
        smallest_area=smallest_area,
        patience=patience,
        balance=balance,
        seed=seed,
        weights_dir=weights_dir,
        device=device,
    )
    facts = fine_tune(
        folder,
        settings,
        out=out,
        name=name,
        overwrite=overwrite,
        resume=resume,
        download=download,
        watched=not as_json,
    )
    if facts is None:
        typer.echo("Stopped; --resume with the same options goes on from there.", err=True)
        raise typer.Exit(STOPPED)
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    for line in lines_of(facts):
        typer.echo(line)


def fine_tune(
    folder: Path,
    settings: FineTuneSettings,
    *,
    out: Path,
    name: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    download: bool = False,
    watched: bool = False,
) -> dict[str, Any] | None:
    """Read and split the photos, train, measure and save.

    Args:
        folder: A folder with a folder per class.
        settings: How to train.
        out: The folder of the classifiers.
        name: Name of the new one, None for that of `folder`.
        overwrite: Whether it may replace one.
        resume: Continue from the checkpoint of a fine-tuning.
        download: Whether the weights of ResNet-50 may be downloaded.
        watched: Whether to print progress for a person.

    Returns:
        The content of the card, the folder and what was skipped. None if the run was stopped.

    Raises:
        ModelError: the photos, the weights, the name or the checkpoint cannot be used.
    """
    from models.fine_tuning import saving  # torch takes seconds to import, and --help needs none
    from models.fine_tuning.pipeline import Watch, train_classifier
    from models.fine_tuning.towers import fetch_resnet50
    from models.training.progress import listen_for_stop

    progress = progress_bar if watched else no_progress
    called = saving.check_name(folder.resolve().name if name is None else name)
    working = saving.begin(out, called, resume=resume, overwrite=overwrite)
    if download and settings.backbone == "resnet50":
        fetch_resnet50(settings.weights_dir)
    with progress("reading") as advance:
        photos = read_folder(folder, advance)
    parts = split(photos, settings.seed)
    trained = train_classifier(
        parts.train,
        parts.validation,
        parts.test,
        photos.classes,
        settings,
        checkpoint=working / saving.CHECKPOINT,
        resume=resume,
        watch=Watch(progress, typer.echo if watched else lambda _: None, listen_for_stop),
    )
    if trained is None:
        return None
    card = saving.finish(trained, parts, photos.skipped, folder, working, out / called)
    skipped = {
        reason: {"count": len(names), "first": names[:NAMED]}
        for reason, names in photos.skipped.items()
    }
    return card | {"folder": str(out / called), "skipped": skipped}


def settings_of(**values: Any) -> FineTuneSettings:
    """Validate the settings.

    Raises:
        ModelError: an invalid value.
    """
    try:
        return FineTuneSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise ModelError(f"--{option}: {first['msg']}.") from error


def number(text: str) -> int:
    """Parse a number of blocks.

    Raises:
        ModelError: it is no number above 0.
    """
    if not (text.isdecimal() and int(text) > 0):
        raise ModelError(f'--blocks is a number such as 2, or all, not "{text}".')
    return int(text)


def lines_of(facts: Mapping[str, Any]) -> list[str]:
    """Format accuracy, confusions, what was skipped and the folder."""
    accuracy, c = facts["accuracy"], len(facts["classes"])
    train, test = sum(facts["photos"]), sum(facts["split"]["test"])
    rows = [["class", "photos", "precision", "recall"]]
    for photos, entry in zip(facts["photos"], facts["per_class"], strict=True):
        shares = [
            percent(entry[key]["value"]) if entry[key] else "-" for key in ("precision", "recall")
        ]
        rows.append([entry["class"], f"{photos:,}", *shares])
    confusions = sorted(
        (
            (count, facts["classes"][actual], facts["classes"][predicted])
            for actual, row in enumerate(facts["confusion"])
            for predicted, count in enumerate(row)
            if actual != predicted and count
        ),
        key=lambda entry: -entry[0],
    )
    return [
        f"{facts['mode']} of {facts['weights_of']}: {c} classes, trained with {train:,} photos",
        *table(rows),
        f"right: {percent(accuracy['value'])} of {test:,} photos that were held back "
        f"({percent(accuracy['low'])} to {percent(accuracy['high'])}); chance {percent(1 / c)}",
        *(
            f"{actual} taken for {predicted}: {count} times"
            for count, actual, predicted in confusions[:WORST]
        ),
        *(
            f"left out, {reason}: {entry['count']:,} ({', '.join(entry['first'])})"
            for reason, entry in facts["skipped"].items()
        ),
        *([NOTHING_GAINED] if facts["chosen"].get("epoch") == 0 else []),
        f"saved: {facts['folder']}",
    ]


if __name__ == "__main__":
    typer.run(main)
