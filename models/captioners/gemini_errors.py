"""Translation of Gemini's HTTP errors into `CaptionerUnavailableError`.

References:
    Google's error model and its details, google/rpc/error_details.proto. Daily quotas are renewed
    at midnight in California: https://ai.google.dev/gemini-api/docs/rate-limits
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.errors import CaptionerUnavailableError

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"
CALIFORNIA = ZoneInfo("America/Los_Angeles")
LONGEST_MESSAGE = 200


class QuotaUsedUpError(CaptionerUnavailableError):
    """Raised when Gemini answers 429."""

    is_quota = True

    def __init__(self, retry_after_s: float | None, until_tomorrow: bool = False) -> None:
        """Store when to retry, `retry_after_s`, None if Gemini does not say."""
        self.retry_after_s = retry_after_s
        self.until_tomorrow = until_tomorrow
        if until_tomorrow:
            super().__init__(
                "Gemini's quota of today is used up for this key: it is new at midnight in "
                "California."
            )
        elif retry_after_s:
            super().__init__(
                "Gemini's quota for this key is used up: try again in {seconds:.0f} seconds.",
                seconds=retry_after_s,
            )
        else:
            super().__init__("Gemini's quota for this key is used up: try again later.")


def error_for_status(
    code: int | None, message: str, details: Sequence[Any], model: str, now: datetime
) -> CaptionerUnavailableError:
    """Build the error for an HTTP status.

    Args:
        code: The HTTP status, None where there is none.
        message: Gemini's message, without any secret.
        details: JSON details of the error, of any content.
        model: The requested model.
        now: The time, with its zone.
    """
    if code == 429:
        if _is_of_a_day(details):
            # RetryInfo is too short for a daily quota.
            return QuotaUsedUpError(seconds_to_new_day(now), until_tomorrow=True)
        return QuotaUsedUpError(_retry_after_s(details))
    reason = _detail(details, ERROR_INFO).get("reason")
    needs_setting = True
    if code == 401 or reason == "API_KEY_INVALID":
        sentence = "Gemini does not know this key: set GEMINI_API_KEY to a valid one."
    elif code == 403:
        sentence = (
            "This key may not use Gemini: allow it the Generative Language API, or set "
            "GEMINI_API_KEY to another key."
        )
    elif code == 404:
        sentence = f"{model} is not served any more: set ALBUM_GEMINI_MODEL to another."
    else:
        needs_setting = False
        if code and code >= 500:
            sentence = "Gemini has a fault of its own at the moment: try again later."
        else:
            excerpt = " ".join(message.split())[:LONGEST_MESSAGE]
            sentence = f"Gemini refused the request ({code}): {excerpt}"
    error = CaptionerUnavailableError(sentence)
    error.needs_setting = needs_setting
    error.retry_after_s = _retry_after_s(details)
    return error


def seconds_to_new_day(now: datetime) -> float:
    """Count the seconds until daily quotas are renewed.

    Correct on days of 23 and 25 hours, too.
    """
    there = now.astimezone(CALIFORNIA)
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp() - now.timestamp()


def _is_of_a_day(details: Sequence[Any]) -> bool:
    """Check for a daily quota: "GenerateRequestsPerDay..." or "..._per_day"."""
    violations = _detail(details, QUOTA_FAILURE).get("violations")
    if not isinstance(violations, list):
        return False
    names = [
        str(violation.get(key))
        for violation in violations
        if isinstance(violation, dict)
        for key in ("quotaId", "quotaMetric")
    ]
    return any("perday" in name.lower().replace("_", "") for name in names)


def _retry_after_s(details: Sequence[Any]) -> float | None:
    """Read RetryInfo, such as "37s". None if it holds no time."""
    try:
        seconds = float(str(_detail(details, RETRY_INFO).get("retryDelay")).removesuffix("s"))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _detail(details: Sequence[Any], kind: str) -> Mapping[str, Any]:
    """Return the detail of a kind, or an empty mapping."""
    return next(
        (detail for detail in details if isinstance(detail, dict) and detail.get("@type") == kind),
        {},
    )
