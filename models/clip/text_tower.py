"""Text tower in NumPy, ready in a second, before torch is imported."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ftfy import fix_text
from safetensors import safe_open
from tokenizers import Tokenizer

from models.clip.reference import Tower, read_tower, text_features, unit_rows
from models.clip.spec import CONFIG_FILE, WEIGHTS_FILE
from models.errors import WeightsUnavailableError
from models.interfaces import Embeddings

BATCH = 32


class TextTower:
    """Text encoder equal to `models.clip.encoder`. Safe for many threads."""

    def __init__(self, folder: Path) -> None:
        """Read config, tokenizer and weights of the text tower.

        Raises:
            WeightsUnavailableError: the files are missing or damaged, or the tower is not a CLIP
                transformer with its own tokenizer.
        """
        try:
            config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["model_cfg"]
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.no_padding()  # rows of one length are padded here
            self._tokenizer.enable_truncation(config["text_cfg"]["context_length"])
            with safe_open(folder / WEIGHTS_FILE, "numpy") as file:
                weights = {
                    name: file.get_tensor(name).astype(np.float32, copy=False)
                    for name in file.keys()  # noqa: SIM118 - it is no dictionary
                    if name.startswith(("text.", "logit_"))
                }
            self._tower: Tower = read_tower(weights, config, "text")
            self.logit_scale = math.exp(float(weights["logit_scale"]))
            bias = weights.get("logit_bias")
            self.logit_bias = None if bias is None else float(bias)
            self.dim: int = config["embed_dim"]
            self.encode_texts(["a"])  # what does not fit together shows now
        # The tokenizers raise nothing narrower than Exception.
        except Exception as error:
            raise WeightsUnavailableError(
                "The texts of the model folder {folder} cannot be read without torch: {reason}",
                folder=folder,
                reason=error,
            ) from error

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: (n, d) float32, rows of norm 1.

        Texts are cut at the context length.
        """
        rows = [np.empty((0, self.dim), np.float32)]
        for start in range(0, len(texts), BATCH):
            tokens = self._tokens(texts[start : start + BATCH])
            rows.append(unit_rows(text_features(self._tower, tokens)))
        return np.concatenate(rows)

    def _tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokenize a batch: (b, s) with s of the longest text.

        Padding is unnecessary, because tokens after the end have no effect.
        """
        encoded = self._tokenizer.encode_batch([clean(text) for text in texts])
        tokens = np.zeros((len(texts), max(len(encoding.ids) for encoding in encoded)), np.int64)
        for row, encoding in zip(tokens, encoded, strict=True):
            row[: len(encoding.ids)] = encoding.ids
        return tokens


def clean(text: str) -> str:
    """Fix encodings, entities and white space, as open_clip does by default."""
    return " ".join(html.unescape(html.unescape(fix_text(text))).split())
