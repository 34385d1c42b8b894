"""Translation of search words by the captioner."""

from __future__ import annotations

from album.errors import QueryError
from models.errors import CaptionerUnavailableError
from models.interfaces import Captioner

TRANSLATIONS = ("en", "ko")
MAX_TRANSLATED = 1000


class QueryTranslator:
    """Translates search words. The words alone leave the machine."""

    def __init__(self, captioner: Captioner) -> None:
        self._captioner = captioner

    @property
    def is_available(self) -> bool:
        """Whether `translate` can work at all. Nothing is sent to find out."""
        try:
            self._captioner.check()
        except CaptionerUnavailableError:
            return False
        return True

    def translate(self, text: str, language: str = "en") -> str:
        """Translate search words.

        Args:
            text: the words. Blank ones become "" without a request.
            language: of the answer, "ko" or "en".

        Raises:
            QueryError: too many words, or another language.
            CaptionerUnavailableError: no key, network or quota.
            CaptionRefusedError: it answered without a translation.
        """
        words = " ".join(text.encode(errors="replace").decode().split())
        if language not in TRANSLATIONS:
            raise QueryError(
                "Searches can be translated into {names}.", names=" or ".join(TRANSLATIONS)
            )
        if len(words) > MAX_TRANSLATED:
            raise QueryError(
                "{limit} characters at most can be translated; say less.", limit=MAX_TRANSLATED
            )
        return self._captioner.translate(words, language) if words else ""
