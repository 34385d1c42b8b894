"""What can go wrong with a model, each as one sentence for the person who sees it."""


class ModelError(Exception):
    """Base of all: `str(error)` says what happened and what to do."""


class WeightsUnavailableError(ModelError):
    """Raised when weights cannot be had: unknown name, no network, a cut or broken file."""


class CaptionerUnavailableError(ModelError):
    """Raised when no caption can be had now: no key, network, quota, their fault."""

    retry_after_s: float | None = None
    """How long the other side asks to be left alone; None where it does not say."""
    is_quota: bool = False
    """Whether it is only that too much was asked, of whatever photos."""
    until_tomorrow: bool = False
    """Whether the quota of a whole day is used up; `retry_after_s` then says when it is new."""
    needs_setting: bool = False
    """Whether every photo will fail alike until somebody changes a setting: the key, the model."""


class CaptionRefusedError(ModelError):
    """Raised when the captioner answered and declined this picture."""
