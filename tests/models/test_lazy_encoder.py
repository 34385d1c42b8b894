"""An encoder that loads only what it is asked for."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.clip import encoder as clip_encoder
from models.clip.encoder import ClipEncoder
from models.clip.lazy_encoder import LazyEncoder
from models.errors import ModelError, WeightsUnavailableError
from tests.models.tiny import CONFIG, add_architecture, write_weights

TEXTS = ["a big cat", "a photo of a dog", ""]
LIVENESS_S = 60


@pytest.fixture
def tiny(tmp_path) -> tuple[str, Path]:
    """The spec of a checkpoint that no NumPy tower reads, and its file."""
    add_architecture(tmp_path, "tiny-lazy", hf_tokenizer_name=None, vocab_size=49408)
    write_weights("tiny-lazy", tmp_path / "tiny.safetensors")
    return f"tiny-lazy/{tmp_path}/tiny.safetensors", tmp_path / "tiny.safetensors"


@pytest.mark.parametrize("custom", [False, True])
def test_queries_need_no_weights_of_the_image_tower(tmp_path, weights_dir, custom):
    name = f"tiny-lazy-{custom}"
    add_architecture(tmp_path, name, hf_tokenizer_name=None, vocab_size=49408)
    model = open_clip.create_model(name, force_custom_text=custom)
    if custom:
        config = {**open_clip.get_model_config(name), "custom_text": True}
        open_clip.factory._MODEL_CONFIGS[name] = config
    file = tmp_path / "tiny.safetensors"
    save_file(model.state_dict(), file)
    whole = ClipEncoder(f"{name}/{file}", weights_dir, "cpu")
    expected = whole.encode_texts(TEXTS)
    save_file(
        {key: it for key, it in load_file(file).items() if not key.startswith("visual.")}, file
    )

    encoder = LazyEncoder(f"{name}/{file}", weights_dir, "cpu")

    assert np.array_equal(encoder.encode_texts(TEXTS), expected)
    assert (encoder.dim, encoder.image_size) == (CONFIG["embed_dim"], 32)
    assert encoder.logit_scale == pytest.approx(whole.logit_scale)
    assert encoder.logit_bias == whole.logit_bias


def test_text_encoder_holds_no_image_tower(weights_dir, tiny, tmp_path):
    spec, file = tiny
    pickled = tmp_path / "tiny.pt"
    torch.save(load_file(file), pickled)
    for checkpoint in (file, pickled):
        encoder = ClipEncoder(
            f"{spec.partition('/')[0]}/{checkpoint}", weights_dir, "cpu", towers="text"
        )
        names = [name for name, _ in encoder._model.named_parameters()]
        assert names
        assert not [name for name in names if name.startswith("visual")]
        whole = ClipEncoder(spec, weights_dir, "cpu").encode_texts(TEXTS)
        assert np.array_equal(encoder.encode_texts(TEXTS), whole)


def test_first_image_loads_the_whole_network(weights_dir, tiny, photos):
    whole, encoder = (make(tiny[0], weights_dir, "cpu") for make in (ClipEncoder, LazyEncoder))

    assert encoder.model_id == whole.model_id
    assert encoder.languages == whole.languages
    assert np.array_equal(encoder.encode_images(photos[:2]), whole.encode_images(photos[:2]))
    assert np.array_equal(encoder.encode_texts(TEXTS), whole.encode_texts(TEXTS))
    assert encoder.load() is encoder.load()


def test_texts_are_encoded_while_the_network_loads(weights_dir, monkeypatch, photos):
    loading, go = threading.Event(), threading.Event()

    def slowly(*args: object) -> ClipEncoder:
        loading.set()
        assert go.wait(LIVENESS_S)
        return ClipEncoder(*args)

    encoder = LazyEncoder("pocket", weights_dir, "cpu")
    with monkeypatch.context() as patched:
        patched.setattr(clip_encoder, "ClipEncoder", slowly)
        rows: list[np.ndarray] = []
        asking = threading.Thread(target=lambda: rows.append(encoder.encode_images(photos[:1])))
        asking.start()
        assert loading.wait(LIVENESS_S)
        early = encoder.encode_texts(TEXTS)
        assert not rows
        go.set()
        asking.join(LIVENESS_S)

    assert rows[0].shape == (1, encoder.dim)
    assert (early * encoder.encode_texts(TEXTS)).sum(axis=1).min() > 0.995


def test_weights_that_were_replaced_meanwhile_are_one_sentence(weights_dir, tiny, photos):
    spec, file = tiny
    encoder = LazyEncoder(spec, weights_dir, "cpu")
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)

    with pytest.raises(WeightsUnavailableError, match="start the album again"):
        encoder.encode_images(photos[:1])


@pytest.mark.parametrize("spec", ["ViT-B-32/laion2b_s34b_b79k", "nonsense", "ViT-B-32/no-such-tag"])
def test_missing_weights_are_one_sentence_at_once(tmp_path, spec):
    with pytest.raises(ModelError):
        LazyEncoder(spec, tmp_path, "cpu")
