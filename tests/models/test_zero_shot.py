"""Class directions and probabilities, against the slow obvious way to compute them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from models.classifiers.zero_shot import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    ZeroShotClassifier,
    best_temperature,
    class_embeddings,
    name_directions,
)
from models.clip.encoder import ClipEncoder
from models.interfaces import ClassName, Wording
from models.prompts import (
    ANSWER_INSTRUCTIONS,
    CAPTION_FIELDS,
    KIND_TEMPLATES,
    TEMPLATES,
    TRANSLATION_INSTRUCTIONS,
)
from tests.support.fakes import FakeEncoder

CLASSES = [["고양이", "cat", "kitten"], ["bus"], ["탑", "tower"]]
POCKET = Path(__file__).parents[2] / "models" / "pocket"


def slow_name(encoder, name: str) -> np.ndarray:
    """Every prompt alone, and their mean."""
    korean = any("가" <= letter <= "힣" for letter in name)
    rows = [
        encoder.encode_texts([template.replace("{}", name)])[0].astype(np.float64)
        for template in TEMPLATES["ensemble"]["ko" if korean else "en"]
    ]
    return sum(rows) / len(rows)


def slowly(encoder, synonyms: list[str]) -> np.ndarray:
    """The mean over names, at length 1."""
    mean = sum(slow_name(encoder, name) for name in synonyms) / len(synonyms)
    return mean / math.sqrt(sum(x * x for x in mean))


def of_names(encoder, classes: list[list[str]]) -> ZeroShotClassifier:
    return ZeroShotClassifier(
        class_embeddings(encoder, classes),
        logit_scale=encoder.logit_scale,
        logit_bias=encoder.logit_bias,
    )


@pytest.fixture(params=["pocket", "fake"])
def encoder(request, pocket):
    return pocket if request.param == "pocket" else FakeEncoder()


def test_class_embedding_is_unit_mean_of_its_prompts(encoder):
    rows = class_embeddings(encoder, CLASSES)

    assert rows.dtype == np.float32
    assert rows.shape == (3, encoder.dim)
    # bfloat16 rounds a text differently in a batch of its own.
    assert rows == pytest.approx(np.stack([slowly(encoder, c) for c in CLASSES]), abs=2e-3)


def test_a_name_in_two_classes_weighs_in_both():
    encoder = FakeEncoder()

    rows = class_embeddings(encoder, [["red", "blue"], ["blue"], ["red"]])

    assert rows == pytest.approx(
        np.stack([slowly(encoder, c) for c in (["red", "blue"], ["blue"], ["red"])]), abs=1e-6
    )


def test_braces_in_a_name_are_just_letters():
    assert class_embeddings(FakeEncoder(), [["a {red} {0} thing"]]).shape == (1, 16)


def test_no_classes_give_no_rows():
    assert class_embeddings(FakeEncoder(), []).shape == (0, 16)
    nothing = of_names(FakeEncoder(), [])
    assert nothing.probabilities(np.ones((2, 16), np.float32)).shape == (2, 0)


def test_class_without_names_is_a_value_error():
    with pytest.raises(ValueError, match="needs a name"):
        class_embeddings(FakeEncoder(), [["red"], []])


def test_probabilities_are_the_softmax_of_scaled_cosines(encoder):
    images = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "white")]
    embeddings = encoder.encode_images(images)
    classifier = of_names(encoder, CLASSES)

    given = classifier.probabilities(embeddings)

    directions = np.stack([slowly(encoder, c) for c in CLASSES])
    for row, embedding in zip(given, embeddings, strict=True):
        weights = [math.exp(encoder.logit_scale * float(embedding @ d)) for d in directions]
        assert row == pytest.approx([w / sum(weights) for w in weights], abs=5e-3)
    assert given.dtype == np.float32
    assert given.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_scores_are_cosines():
    encoder = FakeEncoder()
    embeddings = encoder.encode_images([Image.new("RGB", (4, 4), c) for c in ("red", "blue")])

    scores = of_names(encoder, [["red"], ["blue"]]).scores(embeddings)

    assert scores.dtype == np.float32
    assert np.diag(scores) == pytest.approx(1, abs=1e-6)
    assert scores.max() <= 1
    assert scores[0, 1] < 0


def test_a_huge_logit_scale_overflows_nothing():
    encoder = FakeEncoder()
    encoder.logit_scale = 1e6

    given = of_names(encoder, [["red"], ["blue"]]).probabilities(
        encoder.encode_texts(["red", "blue"])
    )

    assert given == pytest.approx(np.eye(2))


def test_no_photos_give_no_probabilities():
    given = of_names(FakeEncoder(), CLASSES).probabilities(np.empty((0, 16), np.float32))

    assert given.shape == (0, 3)


def test_name_direction_is_unnormalised_mean_of_its_templates(encoder):
    rows = name_directions(encoder, [ClassName("고양이", weight=3), ClassName("bus")])

    assert rows == pytest.approx(
        np.stack([slow_name(encoder, name) for name in ("고양이", "bus")]), abs=2e-3
    )
    assert rows.dtype == np.float32
    assert (np.linalg.norm(rows, axis=1) < 1).all()
    assert name_directions(encoder, []).shape == (0, encoder.dim)


def test_kind_is_in_every_wording():
    said: list[str] = []

    class Listening(FakeEncoder):
        def encode_texts(self, texts):
            said.extend(texts)
            return super().encode_texts(texts)

    for wording in get_args(Wording):
        for text, kind in (("crane", "bird"), ("배", "과일")):
            said.clear()
            name_directions(Listening(), [ClassName(text, kind)], wording)
            assert all(text in prompt for prompt in said)
            assert sum(kind in prompt for prompt in said) >= len(said) / 2 > 0
            assert len(said) == 1 or wording == "ensemble"


def test_kind_separates_things_of_one_name(pocket):
    bird, machine = name_directions(
        pocket, [ClassName("crane", "bird"), ClassName("crane", "machine")]
    )
    birds, machines = name_directions(pocket, [ClassName("bird"), ClassName("machine")])

    assert bird @ birds > machine @ birds
    assert machine @ machines > bird @ machines


def test_priors_add_their_logarithms_to_the_scaled_cosines():
    encoder = FakeEncoder()
    directions = class_embeddings(encoder, [["red"], ["pink"]])
    photos = encoder.encode_images([Image.new("RGB", (4, 4), "red")])
    even = ZeroShotClassifier(directions, np.ones(2), logit_scale=20)
    rare = ZeroShotClassifier(directions, np.array([1.0, 4.0]), logit_scale=20)

    added = rare.logits(photos) - even.logits(photos)
    assert added[0] == pytest.approx([0, math.log(4)], abs=1e-5)
    assert rare.scores(photos) == pytest.approx(even.scores(photos))
    odds = rare.probabilities(photos)[0, 1] / rare.probabilities(photos)[0, 0]
    assert odds == pytest.approx(4 * np.divide(*even.probabilities(photos)[0, ::-1]), rel=1e-4)


@pytest.mark.parametrize("bias", [None, -8.0])
def test_temperature_divides_the_logits(bias):
    encoder = FakeEncoder()
    directions = class_embeddings(encoder, [["red"], ["pink"], ["blue"]])
    photos = encoder.encode_texts(["orange", "purple"])
    classifier = ZeroShotClassifier(directions, logit_scale=20, logit_bias=bias)

    logits = classifier.logits(photos).astype(np.float64) / 2.5
    if bias is None:
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    else:
        expected = 1 / (1 + np.exp(-logits))

    assert classifier.probabilities(photos, 2.5) == pytest.approx(expected, abs=1e-6)
    assert classifier.probabilities(photos, 2.5).dtype == np.float32


def test_sigmoid_model_judges_each_class_by_itself():
    encoder = FakeEncoder()
    directions = class_embeddings(encoder, [["red"], ["red"], ["blue"]])
    classifier = ZeroShotClassifier(directions, logit_scale=1000, logit_bias=-500)

    red = classifier.probabilities(encoder.encode_texts(["red"]))[0]

    assert red == pytest.approx([1, 1, 0], abs=1e-6)
    assert np.isfinite(classifier.probabilities(-directions, 0.01)).all()


def test_classes_and_scores_equal_open_clip(weights_dir):
    pocket = ClipEncoder("pocket", weights_dir, "cpu", precision="float32")
    names = ["goldfish", "school bus", "a tower", "cat"]
    english = TEMPLATES["ensemble"]["en"]
    model = open_clip.create_model(f"local-dir:{POCKET}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{POCKET}")

    theirs = open_clip.build_zero_shot_classifier(model.eval(), tokenize, names, english)  # (d, c)

    ours = name_directions(pocket, [ClassName(name) for name in names])
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    photos = pocket.encode_images([Image.new("RGB", (40, 30), it) for it in ("red", "white")])
    classifier = ZeroShotClassifier(ours, logit_scale=pocket.logit_scale)
    assert ours == pytest.approx(theirs.numpy().T, abs=1e-5)
    assert class_embeddings(pocket, [[name] for name in names]) == pytest.approx(ours, abs=1e-6)
    assert classifier.scores(photos) == pytest.approx(photos @ theirs.numpy(), abs=1e-5)
    logits = torch.from_numpy(pocket.logit_scale * photos @ theirs.numpy())
    assert classifier.probabilities(photos) == pytest.approx(
        logits.softmax(dim=1).numpy(), abs=1e-5
    )


def test_best_temperature_has_the_highest_likelihood():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 300)
    truth = rng.standard_normal((300, 5)) + 2 * np.eye(5)[labels]
    logits = (7 * truth).astype(np.float32)

    def loss(temperature: float) -> float:
        scaled = logits.astype(np.float64) / temperature
        totals = np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1)) + scaled.max(1)
        return float((totals - scaled[np.arange(300), labels]).mean())

    found = best_temperature(logits, labels)

    tried = np.geomspace(LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE, 400)
    assert found == pytest.approx(min(tried, key=loss), rel=0.02)
    assert loss(found) <= min(map(loss, tried)) + 1e-9
    assert best_temperature(logits / 3, labels) == pytest.approx(found / 3, rel=1e-4)


@pytest.mark.parametrize("right", [True, False])
def test_extreme_labels_stop_at_a_bound(right):
    logits = np.float32([[5, 0, 0], [0, 900, 0]])

    found = best_temperature(logits, np.array([0, 1] if right else [1, 2]))

    bound = LOWEST_TEMPERATURE if right else HIGHEST_TEMPERATURE
    assert found == pytest.approx(bound, rel=1e-3)


def test_temperature_is_one_without_information():
    assert best_temperature(np.empty((0, 3), np.float32), np.empty(0, np.intp)) == 1
    assert best_temperature(np.ones((4, 3), np.float32), np.array([0, 1, 2, 0])) == 1
    assert best_temperature(np.ones((4, 1), np.float32), np.zeros(4, np.intp)) == 1


def test_encoder_is_unused_after_names_are_encoded(monkeypatch):
    encoder = FakeEncoder()
    classifier = of_names(encoder, [["red"], ["blue"]])
    monkeypatch.setattr(encoder, "encode_texts", None)

    assert classifier.probabilities(np.eye(2, 16, dtype=np.float32)).shape == (2, 2)


def test_templates_have_one_name_and_languages_an_instruction():
    assert set(TEMPLATES) == set(KIND_TEMPLATES) == set(get_args(Wording))
    for wording in get_args(Wording):
        for language in ("en", "ko"):
            plain, of_kind = TEMPLATES[wording][language], KIND_TEMPLATES[wording][language]
            assert len(set(plain)) == len(plain)
            assert len(set(of_kind)) == len(of_kind)
            for template in (*plain, *of_kind):
                assert template.count("{}") == 1
            assert not any("{kind}" in template for template in plain)
            assert 2 * sum(template.count("{kind}") for template in of_kind) >= len(of_kind)
    for instructions in (CAPTION_FIELDS, ANSWER_INSTRUCTIONS, TRANSLATION_INSTRUCTIONS):
        assert set(instructions) == {"ko", "en"}
