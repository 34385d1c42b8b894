"""Create the captioner that the settings name."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from models.captioners.coca import CocaCaptioner
from models.captioners.gemini import GeminiCaptioner
from models.errors import CaptionerUnavailableError
from models.interfaces import Captioner

log = logging.getLogger(__name__)


def create_captioner(
    name: str,
    *,
    gemini_api_key: str | None,
    gemini_model: str,
    gemini_endpoint: str | None,
    coca_model: str,
    weights_dir: Path,
    device: str,
) -> Captioner:
    """Create a captioner without loading or connecting to anything.

    Args:
        name: "gemini" or "coca".
        gemini_api_key: See `GeminiCaptioner`.
        gemini_model: Google's name of the model.
        gemini_endpoint: Another address than Google's.
        coca_model: See `CocaCaptioner`.
        weights_dir: The folder of downloaded weights.
        device: "auto", "cuda", "mps" or "cpu", for CoCa.
    """
    if name == "coca":
        return CocaCaptioner(coca_model, weights_dir, device)
    return GeminiCaptioner(gemini_api_key, gemini_model, gemini_endpoint)


def fetch_in_background(captioner: Captioner) -> None:
    """Download missing weights of the captioner on a thread."""
    if isinstance(captioner, CocaCaptioner):
        threading.Thread(target=_fetch, args=(captioner,), name="coca", daemon=True).start()


def _fetch(captioner: CocaCaptioner) -> None:
    try:
        captioner.fetch()
    except CaptionerUnavailableError as error:
        log.warning("%s", error)
