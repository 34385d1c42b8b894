"""CLIP's forward pass in plain NumPy, for reading and for the tests.

Two towers, one for images and one for texts, are trained until an image and its caption become
the same direction in one space. Each cuts its input into tokens, lets them attend to each other a
dozen times, keeps one of them and projects it into that space. The album does this through
open_clip (`models.clip.encoder`). Only `models.clip.text_tower` encodes texts from here, until
torch is loaded.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision",
arXiv:2103.00020. Vaswani et al. 2017, "Attention Is All You Need", arXiv:1706.03762.
Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words", arXiv:2010.11929.

Shape letters: b batch, c texts to choose from, d width of an embedding, h w pixels. Only here:
s tokens in a sequence, e width of a tower, k heads, m width of the MLP, p pixels along a patch.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL.Image import Image, Resampling
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.errors import ModelError

Array: TypeAlias = npt.NDArray[np.floating[Any]]  # float32 throughout
Weights: TypeAlias = dict[str, Array]
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)  # (3,) of CLIP's training images
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)  # (3,)
ERF = np.array([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592], np.float32)
KNOWN = {"width", "layers", "mlp_ratio", "image_size", "patch_size", "head_width"}  # of a tower
KNOWN |= {"heads", "context_length", "vocab_size", "hf_tokenizer_name"}


class Tower(NamedTuple):
    """A transformer's weights by open_clip's names, with its hyperparameters."""

    weights: Weights
    layers: int
    heads: int
    quick_gelu: bool


def preprocess(image: Image, size: int, mean: Array = MEAN, std: Array = STD) -> Array:
    """Convert an upright RGB image to pixels (3, h, w) float32.

    h = w = `size`. Channels have about mean 0 and deviation 1.
    """
    short = min(image.size)
    scaled = (size * image.width // short, size * image.height // short)  # (w, h): one is `size`
    left, top = (round((side - size) / 2) for side in scaled)  # the middle of the longer side
    square = image.resize(scaled, Resampling.BICUBIC).crop((left, top, left + size, top + size))
    unit = np.asarray(square, np.float32) / 255  # (h, w, 3) in [0, 1]
    return ((unit - mean) / std).transpose(2, 0, 1)  # (3, h, w)


def image_features(tower: Tower, pixels: Array) -> Array:
    """Map pixels to features of any norm, float32.

    (b, 3, h, w) -> (b, d). ViT, equations 1-4.
    """
    weights = tower.weights
    kernel = weights["conv1.weight"]  # (e, 3, p, p)
    (e, _, p, _), (b, _, h, w) = kernel.shape, pixels.shape
    # A convolution whose stride is its kernel is a linear map of the patches of a grid.
    grid = pixels.reshape(b, 3, h // p, p, w // p, p)  # (b, 3, h/p, p, w/p, p)
    patches = grid.transpose(0, 2, 4, 1, 3, 5).reshape(b, -1, 3 * p * p)  # (b, s-1, 3pp)
    words = patches @ kernel.reshape(e, -1).T  # (b, s-1, e)
    # One more token that stands for no place: here the blocks gather what the whole image shows.
    whole = np.broadcast_to(weights["class_embedding"], (b, 1, e))  # (b, 1, e)
    x = np.concatenate([whole, words], axis=1)  # (b, s, e)
    x = (
        x + weights["positional_embedding"]
    )  # (b, s, e): attention itself cannot tell where a token is
    x = transformer(tower, layer_norm(x, weights, "ln_pre."), causal=False)  # (b, s, e)
    pooled = layer_norm(x[:, 0], weights, "ln_post.")  # (b, e): the class token
    return pooled @ weights["proj"]  # (b, d)


def text_features(tower: Tower, tokens: npt.NDArray[np.integer]) -> Array:
    """Map open_clip's token ids to features of any norm.

    (b, s) int64 -> (b, d) float32.
    """
    weights = tower.weights
    places = weights["positional_embedding"][: tokens.shape[1]]  # (s, e)
    x = weights["token_embedding.weight"][tokens] + places  # (b, s, e)
    x = transformer(tower, x, causal=True)  # (b, s, e)
    # Each token sees those before it, so the first that has read all is the end: the highest id.
    end = x[np.arange(len(x)), tokens.argmax(axis=1)]  # (b, e)
    return layer_norm(end, weights, "ln_final.") @ weights["text_projection"]  # (b, d)


def transformer(tower: Tower, x: Array, causal: bool) -> Array:
    """Apply all residual blocks to tokens (b, s, e) float32.

    Each block adds to a stream that runs straight through. Vaswani et al. normalised the sum; CLIP,
    like GPT-2 and ViT, normalises what a block reads (pre-norm), which trains well when deep.
    """
    for layer in range(tower.layers):
        weights = part(tower.weights, f"transformer.resblocks.{layer}.")
        x = x + attention(
            layer_norm(x, weights, "ln_1."), weights, tower.heads, causal
        )  # (b, s, e)
        x = x + mlp(layer_norm(x, weights, "ln_2."), weights, tower.quick_gelu)  # (b, s, e)
    return x


def attention(x: Array, weights: Weights, heads: int, causal: bool) -> Array:
    """Apply multi-head self-attention to (b, s, e) float32.

    Vaswani et al., sections 3.2.1 and 3.2.2.
    """
    b, s, e = x.shape
    split = linear(x, weights, "attn.in_proj_").reshape(
        b, s, 3, heads, e // heads
    )  # (b, s, 3, k, e/k)
    query, key, value = split.transpose(2, 0, 3, 1, 4)  # each (b, k, s, e/k)
    # A sum of e/k products spreads as the root of e/k: undone here, so that softmax stays soft.
    scores = query @ key.swapaxes(-1, -2) / math.sqrt(e // heads)  # (b, k, s, s)
    if causal:
        scores = np.where(np.tri(s, dtype=bool), scores, -np.inf)  # (b, k, s, s): no later tokens
    mixed = softmax(scores) @ value  # (b, k, s, e/k): what a token takes over from the others
    joined = mixed.swapaxes(1, 2).reshape(b, s, e)  # (b, s, e): the heads side by side
    return linear(joined, weights, "attn.out_proj.")  # (b, s, e)


def mlp(x: Array, weights: Weights, quick_gelu: bool) -> Array:
    """Apply a wider layer to each token of (b, s, e) float32."""
    wide = linear(x, weights, "mlp.c_fc.")  # (b, s, m)
    # GELU (Hendrycks & Gimpel 2016) keeps of x the share P(z <= x) of a normal variable z. The
    # weights of OpenAI were trained with a sigmoid that comes close, QuickGELU.
    share = 1 / (1 + np.exp(-1.702 * wide)) if quick_gelu else (1 + erf(wide / math.sqrt(2))) / 2
    return linear(wide * share, weights, "mlp.c_proj.")  # (b, s, e)


def erf(x: Array) -> Array:
    """Approximate the error function within 6e-7.

    Abramowitz & Stegun 1964, 7.1.26.
    """
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    tail = np.zeros_like(x)
    for coefficient in ERF:
        tail = (tail + coefficient) * t
    return np.copysign(1 - tail * np.exp(-(x**2)), x)


def linear(x: Array, weights: Weights, name: str) -> Array:
    """Map (..., inputs) float32 to (..., outputs).

    torch stores weights as (outputs, inputs).
    """
    weight = weights[f"{name}weight"]  # (outputs, inputs)
    # One product of two matrices is several times as fast as one for each sequence.
    y = x.reshape(-1, x.shape[-1]) @ weight.T + weights[f"{name}bias"]  # (all tokens, outputs)
    return y.reshape(*x.shape[:-1], -1)  # (..., outputs)


def layer_norm(x: Array, weights: Weights, name: str) -> Array:
    """Standardise every token of (..., e) float32, then scale and shift it."""
    centred = x - x.mean(axis=-1, keepdims=True)  # (..., e)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)  # (..., 1), never zero
    y: Array = centred / spread * weights[f"{name}weight"] + weights[f"{name}bias"]  # (..., e)
    return y


def softmax(x: Array) -> Array:
    """Normalise exponentials along the last axis, safe from overflow."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))  # (..., s)
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)  # (..., s)
    return shares


def unit_rows(features: Array) -> Array:
    """Scale features (b, d) to L2 norm 1.

    Their dot products are cosines.
    """
    rows: Array = features / np.linalg.norm(features, axis=-1, keepdims=True)  # (b, d)
    return rows


def logits(weights: Weights, images: Array, texts: Array) -> Array:
    """Compute logits (b, c) of image and text embeddings.

    Their `softmax` is the probabilities of the texts.
    """
    # Cosines are too alike for a softmax: CLIP learns the logarithm of the inverse temperature that
    # they are multiplied by (Radford et al., section 2.4 and figure 3).
    scaled: Array = np.exp(weights["logit_scale"]) * (images @ texts.T)  # (b, c)
    return scaled


def part(weights: Weights, prefix: str) -> Weights:
    """Select the weights that start with `prefix`, and strip it."""
    return {n.removeprefix(prefix): array for n, array in weights.items() if n.startswith(prefix)}


def read_weights(checkpoint: Path) -> Weights:
    """Read a safetensors file as float32, with text names under "text."."""
    arrays = {n: a.astype(np.float32, copy=False) for n, a in load_file(checkpoint).items()}
    # open_clip's CLIP, unlike its CustomTextCLIP, keeps the text tower's parts at the top.
    other = ("visual.", "text.", "logit_")
    return {n if n.startswith(other) else f"text.{n}": array for n, array in arrays.items()}


def read_tower(weights: Weights, config: Mapping[str, Any], side: str) -> Tower:
    """Select the "visual" or "text" tower of `read_weights`.

    `config` is open_clip's description of the model.

    Raises:
        ModelError: it is no transformer of CLIP's own kind, so a wrong answer would look right.
    """
    tower = config["text_cfg" if side == "text" else "vision_cfg"]
    if unknown := [key for key in tower if key not in KNOWN or isinstance(tower[key], list)]:
        raise ModelError(f"The reference does not know this tower's {', '.join(unknown)}.")
    heads = tower.get("heads") or tower["width"] // tower.get("head_width", 64)
    return Tower(part(weights, f"{side}."), tower["layers"], heads, config.get("quick_gelu", False))


def main(texts: Sequence[str]) -> None:
    """Print the cosines between `texts` by the embedded model."""
    pocket = Path(__file__).parents[1] / "pocket"
    config = json.loads((pocket / "open_clip_config.json").read_text())["model_cfg"]
    weights = read_weights(pocket / "open_clip_model.safetensors")
    tokenizer = Tokenizer.from_file(str(pocket / "tokenizer.json"))
    context = config["text_cfg"]["context_length"]
    tokenizer.enable_truncation(context)
    tokenizer.enable_padding(length=context)
    tokens = np.array([encoded.ids for encoded in tokenizer.encode_batch(list(texts))])  # (b, s)
    rows = unit_rows(text_features(read_tower(weights, config, "text"), tokens))  # (b, d)
    for text, cosines in zip(texts, rows @ rows.T, strict=True):
        sys.stdout.write("".join(f"{cosine:7.3f}" for cosine in cosines) + f"  {text}\n")


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit("Usage: python -m models.clip.reference TEXT [TEXT ...]"))
