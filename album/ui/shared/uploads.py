"""What came through the browser: only files that really lie in the upload folder are opened."""

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


class TidyUploadParser(route_utils.GradioMultiPartParser):
    """Reads uploads as Gradio does, and leaves no file of one that does not come whole."""

    async def parse(self) -> FormData:
        """Write the files of a body into the upload folder: all of them or none."""
        try:
            return await super().parse()
        except BaseException:  # such as a full disk, or a sender who hung up
            for file in self._files_to_close_on_error:
                with suppress(OSError):  # it writes what it holds, to the same full disk
                    file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


def leave_no_partial_uploads() -> None:
    """Have Gradio read uploads with `TidyUploadParser`; it takes no other reader."""
    route_utils.GradioMultiPartParser = TidyUploadParser  # type: ignore[misc]
