"""Ways to sort photos into twenty everyday groups, from words alone to fine-tuning, side by side.

The photos are dealt into two halves; each way learns from one and is asked about the other, and the
other way round, so that every photo is asked about once. A group of fewer than k photos in a half
gives what it has.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.linear_model import LogisticRegression

from models.classifiers.factory import DefaultClassifiers
from models.classifiers.linear_probe import PENALTY, WORD_FIT, WORD_SCALE
from models.clip.encoder import ClipEncoder
from models.clip.spec import POCKET
from models.fine_tuning.pipeline import train_classifier
from models.fine_tuning.settings import FineTuneSettings
from models.interfaces import ClassName, Embeddings, Wording
from tests.benchmarks.figures import Figure

LABELLED = Path(__file__).parents[3] / "shared" / "labelled"
GROUPS = Path(__file__).with_name("everyday_groups.csv")
KOREAN = {
    "bird": "새",
    "boat": "배",
    "building": "건물",
    "car or truck": "자동차 or 트럭",
    "cat": "고양이",
    "clothing": "옷",
    "dog": "개",
    "electronic device": "전자제품",
    "fish or sea animal": "물고기 or 바다 동물",
    "food or drink": "음식 or 음료",
    "fruit or vegetable": "과일 or 채소",
    "furniture": "가구",
    "hat or shoe": "모자 or 신발",
    "insect or spider": "곤충 or 거미",
    "kitchenware": "주방용품",
    "landscape": "풍경",
    "monkey": "원숭이",
    "musical instrument": "악기",
    "reptile": "파충류",
    "wild animal": "야생 동물",
}
SHOTS = (1, 5, 20)
DRAWS = 10
RESAMPLES = 2000
SEED = 6

Labels = npt.NDArray[np.intp]
Correct = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Photos:
    """n photos of c groups, dealt into two halves."""

    paths: list[Path]
    groups: list[str]
    """(c,)"""
    labels: Labels
    """(n,)"""
    embeddings: Embeddings
    """(n, d)"""
    half: Labels
    """(n,) 0 or 1"""

    def halves(self) -> Iterator[tuple[Labels, Labels]]:
        """Rows to learn from, and rows to be asked about."""
        for asked in (0, 1):
            yield np.flatnonzero(self.half != asked), np.flatnonzero(self.half == asked)


def figures() -> Iterator[Figure]:
    if not LABELLED.is_dir():
        print("learning: left out, for there are no labelled photos beside the project")
        return
    with tempfile.TemporaryDirectory() as folder:
        encoder = ClipEncoder(POCKET, Path(folder), "cpu")
        photos = everyday(encoder)
        correct: dict[str, Correct] = {}
        for what, how in ways(encoder, photos).items():
            correct[what] = how()
            low, high = interval(correct[what])
            yield Figure(
                f"20 groups, {len(photos.paths)} photos: {what}",
                100 * correct[what].mean(),
                "%",
                beside=f"95 %: {100 * low:.1f} to {100 * high:.1f}; "
                f"mean over groups {100 * over_groups(photos, correct[what]):.1f}",
            )
    for better, worse in (
        ("all templates", 'one sentence, "a photo of a ..."'),
        ("all templates", "the name alone"),
        ("5 photos a group and the words", "all templates, both languages"),
        ("one choice, 5 photos a group and the words", "all templates, both languages"),
        ("5 photos a group", "all templates, both languages"),
        ("fine-tuning, two blocks", "frozen features, all of the half"),
    ):
        gain = correct[better] - correct[worse]
        low, high = interval(gain)
        yield Figure(
            f"{better}, less {worse}",
            100 * gain.mean(),
            "points",
            above=0.0,
            beside=f"95 %: {100 * low:+.1f} to {100 * high:+.1f}; "
            f"mean over groups {100 * over_groups(photos, gain):+.1f}",
        )


def everyday(encoder: ClipEncoder) -> Photos:
    """The labelled photos that are of one of the groups."""
    with GROUPS.open(encoding="utf-8", newline="") as file:
        group_of = {row["class"]: row["group"] for row in csv.DictReader(file)}
    with (LABELLED / "classes.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] in group_of]
    groups = sorted(set(group_of.values()))
    labels = np.array([groups.index(group_of[row["class"]]) for row in rows], np.intp)
    paths = [LABELLED / "photos" / row["file"] for row in rows]
    half = np.zeros(len(rows), np.intp)
    rng = np.random.default_rng(SEED)
    for c in range(len(groups)):
        half[rng.permutation(np.flatnonzero(labels == c))[1::2]] = 1
    embeddings = []
    for start in range(0, len(paths), 32):
        opened = [Image.open(path) for path in paths[start : start + 32]]
        embeddings.append(encoder.encode_images([image.convert("RGB") for image in opened]))
    return Photos(paths, groups, labels, np.concatenate(embeddings), half)


def ways(encoder: ClipEncoder, photos: Photos) -> dict[str, Callable[[], Correct]]:
    """By name what gives (n,) how often each photo is told right, in [0, 1]."""

    def words(wording: Wording, *languages: str) -> Callable[[], Correct]:
        return lambda: by_words(photos, directions(encoder, photos.groups, wording, languages))

    both = directions(encoder, photos.groups, "ensemble", ("en", "ko"))
    choice = {
        f"one choice, {k} photo{'s' * (k > 1)} a group and the words": (
            lambda k=k: by_one_choice(photos, k, both)
        )
        for k in SHOTS
    }
    few = {
        f"{k} photo{'s' * (k > 1)} a group{' and the words' * (text is not None)}": (
            lambda k=k, text=text: by_examples(photos, k, text)
        )
        for text in (None, both)
        for k in SHOTS
    }
    return {
        'one sentence, "a photo of a ..."': words("sentence", "en"),
        "the name alone": words("name", "en"),
        "all templates": words("ensemble", "en"),
        "all templates, Korean": words("ensemble", "ko"),
        "all templates, both languages": words("ensemble", "en", "ko"),
        **few,
        **choice,
        "frozen features, all of the half": lambda: by_training(
            photos, FineTuneSettings(device="cpu")
        ),
        "fine-tuning, two blocks": lambda: by_training(
            photos, FineTuneSettings(mode="finetune", device="cpu", epochs=8, batch_size=16)
        ),
    }


def directions(
    encoder: ClipEncoder, groups: Sequence[str], wording: Wording, languages: Sequence[str]
) -> Embeddings:
    """(c, d)"""
    own = DefaultClassifiers()
    rows = []
    for group in groups:
        texts = [group, KOREAN[group]]
        texts = [text for text, code in zip(texts, ("en", "ko"), strict=True) if code in languages]
        names = [ClassName(name) for text in texts for name in text.split(" or ")]
        rows.append(own.name_directions(encoder, names, wording).mean(axis=0))
    found = np.stack(rows)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def by_words(photos: Photos, text: Embeddings) -> Correct:
    return ((photos.embeddings @ text.T).argmax(axis=1) == photos.labels).astype(np.float64)


def by_examples(photos: Photos, k: int, text: Embeddings | None) -> Correct:
    """A label for each group, taught by k photos that are of it and those of the other groups."""
    fit = DefaultClassifiers().fit_probe

    def decide(chosen: Labels, rest: Labels, asked: Labels) -> Labels:
        shares = []
        for group in range(len(photos.groups)):
            own = photos.labels[chosen] == group
            p, q = photos.embeddings[chosen[own]], photos.embeddings[chosen[~own]]
            fitted = fit(p, q, photos.embeddings[rest], None if text is None else text[group])
            shares.append(fitted.probe.probabilities(photos.embeddings[asked]))
        return np.stack(shares).argmax(axis=0)

    return drawn(photos, k, decide)


def by_one_choice(photos: Photos, k: int, text: Embeddings) -> Correct:
    """The same regression as a single choice between all groups, with the words of each as one
    more example and as one more feature: what separate labels give up by not knowing each other."""

    def decide(chosen: Labels, rest: Labels, asked: Labels) -> Labels:
        half = photos.embeddings[np.concatenate([chosen, rest])]
        centre, fits = half.mean(axis=0), half @ text.T
        radius = np.sqrt(((half - centre) ** 2).sum(axis=1).mean())

        def features(rows: Labels) -> npt.NDArray[np.float32]:
            own = photos.embeddings[rows]
            by_words = (own @ text.T - fits.mean(axis=0)) / fits.std(axis=0)
            return np.column_stack([(own - centre) / radius, WORD_SCALE * by_words])

        c, d = text.shape
        words = np.column_stack([np.zeros((c, d)), WORD_SCALE * WORD_FIT * np.eye(c)])
        model = LogisticRegression(C=PENALTY, max_iter=300)
        model.fit(
            np.concatenate([features(chosen), words]),
            np.concatenate([photos.labels[chosen], np.arange(c)]),
        )
        return np.asarray(model.predict(features(asked)), np.intp)

    return drawn(photos, k, decide)


def drawn(photos: Photos, k: int, decide: Callable[[Labels, Labels, Labels], Labels]) -> Correct:
    """The mean over draws of k photos a group.

    Args:
        photos: all.
        k: of each group, or as many as its half has.
        decide: makes groups of rows to be asked about, after rows to learn from and the rest of
            their half, which it may look at without knowing what they are.
    """
    correct = np.zeros(len(photos.labels))
    for draw in range(DRAWS):
        for learned, asked in photos.halves():
            shuffled = np.random.default_rng([SEED, draw, k]).permutation(learned)
            chosen = np.concatenate(
                [shuffled[photos.labels[shuffled] == c][:k] for c in range(len(photos.groups))]
            )
            taken_for = decide(chosen, np.setdiff1d(learned, chosen), asked)
            correct[asked] += (taken_for == photos.labels[asked]) / DRAWS
    return correct


def by_training(photos: Photos, settings: FineTuneSettings) -> Correct:
    """All photos of a half, every fourth of which only chooses when to stop."""
    correct = np.zeros(len(photos.labels))
    for learned, asked in photos.halves():
        ordered = learned[np.argsort(photos.labels[learned], kind="stable")]
        chooses = np.arange(len(ordered)) % 4 == 2
        parts = [
            [(photos.paths[row], int(photos.labels[row])) for row in rows]
            for rows in (ordered[~chooses], ordered[chooses], asked)
        ]
        trained = train_classifier(*parts, photos.groups, settings)
        if trained is None:
            raise RuntimeError("a run that nobody stops came to no end")
        correct[asked] = trained.predictions == photos.labels[asked]
    return correct


def over_groups(photos: Photos, values: Correct) -> float:
    """The mean of the means of the groups, of which the largest has ten times the smallest."""
    return float(np.mean([values[photos.labels == c].mean() for c in range(len(photos.groups))]))


def interval(values: Correct) -> tuple[float, float]:
    """The 95 % interval of the mean, by drawing photos anew."""
    rng = np.random.default_rng(SEED)
    means = values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
