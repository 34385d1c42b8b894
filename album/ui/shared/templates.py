"""HTML from the Jinja2 templates in `album/ui/templates`, with autoescape.

render("photo/caption.html", language, caption=caption)   # a str for gr.HTML
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from album.ui.i18n.messages import say
from album.ui.shared.percent import percent

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters["percent"] = percent


def render(template: str, language: str, /, **values: Any) -> Markup:
    """Render a template for one reader.

    Args:
        template: its path inside `album/ui/templates`.
        language: of the reader, "ko" or "en". Its messages are `say(key, **parts)` in the template.
            A probability is written as `probability | percent`.
        values: variables of the template. Strings are escaped, `Markup` is not.

    Returns:
        HTML that other templates do not escape again.
    """

    def say_here(key: str, **parts: Any) -> str:
        return say(language, key, **parts)

    html = _ENVIRONMENT.get_template(template).render(
        values | {"say": say_here, "language": language}
    )
    return Markup(html)
