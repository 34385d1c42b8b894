"""Encoder with lazy loading, which encodes texts without the image tower."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from models.clip.spec import model_id_of, parse_spec
from models.clip.weights import weights_missing, weights_on_disk
from models.errors import WeightsUnavailableError
from models.interfaces import Embeddings

if TYPE_CHECKING:
    from models.clip.encoder import ClipEncoder
    from models.clip.text_tower import TextTower

log = logging.getLogger(__name__)

DEFAULT_PX = 224  # open_clip's, where a config names no size


class LazyEncoder:
    """One model that is loaded on first use.

    Safe to call from many threads. Texts are encoded by the text tower alone, in NumPy where
    `models.clip.text_tower` supports it. The whole network is loaded for the first image, and
    encodes texts, too, from then on.
    """

    def __init__(self, spec: str, weights_dir: Path, device: str = "auto") -> None:
        """Find the files of a model without reading the weights.

        Raises:
            WeightsUnavailableError: unknown name, or weights or tokenizer missing.
        """
        model = parse_spec(spec)
        if not weights_on_disk(spec, weights_dir):
            raise weights_missing(model)
        config = model.config()
        size = config["vision_cfg"].get("image_size", DEFAULT_PX)
        self.model_id = model_id_of(model)
        self.languages = model.languages()
        self.dim: int = config["embed_dim"]
        self.image_size: int = max(size) if isinstance(size, tuple | list) else size
        self._spec, self._weights_dir, self._device = spec, weights_dir, device
        self._folder = model.folder
        self._loading, self._reading = threading.Lock(), threading.Lock()
        self._network: ClipEncoder | None = None
        self._texts: TextTower | ClipEncoder | None = None

    @property
    def logit_scale(self) -> float:
        """See `Encoder.logit_scale`."""
        return self._text_side().logit_scale

    @property
    def logit_bias(self) -> float | None:
        """See `Encoder.logit_bias`."""
        return self._text_side().logit_bias

    @property
    def reads_texts_early(self) -> bool:
        """Whether texts are encoded without torch. Reads the text tower."""
        with self._reading:
            self._texts = self._texts or self._light_tower()
            return self._texts is not None and self._texts is not self._network

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Embed upright RGB images: (n, d) float32, rows of norm 1.

        Raises:
            ModelError: the network cannot be loaded, or does not fit into the device's memory.
        """
        return self.load().encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts: (n, d) float32, rows of norm 1.

        Texts are cut at the model's context length.

        Raises:
            ModelError: the text tower cannot be loaded, or does not fit into the device's memory.
        """
        return self._text_side().encode_texts(texts)

    def load(self) -> ClipEncoder:
        """Load the whole network, once.

        Raises:
            ModelError: it cannot be loaded, or its file is another than it was.
        """
        with self._loading:
            if self._network is None:
                from models.clip.encoder import ClipEncoder

                network = ClipEncoder(self._spec, self._weights_dir, self._device)
                if network.model_id != self.model_id:
                    raise WeightsUnavailableError(
                        "The weights of {spec} were replaced: start the album again.",
                        spec=self._spec,
                    )
                with self._reading:
                    self._network = self._texts = network
            return self._network

    def _text_side(self) -> TextTower | ClipEncoder:
        """Return the encoder of texts, loaded on first use."""
        with self._reading:
            if self._texts is None:
                self._texts = self._light_tower() or self._text_network()
            return self._texts

    def _light_tower(self) -> TextTower | None:
        """Load the text tower in NumPy, None for another kind."""
        if self._folder is None:
            return None
        from models.clip.text_tower import TextTower

        try:
            return TextTower(self._folder)
        except WeightsUnavailableError as error:
            log.info("%s", error)
            return None

    def _text_network(self) -> ClipEncoder:
        from models.clip.encoder import ClipEncoder

        return ClipEncoder(self._spec, self._weights_dir, self._device, towers="text")
