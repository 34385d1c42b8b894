"""The Upload tab with the progress and reports of imports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.imports.status_view import ImportsView
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.caption_languages import caption_languages
from album.ui.shared.key_help import build_key_help, needs_key
from album.ui.shared.status_line import StatusLine
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder
from models.errors import ModelError

IS_RECEIVED = "() => { document.dispatchEvent(new CustomEvent('album-received')); }"
"""Ends the line of `receiving.js`, after a failure as well."""


class UploadTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder, status: StatusLine) -> None:
        self._album = album
        self._uploads = uploads
        self._files = gr.File(
            label=i18n("drop_here"),
            file_count="multiple",
            elem_id="files",
            height=200,
            show_label=False,
        )
        with gr.Row(elem_id="formats-row"):
            self._folder = gr.UploadButton(
                i18n("choose_folder"),  # type: ignore[arg-type]  # Gradio translates it
                file_count="directory",
                elem_id="folder",
                size="md",
                scale=0,
                min_width=180,
            )
            gr.Markdown(i18n("formats"), elem_classes="note", min_width=280)
        writer = album.captions.writer
        kind = "write_captions" if writer.sends else "write_captions_here"
        lacks_key = needs_key(album)
        self._captions = gr.Checkbox(
            label=i18n(kind),
            info=i18n(f"{kind}_info"),
            interactive=not lacks_key,
            elem_id="write-captions",
        )
        if lacks_key:
            build_key_help()
        self._language = gr.Radio(
            caption_languages(writer.speaks),
            value=writer.speaks[0],
            label=i18n("caption_language"),
            visible=False,
            elem_id="caption-language",
        )
        self.imports = ImportsView(album, status)

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        for box, handler in ((self._files, self.import_files), (self._folder, self.import_folder)):
            box.upload(
                handler,
                [box, self._captions, self._language, self.imports.shown],
                [self._files, self._folder, *self.imports.outputs],
                concurrency_limit=8,
                **quiet,
            ).then(None, js=IS_RECEIVED, api_visibility="private")
        self._captions.change(
            self.ask_language, self._captions, [self._captions, self._language], **quiet
        )

    @alerts_on_failure
    def import_files(
        self,
        files: list[str] | None,
        captions: bool,
        caption_language: str,
        state: str | None,
        request: gr.Request,
    ) -> Updates:
        """Import uploaded files."""
        return self._hand_over(
            files, caption_language if captions else None, state, request, whole_folder=False
        )

    @alerts_on_failure
    def import_folder(
        self,
        files: list[str] | None,
        captions: bool,
        caption_language: str,
        state: str | None,
        request: gr.Request,
    ) -> Updates:
        """Import an uploaded folder, in which files other than photos are expected."""
        return self._hand_over(
            files, caption_language if captions else None, state, request, whole_folder=True
        )

    @alerts_on_failure
    def ask_language(self, checked: bool, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """Show the caption languages, or untick the box without a captioner."""
        language = language_of(request)
        if checked:
            try:
                self._album.captions.check()
            except ModelError:
                yield False, gr.update(visible=False)
                raise
        speaks = self._album.captions.writer.speaks
        if language not in speaks:
            language = speaks[0]
        yield gr.skip(), gr.update(visible=checked and len(speaks) > 1, value=language)

    def _hand_over(
        self,
        files: list[str] | None,
        caption_language: str | None,
        state: str | None,
        request: gr.Request,
        *,
        whole_folder: bool,
    ) -> Updates:
        paths = self._uploads.check(files)
        language = language_of(request)
        if not paths:
            return self.imports.changes(state, language)
        self._album.upload(
            [(path, path.name) for path in paths], caption_language, whole_folder=whole_folder
        )
        message = say(language, "one_received" if len(paths) == 1 else "received", n=len(paths))
        # The files have been moved, so the boxes are emptied.
        return {
            self._files: None,
            self._folder: None,
            **self.imports.received(message, state, language),
        }
