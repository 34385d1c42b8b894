"""Choice of the encoder in use: the wanted one, or a stand-in.

torch and open_clip are imported on the loading thread, so that the page starts before them, and in
commands only when something is encoded.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models.errors import DownloadObstacle, ModelError, WeightsUnavailableError
from models.interfaces import Encoder

if TYPE_CHECKING:
    from models.clip.lazy_encoder import LazyEncoder

log = logging.getLogger(__name__)

DEFAULT_MODEL = "ViT-B-32-SigLIP2-256/webli"
STAND_IN = "pocket"
RETRY_S = 600.0


class EncoderLoader:
    """Background loader that hands each encoder over when it can serve.

    The attributes may be read from any thread: `wanted` (the name of the model), `state`,
    `fetching` (its weights are being downloaded), `fetched` (the share of them in [0, 1], None
    while it is unknown), `problem` (one sentence while the wanted model is unavailable, else None)
    and `obstacle` (what stopped its download, else None).
    """

    def __init__(
        self, model: str, device: str, weights_dir: Path, retry_s: float = RETRY_S
    ) -> None:
        """Remember the settings without loading anything.

        `model` is "auto" or a spec as in `models.clip.spec`.
        """
        self.wanted = DEFAULT_MODEL if model == "auto" else model
        self.state: Literal["loading", "stand-in", "ready"] = "loading"
        self.fetching = False
        self.fetched: float | None = None
        self.problem: str | None = None
        self.obstacle: DownloadObstacle | None = None
        self._device = device
        self._weights_dir = weights_dir
        self._retry_s = retry_s
        self._stopped = threading.Event()

    def start(self, offer: Callable[[Encoder], None], serving: str | None) -> None:
        """Load on a daemon thread, with a stand-in first where needed.

        Args:
            offer: Called on that thread with each encoder as it becomes ready. The last one is the
                wanted.
            serving: The `model_id` of the photos' embeddings, None for no photos.
        """
        threading.Thread(
            target=self._keep_on, args=(offer, serving), name="encoder-loader", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop offering encoders. A running download ends with the process."""
        self._stopped.set()

    def load(self, serving: str | None) -> Encoder:
        """Return the best encoder on this machine, loaded on first use.

        That is the wanted one if no photo has to be encoded again for it, else that of the photos'
        embeddings, else the embedded one. `problem` says why it is not the wanted one. Nothing is
        downloaded. Encoding may raise ModelError if files are damaged.

        Raises:
            ModelError: even the embedded model is missing.
        """
        from models.clip.spec import parse_spec

        try:
            if self.wanted != DEFAULT_MODEL:
                parse_spec(self.wanted)  # a name that does not exist is another problem
            if self._can_serve_at_once(serving):
                encoder: Encoder = self._lazy(self.wanted)
                self.state = "ready"
                return encoder
            self.problem = (
                f"{self.wanted} is not in use yet: start the album once (python app.py) and it is "
                "fetched and takes over when all photos are encoded with it."
            )
        except ModelError as error:
            self.problem = str(error)
        encoder = self._stand_in(serving, self._lazy)
        self.state = "stand-in"
        return encoder

    def _keep_on(self, offer: Callable[[Encoder], None], serving: str | None) -> None:
        """Restart after an unexpected failure, and report it meanwhile."""
        while not self._stopped.is_set():
            try:
                self._run(offer, serving)
            except Exception:
                log.exception("loading %s failed and is tried again", self.wanted)
                self.problem = "The model could not be loaded; the album's log says why."
                self._stopped.wait(self._retry_s)
            else:
                return

    def _run(self, offer: Callable[[Encoder], None], serving: str | None) -> None:
        if self.wanted != STAND_IN and not self._can_serve_at_once(serving):
            self._offer_stand_in(offer, serving)
        while not self._stopped.is_set():
            try:
                self._offer(offer, self._fetched(), "ready")
            except ModelError as error:
                log.warning("%s", error)
                self.problem = str(error)
                self.obstacle = None
                if isinstance(error, WeightsUnavailableError):
                    self.obstacle = error.obstacle
                if self.state == "loading":
                    self._offer_stand_in(offer, serving)
                self._stopped.wait(self._retry_s)
            else:
                self.problem = self.obstacle = None
                return

    def _can_serve_at_once(self, serving: str | None) -> bool:
        """Check that the wanted model is on disk and encoded all photos."""
        from models.clip.spec import model_id_of, names_files, parse_spec
        from models.clip.weights import weights_on_disk

        # The id of published weights is their spec, so nothing has to be imported to compare it.
        if not names_files(self.wanted) and serving not in (None, self.wanted):
            return False
        if not weights_on_disk(self.wanted, self._weights_dir):
            return False
        return serving in (None, model_id_of(parse_spec(self.wanted)))

    def _fetched(self) -> Encoder:
        """Load the wanted encoder, and download missing weights first."""
        from models.clip.weights import fetch_weights, weights_on_disk

        if not weights_on_disk(self.wanted, self._weights_dir):
            self.fetching = True
            try:
                fetch_weights(self.wanted, self._weights_dir, self._count_bytes)
            finally:
                self.fetching, self.fetched = False, None
        return self._encoder(self.wanted)

    def _count_bytes(self, done: int, total: int) -> None:
        self.fetched = done / total

    def _stand_in(self, serving: str | None, encoder_of: Callable[[str], Encoder]) -> Encoder:
        """Choose the encoder of the photos' embeddings, else the embedded one."""
        from models.clip.weights import weights_on_disk

        # The id of published weights is their spec. Those of files end in a digest and are none.
        if serving not in (None, self.wanted) and weights_on_disk(serving, self._weights_dir):
            try:
                return encoder_of(serving)
            except ModelError as error:
                log.warning("%s", error)
        return encoder_of(STAND_IN)

    def _offer_stand_in(self, offer: Callable[[Encoder], None], serving: str | None) -> None:
        try:
            self._offer(offer, self._stand_in(serving, self._encoder), "stand-in")
        except ModelError as error:
            log.warning("%s", error)
            self.problem = str(error)

    def _offer(
        self,
        offer: Callable[[Encoder], None],
        encoder: Encoder,
        state: Literal["stand-in", "ready"],
    ) -> None:
        """Hand over an encoder unless stopped.

        The state changes after all of the encoder is loaded.

        Raises:
            ModelError: it was handed over and encodes texts, but its network cannot be loaded.
        """
        from models.clip.lazy_encoder import LazyEncoder

        if not self._stopped.is_set():
            offer(encoder)
            if isinstance(encoder, LazyEncoder):
                encoder.load()
            self.state = state

    def _encoder(self, spec: str) -> Encoder:
        """Load an encoder, or only its text tower if that is quick."""
        from models.clip.spec import parse_spec

        lazy = self._lazy(spec) if parse_spec(spec).folder is not None else None
        if lazy is not None and lazy.reads_texts_early:
            return lazy
        from models.clip.encoder import ClipEncoder

        return ClipEncoder(spec, self._weights_dir, self._device)

    def _lazy(self, spec: str) -> LazyEncoder:
        from models.clip.lazy_encoder import LazyEncoder

        return LazyEncoder(spec, self._weights_dir, self._device)
