"""Errors of models, each a sentence for the person at the album."""


class ModelError(Exception):
    """Base error. `str(error)` says what happened and what to do."""


class WeightsUnavailableError(ModelError):
    """Raised for an unknown model, no network, or truncated or broken weights."""


class CaptionerUnavailableError(ModelError):
    """Raised when no caption is possible now: key, network, quota, server fault."""

    retry_after_s: float | None = None
    """How long to wait before a retry, None if the server does not say."""
    is_quota: bool = False
    """Whether the quota is used up, for all photos."""
    until_tomorrow: bool = False
    """Whether a daily quota is used up. `retry_after_s` says when it is renewed."""
    needs_setting: bool = False
    """Whether every photo fails until a setting changes, such as key or model."""


class CaptionRefusedError(ModelError):
    """Raised when the captioner answered and declined this photo."""


def setting_needed(sentence: str) -> CaptionerUnavailableError:
    """Build the error of a captioner that fails until a setting changes."""
    error = CaptionerUnavailableError(sentence)
    error.needs_setting = True
    return error
