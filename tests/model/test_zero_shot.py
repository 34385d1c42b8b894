"""Class directions and probabilities, against the slow obvious way to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from models.prompts import CAPTION_INSTRUCTIONS, ENGLISH_TEMPLATES, KOREAN_TEMPLATES
from models.zero_shot import ZeroShotClassifier, class_embeddings
from tests.fakes import FakeEncoder

CLASSES = [["고양이", "cat", "kitten"], ["bus"], ["탑", "tower"]]


def slowly(encoder, synonyms: list[str]) -> np.ndarray:
    """Every prompt alone, the mean per name, then the mean over names, at length 1."""
    of_names = []
    for name in synonyms:
        korean = any("가" <= letter <= "힣" for letter in name)
        rows = [
            encoder.encode_texts([template.replace("{}", name)])[0].astype(np.float64)
            for template in (KOREAN_TEMPLATES if korean else ENGLISH_TEMPLATES)
        ]
        of_names.append(sum(rows) / len(rows))
    mean = sum(of_names) / len(of_names)
    return mean / math.sqrt(sum(x * x for x in mean))


@pytest.fixture(params=["pocket", "fake"])
def encoder(request, pocket):
    return pocket if request.param == "pocket" else FakeEncoder()


def test_a_class_is_the_unit_mean_over_its_names_and_their_templates(encoder):
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
    nothing = ZeroShotClassifier(FakeEncoder(), [])
    assert nothing.probabilities(np.ones((2, 16), np.float32)).shape == (2, 0)


def test_a_class_without_names_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="needs a name"):
        class_embeddings(FakeEncoder(), [["red"], []])


def test_probabilities_are_the_softmax_of_scaled_cosines(encoder):
    images = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "white")]
    embeddings = encoder.encode_images(images)
    classifier = ZeroShotClassifier(encoder, CLASSES)

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

    scores = ZeroShotClassifier(encoder, [["red"], ["blue"]]).scores(embeddings)

    assert scores.dtype == np.float32
    assert np.diag(scores) == pytest.approx(1, abs=1e-6)
    assert scores.max() <= 1
    assert scores[0, 1] < 0


def test_a_huge_logit_scale_overflows_nothing():
    encoder = FakeEncoder()
    encoder.logit_scale = 1e6

    given = ZeroShotClassifier(encoder, [["red"], ["blue"]]).probabilities(
        encoder.encode_texts(["red", "blue"])
    )

    assert given == pytest.approx(np.eye(2))


def test_no_photos_give_no_probabilities():
    given = ZeroShotClassifier(FakeEncoder(), CLASSES).probabilities(np.empty((0, 16), np.float32))

    assert given.shape == (0, 3)


def test_the_encoder_is_not_asked_again_after_the_names_are_encoded(monkeypatch):
    encoder = FakeEncoder()
    classifier = ZeroShotClassifier(encoder, [["red"], ["blue"]])
    monkeypatch.setattr(encoder, "encode_texts", None)

    assert classifier.probabilities(np.eye(2, 16, dtype=np.float32)).shape == (2, 2)


def test_each_template_has_one_place_for_the_name_and_each_language_its_instruction():
    for template in (*ENGLISH_TEMPLATES, *KOREAN_TEMPLATES):
        assert template.count("{}") == 1
    assert set(CAPTION_INSTRUCTIONS) == {"ko", "en"}
