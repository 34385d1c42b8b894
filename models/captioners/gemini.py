"""Gemini captions, answers and translations over REST.

This is the only module that uses google-generativeai, which has reached its end of support. The
SDK is imported with the first request: that takes over a second and the page must not wait for it.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from models.captioners.gemini_errors import error_for_status
from models.captioners.response_parsing import (
    MalformedAnswerError,
    parse_answer,
    parse_description,
    parse_translation,
    salvage_description,
)
from models.errors import CaptionerUnavailableError, CaptionRefusedError, setting_needed
from models.interfaces import CaptionResult, Turn
from models.prompts import (
    ANSWER_INSTRUCTIONS,
    PROMPT_VERSION,
    TRANSLATION_INSTRUCTIONS,
    describe_instruction,
    describe_schema,
)

log = logging.getLogger(__name__)

# Finish reasons after which the text counts. All others withdraw it.
CAPTION_STANDS = ("STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED")
TRANSLATION_STANDS = ("STOP", "FINISH_REASON_UNSPECIFIED")  # half of it would find other photos
SHORTEST_KEY_TO_HINT = 12  # four characters of a shorter one would be too much of it


class GeminiCaptioner:
    """Ask a Gemini model about photos. Implements `interfaces.Captioner`.

    Safe to call from many threads. Each instance has its own connection, separate from the SDK's
    process-wide configuration.

    Each call sends one HTTP request without retries. Only `describe` sends a second one after a
    malformed answer. `before_request` is the place to count or delay requests.

    The key never appears in messages, logs or exceptions. SDK errors may quote it, so they are not
    kept as the cause of what is raised here.
    """

    prompt_version = PROMPT_VERSION
    sends = True
    speaks = ("ko", "en")
    converses = True

    def __init__(
        self,
        api_key: str | None,
        model: str,
        endpoint: str | None,
        timeout_s: float = 60,
        before_request: Callable[[], None] | None = None,
    ) -> None:
        """Remember the settings without connecting.

        Args:
            api_key: A key from https://aistudio.google.com/apikey, or None or blank.
            model: Google's name of the model, such as `gemini-3.5-flash-lite`.
            endpoint: Address of another server with this API, None for Google's.
            timeout_s: How long to wait for an answer.
            before_request: Called in the caller's thread before each HTTP request. It may wait, and
                its exceptions are passed on with nothing sent.
        """
        self.model_id = model
        self.before_request = before_request
        self._api_key = (api_key or "").strip()
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connecting = threading.Lock()
        self._client: Any = None

    def __repr__(self) -> str:
        return f"GeminiCaptioner({self.model_id!r}, key {self.key_hint or 'missing'})"

    @property
    def key_hint(self) -> str:
        """End of the key, such as "…abcd", or "" without a key."""
        if not self._api_key:
            return ""
        return "…" + (self._api_key[-4:] if len(self._api_key) >= SHORTEST_KEY_TO_HINT else "")

    def check(self) -> None:
        """Check that a usable key is set. See `interfaces.Captioner.check`."""
        if not self._api_key:
            raise setting_needed(
                "Captions by Gemini need a key: get one at https://aistudio.google.com/apikey, set "
                "GEMINI_API_KEY to it and start the album again."
            )
        if not self._api_key.isascii() or not self._api_key.isprintable() or " " in self._api_key:
            raise setting_needed(
                "GEMINI_API_KEY holds characters that no key has: copy the key once more, set it "
                "and start the album again."
            )

    def describe(self, jpeg: bytes, languages: Sequence[str]) -> CaptionResult:
        """Caption a photo. See `interfaces.Captioner.describe`.

        Sends `jpeg` unchanged with the instructions. A malformed answer is requested once more,
        then the readable part of the second answer is used.
        """
        contents = [_picture(jpeg), describe_instruction(languages)]
        schema = describe_schema(languages)
        for _ in range(2):
            text, withdrawn = self._ask(contents, schema=schema)
            _check_photo(text, withdrawn)
            try:
                return parse_description(text, languages)
            except MalformedAnswerError as error:
                log.info("%s gave a malformed answer: %s", self.model_id, error)
        return salvage_description(text, languages)

    def answer(self, jpeg: bytes, turns: Sequence[Turn], language: str) -> str:
        """Answer a question about a photo. See `interfaces.Captioner.answer`.

        The photo is sent with the first turn only.

        Raises:
            ValueError: the conversation does not begin and end with the person.
        """
        if not turns or turns[0].by != "person" or turns[-1].by != "person":
            raise ValueError("a conversation begins and ends with the person")
        contents: list[dict[str, Any]] = [
            {"role": "user" if turn.by == "person" else "model", "parts": [turn.text]}
            for turn in turns
        ]
        contents[0]["parts"] = [_picture(jpeg), turns[0].text]
        text, withdrawn = self._ask(contents, system=ANSWER_INSTRUCTIONS[language])
        if withdrawn:
            raise CaptionRefusedError(
                "Gemini declined this question ({withdrawn}).", withdrawn=withdrawn
            )
        if not (answer := parse_answer(text)):
            raise CaptionRefusedError("Gemini answered with nothing: ask in other words.")
        return answer

    def translate(self, text: str, language: str) -> str:
        """Translate a query. See `interfaces.Captioner.translate`.

        Sends nothing but one instruction and `text`.
        """
        translation, withdrawn = self._ask(
            [TRANSLATION_INSTRUCTIONS[language], text], stands=TRANSLATION_STANDS, joint=" "
        )
        if withdrawn:
            raise CaptionRefusedError(
                "Gemini did not translate this ({withdrawn}): reword it.", withdrawn=withdrawn
            )
        return parse_translation(translation, text)

    def _ask(
        self,
        contents: list[Any],
        *,
        schema: Mapping[str, Any] | None = None,
        system: str | None = None,
        stands: tuple[str, ...] = CAPTION_STANDS,
        joint: str = "",
    ) -> tuple[str, str]:
        """Send one HTTP request and read the answer.

        Failures leave the `except` clauses as values, so that none becomes the context of what is
        raised.

        Args:
            contents: Contents as the SDK takes them.
            schema: Schema of a JSON answer, None for plain text.
            system: The system instruction.
            stands: Finish reasons after which the text counts.
            joint: Separator between the parts of an answer.

        Returns:
            The text, or "", and why Gemini withheld it, or "".
        """
        self.check()
        model = self._model(system)
        if self.before_request is not None:
            self.before_request()
        outcome = self._generate(model, contents, schema)
        if isinstance(outcome, CaptionerUnavailableError):
            raise outcome
        return _text_of(outcome, stands, joint)

    def _generate(self, model: Any, contents: list[Any], schema: Mapping[str, Any] | None) -> Any:
        """Return the SDK's response, or the error to raise."""
        from google.api_core import exceptions
        from google.protobuf.json_format import ParseError
        from requests.exceptions import RequestException, Timeout, TooManyRedirects

        json_config = {"response_mime_type": "application/json", "response_schema": schema}
        try:
            return model.generate_content(
                contents,
                generation_config=json_config if schema else None,
                # Without its own retries, each of which would send the photo uncounted.
                request_options={"timeout": self._timeout_s, "retry": None},
            )
        except exceptions.GoogleAPICallError as error:
            log.info("%s answered %s", self.model_id, type(error).__name__)
            message = str(error.message).replace(self._api_key, self.key_hint)
            return error_for_status(
                error.code, message, error.details, self.model_id, datetime.now(UTC)
            )
        except (Timeout, exceptions.RetryError):
            return CaptionerUnavailableError(
                "Gemini did not answer within {timeout_s:g} seconds: try again later.",
                timeout_s=self._timeout_s,
            )
        except (
            ParseError,
            UnicodeError,
            AttributeError,
            TypeError,
            RecursionError,
            TooManyRedirects,
        ):
            # A login page of the network, in any encoding, or the error of a proxy in a form that
            # the SDK stumbles over in its own ways.
            return CaptionerUnavailableError(
                "Something other than Gemini answered: check the network's login page, or "
                "ALBUM_GEMINI_ENDPOINT where it is set."
            )
        except RequestException as error:
            log.info("%s cannot be reached: %s", self.model_id, type(error).__name__)
            return CaptionerUnavailableError(
                "Gemini cannot be reached: check the network and try again."
            )

    def _model(self, system: str | None) -> Any:
        """Build the SDK's model on one shared connection, without connecting."""
        with self._connecting, warnings.catch_warnings():
            # It announces its end of support, which the user cannot change.
            warnings.simplefilter("ignore", FutureWarning)
            import google.generativeai as genai

            if self._client is None:
                from google.ai.generativelanguage import GenerativeServiceClient

                from models.captioners.gemini_transport import send_once

                options = {"api_key": self._api_key, "api_endpoint": self._endpoint}
                self._client = GenerativeServiceClient(transport="rest", client_options=options)
                send_once(self._client.transport._session)
        model: Any = genai.GenerativeModel(  # type: ignore[attr-defined]
            self.model_id, system_instruction=system
        )
        model._client = self._client
        return model


def _picture(jpeg: bytes) -> dict[str, Any]:
    return {"mime_type": "image/jpeg", "data": jpeg}


def _check_photo(text: str, withdrawn: str) -> None:
    """Raise CaptionRefusedError if the photo was declined or the answer empty."""
    if withdrawn:
        raise CaptionRefusedError("Gemini declined this photo ({withdrawn}).", withdrawn=withdrawn)
    if not text:
        raise CaptionRefusedError(
            "Gemini answered without a caption: write one by hand, or ask another model."
        )


def _text_of(response: Any, stands: tuple[str, ...], joint: str) -> tuple[str, str]:
    """Extract the stripped text of a response.

    Reads the parts, because `response.text` raises ValueError for an answer without text.

    Returns:
        The text, or "", and why it was withheld, or "".
    """
    blocked = response.prompt_feedback.block_reason
    if blocked:
        return "", _name(blocked)
    for candidate in list(response.candidates)[:1]:  # a slice of it holds raw messages
        reason = _name(candidate.finish_reason)
        if reason not in stands:
            return "", reason
        return joint.join(part.text for part in candidate.content.parts).strip(), ""
    return "", ""


def _name(reason: Any) -> str:
    """Name an enum value.

    A value that is newer than the SDK arrives as a bare number.
    """
    return str(getattr(reason, "name", reason))
