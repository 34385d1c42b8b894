"""Uploads through the browser, opened only inside the upload folder."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gradio import route_utils
from starlette.datastructures import FormData

from album.errors import QueryError


class UploadFolder:
    """Folder that Gradio stores uploads in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def check(self, files: Sequence[str] | str | None) -> list[Path]:
        """Return the uploads as paths of files inside the upload folder.

        A file sent twice becomes two files.

        Raises:
            QueryError: a path is outside, as in a crafted request, or is no file.
        """
        names = [files] if isinstance(files, str) else list(files or ())
        paths: dict[Path, None] = {}
        for name in names:
            path = Path(name).resolve()
            if not path.is_relative_to(self._folder) or not path.is_file():
                raise QueryError("This file was not uploaded here; choose it again.")
            paths[self.copy(path) if path in paths else path] = None
        return list(paths)

    def copy(self, path: Path) -> Path:
        """Copy an upload.

        Gradio stores equal files of one name only once.
        """
        target = self._folder / "again" / uuid.uuid4().hex / path.name
        target.parent.mkdir(parents=True)
        return shutil.copyfile(path, target)


class TidyUploadParser(route_utils.GradioMultiPartParser):
    """Gradio's upload parser, which also deletes the files of incomplete uploads."""

    async def parse(self) -> FormData:
        """Write a request's files into the upload folder, all or none."""
        try:
            return await super().parse()
        except BaseException:  # such as a full disk, or a sender who hung up
            for file in self._files_to_close_on_error:
                with suppress(OSError):  # closing flushes to the full disk
                    file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


def leave_no_partial_uploads() -> None:
    """Replace Gradio's upload parser by `TidyUploadParser`, which it cannot be given."""

    route_utils.GradioMultiPartParser = TidyUploadParser  # type: ignore[misc]
