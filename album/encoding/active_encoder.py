"""ActiveEncoder: the model in use, and the move to the next one.

The first encoder that is set serves at once. A later one fills its own vectors beside those in use,
in the background, and takes over when no photo lacks one, so nobody waits for it. A command sets
none: it passes a loader, which is called when something first needs a model, or never.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from album.domain.photo import Photo
from album.errors import ModelLoadingError, UnreadableImageError
from album.images.decoder import DECODING_THREADS, Decoder
from album.runtime.supervised_loop import SupervisedLoop
from album.storage.originals import Originals
from album.storage.photos import PhotoStore
from album.storage.vector_index import VectorIndex
from models.interfaces import Encoder

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

BATCH = 32
STOP_S = 30.0
LOOK_AGAIN_S = 30.0  # for photos that another process added with another model


@dataclass(frozen=True, slots=True)
class Active:
    """An encoder and the index of its vectors, always used together."""

    encoder: Encoder
    index: VectorIndex


class ActiveEncoder:
    """Holder of the pair in use, which callers get as one."""

    def __init__(
        self, store: PhotoStore, originals: Originals, embeddings_dir: Path, decoder: Decoder
    ) -> None:
        self.decoder = decoder
        """Of photos that are encoded in the background."""
        self._store = store
        self._originals = originals
        self._embeddings_dir = embeddings_dir
        self._active: Active | None = None
        self._next: Active | None = None
        self._changed = threading.Condition()
        self._stopped = False
        self.loop = SupervisedLoop("encoding", self._fill)
        """Encodes what lacks vectors."""
        self._load: Callable[[], Active] | None = None
        self._loading = threading.Lock()
        self._expected: str | None = None
        self.filling: tuple[int, int] | None = None
        """(done, total) while photos are being encoded for a model. None when all are."""

    def set_encoder(self, encoder: Encoder, *, fill: bool = True) -> None:
        """Use `encoder` at once if it is the first.

        A later one is used when the album is encoded with it.

        Args:
            encoder: a loaded model.
            fill: encode what lacks its vectors in a background thread.
        """
        pair = self._pair(encoder)
        with self._changed:
            if self._active is None:
                self._active = pair
                log.info("seeing with %s, %d photos encoded", encoder.model_id, len(pair.index))
            else:
                self._next = pair
            self._changed.notify_all()
        if fill:
            self.loop.start()
        self.loop.wake()

    def load_when_needed(
        self, load: Callable[[], Encoder], expected: str | None, *, fill: bool = True
    ) -> None:
        """Have the first caller of `current` load the encoder, on its thread.

        Args:
            load: loads the encoder. What it raises is passed on, and the next call loads again.
            expected: the `model_id` that it most likely has, until it is loaded.
            fill: encode what lacks its vectors before anybody gets it.
        """

        def load_pair() -> Active:
            pair = self._pair(load())
            if fill:
                self.encode_missing(pair)
            return pair

        self._load, self._expected = load_pair, expected

    def encoded_with(self, encoder: Encoder) -> Active:
        """Encode every photo with an encoder that is not put in use."""
        pair = self._pair(encoder)
        self.encode_missing(pair)
        return pair

    def _pair(self, encoder: Encoder) -> Active:
        index = VectorIndex(self._embeddings_dir, self._store, encoder.model_id, encoder.dim)
        return Active(encoder, index)

    @property
    def loads_when_needed(self) -> bool:
        """Return whether the next call of `current` loads a model."""
        return self._load is not None

    def current(self, wait_s: float = 60.0) -> Active:
        """Return the pair in use, after waiting for the first model.

        Raises:
            ModelLoadingError: no model came within `wait_s` seconds.
            ModelError: `load_when_needed` was called, and there is no model to load.
        """
        with self._loading:
            if self._load is not None:
                self._active, self._load = self._load(), None
        with self._changed:
            self._changed.wait_for(lambda: self._active is not None or self._stopped, wait_s)
            if self._active is None:
                raise ModelLoadingError("The model is still being loaded; try again in a moment.")
            return self._active

    @property
    def model_id(self) -> str | None:
        """Return the model in use.

        None while the first is being loaded. The expected one if it is loaded when needed.
        """
        active = self._active
        return self._expected if active is None else active.encoder.model_id

    @property
    def changes(self) -> bool:
        """Return whether a later model takes over when it has encoded all photos."""
        return self._next is not None

    @property
    def stopped(self) -> bool:
        """Return whether no more model will come."""
        return self._stopped

    def forget_matrices(self) -> None:
        """Delete every matrix before rows are lost, so it is rebuilt."""
        for ids in self._embeddings_dir.glob("*.ids.npy"):
            ids.unlink(missing_ok=True)

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Stop the background thread, and keep what it has encoded."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self.loop.stop(timeout_s)

    def _fill(self) -> float:
        """Encode photos without vectors, then move to the next model."""
        target = self._next or self._active
        if target is not None:
            self.encode_missing(target)
        with self._changed:
            if self._next is target and target is not None and not self._stopped:
                self._active, self._next = target, None
                log.info("seeing with %s from now on", target.encoder.model_id)
                return 0.0
            return LOOK_AGAIN_S if self._next is None else 0.0

    def encode_missing(self, target: Active) -> None:
        """Encode every photo without a vector of `target`.

        Without an original its thumbnail is encoded. Stops early when a newer model is set or the
        album closes.
        """
        if self._store.database.read_only:
            return
        model_id = target.encoder.model_id
        total = self._store.count()
        done = self._store.encoded_by().get(model_id, 0)
        try:
            with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
                for images in self._images_lacking(target, pool):
                    self.filling = (done, total)
                    readable = {key: image for key, image in images.items() if image is not None}
                    if readable:
                        embeddings = target.encoder.encode_images(list(readable.values()))
                        self._store.add_embeddings(model_id, list(readable), embeddings)
                    done += len(images)
            target.index.sync()
        finally:
            self.filling = None

    def _images_lacking(
        self, target: Active, pool: ThreadPoolExecutor
    ) -> Iterator[dict[int, Image.Image | None]]:
        """Yield images by photo id, a batch at a time.

        The next batch is decoded while one is encoded.
        """
        after = 0
        ahead: deque[dict[int, Future[Image.Image | None]]] = deque()
        while True:
            photos = self._store.lacking(target.encoder.model_id, after, BATCH)
            superseded = self._next is not None and self._next is not target
            if self._stopped or superseded:
                photos = []
                ahead.clear()
            if photos:
                after = photos[-1].photo_id
                ahead.append(
                    {
                        photo.photo_id: pool.submit(self._image_of, photo, target.encoder)
                        for photo in photos
                    }
                )
            if not ahead:
                return
            if len(ahead) == 2 or not photos:
                yield {key: future.result() for key, future in ahead.popleft().items()}

    def _image_of(self, photo: Photo, encoder: Encoder) -> Image.Image | None:
        for path in (self._originals.path_of(photo), self._originals.thumbnail(photo.sha256)):
            try:
                return self.decoder.image(path, encoder.image_size)
            except (UnreadableImageError, OSError) as error:
                log.warning("photo %d cannot be read for encoding: %s", photo.photo_id, error)
        return None
