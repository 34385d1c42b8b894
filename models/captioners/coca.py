"""Local captions from a CoCa model, behind `interfaces.Captioner`.

torch and open_clip are imported with the first caption, so that the page starts without them.

Imports no network: torch and open_clip come in at the first question, so that the page need not
wait for them.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from models.captioners.response_parsing import LONGEST_CAPTION, one_line
from models.errors import (
    CaptionerUnavailableError,
    CaptionRefusedError,
    ModelError,
    WeightsUnavailableError,
    setting_needed,
)
from models.interfaces import CaptionResult, Turn

if TYPE_CHECKING:
    from models.captioners.coca_network import CaptionNetwork
    from models.clip.spec import ModelSpec

log = logging.getLogger(__name__)

DEFAULT_MODEL = "coca_ViT-B-32/laion2b_s13b_b90k"


class CocaCaptioner:
    """Write English captions on this machine.

    Safe to call from many threads. Reads weights from the disk alone, `fetch` downloads them.
    """

    prompt_version = "none"  # it takes no instructions
    sends = False
    speaks = ("en",)
    converses = False
    key_hint = ""
    before_request: Callable[[], None] | None = None  # of no use: nothing is ever sent

    def __init__(self, spec: str, weights_dir: Path, device: str = "auto") -> None:
        """Remember the settings without loading the network.

        A wrong name therefore does not keep the album from starting.

        Args:
            spec: as in `models.clip.spec`, of one of open_clip's CoCa models.
            weights_dir: where the hub's files are kept.
            device: "auto", "cuda", "mps" or "cpu".
        """
        architecture, _, weights = spec.partition("/")
        is_file = "/" in weights or Path(weights).suffix in (".safetensors", ".pt", ".bin")
        self.model_id = f"{architecture}/{Path(weights).stem}" if is_file else spec
        self._spec = spec
        self._weights_dir = weights_dir
        self._device = device
        self._loading = threading.Lock()
        self._network: CaptionNetwork | None = None

    def check(self) -> None:
        """Check that the weights are on the disk. See `interfaces.Captioner.check`."""
        from models.clip.weights import weights_on_disk

        model = self._model()
        if self._network is None and not weights_on_disk(self._spec, self._weights_dir):
            raise setting_needed(
                f"The caption model {model.name} is not on this machine yet: start the album where "
                "it can reach the network once, or set ALBUM_CAPTIONER=gemini."
            )

    def fetch(self) -> None:
        """Download missing weights, and return when they are complete.

        Raises:
            CaptionerUnavailableError: unknown model, no network, a full disk.
        """
        from models.clip.weights import fetch_weights, weights_on_disk

        model = self._model()
        if weights_on_disk(self._spec, self._weights_dir):
            return
        try:
            fetch_weights(self._spec, self._weights_dir)
        except WeightsUnavailableError as error:
            raise CaptionerUnavailableError(
                "The caption model {name} could not be downloaded: check the network and the "
                "room on the disk and start the album again, or set ALBUM_CAPTIONER=gemini.",
                name=model.name,
            ) from error

    def describe(self, jpeg: bytes, languages: Sequence[str]) -> CaptionResult:
        """Write an English caption, without keywords or text in the photo.

        See `interfaces.Captioner.describe`. Raises CaptionerUnavailableError unless `languages` has
        "en".
        """
        if "en" not in languages:
            raise setting_needed(
                "This captioner writes English alone: ask for English captions, or set "
                "ALBUM_CAPTIONER=gemini."
            )
        self.check()
        image = _opened(jpeg)
        try:
            words = self._loaded().caption(image)
        except WeightsUnavailableError as error:
            raise setting_needed(
                f"The files of the caption model {self._model().name} are damaged or made for "
                "another architecture: delete or replace them and start the album again."
            ) from error
        except ModelError as error:
            raise setting_needed(str(error)) from error
        caption = one_line(words, LONGEST_CAPTION)
        if not any(character.isalnum() for character in caption):
            raise CaptionRefusedError(
                "The model found no words for this photo: write the caption by hand."
            )
        return CaptionResult({"en": caption})

    def answer(self, jpeg: bytes, turns: Sequence[Turn], language: str) -> str:
        """Raise CaptionerUnavailableError, because the model cannot converse."""
        raise setting_needed(
            "This captioner cannot answer questions: set ALBUM_CAPTIONER=gemini to ask about a "
            "photo."
        )

    def translate(self, text: str, language: str) -> str:
        """Raise CaptionerUnavailableError, because the model cannot translate."""
        raise setting_needed(
            "This captioner cannot translate: set ALBUM_CAPTIONER=gemini to have a search "
            "translated."
        )

    def _model(self) -> ModelSpec:
        from models.captioners.coca_network import caption_spec

        try:
            return caption_spec(self._spec)
        except WeightsUnavailableError as error:
            raise setting_needed(
                f'"{self._spec}" names no model that writes captions: set ALBUM_COCA_MODEL to '
                f"{DEFAULT_MODEL} or to another of open_clip's CoCa models."
            ) from error

    def _loaded(self) -> CaptionNetwork:
        """Load the network with the first photo, which takes seconds."""
        from models.captioners.coca_network import CaptionNetwork

        with self._loading:
            if self._network is None:
                self._network = CaptionNetwork(self._model(), self._weights_dir, self._device)
                log.info("%s writes captions", self.model_id)
            return self._network


def _opened(jpeg: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(jpeg), formats=["JPEG"]).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise CaptionRefusedError(
            "The model cannot open this photo: write the caption by hand."
        ) from error
