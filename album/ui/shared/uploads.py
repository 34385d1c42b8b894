"""What came through the browser: only files that really lie in the upload folder are opened."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from album.errors import QueryError


class UploadFolder:
    """The folder that Gradio puts uploads into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def checked(self, files: Sequence[str] | str | None) -> list[Path]:
        """The uploads as paths, each proven to be a plain file inside the upload folder.

        Raises:
            QueryError: one is not; a crafted request can name any path of the server.
        """
        names = [files] if isinstance(files, str) else list(files or ())
        paths: dict[Path, None] = {}
        for name in names:
            path = Path(name).resolve()
            if not path.is_relative_to(self._folder) or not path.is_file():
                raise QueryError("This file was not uploaded here; choose it again.")
            paths[self.own_copy(path) if path in paths else path] = None
        return list(paths)

    def own_copy(self, path: Path) -> Path:
        """A copy that nobody else takes away: Gradio keeps equal files of one name once."""
        copy = self._folder / "again" / uuid.uuid4().hex / path.name
        copy.parent.mkdir(parents=True)
        return shutil.copyfile(path, copy)
