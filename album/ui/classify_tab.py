"""The Classify tab: which photos, which classes, look."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from album.errors import QueryError, UnreadableImageError
from album.photo import LabelScore
from album.service import Album
from album.ui.alerts import alerts_on_failure
from album.ui.gallery import img, inline_img
from album.ui.sentences import in_language
from album.ui.texts import i18n, language_of, say
from album.ui.uploads import UploadFolder

MOST_PHOTOS = 60
MOST_FILES = 100
BARS = 6
Updates = dict[Any, Any]

OPEN_ON_CLICK = """
element.addEventListener('click', (event) => {
  const tile = event.target.closest('[data-photo]');
  if (tile) trigger('select', {index: 0, value: Number(tile.dataset.photo)});
});
"""


class ClassifyTab:
    """Components and listeners of the tab."""

    def __init__(self, album: Album, uploads: UploadFolder) -> None:
        self._album = album
        self._uploads = uploads
        self.chosen = gr.State(())
        """Ids of the photos of the album that are to be classified."""
        with gr.Row(elem_id="classify-steps"):
            with gr.Column(min_width=0):
                gr.Markdown(i18n("which_photos"), elem_classes="step")
                self._files = gr.File(
                    label=i18n("classify_files"), file_count="multiple", elem_id="classify-files",
                    show_label=False,
                    height=132,
                )  # fmt: skip
                gr.Markdown(i18n("classify_files_note"), elem_classes="note")
                self._chosen_view = gr.HTML(elem_id="chosen")
                with gr.Row():
                    self.take_hits = gr.Button(i18n("take_hits"), size="sm", elem_id="take-hits")
                    self._drop = gr.Button(
                        i18n("drop_chosen"), size="sm", elem_id="drop-chosen", visible=False
                    )
            with gr.Column(min_width=0):
                gr.Markdown(i18n("which_classes"), elem_classes="step")
                self._classes = gr.Textbox(
                    label=i18n("classes"),
                    info=i18n("classes_info"),
                    placeholder=i18n("classes_example"),
                    lines=6,
                    max_lines=16,
                    elem_id="classes",
                )
                with gr.Row():
                    classify = gr.Button(
                        i18n("classify_now"), variant="primary", elem_id="classify-now", size="md"
                    )
                    best = gr.Button(i18n("best_per_class"), elem_id="best-per-class", size="md")
        gr.Markdown(i18n("look"), elem_classes="step")
        self.verdicts = gr.HTML(elem_id="verdicts", js_on_load=OPEN_ON_CLICK)

        private: dict[str, Any] = {
            "api_visibility": "private", "concurrency_limit": 4, "concurrency_id": "encode",
        }  # fmt: skip
        classify.click(
            self.classify, [self._files, self.chosen, self._classes], self.verdicts, **private
        )
        best.click(self.best_of_album, self._classes, self.verdicts, **private)
        self._drop.click(
            lambda: self._choice((), "en"), None, self.choice_outputs, api_visibility="private"
        )

    @property
    def choice_outputs(self) -> list[Any]:
        """What `choose` changes on the page."""
        return [self.chosen, self._chosen_view, self._drop]

    @alerts_on_failure
    def choose(self, photo_ids: Sequence[int], request: gr.Request) -> Updates:
        """Take photos of the album as the ones to classify."""
        return self._choice(photo_ids[:MOST_PHOTOS], language_of(request))

    @alerts_on_failure
    def classify(
        self, files: list[str] | None, chosen: Sequence[int], classes: str, request: gr.Request
    ) -> str:
        """Bars for each photo that was dropped here or chosen in the album."""
        language = language_of(request)
        paths = self._uploads.checked(files)
        if len(paths) > MOST_FILES:
            raise QueryError(f"Send at most {MOST_FILES} files at once.")
        if not paths and not chosen:
            raise QueryError(say(language, "nothing_chosen"))
        cards = []
        if paths:
            results = self._album.classifier.classify_files(paths, classes)
            for path, scores in zip(paths, results, strict=True):
                if isinstance(scores, UnreadableImageError):
                    cards.append(_unreadable(path.name, in_language(language, str(scores))))
                    continue
                cards.append(_verdict(inline_img(path, path.name), path.name, scores))
        if chosen:
            known = self._album.store.get_many(chosen)
            photos = {photo_id: known[photo_id] for photo_id in chosen if photo_id in known}
            of_album = self._album.classifier.classify_photos(list(photos), classes)
            for photo, scores in zip(photos.values(), of_album, strict=True):
                picture = img(self._album.originals.thumbnail(photo.sha256), photo.filename)
                cards.append(_verdict(picture, photo.filename, scores))
        return f'<div class="verdicts">{"".join(cards)}</div>'

    @alerts_on_failure
    def best_of_album(self, classes: str, request: gr.Request) -> str:
        """The five best photos of the whole album for each class."""
        rows = []
        for found in self._album.classifier.best_of_album(classes):
            photos = self._album.store.get_many([photo_id for photo_id, _ in found.best])
            tiles = "".join(
                f'<button type="button" data-photo="{photo_id}">'
                f"{img(self._album.originals.thumbnail(photo.sha256), photo.filename)}"
                f"{probability:.0%}</button>"
                for photo_id, probability in found.best
                if (photo := photos.get(photo_id)) is not None
            )
            if not tiles:
                tiles = f'<span class="note">{say(language_of(request), "none_of_album")}</span>'
            rows.append(
                f'<div class="per-class"><h4>{html.escape(found.label)}</h4>'
                f'<div class="tiles">{tiles}</div></div>'
            )
        return "".join(rows)

    def _choice(self, photo_ids: Sequence[int], language: str) -> Updates:
        photos = self._album.store.get_many(photo_ids)
        tiles = "".join(
            img(self._album.originals.thumbnail(photos[photo_id].sha256), photos[photo_id].filename)
            for photo_id in photo_ids
            if photo_id in photos
        )
        words = say(language, "from_album", n=len(photos)) if photos else ""
        view = f'<div class="note">{words}</div><div class="chosen">{tiles}</div>' if photos else ""
        return {
            self.chosen: tuple(photos),
            self._chosen_view: view,
            self._drop: gr.update(visible=bool(photos)),
        }


def _verdict(picture: str, name: str, scores: Sequence[LabelScore]) -> str:
    """One photo with a bar for each of its most probable classes, as escaped HTML."""
    bars = "".join(
        f'<div class="bar"><div class="words"><span>{html.escape(score.label)}</span>'
        f'<span>{score.probability:.0%}</span></div><div class="track">'
        f'<div class="share" style="width:{100 * score.probability:.1f}%"></div></div></div>'
        for score in scores[:BARS]
    )
    return (
        f'<div class="verdict">{picture}<div class="bars">{bars}'
        f'<div class="name">{html.escape(name)}</div></div></div>'
    )


def _unreadable(name: str, reason: str) -> str:
    return (
        f'<div class="verdict"><div class="bars">{html.escape(reason)}'
        f'<div class="name">{html.escape(name)}</div></div></div>'
    )
