"""The fake encoder sees colours, in both languages, and keeps spaces apart."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.support.fakes import COLOURS, FakeEncoder


def test_colour_is_nearest_to_its_names_by_language():
    encoder = FakeEncoder()
    images = encoder.encode_images([Image.new("RGB", (5, 7), colour) for colour in COLOURS])

    for i, names in enumerate(COLOURS.values()):
        for name in names:
            cosines = images @ encoder.encode_texts([f"x {name} 꽃"])[0]
            assert cosines.argmax() == i, name
            assert cosines[i] == pytest.approx(1, abs=1e-5)


def test_image_that_is_not_rgb_is_refused():
    with pytest.raises(ValueError, match="RGB"):
        FakeEncoder().encode_images([Image.new("L", (5, 5))])


def test_encoders_of_another_name_live_in_another_space():
    red = [Image.new("RGB", (5, 5), "red")]

    one, other = FakeEncoder("one"), FakeEncoder("other")

    assert abs(one.encode_images(red) @ other.encode_images(red).T).item() < 0.9
