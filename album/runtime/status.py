"""State of a running album at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from album.runtime.supervised_loop import LoopProblem


@dataclass(frozen=True, slots=True)
class AlbumStatus:
    """State of the album at one moment."""

    photos: int
    model_id: str | None
    """The model in use. None while the first is being loaded."""
    encoding: tuple[int, int] | None
    """(done, total) while photos are encoded for a model."""
    changes_model: bool
    """Whether another model takes over when it has encoded all photos."""
    importing: tuple[int, int] | None
    """(done, total) of the running import."""
    captions: int
    captions_waiting: int
    captions_failed: int
    problems: tuple[LoopProblem, ...] = ()
    """Background work that fails now, and is tried again."""
