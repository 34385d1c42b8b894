"""Language and theme of the page, chosen by hand and kept by the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.routes import templates

from album.ui.i18n.messages import LANGUAGES, TEXTS

PAGE_TEMPLATE = "frontend/index.html"
EARLY_HEAD = Path(__file__).with_name("early_head.html")
NAMES = {"ko": "한국어", "en": "English"}
"""Each language in its own words, for people who cannot read the other."""
KEYS = (
    *("choose_language", "choose_theme", "theme_light", "theme_dark", "theme_system"),
    *("drop_photos", "or_choose"),
)
_SCRIPT = Path(__file__).with_name("preferences.js")


def build_preferences() -> None:
    """Build the two choices."""
    words = {language: {key: TEXTS[key][n] for key in KEYS} for n, language in enumerate(LANGUAGES)}
    constants = {"WORDS": words, "LANGUAGES": [*NAMES.items()]}
    lines = [f"const {name} = {json.dumps(value)};" for name, value in constants.items()]
    script = "\n".join([*lines, _SCRIPT.read_text("utf-8")])
    gr.HTML(elem_id="preferences", html_template="", js_on_load=script)


def apply_preferences_early() -> None:
    """Have Gradio's page begin with the script that applies the choices.

    What `launch` takes as `head` is added after Gradio has chosen its language.
    """
    loader = templates.env.loader
    assert loader is not None, "Gradio's pages are templates of files"
    get_source = loader.get_source
    script = f"{{% raw %}}{EARLY_HEAD.read_text('utf-8')}{{% endraw %}}"

    def get_source_with_script(environment: Any, template: str) -> Any:
        source, *rest = get_source(environment, template)
        if template == PAGE_TEMPLATE and script not in source:
            source = source.replace("<head>", f"<head>\n{script}", 1)
        return source, *rest

    loader.get_source = get_source_with_script  # type: ignore[method-assign]
