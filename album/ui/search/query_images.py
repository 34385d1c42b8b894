"""Query images: uploaded, pasted or dropped, or photos of the album."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from markupsafe import Markup

from album.errors import QueryError
from album.search.request import SearchRequest
from album.service import Album
from album.ui.i18n.messages import i18n, say
from album.ui.search.chips import removable
from album.ui.shared.photo_html import img, inline_img
from album.ui.shared.uploads import UploadFolder

MAX_IMAGES = 8
ON_LOAD = Path(__file__).with_name("query_images.js").read_text()


class QueryImages:
    """The upload button, and the weight of images beside words."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self.button = gr.UploadButton(
            i18n("picture"),  # type: ignore[arg-type]  # Gradio translates it
            file_types=["image"],
            file_count="multiple",
            elem_id="picture",
            size="md",
        )
        gr.HTML(visible="hidden", elem_classes="plumbing", js_on_load=ON_LOAD)

    def build_weight(self) -> None:
        """Build the slider, at its place on the page."""
        with gr.Row(elem_id="weight", visible=False) as self.weight_row:
            gr.Markdown(i18n("words_side"))
            self.weight = gr.Slider(
                0,
                1,
                0.5,
                step=0.05,
                label=i18n("picture_weight"),
                show_label=False,
                container=False,
                buttons=[],
                elem_id="picture-weight",
            )
            gr.Markdown(i18n("picture_side"))

    def add(self, query: SearchRequest, files: list[str] | str | None) -> tuple[Path, ...]:
        """Return the images of the query and the uploaded ones.

        Raises:
            QueryError: there are more than `MAX_IMAGES`, or one was not uploaded here.
        """
        new = [self._uploads.copy(path) for path in self._uploads.check(files)]
        if len(query.pictures) + len(new) > MAX_IMAGES:
            raise QueryError("Send at most {limit} files at once.", limit=MAX_IMAGES)
        return (*query.pictures, *new)

    def chips(self, query: SearchRequest, language: str) -> list[Markup]:
        """Render a chip for each image.

        Raises:
            UnreadableImageError: a file is no image.
            PhotoNotFoundError: a photo has been deleted.
        """
        chips = []
        for index, path in enumerate(query.pictures):
            text = say(language, "query_picture")
            image = inline_img(self._album.picture_of(path), text)
            chips.append(removable(text, "picture", index, language, image=image))
        for index, photo_id in enumerate(query.like):
            photo = self._album.photo(photo_id)
            text = say(language, "like_photo")
            image = img(photo, photo.filename)
            chips.append(removable(text, "like", index, language, image=image))
        return chips
