"""Plots of evaluations and training.

matplotlib is imported with the first plot, and only its Agg canvas: no window, and no state that
outlives a plot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError
from models.evaluation.calibration import Bin
from models.evaluation.retrieval import Ranks, Retrieval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
POINTS_OF_A_CURVE = 60
BARS_NAMED = 60  # more names than this would be too small to read
HANGUL_FONTS = ("Noto Sans CJK KR", "Noto Sans CJK JP", "NanumGothic", "Malgun Gothic")
OURS, GREY = "#3465a4", "#888888"


def check_target(path: Path) -> None:
    """Check the path of a plot before the work starts.

    Raises:
        ModelError: the folder does not exist, or the name does not end in .png.
    """
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise ModelError(f"{path} cannot be drawn to: name a .png in a folder that exists.")


def draw_retrieval(path: Path, title: str, measured: Retrieval, by_chance: Retrieval) -> None:
    """Plot Recall@K over K in both directions, beside chance."""
    figure = new_figure(9.0, 4.0, title)
    directions = (
        ("image to text", measured.image_to_text, by_chance.image_to_text),
        ("text to image", measured.text_to_image, by_chance.text_to_image),
    )
    for axes, (name, ranks, random) in zip(
        figure.subplots(1, 2, sharey=True), directions, strict=True
    ):
        for label, curve_ranks, style in (("this model", ranks, OURS), ("chance", random, GREY)):
            places = np.unique(np.geomspace(1, _candidates(random), POINTS_OF_A_CURVE).astype(int))
            axes.plot(
                places, [100 * curve_ranks.recall(int(k)) for k in places], color=style, label=label
            )
        axes.set(title=name, xscale="log", xlabel="K", ylim=(0, 100))
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("Recall@K in %")
    figure.axes[0].legend(loc="upper left", frameon=False)
    save_figure(figure, path)


def draw_zero_shot(
    path: Path, title: str, accuracy: Sequence[tuple[str, float]], bins: Sequence[Bin]
) -> None:
    """Plot the accuracy of each class and the reliability diagram.

    Args:
        path: The .png to write.
        title: Title of both plots.
        accuracy: Name and accuracy in [0, 1] of each class. Two classes may share a name.
        bins: The bins of the reliability diagram.
    """
    figure = new_figure(max(11.0, 4.5 + 0.17 * min(len(accuracy), BARS_NAMED)), 5.0, title)
    bars, diagram = figure.subplots(1, 2, width_ratios=(2, 1))
    ordered = sorted(accuracy, key=lambda entry: -entry[1])
    names, heights = [name for name, _ in ordered], [100 * share for _, share in ordered]
    bars.bar(range(len(names)), heights, width=0.9, color=OURS)
    mean = sum(heights) / max(len(heights), 1)
    bars.axhline(mean, color=GREY, linestyle="--", label=f"mean of the classes {mean:.1f} %")
    bars.set(title="top-1 by class", ylabel="%", ylim=(0, 100), xlim=(-0.6, len(names) - 0.4))
    if len(names) <= BARS_NAMED:
        bars.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    else:
        bars.set_xlabel(f"{len(names)} classes, the best first")
    bars.legend(loc="upper right", frameon=False)
    _draw_reliability(diagram, bins)
    save_figure(figure, path)


def draw_training(path: Path, title: str, rows: Sequence[Mapping[str, float]], chosen: int) -> None:
    """Plot losses and accuracy of a classifier's training over the steps.

    Args:
        path: The .png to write.
        title: Title of both plots.
        rows: `step`, and any of `train_loss`, `validation_loss` (nats) and `validation_accuracy` in
            [0, 1].
        chosen: The step whose weights were kept.
    """
    figure = new_figure(8.0, 6.0, title)
    above, below = figure.subplots(2, 1, sharex=True)
    for name, axes, style, times in (
        ("train_loss", above, GREY, 1),
        ("validation_loss", above, OURS, 1),
        ("validation_accuracy", below, OURS, 100),
    ):
        points = [(row["step"], times * row[name]) for row in rows if name in row]
        if points:
            label = name.replace("_", " ")
            axes.plot(*zip(*points, strict=True), color=style, marker=".", label=label)
    above.set(ylabel="loss in nats", ylim=(0, None))
    below.set(ylabel="right in %", xlabel="step", ylim=(0, 102))
    for axes in (above, below):
        axes.axvline(chosen, color=GREY, linestyle="--", linewidth=0.8, label="kept")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    save_figure(figure, path)


def _draw_reliability(axes: Axes, bins: Sequence[Bin]) -> None:
    filled = [bin_ for bin_ in bins if bin_.count]
    axes.plot((0, 100), (0, 100), color=GREY, linestyle="--", label="well calibrated")
    axes.bar(
        [100 * bin_.low for bin_ in filled],
        [100 * bin_.accuracy for bin_ in filled],
        [100 * (bin_.high - bin_.low) for bin_ in filled],
        align="edge",
        color=OURS,
        edgecolor="white",
        alpha=0.8,
    )
    axes.set(title="reliability", xlabel="confidence in %", ylabel="right in %", xlim=(0, 100))
    axes.set_ylim(0, 100)
    # The share of all answers that each bin holds, since a tall bar may stand for three of them.
    shares = axes.twinx()
    total = sum(bin_.count for bin_ in filled)
    middles = [50 * (bin_.low + bin_.high) for bin_ in filled]
    shares.plot(middles, [100 * bin_.count / total for bin_ in filled], "k.-", linewidth=0.8)
    shares.set(ylabel="dots: share of the answers in %", ylim=(0, 100))
    axes.legend(loc="upper left", frameon=False)


def _candidates(random: Ranks) -> int:
    """Count the candidates of each query."""
    return int((random.own + random.level).max(initial=1))


def new_figure(width: float, height: float, title: str) -> Figure:
    """Create an empty figure, with its size in inches."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DPI, layout="constrained")
    figure.suptitle(title, fontsize=10)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write the .png, with a Hangul font if one is installed.

    Raises:
        ModelError: the disk is full or the file is not writable.
    """
    from matplotlib.font_manager import get_font_names
    from matplotlib.text import Text

    installed = set(get_font_names())
    fonts = ["DejaVu Sans", *(font for font in HANGUL_FONTS if font in installed)]
    for text in figure.findobj(Text):
        text.set_fontfamily(fonts)
    try:
        figure.savefig(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}.") from error
