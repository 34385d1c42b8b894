"""The fake encoder sees colours, in both languages, and keeps spaces apart."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.fakes import COLOURS, FakeEncoder


@pytest.mark.parametrize("language", [0, 1])
def test_each_colour_is_nearest_to_its_own_name(language):
    encoder = FakeEncoder()
    images = [Image.new("RGB", (5, 7), colour) for colour in COLOURS]
    names = [f"x {names[0] if language == 0 else names[-1]}" for names in COLOURS.values()]

    cosines = encoder.encode_images(images) @ encoder.encode_texts(names).T

    assert cosines.argmax(axis=1).tolist() == list(range(len(COLOURS)))
    assert np.diag(cosines) == pytest.approx(1, abs=1e-5)


def test_an_image_that_is_not_rgb_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="RGB"):
        FakeEncoder().encode_images([Image.new("L", (5, 5))])


def test_encoders_of_another_name_live_in_another_space():
    red = [Image.new("RGB", (5, 5), "red")]

    one, other = FakeEncoder("one"), FakeEncoder("other")

    assert abs(one.encode_images(red) @ other.encode_images(red).T).item() < 0.9
