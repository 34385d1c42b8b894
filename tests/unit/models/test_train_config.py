"""A recipe is read whole or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import ModelError
from models.training.config import read_recipe

GOOD = """
out: run
architecture: RN50
sources: [{name: zoo, path: zoo}]
steps: 10
batch_size: 4
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_recipe_defaults_are_those_of_the_papers(tmp_path):
    config = read_recipe(written(tmp_path, GOOD), [])[0]
    assert config.betas == (0.9, 0.98)
    assert config.clip_norm == 1.0
    assert config.text == "trained"


def test_overrides_are_yaml_and_win(tmp_path):
    config = read_recipe(written(tmp_path, GOOD), ["steps=3", "views=[{after: 0, pixels: 32}]"])[0]
    assert config.steps == 3
    assert config.views[0].pixels == 32


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "stepps: 3", "stepps"),
        (GOOD.replace("steps: 10", "steps: -1"), "steps"),
        (GOOD.replace("batch_size: 4", ""), "batch_size"),
        (GOOD.replace("[{name: zoo, path: zoo}]", "[]"), "sources"),
        (GOOD + "text: locked", "needs init"),
        (GOOD + "text: distilled", "needs teacher"),
        (GOOD + "tag_weight: 1", "tag_weight needs"),
        (GOOD + "learning_blocks: 1", "learning_blocks needs"),
        (GOOD + "opinion_weight: 1", "opinion_weight needs"),
        (GOOD + "stages: [{steps: 3}]", "each with a name"),
        (GOOD + "stages: 3", "stages must be a list"),
        (GOOD + "views: [{after: 0.5, pixels: 32}]", "views must begin"),
        ("- a list", "no YAML of keys"),
        ("out: [", "no YAML of keys"),
        ("", "no YAML of keys"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path, text, sentence):
    with pytest.raises(ModelError, match=sentence):
        read_recipe(written(tmp_path, text), ["steps=3"] if text == "" else [])[0]


def test_stages_start_where_the_one_before_ended(tmp_path):
    stages = "stages: [{name: a, lr: 0.5}, {name: b, steps: 20}, {name: c, init: mine.pt}]"
    a, b, c = read_recipe(written(tmp_path, GOOD + stages), ["batch_size=7"])
    assert [stage.out for stage in (a, b, c)] == [Path("run") / name for name in "abc"]
    assert (a.init, b.init, c.init) == (None, Path("run/a/RN50.safetensors"), Path("mine.pt"))
    assert (a.lr, b.lr) == (0.5, 1e-3)
    assert (a.steps, b.steps, c.steps) == (10, 20, 10)
    assert {stage.batch_size for stage in (a, b, c)} == {7}


def test_the_recipe_of_the_shipped_weights_is_one():
    words, *photos = read_recipe(Path("models/pocket/train.yaml"), [])
    assert (words.text, words.sources) == ("distilled", ())
    for stage in photos:
        assert stage.architecture == "models/pocket"
        assert stage.validation is not None
        trained_on = {str(source.path) for source in stage.sources}
        assert str(stage.validation.path) not in trained_on
        assert not any("test" in path or "hold" in path for path in trained_on)


def test_missing_recipe_and_bad_override_are_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml", [])[0]
    with pytest.raises(ModelError, match="write key=value"):
        read_recipe(written(tmp_path, GOOD), ["steps"])[0]
