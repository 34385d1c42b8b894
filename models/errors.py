"""Errors of models, each a sentence for the person at the album."""


class ModelError(Exception):
    """Base error. `str(error)` says what happened and what to do."""


class WeightsUnavailableError(ModelError):
    """Raised for an unknown model, no network, or truncated or broken weights."""


class CaptionerUnavailableError(ModelError):
    """Raised when no caption is possible now: key, network, quota, server fault."""

    retry_after_s: float | None = None
    """How long the other side asks to be left alone; None where it does not say."""
    is_quota: bool = False
    """Whether it is only that too much was asked, of whatever photos."""
    until_tomorrow: bool = False
    """Whether the quota of a whole day is used up; `retry_after_s` then says when it is new."""
    needs_setting: bool = False
    """Whether every photo will fail alike until somebody changes a setting: the key, the model."""


class CaptionRefusedError(ModelError):
    """Raised when the captioner answered and declined this photo."""


def setting_needed(sentence: str) -> CaptionerUnavailableError:
    """Build the error of a captioner that fails until a setting changes."""
    error = CaptionerUnavailableError(sentence)
    error.needs_setting = True
    return error
