"""The views of the whole album: the row that chooses one, the themes and the map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from album.organizing.assignment import Theme
from album.organizing.discovery import FEWEST_PHOTOS
from album.service import Album
from album.ui.i18n.failures import translate_failure
from album.ui.i18n.messages import i18n, language_of, say, say_count
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.percent import percent
from album.ui.shared.photo_html import img
from album.ui.shared.session_state import SearchState
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

VIEWS = ("timeline", "themes", "map")
MOST_ROWS = 2**31
_HERE = Path(__file__)
ON_LOAD = "".join(
    _HERE.with_name(name).read_text("utf-8") for name in ("album_map.js", "discover.js")
)
LINKS_ON_LOAD = _HERE.with_name("links.js").read_text("utf-8")

# A press asks once, and the server looks up what to undo.
UNDO_ON_LOAD = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-number]');
  if (!button) return;
  button.disabled = true;
  trigger('select', {index: Number(button.dataset.number), value: 'undo'});
});
"""


class DiscoverView:
    """Components and listeners. `show` belongs to every answer of the Search tab."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def build_views(self) -> None:
        """Build the row of views."""
        self._views = gr.HTML(elem_id="views", js_on_load=LINKS_ON_LOAD)

    def build_view(self) -> None:
        """Build the place of the themes or of the map, instead of tiles."""
        self.shown = gr.HTML(elem_id="discover", js_on_load=ON_LOAD)

    def build_actions(self) -> None:
        """Build what can be done with the photos of a theme."""
        with gr.Column(elem_id="theme-actions", visible=False) as self._actions:
            self.open = gr.Button(i18n("theme_label"), size="sm", elem_id="theme-label")
            with gr.Row(elem_id="theme-form", visible=False) as self._form:
                self.name = gr.Textbox(
                    label=i18n("theme_label_name"),
                    max_lines=1,
                    max_length=100,
                    elem_id="theme-name",
                )
                self.give = gr.Button(variant="primary", elem_id="theme-give", size="md")
                self.cancel = gr.Button(i18n("labels_cancel"), elem_id="theme-cancel", size="md")
            self.said = gr.HTML(elem_id="theme-said", js_on_load=UNDO_ON_LOAD)

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `show` updates."""
        return [self._views, self.shown, self._actions, *self.form_outputs]

    @property
    def form_outputs(self) -> list[Any]:
        """Return the components that the label form changes."""
        return [self.open, self._form, self.name, self.give, self.said]

    def show(self, state: SearchState, language: str, *, empty: bool) -> Updates:
        """Show the row of views on the home, and the chosen view.

        Args:
            state: what is shown.
            language: of the reader.
            empty: whether the album has no photo at all.
        """
        is_home = state.is_home and not empty
        is_theme = state.query.theme is not None and state.total > 0
        return {
            self._views: self._row(state, language) if is_home else "",
            self.shown: self._view(state, language) if is_home else "",
            self._actions: gr.update(visible=is_theme),
            **self._close_form(),
            self.said: "",
        }

    @alerts_on_failure
    def refresh(self, state: SearchState, request: gr.Request) -> Updates:
        """Show the view again while its themes are being found."""
        if not state.is_home or state.view == "timeline":
            return {self.shown: gr.skip()}
        return {self.shown: self._view(state, language_of(request))}

    @alerts_on_failure
    def open_form(self, state: SearchState, request: gr.Request) -> Updates:
        """Ask for the label of the photos shown, with the theme's name proposed."""
        if state.query.theme is None:
            return self._close_form()
        language = language_of(request)
        name = self._album.discovery.theme(state.query.theme).name
        photos = len(self._album.search.all_ids(state.query))
        return {
            self.open: gr.update(visible=False),
            self._form: gr.update(visible=True),
            self.name: name.in_language(language)[0] if name.words else "",
            self.give: say_count(language, "theme_give", photos),
            self.said: "",
        }

    @alerts_on_failure
    def give_label(self, state: SearchState, label: str | None, request: gr.Request) -> Updates:
        """Label all photos shown as one change."""
        language = language_of(request)
        change = self._album.labelling.edits.give_all(
            label or "", self._album.search.all_ids(state.query)
        )
        said = say_count(language, "act_given", change.added, what=change.labels[0])
        undo = {"number": change.act_id, "said": said}
        return {**self._close_form(), self.said: render("search/said.html", language, **undo)}

    @alerts_on_failure
    def undo(self, event: gr.SelectData, request: gr.Request) -> Updates:
        """Undo the change of a label."""
        number = event.index if isinstance(event.index, int) else -1
        if 0 <= number < MOST_ROWS:
            self._album.labelling.undo(number)
        language = language_of(request)
        said = say(language, "labels_undone")
        return {self.said: render("search/said.html", language, said=said, number=None)}

    def close_form(self) -> Updates:
        """Put the form away."""
        return {**self._close_form(), self.said: gr.skip()}

    def _close_form(self) -> Updates:
        return {
            self.open: gr.update(visible=True),
            self._form: gr.update(visible=False),
            self.name: gr.skip(),
            self.give: gr.skip(),
        }

    def _row(self, state: SearchState, language: str) -> Markup:
        views = [
            {"key": view, "address": "?" if view == "timeline" else f"?view={view}"}
            for view in VIEWS
        ]
        return render("search/views.html", language, views=views, chosen=state.view)

    def _view(self, state: SearchState, language: str) -> Markup | str:
        if state.view == "timeline":
            return ""
        discovery = self._album.discovery
        now = discovery.state()
        if now.kind != "ready":
            problem = translate_failure(language, now.problem) if now.problem else ""
            key = f"discover_{now.kind}"
            return render(
                "search/discover_waits.html",
                language,
                sentence=say(language, key, fewest=FEWEST_PHOTOS, share=percent(now.share)),
                problem=problem,
                share=now.share if now.kind == "working" else None,
                waits=now.kind != "few",  # for what ends by itself
            )
        themes = sorted(discovery.themes(), key=lambda theme: not theme.name.words)
        rows = [self._card(theme, language, with_cover=state.view == "themes") for theme in themes]
        if state.view == "themes":
            return render("search/themes.html", language, themes=rows)
        places = json.dumps(
            [
                {"key": theme.key, "name": ", ".join(theme.name.in_language(language)),
                 "sure": bool(theme.name.words), "x": theme.position[0], "y": theme.position[1]}
                for theme in themes
                if theme.name.words or theme.name.guesses
            ],
            ensure_ascii=False,
        )  # fmt: skip
        return render("search/map.html", language, themes=rows, places=places)

    def _card(self, theme: Theme, language: str, *, with_cover: bool) -> dict[str, Any]:
        """Prepare a theme for its template."""
        cover: list[Markup] = []
        if with_cover:
            photos = self._album.store.get_many(theme.cover)
            cover = [img(photos[it], "") for it in theme.cover if it in photos]
        return {
            "key": theme.key,
            "is_sure": bool(theme.name.words),
            "name": theme_name(theme, language),
            "photos": say_count(language, "photo", theme.photos),
            "cover": cover if len(cover) == 4 else cover[:1],
        }


def theme_name(theme: Theme, language: str) -> str:
    """Return the name of a theme, or what it might be, in words of the reader."""
    words = ", ".join(theme.name.in_language(language))
    if theme.name.words:
        return words
    return say(language, "theme_maybe", words=words) if words else say(language, "theme_unnamed")
