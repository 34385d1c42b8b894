"""Registration of the public endpoints.

They take and return plain JSON, never a path of the server.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from album.service import Album
from album.ui.api.album_endpoints import AlbumEndpoints
from album.ui.api.import_endpoints import ImportEndpoints
from album.ui.api.model_endpoints import ModelEndpoints
from album.ui.api.search_endpoints import SearchEndpoints
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.queue_lanes import (
    PROGRAM_CAPTIONS,
    PROGRAM_CLASSES,
    PROGRAM_FACTS,
    PROGRAM_SEARCHES,
    PROGRAM_UPLOADS,
)
from album.ui.shared.uploads import UploadFolder


def publish_endpoints(album: Album, uploads: UploadFolder) -> None:
    """Register every endpoint with the page being built.

    The functions' docstrings are what callers read.
    """
    search, imports = SearchEndpoints(album, uploads), ImportEndpoints(album, uploads)
    models, facts = ModelEndpoints(album, uploads), AlbumEndpoints(album)
    query = [gr.Textbox(""), gr.File(), gr.Textbox(""), gr.Textbox("")]
    order = [gr.Textbox("best"), gr.Checkbox(False)]
    classes = [gr.JSON(), gr.File(file_count="multiple"), gr.Textbox()]
    _publish(search.search_photos, [*query, *_paging(), *order], PROGRAM_SEARCHES)
    _publish(search.similar_photos, [gr.Number(), *_paging()], PROGRAM_SEARCHES)
    _publish(imports.upload_photos, [gr.File(file_count="multiple")], PROGRAM_UPLOADS)
    _publish(models.classify_photos, classes, PROGRAM_CLASSES)
    _publish(models.caption_photo, [gr.Number(), gr.Textbox("ko")], PROGRAM_CAPTIONS)
    _publish(facts.photo_details, [gr.Number()], PROGRAM_FACTS)
    _publish(facts.album_status, [], PROGRAM_FACTS)
    _publish(facts.album_labels, [], PROGRAM_FACTS)
    _publish(facts.album_themes, [], PROGRAM_FACTS)
    _publish(imports.import_status, [gr.Number(20)], PROGRAM_FACTS)
    for function in (imports.pause_import, imports.resume_import, imports.cancel_import):
        _publish(function, [gr.Number()], PROGRAM_FACTS)


def _publish(function: Any, inputs: list[Any], lane: dict[str, Any]) -> None:
    """Publish one endpoint, named like its function.

    Its components are never drawn.
    """
    for component in inputs:
        component.visible = False
    gr.Button(visible=False).click(
        alerts_on_failure(function),
        inputs,
        gr.JSON(visible=False),
        api_name=function.__name__,
        api_visibility="public",
        **lane,
    )


def _paging() -> list[Any]:
    return [gr.Number(20), gr.Number(0)]
