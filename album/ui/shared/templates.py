"""HTML of the page from the Jinja2 templates in `album/ui/templates`, with every value escaped.

render("photo/caption.html", language, caption=caption)   # a str for gr.HTML
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from album.ui.i18n.messages import say

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(template: str, language: str, /, **values: Any) -> Markup:
    """Render a template for one reader.

    Args:
        template: its path inside `album/ui/templates`.
        language: of the reader, "ko" or "en". In the template, `say(key, **parts)` words a message
            in it.
        values: what it names. Strings are escaped, `Markup` is not.

    Returns:
        HTML that other templates and listeners take as it stands.
    """

    def say_here(key: str, **parts: Any) -> str:
        return say(language, key, **parts)

    html = _ENVIRONMENT.get_template(template).render(
        values | {"say": say_here, "language": language}
    )
    return Markup(html)
