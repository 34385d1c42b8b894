"""Pictures that a question is asked with: chosen, pasted or dropped, or photos of the album."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from album.errors import QueryError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.search.chips import removable
from album.ui.shared.photo_html import img, inline_img
from album.ui.shared.uploads import UploadFolder

MOST = 8
ON_LOAD = Path(__file__).with_name("query_images.js").read_text()


class QueryImages:
    """The button, and how much pictures count beside words."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self.button = gr.UploadButton(
            i18n("picture"),  # type: ignore[arg-type]  # translated all the same
            file_types=["image"],
            file_count="multiple",
            elem_id="picture",
            size="md",
        )
        gr.HTML(visible="hidden", elem_classes="plumbing", js_on_load=ON_LOAD)

    def build_weight(self) -> None:
        """The slider, at its place on the page."""
        with gr.Row(elem_id="weight", visible=False) as self.weight_row:
            gr.Markdown(i18n("words_side"))
            self.weight = gr.Slider(
                0, 1, 0.5, step=0.05, label=i18n("picture_weight"), show_label=False,
                container=False, buttons=[], elem_id="picture-weight",
            )  # fmt: skip
            gr.Markdown(i18n("picture_side"))

    def added(self, question: SearchRequest, files: list[str] | str | None) -> tuple[Path, ...]:
        """The pictures of the question and those that were sent.

        Raises:
            QueryError: there are too many, or one was not uploaded here.
        """
        new = [self._uploads.own_copy(path) for path in self._uploads.checked(files)]
        if len(question.pictures) + len(new) > MOST:
            raise QueryError(f"Send at most {MOST} files at once.")
        return (*question.pictures, *new)

    def chips(self, question: SearchRequest, language: str) -> list[str]:
        """One for each picture, as escaped HTML.

        Raises:
            UnreadableImageError: a picture is no image.
            PhotoNotFoundError: a photo is not there any more.
        """
        drawn = []
        for number, path in enumerate(question.pictures):
            words = say(language, "query_picture")
            picture = inline_img(self._album.picture_of(path), words)
            drawn.append(removable(f"{picture}{words}", words, "picture", number, language))
        for number, photo_id in enumerate(question.like):
            photo = self._album.photo(photo_id)
            words = say(language, "like_photo")
            picture = img(self._album.originals.thumbnail(photo.sha256), photo.filename)
            drawn.append(removable(f"{picture}{words}", words, "like", number, language))
        return drawn
