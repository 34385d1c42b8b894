"""Captions by a CoCa model that runs here: a tiny one, taught to tell red from blue."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional

from models.captioners import coca_network
from models.captioners.coca import CocaCaptioner
from models.captioners.coca_network import Beam, beam_search
from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.interfaces import Turn
from tests.models.tiny import publish

NAME = "tiny-coca"
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {
        **{"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        **{"attentional_pool": True, "attn_pooler_queries": 8, "attn_pooler_heads": 2},
        "output_tokens": True,
    },
    "text_cfg": {
        **{"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
        **{"embed_cls": True, "output_tokens": True},
    },
    "multimodal_cfg": {
        **{"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
        "attn_pooler_heads": 2,
    },
    "custom_text": True,
}
SAID = {"red": "a red rose in the garden", "blue": "the blue sea"}


def jpeg_of(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A checkpoint of a model that knows two captions, beside the description of its kind."""
    folder = tmp_path_factory.mktemp("coca")
    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / f"{NAME}.json")
    torch.manual_seed(0)
    model, _, preprocess = open_clip.create_model_and_transforms(NAME)
    for parameter in model.parameters():  # some it leaves as the memory happened to be
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.05)
    tokens = open_clip.get_tokenizer(NAME)(list(SAID.values()))  # (2, t)
    pixels = torch.stack([preprocess(Image.new("RGB", (64, 48), colour)) for colour in SAID])
    model.text.token_embedding.weight.requires_grad_(False)  # half of the work, and as good
    optimiser = torch.optim.Adam([it for it in model.parameters() if it.requires_grad], lr=1e-2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # such small layers only wait for each other
    for _ in range(300):  # some fifty do
        outputs = model(pixels, tokens)
        loss = functional.cross_entropy(
            outputs["logits"].transpose(1, 2), outputs["labels"], ignore_index=0
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.05:
            break
    torch.set_num_threads(threads)
    assert loss.item() < 0.05
    save_file(model.state_dict(), folder / "two.safetensors")
    return folder / "two.safetensors"


@pytest.fixture
def captioner(weights, tmp_path) -> CocaCaptioner:
    return CocaCaptioner(f"{NAME}/{weights}", tmp_path, "cpu")


@pytest.fixture
def published() -> Iterator[str]:
    publish(NAME)
    yield f"{NAME}/web"
    open_clip.pretrained._PRETRAINED.pop(NAME)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("colour", SAID)
def test_caption_names_the_subject_in_plain_words(captioner, monkeypatch, colour, dtype):
    monkeypatch.setattr(coca_network, "choose_dtype", lambda device: dtype)

    for _ in range(2):  # nothing is drawn by lot
        description = captioner.describe(jpeg_of(colour), ("en",))
        assert description.captions == {"en": SAID[colour]}
    assert description.keywords == ()
    assert description.text_in_photo == ""


VOCABULARY, START, END = 6, 0, 1


def table(seed: int) -> torch.Tensor:
    """Logits of the next token by the two before it."""
    return 3 * torch.randn(VOCABULARY, VOCABULARY, VOCABULARY, generator=torch.manual_seed(seed))


def after(logits: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    return logits[text[:, -2] if text.shape[1] > 1 else text[:, -1], text[:, -1]]


def ranked(logits: torch.Tensor, longest: int, shortest: int) -> list[Beam]:
    """Every caption that there could be, the best first."""
    nats = logits.log_softmax(dim=-1)
    found = []
    for length in range(shortest - 1, longest - 1):
        for words in itertools.product(range(2, VOCABULARY), repeat=length):
            tokens = (START, *words, END)
            pairs = itertools.pairwise((START, *tokens[:-1]))
            score = sum(nats[*pair, it] for pair, it in zip(pairs, tokens[1:], strict=True))
            found.append(Beam(tokens, float(score)))
    return sorted(found, key=lambda it: -it.rank)


@pytest.mark.parametrize("shortest", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_search_with_all_beams_finds_the_best_caption(seed, shortest):
    logits = table(seed)

    found = beam_search(lambda text: after(logits, text), START, END, 6, shortest, beams=5000)

    assert found == ranked(logits, 6, shortest)[0].tokens


def test_search_with_few_beams_is_nearly_optimal():
    places = []
    for seed in range(20):
        logits = table(seed)
        logits[:, :, END] += 3  # so that some of its few beams do end
        found = beam_search(lambda text, logits=logits: after(logits, text), START, END, 6)
        places.append([it.tokens for it in ranked(logits, 6, 3)].index(found))

    assert max(places) < 20  # of 336
    assert places.count(0) >= 10


def test_longer_caption_is_not_penalized_for_its_length():
    short, long = Beam((0,) * 5, -5.0), Beam((0,) * 10, -8.0)

    assert long.rank > short.rank
    assert Beam((0,) * 10, -10.0).rank < short.rank


def test_endless_caption_is_cut_at_the_longest():
    never = torch.zeros(VOCABULARY, VOCABULARY, VOCABULARY)
    never[:, :, END] = -torch.inf

    found = beam_search(lambda text: after(never, text), START, END, 6)

    assert len(found) == 6
    assert found.count(START) == 1


def test_caption_is_english_when_two_languages_are_requested(captioner):
    assert captioner.speaks == ("en",)
    assert captioner.describe(jpeg_of("red"), ("ko", "en")).captions == {"en": SAID["red"]}
    with pytest.raises(CaptionerUnavailableError, match="writes English alone") as caught:
        captioner.describe(jpeg_of("red"), ("ko",))
    assert caught.value.needs_setting


def test_captioner_is_local_and_named_without_its_folder(captioner, weights):
    assert captioner.sends is False
    assert captioner.model_id == f"{NAME}/two"
    assert str(weights.parent) not in captioner.model_id
    assert CocaCaptioner("coca_ViT-B-32/x", weights.parent).model_id == "coca_ViT-B-32/x"


def test_what_it_cannot_do_says_which_setting_can(captioner):
    asks = (
        lambda: captioner.answer(jpeg_of("red"), [Turn("person", "Who is it?")], "en"),
        lambda: captioner.translate("빨간 장미", "en"),
    )
    for ask in asks:
        with pytest.raises(CaptionerUnavailableError, match="set ALBUM_CAPTIONER=gemini") as caught:
            ask()
        assert caught.value.needs_setting


@pytest.mark.parametrize(
    "spec", ["coca", "ViT-B-32/laion2b_s34b_b79k", "coca_ViT-B-32/nothing", "pocket", "", "/"]
)
def test_unknown_captioner_is_refused_with_an_alternative(tmp_path, spec):
    captioner = CocaCaptioner(spec, tmp_path, "cpu")

    for ask in (
        captioner.check,
        captioner.fetch,
        lambda: captioner.describe(jpeg_of("red"), ("en",)),
    ):
        with pytest.raises(CaptionerUnavailableError, match="coca_ViT-B-32/laion2b_s13b_b90k"):
            ask()


@pytest.mark.usefixtures("weights")
def test_missing_weights_say_so_before_anything_is_loaded(tmp_path, published):
    captioner = CocaCaptioner(published, tmp_path, "cpu")

    for ask in (captioner.check, lambda: captioner.describe(jpeg_of("red"), ("en",))):
        with pytest.raises(CaptionerUnavailableError, match="is not on this machine yet") as caught:
            ask()
        assert caught.value.needs_setting
    assert str(tmp_path) not in str(caught.value)


def test_weights_that_arrive_are_used_without_a_restart(tmp_path, weights, published):
    captioner = CocaCaptioner(published, tmp_path, "cpu")
    with pytest.raises(CaptionerUnavailableError):
        captioner.check()
    snapshot = tmp_path / "models--someone--tiny" / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("main")
    shutil.copy(weights, snapshot / "open_clip_model.safetensors")

    captioner.check()
    captioner.fetch()  # asks nobody: all of it is here
    assert captioner.describe(jpeg_of("red"), ("en",)).captions == {"en": SAID["red"]}


@pytest.mark.usefixtures("weights")
def test_unreachable_hub_says_what_to_check(tmp_path, published, monkeypatch):
    def broken(*args: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("models.clip.weights._fetch_first", broken)

    with pytest.raises(CaptionerUnavailableError, match="could not be downloaded: check the netw"):
        CocaCaptioner(published, tmp_path, "cpu").fetch()


@pytest.mark.parametrize("damage", ["cut", "garbage", "other"])
def test_damaged_weights_are_named_without_loader_traceback(tmp_path, weights, damage):
    broken = tmp_path / "broken.safetensors"
    if damage == "cut":
        broken.write_bytes(weights.read_bytes()[:100_000])
    elif damage == "garbage":
        broken.write_bytes(b"no weights at all")
    else:
        save_file(dict(list(load_file(weights).items())[:5]), broken)
    captioner = CocaCaptioner(f"{NAME}/{broken}", tmp_path, "cpu")

    captioner.check()
    with pytest.raises(CaptionerUnavailableError, match=f"{NAME}/broken are damaged") as caught:
        captioner.describe(jpeg_of("red"), ("en",))
    assert caught.value.needs_setting
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("jpeg", [b"", b"no picture", jpeg_of("red")[:200]])
def test_a_picture_that_cannot_be_opened_is_declined(captioner, jpeg):
    with pytest.raises(CaptionRefusedError, match="cannot open this photo"):
        captioner.describe(jpeg, ("en",))


def test_a_caption_without_words_is_declined(captioner, monkeypatch):
    captioner.describe(jpeg_of("red"), ("en",))
    monkeypatch.setattr(captioner._network, "_search", lambda pixels: (49406, 267, 49407))

    with pytest.raises(CaptionRefusedError, match="found no words"):
        captioner.describe(jpeg_of("red"), ("en",))


def test_a_device_that_is_not_there_is_named(weights, tmp_path):
    with pytest.raises(CaptionerUnavailableError, match='no device "tpu"'):
        CocaCaptioner(f"{NAME}/{weights}", tmp_path, "tpu").describe(jpeg_of("red"), ("en",))


def test_it_is_made_without_loading_torch(tmp_path):
    program = (
        "import sys; from pathlib import Path; from models.captioners.coca import *;"
        f"CocaCaptioner(DEFAULT_MODEL, Path({str(tmp_path)!r}));"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
