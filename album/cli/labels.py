"""Commands for labels: what there is, teaching, export and import, and undoing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from album.classification.few_shot import FewShotModel
from album.classification.label_sources import ExampleLabel
from album.classification.label_transfer import export_labels, import_labels, read_labels
from album.cli.common import AsJson, DataDir, in_sentences, opened, print_json
from album.cli.output import (
    act_json,
    path_of,
    photo_id_of,
    photos_json,
    rule_json,
    sure_json,
    tell_act,
)
from album.domain.labels import LabelSummary, label_name
from album.errors import AlbumError, QueryError
from models.interfaces import Proportion

commands = typer.Typer()
group = typer.Typer(help="What photos are called, and who said so.")
ActId = Annotated[int, typer.Argument(help="As `labels acts` lists it.", metavar="ACT")]


@group.callback(invoke_without_command=True)
@in_sentences
def labels(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the labels: how many photos have each, from whom, and how it is given by itself."""
    context.obj = data_dir or context.obj
    if context.invoked_subcommand is not None:
        return
    with opened(context, data_dir, model=False) as album:
        summaries = album.labels.summaries()
    if as_json:
        print_json(labels=[_summary_json(it) for it in summaries])
        return
    for it in summaries:
        typer.echo(_summary_line(it))


@group.command()
@in_sentences
def acts(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List what was written at once, the latest first: each can be undone."""
    with opened(context, data_dir, model=False) as album:
        found = album.labels.acts()
    if as_json:
        print_json(acts=[act_json(it) for it in found])
        return
    for it in found:
        undone = "" if it.undone_at is None else ", undone"
        typer.echo(
            f"{it.act_id}: {it.done_at:%Y-%m-%d %H:%M}, {', '.join(it.labels)}:"
            f" {it.given} given, {it.taken} taken away{undone}"
        )


@group.command()
@in_sentences
def undo(
    context: typer.Context, act_id: ActId, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Take back what was written at once; what somebody said since stays."""
    with opened(context, data_dir, model=False) as album:
        act = album.labelling.undo(act_id)
    if as_json:
        print_json(**act_json(act))
    else:
        typer.echo(f"Undone: {', '.join(act.labels)}.")


@group.command()
@in_sentences
def remove(
    context: typer.Context,
    label: Annotated[str, typer.Argument()],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a label away from all photos, with its examples and its rule; that can be undone."""
    with opened(context, data_dir, model=False) as album:
        act = album.labels.remove(label)
    if as_json:
        print_json(**act_json(act))
    else:
        tell_act(act)


@group.command("export")
@in_sentences
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
    """Write labels, their rules and the trained classifiers as JSON; photos by their bytes."""
    with opened(context, data_dir, model=False) as album:
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
@in_sentences
def import_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take in what `labels export` wrote; what somebody said in this album stays."""
    data = read_labels(file)
    with opened(context, data_dir, model=False) as album:
        taken = import_labels(album, data)
    if as_json:
        print_json(
            act_id=taken.act_id,
            labels=list(taken.labels),
            photos=taken.photos,
            unknown=taken.unknown,
            written=taken.written,
            rules=taken.rules,
            rules_left=list(taken.rules_left),
            classifiers=list(taken.classifiers),
            classifiers_left=list(taken.classifiers_left),
        )
        return
    typer.echo(
        f"{len(taken.labels)} labels of {taken.photos} photos of this album: {taken.written} new;"
        f" {taken.unknown} photos are not in it."
    )
    for left in taken.rules_left:
        typer.echo(f"{left} is still given as it was in this album.", err=True)
    for left in taken.classifiers_left:
        typer.echo(f"There is a classifier {left} already; it stays as it is.", err=True)
    if taken.act_id is not None:
        typer.echo(f"`python -m album labels undo {taken.act_id}` takes that back.")


@commands.command()
@in_sentences
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
    """Teach a label by photos that are and are not of it, and tell which to ask about next."""
    if living and not apply:
        raise QueryError("--living goes with --apply.")
    name = label_name(label)
    with opened(context, data_dir, model=True) as album:
        yes = [photo_id_of(album, it) for it in is_photos or ()]
        no = [photo_id_of(album, it) for it in is_not_photos or ()]
        if both := set(yes) & set(no):
            raise QueryError(f"Photo {min(both)} cannot be both: say --is or --is-not of it.")
        album.labels.give(name, yes)
        album.labels.refuse(name, no)
        taught = album.teacher.teach(name, words, two_stage=two_stage)
        act = None
        if apply:
            plan = album.labelling.plan(ExampleLabel(name, words, two_stage))
            act = album.labelling.apply(plan, living=living)
        ask = photos_json(album, taught.ask)
        if as_json:
            print_json(
                **_taught_json(taught),
                ask=ask,
                surest=sure_json(album, taught.surest),
                act=act and act_json(act),
            )
            return
        _tell_taught(taught)
        for first, second in taught.contradictions:
            typer.echo(
                f"{path_of(album, first)} is, and {path_of(album, second)} is not, though they"
                " look the same.",
                err=True,
            )
        if ask:
            typer.echo("It is least sure of:")
        for it in ask:
            typer.echo(f"  {it['photo_id']}  {it['path']}")
        if act is not None:
            tell_act(act)


def _taught_json(taught: FewShotModel) -> dict[str, Any]:
    return {
        "label": taught.rule.label,
        "positives": taught.positives,
        "negatives": taught.negatives,
        "left_out": taught.left_out,
        "threshold": round(taught.threshold, 6),
        "precision": _estimate_json(taught.precision),
        "recall": _estimate_json(taught.recall),
        "contradictions": [list(pair) for pair in taught.contradictions],
    }


def _estimate_json(it: Proportion | None) -> dict[str, float] | None:
    if it is None:
        return None
    return {name: round(getattr(it, name), 6) for name in ("value", "low", "high")}


def _tell_taught(taught: FewShotModel) -> None:
    typer.echo(f"{taught.rule.label}: learned from {taught.positives} and {taught.negatives} not")
    if taught.left_out:
        typer.echo(f"{taught.left_out} more are not encoded yet.", err=True)
    for what, it in (("precision", taught.precision), ("recall", taught.recall)):
        told = "too few examples to tell" if it is None else _estimate(it)
        typer.echo(f"{what}: {told}")


def _estimate(it: Proportion) -> str:
    return f"{it.value:.0%} ({it.low:.0%} to {it.high:.0%})"


def _summary_json(it: LabelSummary) -> dict[str, Any]:
    return {
        "label": it.label,
        "photos": it.photos,
        "given": dict(it.given),
        "refused": it.refused,
        "rule": rule_json(it.rule),
    }


def _summary_line(it: LabelSummary) -> str:
    givers = ", ".join(f"{n} by {giver}" for giver, n in sorted(it.given.items()))
    parts = [f"{it.photos} photos" + (f" ({givers})" if givers else "")]
    if it.refused:
        parts.append(f"wrong for {it.refused}")
    if it.rule is not None:
        living = ", also to new photos" if it.rule.living else ""
        parts.append(f"given by {it.rule.kind}{living}")
    return f"{it.label}: {', '.join(parts)}"
