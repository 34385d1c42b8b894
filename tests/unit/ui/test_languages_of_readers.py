"""The language of a reader: chosen by hand, or as the browser prefers."""

from __future__ import annotations

import json
import subprocess
import sys

import gradio as gr
import pytest
from gradio.routes import templates
from starlette.requests import Request

from album.ui.i18n.messages import language_of, reader_language, translations
from album.ui.shared.preferences import PAGE_TEMPLATE


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("", "de-DE,de;q=0.9", "en"),
        ("album-language=ko", "en-US", "ko"),
        ("time-zone=Asia%2FSeoul; album-language=en", "ko-KR", "en"),
        ("album-language=en;", "ko-KR", "en"),
        ("album-language=de", "ko-KR", "ko"),
        ("album-language=koo", "en", "en"),
        ("my-album-language=ko", "en", "en"),
        ("album-language=<script>", "ko", "ko"),
    ],
)
def test_choice_by_hand_comes_before_the_browser(cookie: str, accepted: str, language: str) -> None:
    headers = {"cookie": cookie, "accept-language": accepted}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = gr.Request(Request({"type": "http", "headers": raw}))

    assert reader_language(headers) == language
    assert language_of(request) == language


@pytest.mark.parametrize("language", ["en", "ko"])
def test_drop_area_has_its_own_words(language: str) -> None:
    words = translations().translations_dict[language]

    for key, own in (("drop_file", "drop_photos"), ("click_to_upload", "or_choose")):
        assert words[f"upload_text.{key}"] == words[own]


def test_page_begins_with_the_script_of_choices() -> None:
    """In a process of its own, because it changes Gradio's template of the page."""
    code = f"""
import json, sys
from album.ui.shared.preferences import apply_preferences_early
from gradio.routes import templates
apply_preferences_early()
apply_preferences_early()
page = templates.env.get_template({PAGE_TEMPLATE!r})
print(json.dumps(page.render(config={{}}, gradio_api_info={{}})))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    page = json.loads(answer.stdout)

    assert page.count("album-language=(ko|en)") == 1
    assert page.index("album-language=(ko|en)") < page.index("window.gradio_config")
    assert page.index("<head>") < page.index("album-language=(ko|en)")
    assert templates.env.loader is not None
