"""Suggestions for a photo's caption, chosen among the captions of the album."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup, escape

from album.domain.photo import TextScore
from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.queue_lanes import CAPTIONS
from album.ui.shared.templates import render
from album.ui.shared.updates import Updates

# An answer is scrolled into view, and the keyboard focus moves on when its button disappears.
ON_LOAD = """
let chosen = false, shown = false;
element.addEventListener('click', (event) => {
  const choice = event.target.closest('[data-place]');
  if (!choice) return;
  chosen = true;
  trigger('select',
    {index: Number(choice.dataset.place), value: choice.matches('.instead') ? 'instead' : ''});
});
new MutationObserver(() => {
  const list = element.querySelector('ol');
  if (list && !shown) element.scrollIntoView({block: 'nearest'});
  shown = list !== null;
  const next = element.querySelector('.instead') ?? element.querySelector('[aria-current]');
  if (!chosen || !next) return;
  chosen = false;
  next.scrollIntoView({block: 'nearest'});
  if (document.activeElement === document.body) next.focus();
}).observe(element, {childList: true, subtree: true, attributes: true});
"""


@dataclass(frozen=True, slots=True)
class SuggestionOffer:
    """Suggestions in one browser, kept on the server.

    The index that the browser sends is looked up here and never trusted.
    """

    photo_id: int
    best: tuple[TextScore, ...]


class CaptionSuggestions:
    """A button of the photo panel, and the list that it opens."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._find = gr.Button(i18n("which_fits"), elem_id="which-fits", size="sm")
        self._list = gr.HTML(elem_id="fits", js_on_load=ON_LOAD)
        self._offer = gr.State(None)

    def listen(self, photo_id: gr.Number, caption: gr.Textbox, note: gr.HTML, leave: Any) -> Any:
        """Connect the listeners.

        Args:
            photo_id: id of the photo that the browser shows.
            caption: the box of its caption.
            note: the line about the caption's author.
            leave: the event of closing the panel.

        Returns:
            The event of using a suggestion.
        """
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # A lane of its own: reading thousands of captions must not block searches.
        search = self._find.click(
            self.find,
            photo_id,
            self.outputs,
            concurrency_limit=4,
            concurrency_id="describe",
            **private,
        )
        clear: dict[str, Any] = {"js": "() => ''", "api_visibility": "private"}
        search.failure(None, None, self._list, **clear)
        # Opening another photo cancels the search for this one.
        gr.on([photo_id.change, leave], None, None, self._list, cancels=[search], **clear)
        return self._list.select(
            self.use,
            [self._offer, photo_id, caption],
            [caption, note, self._list],
            **CAPTIONS,  # in order: a save on leaving the box must not come after this one
            **private,
        )

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `clear` updates."""
        return [self._offer, self._list]

    def clear(self) -> Updates:
        """Remove the suggestions, as for a photo that was just opened."""
        return {self._offer: None, self._list: ""}

    @alerts_on_failure
    def find(self, photo_id: int, request: gr.Request) -> Iterator[Updates]:
        """Encode new captions with progress, then show the best five."""
        language = language_of(request)
        yield {self._list: _note(say(language, "fits_looking"))}
        describer = self._album.describer
        for done, total in describer.read():
            yield {self._list: _note(say(language, "fits_reading", done=done, total=total))}
        best = describer.describe_photo(photo_id).best
        if not best:
            yield {self._list: _note(say(language, "fits_none"))}
            return
        offer = SuggestionOffer(photo_id, tuple(best))
        caption = self._album.captions.get(photo_id, language)
        current = "" if caption is None else caption.text
        yield {self._offer: offer, self._list: _list(offer, current, None, language)}

    @alerts_on_failure
    def use(
        self,
        offer: SuggestionOffer | None,
        photo_id: int,
        typed: str,
        event: gr.SelectData,
        request: gr.Request,
    ) -> tuple[Any, Any, Any]:
        """Make a suggestion the caption, after confirmation if it replaces one."""
        if offer is None or offer.photo_id != photo_id:
            return gr.skip(), gr.skip(), gr.skip()
        place = int(event.index)
        if not 0 <= place < len(offer.best):
            return gr.skip(), gr.skip(), gr.skip()
        language = language_of(request)
        text = offer.best[place].text
        caption = self._album.captions.get(photo_id, language)
        # The box may not be saved yet, and the saved caption may be newer than the box.
        old = typed.strip() or ("" if caption is None else caption.text)
        if old not in ("", text) and event.value != "instead":
            return old, gr.skip(), _list(offer, old, place, language)
        self._album.captions.write(photo_id, text, language)
        note = say(language, "saved")
        if old not in ("", text):
            note = say(language, "saved_instead", old=old)
        return text, escape(note), _list(offer, text, None, language)


def _note(text: str) -> Markup:
    return Markup('<p class="note">{}</p>').format(text)


def _list(offer: SuggestionOffer, current: str, confirm: int | None, language: str) -> Markup:
    """Render the suggestions.

    Args:
        offer: the suggestions.
        current: the photo's caption, which is marked.
        confirm: index of the suggestion that must be confirmed, or None.
        language: of the reader.
    """
    return render(
        "photo/caption_suggestions.html",
        language,
        suggestions=offer.best,
        current=current,
        confirm=confirm,
    )
