"""A pre-trained network that an image tower starts from: of the hub, a checkpoint, a `.tflite`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import open_clip
import pytest
import timm
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import v2

from models.errors import ModelError
from models.training.backbone import load_backbone, read_class_names, start_from

NAME = "tf_efficientnet_lite0"
SHARED = Path(__file__).parents[3] / "shared"
TFLITE = SHARED / "backbone" / "mobilenet_v2_1.0_224_quant.tflite"


@pytest.fixture(scope="module")
def network():
    """Random weights and statistics, as a network is that has seen something."""
    torch.manual_seed(0)
    made = timm.create_model(NAME, num_classes=7).train()
    with torch.no_grad():
        for _ in range(2):
            made(torch.randn(16, 3, 64, 64))
    return made.eval()


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory) -> Path:
    """As another library would save it: its own names, in the same order."""
    path = tmp_path_factory.mktemp("backbone") / "other.pth"
    torch.save({f"_layer{i}": v for i, v in enumerate(network.state_dict().values())}, path)
    return path


def normalized(pixels: torch.Tensor, mean, std) -> torch.Tensor:
    return (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def test_checkpoint_features_are_equal_after_renormalization(network, checkpoint):
    backbone = load_backbone(str(checkpoint), NAME)
    pixels = torch.rand(4, 3, 96, 96)
    with torch.inference_mode():
        before = network.bn1(network.conv_stem(normalized(pixels, (0.5,) * 3, (0.5,) * 3)))
        openai = normalized(pixels, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
        after = backbone.bn1(backbone.conv_stem(openai))
    inside = slice(None), slice(None), slice(1, -1), slice(1, -1)  # at the border zeros are padded
    assert torch.allclose(before[inside], after[inside], atol=1e-4)


def test_tower_starts_with_features_of_the_backbone(checkpoint, tmp_path):
    backbone = load_backbone(str(checkpoint), NAME)
    config = open_clip.get_model_config("RN50") | {
        "vision_cfg": {"timm_model_name": NAME, "image_size": 64, "timm_pool": "avg",
                       "timm_model_pretrained": False, "timm_proj": "mlp"},
    }  # fmt: skip
    (tmp_path / "lite-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "lite-clip.json")
    tower = open_clip.create_model("lite-clip").visual.eval()
    start_from(backbone, tower)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        own = backbone.forward_head(backbone.forward_features(pixels), pre_logits=True)
        assert torch.allclose(tower.trunk(pixels), own, atol=1e-4)
    with pytest.raises(ModelError, match="different architectures"):
        start_from(timm.create_model("test_efficientnet"), tower)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("none.pth", "no backbone file"), ("cut.pth", "is damaged"), ("other.safetensors", "another")],
)
def test_weights_that_do_not_fit_get_one_sentence(tmp_path, name, sentence):
    (tmp_path / "cut.pth").write_bytes(b"cut")
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=sentence):
        load_backbone(str(tmp_path / name), NAME)


def test_unreachable_hub_is_one_sentence(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="hub cannot be reached"):
        load_backbone("timm:no_such_network", NAME)


def test_class_names_are_read_in_both_languages(tmp_path):
    names = read_class_names(Path("models/pocket/imagenet-classes.csv"))
    assert sorted(names) == list(range(1000))
    assert all(english and korean for english, korean in names.values())
    assert "금붕어" in names[1][1]
    (tmp_path / "bad.csv").write_text("index,en\none,dog\n")
    with pytest.raises(ModelError, match="no CSV of index"):
        read_class_names(tmp_path / "bad.csv")


@pytest.mark.skipif(not TFLITE.is_file(), reason="no shared backbone beside this checkout")
def test_tflite_backbone_recognizes_its_training_classes():
    pytest.importorskip("tflite")
    backbone = load_backbone(str(TFLITE), "mobilenetv2_100")
    lines = (SHARED / "backbone" / "imagenet_labels.txt").read_text().splitlines()
    numbers = {name.strip(): i for i, line in enumerate(lines) for name in line[5:].split(",")}
    with (SHARED / "labelled" / "classes.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["class"] in numbers][::20]
    view = v2.Compose(
        [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Resize(248),
         v2.CenterCrop(224), v2.Normalize(OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)]
    )  # fmt: skip
    photos = [Image.open(SHARED / "labelled" / "photos" / row["file"]) for row in rows]
    with torch.inference_mode():
        said = backbone(torch.stack([view(photo.convert("RGB")) for photo in photos])).argmax(1)
    right = [
        number == numbers[row["class"]] for number, row in zip(said.tolist(), rows, strict=True)
    ]
    assert len(right) >= 15
    assert sum(right) >= 0.7 * len(right)
