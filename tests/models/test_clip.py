"""ClipEncoder over open_clip: precision, preprocessing, identity, and what a failure says."""

from __future__ import annotations

import shutil
from pathlib import Path

import gradio
import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from models.clip import encoder as clip_encoder
from models.clip.encoder import ClipEncoder, choose_device, choose_dtype
from models.clip.spec import POCKET_DIR, WEIGHTS_FILE, parse_spec
from models.errors import ModelError, WeightsUnavailableError
from tests.models.tiny import add_architecture, write_weights

WEIGHTS = POCKET_DIR / WEIGHTS_FILE


def cosines(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", some, others)


def test_embeddings_equal_open_clip(weights_dir, photos):
    encoder = ClipEncoder("pocket", weights_dir, "cpu", precision="float32")
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{POCKET_DIR}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{POCKET_DIR}")
    texts = ["a big cat", "버스"]
    with torch.inference_mode():
        model.eval()
        images = torch.stack([preprocess(photo) for photo in photos])
        by_hand = model.encode_image(images, normalize=True).numpy()
        texts_by_hand = model.encode_text(tokenize(texts), normalize=True).numpy()

    assert cosines(encoder.encode_images(photos), by_hand).min() > 0.99999
    assert cosines(encoder.encode_texts(texts), texts_by_hand).min() > 0.99999
    assert encoder.logit_scale == pytest.approx(model.logit_scale.exp().item(), rel=1e-6)
    assert encoder.dim == by_hand.shape[1]
    assert encoder.image_size == images.shape[-1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_reduced_precision_stays_close_to_float32(weights_dir, photos, monkeypatch, dtype):
    full = ClipEncoder("pocket", weights_dir, "cpu", precision="float32")
    monkeypatch.setattr(clip_encoder, "choose_dtype", lambda device: dtype)
    reduced = ClipEncoder("pocket", weights_dir, "cpu")
    texts = ["a big cat", "a red bus in the city", "고양이과 동물"]

    in_reduced, in_full = reduced.encode_images(photos), full.encode_images(photos)
    assert cosines(in_reduced, in_full).min() >= 0.995
    # It is another precision indeed: float32 by another path would differ by 1e-7.
    assert np.abs(in_reduced - in_full).max() > 1e-5
    assert cosines(reduced.encode_texts(texts), full.encode_texts(texts)).min() >= 0.995
    assert reduced.logit_scale == full.logit_scale


@pytest.mark.parametrize(
    ("able", "dtype"),
    [
        ({}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"architecture": "arm64", "bf16": True}, torch.bfloat16),
    ],
)
def test_processor_gets_bfloat16_only_when_native(monkeypatch, able, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)

    assert choose_dtype(torch.device("cpu")) == dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_gpu_gets_a_native_half_precision(monkeypatch, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)

    assert choose_dtype(torch.device("cuda")) == dtype
    assert choose_dtype(torch.device("mps")) == torch.float16


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_then_mps_then_the_cpu(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps", "tpu"])
def test_a_device_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    with pytest.raises(ModelError, match=f'no device "{name}": set ALBUM_DEVICE to auto or cpu'):
        choose_device(name)


def test_the_same_query_is_encoded_once(weights_dir, monkeypatch):
    encoder = ClipEncoder("pocket", weights_dir, "cpu")
    asked = []
    embed = encoder._embed_texts
    monkeypatch.setattr(encoder, "_embed_texts", lambda texts: asked.append(texts) or embed(texts))

    for query in ("a cat", "고양이", "a cat"):
        encoder.encode_texts([query])

    assert asked == [["a cat"], ["고양이"]]


class SmallDevice:
    """A network whose device holds `room` items at once."""

    def __init__(self, network, room: int) -> None:
        self._network = network
        self._room = room
        self.asked: list[int] = []

    def _fitting(self, batch: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(batch))
        if len(batch) > self._room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return batch

    def encode_image(self, batch: torch.Tensor) -> torch.Tensor:
        return self._network.encode_image(self._fitting(batch))

    def encode_text(self, batch: torch.Tensor) -> torch.Tensor:
        return self._network.encode_text(self._fitting(batch))


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_batches_are_halved_until_they_fit(pocket, weights_dir, photos, kind):
    encoder = ClipEncoder("pocket", weights_dir, "cpu")
    items = [f"a cat {n}" for n in range(70)] if kind == "texts" else (photos * 14)[:70]
    wide = getattr(pocket, f"encode_{kind}")(items)
    encoder._model = device = SmallDevice(encoder._model, room=5)

    narrow = getattr(encoder, f"encode_{kind}")(items)

    assert device.asked == [32, 16, 8, *[4] * 17, 2]
    assert cosines(narrow, wide).min() > 0.999
    device.asked.clear()
    getattr(encoder, f"encode_{kind}")(items[:8])
    assert device.asked == [4, 4]


def test_device_without_memory_says_what_to_set(weights_dir, photos):
    encoder = ClipEncoder("pocket", weights_dir, "cpu")
    encoder._model = device = SmallDevice(encoder._model, room=0)

    with pytest.raises(ModelError, match=r"pocket does not fit .*: set ALBUM_DEVICE=cpu or"):
        encoder.encode_images(photos[:3])
    assert device.asked == [3, 1]
    with pytest.raises(ModelError, match=r"pocket does not fit .*: set ALBUM_DEVICE=cpu or"):
        encoder.encode_texts(["a cat"])


def test_gradio_images_are_found_in_both_languages(pocket):
    folder = Path(gradio.__file__).parent / "media_assets" / "images"
    files = sorted(folder.glob("*.*g"))
    embeddings = pocket.encode_images([Image.open(file).convert("RGB") for file in files])

    for query in ("a big cat", "큰 고양이과 동물"):
        scores = embeddings @ pocket.encode_texts([query])[0]
        first, second = (files[i].name for i in np.argsort(-scores)[:2])
        assert {first[:4], second[:4]} <= {"chee", "lion"}, query


def test_checkpoint_file_of_pocket_equals_pocket(pocket, weights_dir, photos, tmp_path):
    copy = tmp_path / "mine.safetensors"
    shutil.copy(WEIGHTS, copy)

    encoder = ClipEncoder(f"pocket/{copy}", weights_dir, "cpu")

    assert np.array_equal(encoder.encode_images(photos), pocket.encode_images(photos))
    digest = pocket.model_id.removeprefix("pocket@")
    assert len(digest) == 8
    assert encoder.model_id == f"pocket/mine@{digest}"


def test_a_torch_checkpoint_loads_too(weights_dir, tmp_path):
    add_architecture(tmp_path, "tiny-bpe", hf_tokenizer_name=None, vocab_size=49408)
    model = open_clip.create_model("tiny-bpe")
    torch.save({"state_dict": model.state_dict()}, tmp_path / "epoch_1.pt")

    encoder = ClipEncoder(f"tiny-bpe/{tmp_path}/epoch_1.pt", weights_dir, "cpu", "float32")

    with torch.inference_mode():
        tokens = open_clip.get_tokenizer("tiny-bpe")(["a cat"])
        by_hand = model.eval().encode_text(tokens, normalize=True).numpy()
    assert cosines(encoder.encode_texts(["a cat"]), by_hand).min() > 0.99999


def test_new_weights_change_the_id(weights_dir, tmp_path):
    add_architecture(tmp_path, "tiny-two", hf_tokenizer_name=None, vocab_size=49408)
    file = tmp_path / "mine.safetensors"
    write_weights("tiny-two", file)
    spec = f"tiny-two/{file}"
    before = ClipEncoder(spec, weights_dir, "cpu").model_id
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)

    assert ClipEncoder(spec, weights_dir, "cpu").model_id != before


def test_weights_changing_while_read_are_refused(weights_dir, tmp_path, monkeypatch):
    path = tmp_path / "own.safetensors"
    whole = WEIGHTS.read_bytes()
    path.write_bytes(whole[:1000])
    load = clip_encoder.load_clip

    def load_once_it_is_complete(*args):
        path.write_bytes(whole)
        return load(*args)

    monkeypatch.setattr(clip_encoder, "load_clip", load_once_it_is_complete)
    with pytest.raises(WeightsUnavailableError, match=r"own.safetensors changed while it was read"):
        ClipEncoder(f"pocket/{path}", weights_dir, "cpu")


def test_published_weights_have_their_name_and_preprocessing():
    spec = parse_spec("ViT-B-32-SigLIP2-256/webli")

    assert spec.name == "ViT-B-32-SigLIP2-256/webli"
    assert spec.published()["resize_mode"] == "squash"
    assert spec.published()["mean"] == (0.5, 0.5, 0.5)
    assert parse_spec("ViT-B-32/openai").published()["quick_gelu"] is True


@pytest.mark.parametrize(
    ("spec", "languages"),
    [
        ("pocket", ("en", "ko")),
        ("ViT-B-32/laion2b_s34b_b79k", ("en",)),
        ("roberta-ViT-B-32/laion2b_s12b_b32k", ("en",)),
        ("ViT-B-16-SigLIP/webli", ("en",)),
        ("ViT-L-14-CLIPA/datacomp1b", ("en",)),
        ("ViT-B-32-SigLIP2-256/webli", ()),
        ("ViT-B-16-SigLIP-i18n-256/webli", ()),
        ("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", ()),
        ("nllb-clip-base/v1", ()),
    ],
)
def test_a_model_says_which_languages_it_reads(spec, languages):
    assert parse_spec(spec).languages() == languages


def test_file_is_preprocessed_as_its_published_weights_agree(tmp_path):
    file = tmp_path / "downloaded.safetensors"
    file.touch()

    siglip = parse_spec(f"ViT-B-32-SigLIP2-256/{file}").published()
    assert (siglip["mean"], siglip["resize_mode"]) == ((0.5, 0.5, 0.5), "squash")
    # The tags of ViT-L-14 were trained with different means: none of them can be assumed.
    assert "mean" not in parse_spec(f"ViT-L-14/{file}").published()


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("ViT-B-32", "does not name a model: set ALBUM_MODEL"),
        ("ViT-Z-99/openai", 'no architecture "ViT-Z-99": set ALBUM_MODEL'),
        ("ViT-B-32-256/opnai", "set ALBUM_MODEL to, for example, ViT-B-32-256/datacomp_s34b_b86k"),
        ("ViT-B-32/no/such.pt", "no weights file no/such.pt: correct the path in ALBUM_MODEL"),
        ("ViT-B-32/such.safetensors", "no weights file such.safetensors"),
        ("ViT-B-32-SigLIP2-256/webli", "not on this machine yet: .* set ALBUM_MODEL=pocket"),
    ],
)
def test_unloadable_name_says_what_to_set(weights_dir, spec, sentence):
    with pytest.raises(WeightsUnavailableError, match=sentence):
        ClipEncoder(spec, weights_dir, "cpu")


@pytest.mark.parametrize("name", ["cut", "empty", "text", "pickle"])
def test_broken_checkpoint_is_named_with_what_to_do(weights_dir, tmp_path, name):
    whole = WEIGHTS.read_bytes()
    content = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"<html>not found</html>",
        "pickle": b"\x80\x04\x95junk",
    }[name]
    file = tmp_path / ("mine.pt" if name == "pickle" else "mine.safetensors")
    file.write_bytes(content)

    with pytest.raises(WeightsUnavailableError, match=f"replace or delete .*{file.name}"):
        ClipEncoder(f"pocket/{file}", weights_dir, "cpu")


def test_weights_of_another_architecture_are_refused(weights_dir):
    with pytest.raises(WeightsUnavailableError, match="made for another architecture"):
        ClipEncoder(f"ViT-B-32/{WEIGHTS}", weights_dir, "cpu")
