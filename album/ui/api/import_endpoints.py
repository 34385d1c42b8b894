"""Endpoints that add photos and control imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from album.errors import QueryError
from album.runtime.files import display_name
from album.service import Album
from album.ui.api.arguments import check_file_count, parse_import_id, parse_limit
from album.ui.imports.import_html import as_json
from album.ui.shared.uploads import UploadFolder


class ImportEndpoints:
    """Uploads, and the state of all imports."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads

    def upload_photos(self, files: list[str]) -> dict[str, Any]:
        """Add photos to the album and wait until they can be found.

        Args:
            files: uploaded image files.

        Returns:
            added and already_here (counts), photo_ids of the added ones, failed (file_name and
            reason of each), and seconds.
        """
        check_file_count(files)
        paths = self._uploads.check(files)
        if not paths:
            raise QueryError("Send at least one file.")
        album = self._album
        import_id = album.upload([(path, path.name) for path in paths])
        album.imports.wait(import_id)
        record = album.imports.get(import_id)
        if record.state not in ("done", "cancelled"):
            raise QueryError(record.problem or "The import was interrupted.")
        return {
            "added": record.added,
            "already_here": record.already_here,
            "photo_ids": sorted(album.import_store.added_by(import_id)),
            "failed": [
                {"file_name": display_name(failure.path), "reason": failure.reason}
                for failure in album.import_store.failures(import_id)
            ],
            "seconds": round(record.seconds, 3),
        }

    def import_status(self, limit: int = 20) -> dict[str, Any]:
        """List imports with their progress and results, the newest request first.

        Args:
            limit: how many imports at the most, up to 500.

        Returns:
            imports; each has import_id, kind, state ("waiting", "running", "paused", "done",
            "cancelled", "failed" or "interrupted": its program ended in the middle), wish (what
            somebody last asked of it: "run", "pause" or "cancel"), the counts total, done, added,
            already_here, updated, missing and failed, skipped (other files by kind), problem (a
            sentence, where it could not go on), seconds at work, asked_at and ended_at.
        """
        records = self._album.imports.recent(parse_limit(limit))
        return {"imports": [as_json(record) for record in records]}

    def pause_import(self, import_id: int) -> dict[str, Any]:
        """Pause an import after the current photos, until resume_import.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status; it follows within a second.
        """
        return self._control(import_id, self._album.imports.pause)

    def resume_import(self, import_id: int) -> dict[str, Any]:
        """Resume an import that was paused, cancelled or stopped by a problem.

        The rest of a cancelled upload is gone: send it again.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status.
        """
        import_id = parse_import_id(import_id)
        self._album.imports.resume(import_id)
        return as_json(self._album.imports.get(import_id))

    def cancel_import(self, import_id: int) -> dict[str, Any]:
        """Cancel an import after the current photos, and keep those added.

        Args:
            import_id: as import_status names it.

        Returns:
            the import as in import_status; it follows within a second.
        """
        return self._control(import_id, self._album.imports.cancel)

    def _control(self, import_id: Any, control: Callable[[int], None]) -> dict[str, Any]:
        """Call `control` unless the import has ended, and return the import."""
        import_id = parse_import_id(import_id)
        if not self._album.imports.get(import_id).ended:
            control(import_id)
        return as_json(self._album.imports.get(import_id))
