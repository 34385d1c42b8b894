"""Captions and translations by Gemini: the only module that speaks to Google, through
google-generativeai over REST.

The SDK has reached its end of support; everything of it stays in this file. It is imported at the
first question, because that takes over a second and the page must not wait for it.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

from models.errors import CaptionerUnavailableError, CaptionRefusedError
from models.prompts import CAPTION_INSTRUCTIONS, TRANSLATION_INSTRUCTIONS

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
# Why an answer may end with its text still meant; all other reasons withdraw it.
CAPTION_STANDS = ("STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED")
TRANSLATION_STANDS = ("STOP", "FINISH_REASON_UNSPECIFIED")  # half of it would find other photos
LONGEST_TRANSLATION = 300
QUOTES = ('""', "''", "“”", "‘’", "``", "「」")


class QuotaUsedUpError(CaptionerUnavailableError):
    """Raised when Gemini answers 429."""

    def __init__(self, retry_after_s: float | None) -> None:
        """`retry_after_s` is how long Gemini asks to be left alone, None where it does not say."""
        self.retry_after_s = retry_after_s
        when = f"in {retry_after_s:.0f} seconds" if retry_after_s else "later"
        super().__init__(f"Gemini's quota for this key is used up: try again {when}.")


class GeminiCaptioner:
    """Asks a Gemini model for one sentence about a picture; implements `interfaces.Captioner`.

    Safe to call from many threads. The SDK's configuration is global, so a process has one of
    these; a second one with another key or endpoint takes over the SDK at its first caption.
    """

    def __init__(
        self, api_key: str | None, model: str, endpoint: str | None, timeout_s: float = 60
    ) -> None:
        """Connects to nothing yet.

        Args:
            api_key: of https://aistudio.google.com/apikey; None or blank where there is none.
            model: as Google names it, such as `gemini-3.5-flash-lite`.
            endpoint: address of a server that speaks the same API; None for Google's.
            timeout_s: after which an answer is given up, the SDK's own retries included.
        """
        self.model_id = model
        self._api_key = (api_key or "").strip()
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connecting = threading.Lock()
        self._model: Any = None

    def check(self) -> None:
        """See `interfaces.Captioner.check`."""
        if not self._api_key:
            raise CaptionerUnavailableError(
                "Captions by Gemini need a key: get one at https://aistudio.google.com/apikey, set "
                "GEMINI_API_KEY to it and start the album again."
            )
        if not self._api_key.isascii():
            raise CaptionerUnavailableError(
                "GEMINI_API_KEY holds characters that no key has: copy the key once more, set it "
                "and start the album again."
            )

    def caption(self, jpeg: bytes, language: str) -> str:
        """See `interfaces.Captioner.caption`; what is sent is `jpeg` as it is, and one sentence."""
        self.check()
        return _caption_in(
            self._generate(
                [{"mime_type": "image/jpeg", "data": jpeg}, CAPTION_INSTRUCTIONS[language]]
            )
        )

    def translate(self, text: str, language: str) -> str:
        """See `interfaces.Captioner.translate`; what is sent is `text`, below one instruction."""
        self.check()
        return _translation_in(self._generate([TRANSLATION_INSTRUCTIONS[language], text]), text)

    def _generate(self, contents: list[Any]) -> Any:
        from google.api_core import exceptions, retry
        from google.protobuf.json_format import ParseError
        from requests.exceptions import RequestException, Timeout

        options = {
            "timeout": self._timeout_s,
            # The SDK's own policy for 503, but with our deadline: its own is ten minutes.
            "retry": retry.Retry(
                predicate=retry.if_exception_type(exceptions.ServiceUnavailable),
                initial=1.0,
                maximum=10.0,
                timeout=self._timeout_s,
            ),
        }
        try:
            return self._connected().generate_content(contents, request_options=options)
        except exceptions.GoogleAPICallError as error:
            raise self._unavailable(error) from error
        except (Timeout, exceptions.RetryError) as error:
            raise CaptionerUnavailableError(
                f"Gemini did not answer within {self._timeout_s:g} seconds: try again later."
            ) from error
        except RequestException as error:
            raise CaptionerUnavailableError(
                "Gemini cannot be reached: check the network and try again."
            ) from error
        except (ParseError, AttributeError) as error:
            # A login page of the network, or the error of a proxy in a form the SDK cannot read.
            raise CaptionerUnavailableError(
                "Something other than Gemini answered: check the network's login page, or "
                "ALBUM_GEMINI_ENDPOINT where it is set."
            ) from error

    def _connected(self) -> Any:
        """The SDK's model object, made once."""
        with self._connecting:
            if self._model is None:
                with warnings.catch_warnings():
                    # It announces its end of support; the person at the album cannot help that.
                    warnings.simplefilter("ignore", FutureWarning)
                    import google.generativeai as genai
                genai.configure(  # type: ignore[attr-defined]
                    api_key=self._api_key,
                    transport="rest",
                    client_options={"api_endpoint": self._endpoint} if self._endpoint else None,
                )
                self._model = genai.GenerativeModel(self.model_id)  # type: ignore[attr-defined]
            return self._model

    def _unavailable(self, error: Any) -> CaptionerUnavailableError:
        """What an answer that is an HTTP error means for the person; `error` is the SDK's."""
        if error.code == 429:
            delay = _detail(error, RETRY_INFO).get("retryDelay", "0s")  # such as "37s"
            return QuotaUsedUpError(float(delay.removesuffix("s")) or None)
        reason = _detail(error, ERROR_INFO).get("reason")
        if error.code == 401 or reason == "API_KEY_INVALID":
            sentence = "Gemini does not know this key: set GEMINI_API_KEY to a valid one."
        elif error.code == 403:
            sentence = (
                "This key may not use Gemini: allow it the Generative Language API, or set "
                "GEMINI_API_KEY to another key."
            )
        elif error.code == 404:
            sentence = f"{self.model_id} is not served any more: set ALBUM_GEMINI_MODEL to another."
        elif error.code and error.code >= 500:
            sentence = "Gemini has a fault of its own at the moment: try again later."
        else:
            said = " ".join(str(error.message).split())[:200]
            sentence = f"Gemini refused the request ({error.code}): {said}"
        return CaptionerUnavailableError(sentence)


def _detail(error: Any, kind: str) -> dict[str, str]:
    """The detail of that kind, empty where there is none; over REST `error.reason` would fail."""
    return next((detail for detail in error.details if detail.get("@type") == kind), {})


def _caption_in(response: Any) -> str:
    """The caption in one line.

    Raises:
        CaptionRefusedError: the answer holds none.
    """
    text, withdrawn = _text_of(response, CAPTION_STANDS)
    if withdrawn:
        raise CaptionRefusedError(f"Gemini declined this photo ({withdrawn}).")
    if not text:
        raise CaptionRefusedError(
            "Gemini answered without a caption: write one by hand, or ask another model."
        )
    return " ".join(text.split())


def _translation_in(response: Any, original: str) -> str:
    """The translation, without the quotation marks and the full stop that the original has not.

    Raises:
        CaptionRefusedError: the answer is not one line of a translation's length.
    """
    text, withdrawn = _text_of(response, TRANSLATION_STANDS)
    if withdrawn:
        raise CaptionRefusedError(f"Gemini did not translate this ({withdrawn}): reword it.")
    if text[:1] + text[-1:] in QUOTES and original.strip()[:1] != text[:1]:
        text = text[1:-1].strip()
    if not original.rstrip().endswith("."):
        text = text.removesuffix(".")
    if not text or len(text) > LONGEST_TRANSLATION or not text.isprintable():
        raise CaptionRefusedError(
            "Gemini answered with something other than a translation: reword it."
        )
    return text


def _text_of(response: Any, stands: tuple[str, ...]) -> tuple[str, str]:
    """The stripped text of an answer, "" where it has none, and why it is not to be used, or "".

    `response.text` would be a ValueError for an answer without text.
    """
    blocked = response.prompt_feedback.block_reason
    if blocked:
        return "", _name(blocked)
    for candidate in list(response.candidates)[:1]:  # a slice of it holds raw messages
        reason = _name(candidate.finish_reason)
        if reason not in stands:
            return "", reason
        return " ".join(part.text for part in candidate.content.parts).strip(), ""
    return "", ""


def _name(reason: Any) -> str:
    """The name of an enum value; a value that is newer than the SDK is a bare number."""
    return str(getattr(reason, "name", reason))
