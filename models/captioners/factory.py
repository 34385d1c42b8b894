"""Chooses who writes captions, by the name that the settings give."""

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
    """The captioner that goes by `name`; loads nothing and connects to nothing yet.

    Args:
        name: "gemini" or "coca".
        gemini_api_key: as for `GeminiCaptioner`, like the next two.
        gemini_model: which model of Google's.
        gemini_endpoint: another address than Google's.
        coca_model: as for `CocaCaptioner`, like the rest.
        weights_dir: where downloaded weights are kept.
        device: where it runs.
    """
    if name == "coca":
        return CocaCaptioner(coca_model, weights_dir, device)
    return GeminiCaptioner(gemini_api_key, gemini_model, gemini_endpoint)


def fetch_in_background(captioner: Captioner) -> None:
    """Download what the captioner needs and this machine lacks, in a thread of its own."""
    if isinstance(captioner, CocaCaptioner):
        threading.Thread(target=_fetch, args=(captioner,), name="coca", daemon=True).start()


def _fetch(captioner: CocaCaptioner) -> None:
    try:
        captioner.fetch()
    except CaptionerUnavailableError as error:
        log.warning("%s", error)
