"""The page: its frame, its tabs and the listeners between tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from album.runtime.temp_folder import KEPT_S
from album.service import Album
from album.ui.api.endpoints import publish_endpoints
from album.ui.captions.tab import CaptionsTab
from album.ui.classify.tab import ClassifyTab
from album.ui.export.view import ExportView
from album.ui.i18n.messages import i18n, language_of
from album.ui.imports.tab import UploadTab
from album.ui.photo.lightbox import Lightbox
from album.ui.search.tab import SearchTab
from album.ui.shared.change_digest import MOST_ROWS
from album.ui.shared.more_menu import build_more_menu
from album.ui.shared.page_keys import build_page_keys
from album.ui.shared.preferences import build_preferences
from album.ui.shared.queue_lanes import SEARCHES
from album.ui.shared.session_state import SearchState
from album.ui.shared.status_line import ModelState, StatusLine
from album.ui.shared.updates import Updates
from album.ui.shared.uploads import UploadFolder

CLOSE_PHOTO = "() => window.album.closePhoto()"
SAMPLES_EVERY_S = 0.3


def build_page(album: Album, model: ModelState, temp_dir: Path, samples: list[Path]) -> gr.Blocks:
    """Build the page of one album.

    Args:
        album: the service behind it.
        model: state of the model that is being loaded.
        temp_dir: Gradio's upload folder.
        samples: photos that an empty album offers to import.
    """
    uploads = UploadFolder(temp_dir)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    with gr.Blocks(
        title="Photo album · 사진첩",
        fill_width=True,
        analytics_enabled=False,
        delete_cache=(3600, int(KEPT_S)),
    ) as page:
        build_page_keys()
        lightbox = Lightbox(album)
        with gr.Row(elem_id="masthead"):
            gr.Markdown(i18n("album"), elem_id="title")
            status = StatusLine(album, model)
            build_preferences()
            build_more_menu()
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab(i18n("search"), id="search", elem_id="search-tab"):
                search = SearchTab(album, uploads, lightbox)
            with gr.Tab(i18n("upload"), id="upload", elem_id="upload-tab") as upload_tab:
                upload = UploadTab(album, uploads, status)
            with gr.Tab(i18n("classify"), id="classify", elem_id="classify-tab") as classify_tab:
                classify = ClassifyTab(album, uploads)
            with gr.Tab(i18n("captions"), id="captions", elem_id="captions-tab") as captions_tab:
                captions = CaptionsTab(album, search.parts.state)
        export = ExportView(album, search.parts.state, temp_dir)
        with gr.Accordion(i18n("about"), open=False, elem_id="about") as about:
            gr.Markdown(i18n("about_text"))
            sends = album.captions.writer.sends
            gr.Markdown(i18n("about_captions" if sends else "about_captions_here"))
            models = gr.HTML(elem_id="about-model")
        publish_endpoints(album, uploads)
        imports = upload.imports

        def name_models(request: gr.Request) -> str:
            return status.about_model(language_of(request))

        def go_to(tab: str) -> Any:
            return gr.Tabs(selected=tab)

        def classify_open(photo_id: int, request: gr.Request) -> Updates:
            return {tabs: go_to("classify"), **classify.photos.choose([photo_id], request)}

        def teach_results(state: SearchState, request: gr.Request) -> Updates:
            return classify.teaching.take(state.photo_ids, request)

        def refresh_labels(state: SearchState, request: gr.Request) -> Updates:
            language = language_of(request)
            return {
                **search.parts.filters.choices(state.query.filters, language),
                **search.parts.panel.refresh_labels(state.photo, language),
            }

        def see_import(state: SearchState, event: gr.SelectData, request: gr.Request) -> Any:
            is_number = isinstance(event.index, int) and 0 <= event.index < MOST_ROWS
            if event.value == "see" and is_number:
                yield {tabs: go_to("search")}
                yield from search.open_import(state, event.index, request)
            else:
                yield {tabs: gr.skip()}

        def import_samples(shown: str, request: gr.Request) -> Any:
            import_id = album.imports.start(samples)
            button, bar = search.parts.samples, search.parts.samples_progress
            is_over = False
            while not is_over:
                is_over = album.imports.wait(import_id, 0)
                yield {
                    button: gr.update(interactive=is_over),
                    bar: "" if is_over else imports.progress_of(import_id, request),
                    **imports.look(shown, request),
                }
                album.imports.wait(import_id, SAMPLES_EVERY_S)

        page.load(imports.look, imports.shown, imports.outputs, concurrency_limit=None, **private)
        # New photos appear by themselves unless a photo is open.
        see: dict[str, Any] = {"inputs": search.parts.state, "outputs": search.parts.all_outputs}
        for changed in (status.photo_count.change, status.first_import.change):
            changed(search.refresh, **see, **private, **SEARCHES).then(
                search.arrive, **see, **private, **SEARCHES
            )
        search.parts.samples.visible = bool(samples)
        search.parts.samples.click(
            import_samples,
            imports.shown,
            [search.parts.samples, search.parts.samples_progress, *imports.outputs],
            concurrency_limit=2,
            **private,
        )
        search.parts.add_photos.click(lambda: go_to("upload"), None, tabs, **private)
        panel = lightbox.panel
        panel.classify.click(None, js=CLOSE_PHOTO, api_visibility="private")
        panel.classify.click(
            classify_open, panel.browser_photo_id, [tabs, *classify.photos.outputs], **private
        )
        # A photo may be open above another tab.
        for results in (panel.more_like_this.click, panel.burst.click):
            results(lambda: go_to("search"), None, tabs, **private)
        classify.photos.take_hits.click(
            classify.photos.choose_found,
            [search.parts.state, classify.photos.files],
            classify.photos.outputs,
            **private,
        )
        classify.teaching.take_found.click(
            teach_results, search.parts.state, classify.teaching.take_outputs, **private
        )
        classify_tab.select(
            classify.enter, classify.enter_inputs, classify.enter_outputs, **private
        )
        for written in (classify.apply.written, classify.teaching.overview.written):
            written.change(
                refresh_labels,
                search.parts.state,
                [*search.parts.filters.choice_outputs, *search.parts.panel.label_editor.outputs],
                **private,
            )
            written.change(search.refresh, **see, **private, **SEARCHES)
        search.parts.results.caption_these.click(
            lambda: (go_to("captions"), "found"), None, [tabs, captions.choice.which], **private
        ).then(captions.choice.enter, captions.choice.inputs, captions.choice.outputs, **private)
        captions.listen(captions_tab.select)
        for changed in (captions.jobs.ended.change, export.section.expand):
            changed(export.look, export.inputs, export.look_outputs, **private)
        for rows in imports.reports:
            rows.select(
                see_import,
                search.parts.state,
                [tabs, *search.parts.all_outputs],
                **private,
                **SEARCHES,
            )
        upload_tab.select(imports.look, imports.shown, imports.outputs, **private)
        about.expand(name_models, None, models, **private)
    return page  # type: ignore[no-any-return]  # Gradio leaves `with` untyped
