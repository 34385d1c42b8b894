"""CoCa captioning network: an image tower and a text decoder.

Yu et al. 2022, "CoCa: Contrastive Captioners are Image-Text Foundation Models". Beam search is
implemented here, because `CoCa.generate` needs classes that transformers 5 has dropped.

Yu et al. 2022, "CoCa: Contrastive Captioners are Image-Text Foundation Models". The words are
searched for here: `CoCa.generate` needs classes that transformers 5 has no more.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from models.clip.encoder import (
    BROKEN_CHECKPOINT,
    choose_device,
    choose_dtype,
    load_clip,
    load_tokenizer,
)
from models.clip.spec import ModelSpec, parse_spec
from models.clip.weights import checkpoint_on_disk
from models.errors import ModelError, WeightsUnavailableError

BEAMS = 4
LONGEST = 40  # tokens with both ends, while training captions have about 15
SHORTEST = 3  # before its end, the start included: two words or so
# Wu et al. 2016, section 7: without it the shortest caption would always be the likeliest.
LENGTH_POWER = 0.8


def caption_spec(spec: str) -> ModelSpec:
    """Parse the spec of a model that has a caption decoder.

    Raises:
        WeightsUnavailableError: it names nothing, or a model that cannot write.
    """
    model = parse_spec(spec)
    if "multimodal_cfg" not in model.config() or model.tokenizer_repo() is not None:
        raise WeightsUnavailableError("{name} has no decoder", name=model.name)
    return model


class CaptionNetwork:
    """One CoCa model in memory. Safe to call from many threads."""

    def __init__(self, spec: ModelSpec, weights_dir: Path, device: str = "auto") -> None:
        """Load a model from this machine's files.

        `spec` comes from `caption_spec`.

        Raises:
            WeightsUnavailableError: the weights are missing, cut or broken.
            ModelError: there is no such device, or it has no memory for this model.
        """
        self._device = choose_device(device)
        self._dtype = choose_dtype(self._device)
        self._name = spec.name
        self._lock = threading.Lock()
        checkpoint = checkpoint_on_disk(spec, weights_dir)
        if checkpoint is None:
            raise WeightsUnavailableError("{name} is not on this machine", name=spec.name)
        try:
            network, self._preprocess = load_clip(spec, checkpoint, None)
            self._model = network.to(self._device, self._dtype)
        except torch.OutOfMemoryError as error:
            raise ModelError(self._does_not_fit()) from error
        except BROKEN_CHECKPOINT as error:
            raise WeightsUnavailableError("{name} cannot be loaded", name=spec.name) from error
        self._tokenizer = load_tokenizer(spec, None)

    def caption(self, image: Image.Image) -> str:
        """Caption an upright RGB image of any size.

        The result is deterministic and may be empty.

        Raises:
            ModelError: the device has no memory left.
        """
        pixels = self._preprocess(image)[None]
        try:
            with self._lock, torch.inference_mode():
                tokens = self._search(pixels.to(self._device, self._dtype))
        except torch.OutOfMemoryError as error:
            raise ModelError(self._does_not_fit()) from error
        ends = (self._tokenizer.sot_token_id, self._tokenizer.eot_token_id)
        words: str = self._tokenizer.decode([token for token in tokens if token not in ends])
        return words.strip()

    def _search(self, pixels: torch.Tensor) -> tuple[int, ...]:
        """Find the caption tokens for `pixels`, (1, 3, h, w)."""
        encoded = self._model(pixels)

        def logits(text: torch.Tensor) -> torch.Tensor:
            b = len(text)
            outputs: dict[str, torch.Tensor] = self._model(
                pixels.expand(b, -1, -1, -1),
                text.to(self._device),
                image_latent=encoded["image_features"].expand(b, -1),
                image_embs=encoded["image_embs"].expand(b, -1, -1),
                output_labels=False,
            )
            return outputs["logits"][:, -1]

        longest = min(LONGEST, self._model.context_length)
        return beam_search(
            logits, self._tokenizer.sot_token_id, self._tokenizer.eot_token_id, longest
        )

    def _does_not_fit(self) -> str:
        return (
            f"The caption model {self._name} needs more memory than the {self._device.type} "
            "device has left: set ALBUM_DEVICE=cpu."
        )


@dataclass(frozen=True)
class Beam:
    """A caption in progress, or a complete one."""

    tokens: tuple[int, ...]
    score: float
    """Sum of log probabilities, nats."""

    @property
    def rank(self) -> float:
        """Length-normalised score. Higher is better."""
        return self.score / math.pow(len(self.tokens), LENGTH_POWER)


def beam_search(
    logits: Callable[[torch.Tensor], torch.Tensor],
    start: int,
    end: int,
    longest: int,
    shortest: int = SHORTEST,
    beams: int = BEAMS,
) -> tuple[int, ...]:
    """Find the tokens of highest rank, with `start` and `end`.

    Args:
        logits: Logits of the next token (b, vocabulary) after each token sequence (b, t).
        start: The first token of every caption. It is never repeated.
        end: The token that ends a caption.
        longest: Most tokens of a caption.
        shortest: Fewest tokens before the end.
        beams: How many candidates are followed at once.
    """
    alive = [Beam((start,), 0.0)]
    ended: list[Beam] = []
    for length in range(1, longest):
        # In float32: sums of many small logarithms would be lost in bfloat16.
        nats = (
            logits(torch.tensor([beam.tokens for beam in alive])).float().log_softmax(dim=-1).cpu()
        )
        nats[:, start] = -torch.inf
        if length < shortest:
            nats[:, end] = -torch.inf
        vocabulary = nats.shape[1]
        scores = (nats + torch.tensor([[beam.score] for beam in alive])).flatten()
        # Each beam may end, so twice as many go on to fill the beams again.
        best, places = scores.topk(min(2 * beams, len(scores)))
        grown = [
            Beam((*alive[place // vocabulary].tokens, place % vocabulary), score)
            for place, score in zip(places.tolist(), best.tolist(), strict=True)
            if score > -math.inf
        ]
        ended += [beam for beam in grown[:beams] if beam.tokens[-1] == end]
        alive = [beam for beam in grown if beam.tokens[-1] != end][:beams]
        if len(ended) >= beams or not alive:
            break
    return max(ended or alive, key=lambda beam: beam.rank).tokens
