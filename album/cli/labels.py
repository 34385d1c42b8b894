"""Commands that list, teach, export, import and undo labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from album.classification.few_shot import FewShotModel
from album.classification.label_sources import ExampleLabel
from album.classification.label_transfer import export_labels, import_labels, read_labels
from album.cli.common import AsJson, DataDir, errors_as_sentences, open_album, print_json
from album.cli.output import (
    act_json,
    path_of,
    photo_id_of,
    photos_json,
    print_act,
    probabilities_json,
    rule_json,
)
from album.domain.labels import LabelChange, LabelSummary, label_name
from album.errors import AlbumError, QueryError
from models.interfaces import Proportion

commands = typer.Typer()
group = typer.Typer(help="What photos are called, and who said so.")
ActId = Annotated[int, typer.Argument(help="As `labels acts` lists it.", metavar="ACT")]


@group.callback(invoke_without_command=True)
@errors_as_sentences
def labels(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the labels with their photos, their givers and their rules."""
    context.obj = data_dir or context.obj
    if context.invoked_subcommand is not None:
        return
    with open_album(context, data_dir, model=False) as album:
        summaries = album.labels.summaries()
    if as_json:
        print_json(labels=[_summary_json(summary) for summary in summaries])
        return
    for summary in summaries:
        typer.echo(_summary_line(summary))


@group.command()
@errors_as_sentences
def acts(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the changes of many labels, which can be undone, the latest first."""
    with open_album(context, data_dir, model=False) as album:
        changes = album.labels.acts()
    if as_json:
        print_json(acts=[act_json(change) for change in changes])
        return
    for change in changes:
        undone = "" if change.undone_at is None else ", undone"
        typer.echo(
            f"{change.act_id}: {change.done_at:%Y-%m-%d %H:%M}, {', '.join(change.labels)}:"
            f" {change.added} given, {change.removed} taken away{undone}"
        )


@group.command()
@errors_as_sentences
def undo(
    context: typer.Context, act_id: ActId, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Undo a change of many labels.

    What somebody said since stays.
    """
    with open_album(context, data_dir, model=False) as album:
        act = album.labelling.undo(act_id)
    if as_json:
        print_json(**act_json(act))
    else:
        typer.echo(f"Undone: {', '.join(act.labels)}.")


@group.command()
@errors_as_sentences
def remove(
    context: typer.Context,
    label: Annotated[str, typer.Argument()],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a label away from all photos, with its examples and rule.

    That can be undone.
    """
    with open_album(context, data_dir, model=False) as album:
        act = album.labels.remove(label)
    _tell(act, as_json=as_json)


@group.command()
@errors_as_sentences
def rename(
    context: typer.Context,
    label: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Argument(help="What it is called from now on.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a label another name, with its examples and rule.

    That can be undone.
    """
    with open_album(context, data_dir, model=False) as album:
        act = album.labelling.edits.rename(label, name)
    _tell(act, as_json=as_json)


@group.command()
@errors_as_sentences
def merge(
    context: typer.Context,
    labels: Annotated[list[str], typer.Argument(help="They are gone afterwards.")],
    into: Annotated[str, typer.Option(help="The label that their photos get.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give the photos of some labels another label instead.

    That can be undone.
    """
    with open_album(context, data_dir, model=False) as album:
        act = album.labelling.edits.merge(labels, into)
    _tell(act, as_json=as_json)


@group.command("export")
@errors_as_sentences
def export_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    only: Annotated[
        list[str] | None, typer.Option("--label", help="This label alone; also several times.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write labels, their rules and the trained classifiers as JSON.

    Photos are named by the sha256 of their bytes.
    """
    with open_album(context, data_dir, model=False) as album:
        data = export_labels(album, only or ())
    try:
        with file.open("w" if overwrite else "x", encoding="utf-8") as out:
            json.dump(data, out, ensure_ascii=False)
    except FileExistsError as error:
        raise AlbumError(
            f"{file} is there already: choose another name, or say --overwrite."
        ) from error
    except OSError as error:
        raise AlbumError(f"{file} cannot be written: {error.strerror or error}.") from error
    left = data["classifiers_left_out"]
    facts = {
        "file": str(file),
        "labels": len(data["labels"]),
        "classifiers": len(data["classifiers"]),
        "classifiers_left_out": left,
    }
    if as_json:
        print_json(**facts)
        return
    typer.echo(f"{facts['labels']} labels and {facts['classifiers']} trained classifiers: {file}")
    for name in left:
        typer.echo(f"{name} is too large to carry along: copy its folder.", err=True)


@group.command("import")
@errors_as_sentences
def import_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import what `labels export` wrote.

    What somebody said in this album stays.
    """
    data = read_labels(file)
    with open_album(context, data_dir, model=False) as album:
        imported = import_labels(album, data)
    if as_json:
        print_json(
            act_id=imported.act_id,
            labels=list(imported.labels),
            photos=imported.photos,
            unknown=imported.unknown,
            written=imported.written,
            rules=imported.rules,
            rules_left=list(imported.rules_left),
            classifiers=list(imported.classifiers),
            classifiers_left=list(imported.classifiers_left),
        )
        return
    typer.echo(
        f"{len(imported.labels)} labels of {imported.photos} photos of this album:"
        f" {imported.written} new;"
        f" {imported.unknown} photos are not in it."
    )
    for left in imported.rules_left:
        typer.echo(f"{left} is still given as it was in this album.", err=True)
    for left in imported.classifiers_left:
        typer.echo(f"There is a classifier {left} already; it stays as it is.", err=True)
    if imported.act_id is not None:
        typer.echo(f"`python -m album labels undo {imported.act_id}` takes that back.")


@commands.command()
@errors_as_sentences
def teach(
    context: typer.Context,
    label: Annotated[str, typer.Argument()],
    is_photos: Annotated[
        list[str] | None,
        typer.Option("--is", metavar="FILE-OR-ID", help="A photo of it; also several times."),
    ] = None,
    is_not_photos: Annotated[
        list[str] | None,
        typer.Option("--is-not", metavar="FILE-OR-ID", help="One that is not; several times."),
    ] = None,
    words: Annotated[str, typer.Option(help='What it is called: "고양이 | cat".')] = "",
    two_stage: Annotated[
        bool, typer.Option("--two-stage", help="Ask only about photos that the words find.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Give the label to the whole album.")
    ] = False,
    living: Annotated[
        bool, typer.Option("--living", help="With --apply: new photos get it, too.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Teach a label by photos that are and are not of it.

    Prints which photos to decide on next.
    """
    if living and not apply:
        raise QueryError("--living goes with --apply.")
    name = label_name(label)
    with open_album(context, data_dir, model=True) as album:
        positive_ids = [photo_id_of(album, photo) for photo in is_photos or ()]
        negative_ids = [photo_id_of(album, photo) for photo in is_not_photos or ()]
        if both := set(positive_ids) & set(negative_ids):
            raise QueryError(f"Photo {min(both)} cannot be both: say --is or --is-not of it.")
        album.labels.give(name, positive_ids)
        album.labels.refuse(name, negative_ids)
        model = album.teacher.teach(name, words, two_stage=two_stage)
        act = None
        if apply:
            plan = album.labelling.plan(ExampleLabel(name, words, two_stage))
            act = album.labelling.apply(plan, living=living)
        ask = photos_json(album, model.ask)
        if as_json:
            print_json(
                **_model_json(model),
                ask=ask,
                surest=probabilities_json(album, model.surest),
                act=act and act_json(act),
            )
            return
        _print_model(model)
        for first, second in model.contradictions:
            typer.echo(
                f"{path_of(album, first)} is, and {path_of(album, second)} is not, though they"
                " look the same.",
                err=True,
            )
        if ask:
            typer.echo("It is least sure of:")
        for photo in ask:
            typer.echo(f"  {photo['photo_id']}  {photo['path']}")
        if act is not None:
            print_act(act)


def _tell(act: LabelChange, *, as_json: bool) -> None:
    if as_json:
        print_json(**act_json(act))
    else:
        print_act(act)


def _model_json(model: FewShotModel) -> dict[str, Any]:
    return {
        "label": model.rule.label,
        "positives": model.positives,
        "negatives": model.negatives,
        "left_out": model.left_out,
        "threshold": round(model.threshold, 6),
        "precision": _estimate_json(model.precision),
        "recall": _estimate_json(model.recall),
        "contradictions": [list(pair) for pair in model.contradictions],
    }


def _estimate_json(estimate: Proportion | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {name: round(getattr(estimate, name), 6) for name in ("value", "low", "high")}


def _print_model(model: FewShotModel) -> None:
    typer.echo(f"{model.rule.label}: learned from {model.positives} and {model.negatives} not")
    if model.left_out:
        typer.echo(f"{model.left_out} more are not encoded yet.", err=True)
    for name, estimate in (("precision", model.precision), ("recall", model.recall)):
        text = "too few examples to tell" if estimate is None else _estimate(estimate)
        typer.echo(f"{name}: {text}")


def _estimate(estimate: Proportion) -> str:
    return f"{estimate.value:.0%} ({estimate.low:.0%} to {estimate.high:.0%})"


def _summary_json(summary: LabelSummary) -> dict[str, Any]:
    return {
        "label": summary.label,
        "photos": summary.photos,
        "given": dict(summary.giver_counts),
        "refused": summary.refused,
        "rule": rule_json(summary.rule),
    }


def _summary_line(summary: LabelSummary) -> str:
    givers = ", ".join(f"{n} by {giver}" for giver, n in sorted(summary.giver_counts.items()))
    parts = [f"{summary.photos} photos" + (f" ({givers})" if givers else "")]
    if summary.refused:
        parts.append(f"wrong for {summary.refused}")
    if summary.rule is not None:
        living = ", also to new photos" if summary.rule.living else ""
        parts.append(f"given by {summary.rule.kind}{living}")
    return f"{summary.label}: {', '.join(parts)}"
