"""What can go wrong with a model, each as one sentence for the person who sees it."""


class ModelError(Exception):
    """Base of all: `str(error)` says what happened and what to do."""


class WeightsUnavailableError(ModelError):
    """Raised when weights cannot be had: unknown name, no network, a cut or broken file."""


class CaptionerUnavailableError(ModelError):
    """Raised when no caption can be had now: no key, network, quota, their fault."""


class CaptionRefusedError(ModelError):
    """Raised when the captioner answered and declined this picture."""
