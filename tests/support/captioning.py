"""Captions as tests want them: written in one line, without a captioner."""

from __future__ import annotations

from datetime import datetime

from album.domain.photo import Caption
from album.storage.captions import CaptionStore
from album.storage.database import Database


def set_caption(
    database: Database, photo_id: int, text: str, language: str = "en", model_id: str | None = None
) -> None:
    """Make `text` the caption in a language; "" removes all captions of the photo."""
    captions = CaptionStore(database)
    if text:
        captions.put(photo_id, Caption(text, language, model_id, datetime.now()))
    else:
        captions.write_by_hand(photo_id, "")
