"""The text tower in NumPy against the encoder that it stands in for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.clip.encoder import ClipEncoder
from models.clip.spec import CONFIG_FILE, POCKET_DIR, WEIGHTS_FILE
from models.clip.text_tower import TextTower, clean
from models.errors import WeightsUnavailableError
from models.prompts import EVERYDAY_WORDS

SENTENCES = [
    *(word for pair in EVERYDAY_WORDS for word in pair),
    *(f"a photo of {english}, taken at night" for english, _ in EVERYDAY_WORDS[::7]),
    *(f"바닷가에서 찍은 {korean} 사진" for _, korean in EVERYDAY_WORDS[::7]),
    "two children and a dog on the beach at sunset, seen from a balcony",
    "노을 지는 해변에서 아이 둘과 강아지가 뛰놀고 있다",
    "a red bus " * 40,  # longer than the context
    "빨간 버스 " * 40,
    "한글 and English, mixed: 2019년 summer!",
    "ＦＵＬＬ　ｗｉｄｔｈ",
    "café, but as cafÃ©, &amp;amp; “curly” quotes",
    "  many \t\n blanks\u3000here ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af in parts",
    "🐱🎂",
    "</s> in the middle of it",
    "<pad><unk>",
    "",
    " ",
]


@pytest.fixture(scope="module")
def exact(weights_dir) -> ClipEncoder:
    return ClipEncoder("pocket", weights_dir, "cpu", precision="float32")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of pocket that a test may change."""
    for name in (CONFIG_FILE, WEIGHTS_FILE, "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(POCKET_DIR / name, tmp_path)
    return tmp_path


def test_sentences_equal_those_of_the_encoder(exact):
    tower = TextTower(POCKET_DIR)
    ours, theirs = tower.encode_texts(SENTENCES), exact.encode_texts(SENTENCES)

    assert ours.dtype == np.float32
    assert ours.shape == (len(SENTENCES), exact.dim)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = (ours * theirs).sum(axis=1)
    assert cosines.min() > 0.9999, SENTENCES[cosines.argmin()]
    assert tower.encode_texts([]).shape == (0, exact.dim)
    assert tower.logit_scale == pytest.approx(exact.logit_scale, rel=1e-6)
    assert tower.logit_bias == exact.logit_bias


def test_a_sentence_alone_equals_it_among_others():
    tower = TextTower(POCKET_DIR)
    together = tower.encode_texts(SENTENCES)

    for place in (0, len(SENTENCES) // 2, len(SENTENCES) - 1):
        alone = tower.encode_texts([SENTENCES[place]])[0]
        assert alone @ together[place] > 0.99999


def test_other_weights_are_read_as_the_encoder_does(folder, weights_dir):
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["preprocess_cfg"] = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    weights = load_file(folder / WEIGHTS_FILE)
    noise = np.random.default_rng(0)
    for name, array in weights.items():
        if name.startswith("text."):
            weights[name] = (1.2 * array + 0.02 * noise.standard_normal(array.shape)).astype(
                array.dtype
            )
    save_file(weights, folder / WEIGHTS_FILE)

    ours = TextTower(folder).encode_texts(SENTENCES)
    theirs = ClipEncoder(str(folder), weights_dir, "cpu", precision="float32").encode_texts(
        SENTENCES
    )
    assert (ours * theirs).sum(axis=1).min() > 0.9999
    assert (ours * TextTower(POCKET_DIR).encode_texts(SENTENCES)).sum(axis=1).max() < 0.9999


def test_cleaning_equals_that_of_open_clip():
    from open_clip.tokenizer import get_clean_fn

    assert [clean(text) for text in SENTENCES] == [
        get_clean_fn("whitespace")(text) for text in SENTENCES
    ]


@pytest.mark.parametrize(
    "change", [{"pool_type": "last"}, {"width": 128}, {"hf_model_name": "roberta-base"}]
)
def test_towers_of_another_kind_are_refused(folder, change):
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["model_cfg"]["text_cfg"] |= change
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    if "width" in change:  # the weights decide about shapes: cut them, too
        weights = load_file(folder / WEIGHTS_FILE)
        weights["text.positional_embedding"] = weights["text.positional_embedding"][:, :128].copy()
        save_file(weights, folder / WEIGHTS_FILE)

    with pytest.raises(WeightsUnavailableError, match="cannot be read without torch"):
        TextTower(folder)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE, "tokenizer.json"])
@pytest.mark.parametrize("kept_bytes", [0, 1000, None])
def test_missing_and_damaged_files_are_one_error(folder, name, kept_bytes):
    file = folder / name
    if kept_bytes is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: min(kept_bytes, file.stat().st_size // 2)])

    with pytest.raises(WeightsUnavailableError, match="cannot be read without torch"):
        TextTower(folder)


def test_texts_are_answered_without_torch():
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from models.clip.loader import EncoderLoader\n"
        "encoder = EncoderLoader('auto', 'cpu', Path('nowhere')).load('pocket@12345678')\n"
        "assert encoder.encode_texts(['a cat', '고양이']).shape == (2, encoder.dim)\n"
        "heavy = {'torch', 'open_clip', 'transformers', 'huggingface_hub', 'scipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
