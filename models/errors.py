"""Errors of models, each a sentence for the person at the album."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

DownloadObstacle: TypeAlias = Literal["network", "hub", "disk", "folder", "gone"]
"""No connection, a refusal, a full disk, a folder that is read-only, or files that are gone."""


class ModelError(Exception):
    """Base error of models. `str(error)` is the English sentence.

    Args:
        message: what happened and what to do, in English. With values it is a template of
            `str.format`. Catalogs translate it by this text, as gettext does.
        values: what the template names.
    """

    def __init__(self, message: str = "", /, **values: object) -> None:
        super().__init__(message.format(**values) if values else message)
        self.message = message
        self.values = values


class WeightsUnavailableError(ModelError):
    """Raised for an unknown model, no network, or truncated or broken weights."""

    @property
    def obstacle(self) -> DownloadObstacle | None:
        """Return what stopped a download, from the values, or None."""
        return cast("DownloadObstacle | None", self.values.get("obstacle"))


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
