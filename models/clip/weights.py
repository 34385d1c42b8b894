"""The files of a model: lookup on disk and download.

Only `fetch_weights` uses the network, so a start with everything on disk sends no request. Hub
files are kept in `weights_dir` in the hub's own layout: they are moved into place when complete, so
a file that is present is whole.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from models.clip.spec import ModelSpec, names_files, parse_spec
from models.errors import DownloadObstacle, WeightsUnavailableError

log = logging.getLogger(__name__)

OnBytes: TypeAlias = Callable[[int, int], None]
"""Called with the bytes of the weights file that have arrived, and its size."""

VOCABULARIES = (
    "tokenizer.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
)
TOKENIZER_FILES = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "config.json",
    "merges.txt",
    *VOCABULARIES,
)


def checkpoint_on_disk(spec: ModelSpec, weights_dir: Path) -> Path | None:
    """Find the weights file of `spec` on this machine, or None."""
    if spec.checkpoint is not None:
        return spec.checkpoint if spec.checkpoint.is_file() else None
    repo, filenames = _hub_weights(spec)
    return _first_cached(repo, filenames, weights_dir)


def tokenizer_on_disk(spec: ModelSpec, weights_dir: Path) -> Path | None:
    """Find the folder of tokenizer files, None if missing or unneeded."""
    repo = spec.tokenizer_repo()
    if repo and (beside := spec.tokenizer_beside()):
        return beside
    vocabulary = _first_cached(repo, VOCABULARIES, weights_dir) if repo else None
    return vocabulary.parent if vocabulary else None


def weights_on_disk(spec: str, weights_dir: Path) -> bool:
    """Check the disk for weights and tokenizer of `spec`.

    Returns False for an invalid spec, too.
    """
    if not names_files(spec) and not any(weights_dir.glob("models--*")):
        return False  # without open_clip, which takes seconds to import
    try:
        model = parse_spec(spec)
    except WeightsUnavailableError:
        return False
    if model.tokenizer_repo() and tokenizer_on_disk(model, weights_dir) is None:
        return False
    return checkpoint_on_disk(model, weights_dir) is not None


def weights_missing(spec: ModelSpec) -> WeightsUnavailableError:
    """Build the error for missing weights or a missing tokenizer."""
    return WeightsUnavailableError(
        "The weights of {name} are not on this machine yet: start the album where it can reach "
        "the network once, or set ALBUM_MODEL=pocket.",
        name=spec.name,
    )


def fetch_weights(
    spec: str, weights_dir: Path, on_bytes: OnBytes = lambda done, total: None
) -> None:
    """Download the missing files of `spec` into `weights_dir`.

    An interrupted download resumes the next time.

    Args:
        spec: the model.
        weights_dir: where hub files are kept.
        on_bytes: called while the weights arrive. The other files are small.

    Raises:
        WeightsUnavailableError: unknown name, no network, a refusal, an interruption, a full disk.
    """
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is not exported
        HTTPError,  # of whichever HTTP library this version of the hub's client is built on
        XetDownloadError,
    )

    model = parse_spec(spec)
    log.info("fetching the weights of %s", model.name)
    try:
        # The tokenizer first: without one the far larger weights are of no use.
        repo = model.tokenizer_repo()
        if repo and tokenizer_on_disk(model, weights_dir) is None:
            for filename in TOKENIZER_FILES:
                _fetch_first(repo, (filename,), weights_dir)
        readable = repo is None or tokenizer_on_disk(model, weights_dir) is not None
        if readable and checkpoint_on_disk(model, weights_dir) is None:
            _fetch_first(*_hub_weights(model), weights_dir, on_bytes)
    except (OSError, HTTPError, XetDownloadError, RuntimeError) as error:
        obstacle, reason = _reason(error, weights_dir)
        raise WeightsUnavailableError(
            "The weights of {name} could not be downloaded: {reason}, or set ALBUM_MODEL=pocket "
            "to stay with the model that comes with the album.",
            name=model.name,
            reason=reason,
            obstacle=obstacle,
        ) from error
    if not weights_on_disk(spec, weights_dir):
        raise WeightsUnavailableError(
            "The model hub has no weights of {name} any more: set ALBUM_MODEL to another model.",
            name=model.name,
            obstacle="gone",
        )


def _hub_weights(spec: ModelSpec) -> tuple[str, tuple[str, ...]]:
    """Return the hub repository and candidate file names, best first."""
    repo, _, filename = spec.published()["hf_hub"].rpartition("/")
    if filename:
        return repo, (f"{filename.rpartition('.')[0]}.safetensors", filename)
    return repo, ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def _first_cached(repo: str, filenames: tuple[str, ...], weights_dir: Path) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for filename in filenames:
        cached = try_to_load_from_cache(repo, filename, cache_dir=weights_dir)
        if isinstance(cached, str):  # it also answers "known not to exist"
            return Path(cached)
    return None


def _fetch_first(
    repo: str, filenames: tuple[str, ...], weights_dir: Path, on_bytes: OnBytes | None = None
) -> None:
    """Download the first of `filenames` that the repository has, if any."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import RemoteEntryNotFoundError

    for filename in filenames:
        try:
            # Asked for briefly first: the download itself would wait for a hub that hangs, and
            # ask again, for six minutes before it says a word.
            get_hf_file_metadata(hf_hub_url(repo, filename))
            bar = None if on_bytes is None else _bar_that_tells(on_bytes)
            hf_hub_download(repo, filename, cache_dir=weights_dir, tqdm_class=bar)
        except RemoteEntryNotFoundError:
            continue
        return


def _bar_that_tells(on_bytes: OnBytes) -> type[Any]:
    """Make the progress bar that the hub's client fills, which is drawn nowhere."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
        monitor_interval = 0  # no thread that looks after slow bars
        transferred = 0

        def update(self, n: float | None = 1) -> bool | None:
            """Count bytes that are on the disk."""
            self.n += n or 0
            self._tell()
            return None

        def update_transfer(self, n: float) -> None:
            """Count bytes that came, which some downloads write later in large parts."""
            self.transferred += int(n)
            self._tell()

        def display(self, *args: Any, **kwargs: Any) -> None:
            """Draw nothing."""

        def close(self) -> None:
            """Leave no line behind."""

        def _tell(self) -> None:
            if self.total:
                done = max(self.n, self.initial + self.transferred)
                on_bytes(int(min(done, self.total)), int(self.total))

    return Bar


def _reason(error: BaseException, weights_dir: Path) -> tuple[DownloadObstacle, str]:
    """Explain a failed download and what to do.

    The sentence is followed by an alternative.
    """
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if isinstance(error, LocalEntryNotFoundError):
        # The hub's words for "asking failed and there is no copy": what failed is the cause.
        error = error.__cause__ or error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk", f"the disk is full; make room for {weights_dir}"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return "folder", f"{weights_dir} cannot be written to; make it writable"
    if isinstance(error, HfHubHTTPError):
        return "hub", f"the model hub answered {error.response.status_code}; try again later"
    return (
        "network",
        "the model hub cannot be reached or the connection broke; check the network",
    )
