"""Under the caption of a photo: which captions of the album would fit it, each to be taken over."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from album.domain.photo import TextScore
from album.service import Album
from album.ui.i18n.messages import i18n, language_of, say
from album.ui.shared.alerts import alerts_on_failure
from album.ui.shared.queue_lanes import CAPTIONS

# In order: what is kept when the box is left must not come after what is taken over.
AS_WRITTEN = CAPTIONS
# What an answer brings is brought into sight, and a keyboard goes on where its button has gone.
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
    """What one browser was shown; lives in its session, on the server."""

    photo_id: int
    best: tuple[TextScore, ...]
    """What the browser chooses is looked up here, never believed."""


class CaptionSuggestions:
    """A button and the list that it opens; part of the photo panel."""

    def __init__(self, album: Album) -> None:
        self._album = album
        self._find = gr.Button(i18n("which_fits"), elem_id="which-fits", size="sm")
        self._list = gr.HTML(elem_id="fits", js_on_load=ON_LOAD)
        self._offer = gr.State(None)

    def listen(self, shown_id: gr.Number, caption: gr.Textbox, note: gr.HTML, leave: Any) -> Any:
        """Wire it to the panel that it is part of.

        Args:
            shown_id: the photo that the browser shows.
            caption: the box of its caption.
            note: the line about who wrote it.
            leave: the event of closing the panel.

        Returns:
            What happens when a caption is taken over.
        """
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # Not among the four that encode: reading thousands of captions must not keep others out.
        asked = self._find.click(
            self.find, shown_id, self.outputs,
            concurrency_limit=4, concurrency_id="describe", **private,
        )  # fmt: skip
        clear: dict[str, Any] = {"js": "() => ''", "api_visibility": "private"}
        asked.failure(None, None, self._list, **clear)
        # Whoever goes on to another photo has stopped waiting for this one.
        gr.on([shown_id.change, leave], None, None, self._list, cancels=[asked], **clear)
        return self._list.select(
            self.take, [self._offer, shown_id, caption], [caption, note, self._list],
            **AS_WRITTEN, **private,
        )  # fmt: skip

    @property
    def outputs(self) -> list[Any]:
        """What `cleared` returns updates for."""
        return [self._offer, self._list]

    def cleared(self) -> dict[Any, Any]:
        """Nothing offered, as for a photo that was just opened."""
        return {self._offer: None, self._list: ""}

    @alerts_on_failure
    def find(self, photo_id: int, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Read the captions that are new, saying how far that is, then show the best five."""
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
        own = "" if caption is None else caption.text
        yield {self._offer: offer, self._list: _list(offer, own, None, language)}

    @alerts_on_failure
    def take(
        self,
        offer: SuggestionOffer | None,
        photo_id: int,
        typed: str,
        event: gr.SelectData,
        request: gr.Request,
    ) -> tuple[Any, Any, Any]:
        """Make the chosen text the caption; where there is one, only when asked once more."""
        if offer is None or offer.photo_id != photo_id:
            return gr.skip(), gr.skip(), gr.skip()
        place = int(event.index)
        if not 0 <= place < len(offer.best):
            return gr.skip(), gr.skip(), gr.skip()
        language = language_of(request)
        chosen = offer.best[place].text
        caption = self._album.captions.get(photo_id, language)
        # What is in the box may not be kept yet; what is kept may have come since, from Gemini.
        old = typed.strip() or ("" if caption is None else caption.text)
        if old not in ("", chosen) and event.value != "instead":
            return old, gr.skip(), _list(offer, old, place, language)
        self._album.captions.write(photo_id, chosen, language)
        said = say(language, "saved")
        if old not in ("", chosen):
            said = html.escape(say(language, "saved_instead", old=old))
        return chosen, said, _list(offer, chosen, None, language)


def _note(words: str) -> str:
    return f'<p class="note">{words}</p>'


def _list(offer: SuggestionOffer, own: str, asked: int | None, language: str) -> str:
    """The offer as escaped HTML: the photo's own caption marked, `asked` with a second question."""
    current = ' aria-current="true"'
    rows = []
    for place, it in enumerate(offer.best):
        is_own = it.text == own
        words = f"<span>{html.escape(it.text)}</span>"
        if is_own:
            words += f" <small>{say(language, 'fits_own')}</small>"
        share = "&lt;1%" if it.probability < 0.01 else f"{it.probability:.0%}"
        row = (
            f'<button type="button" class="fit" data-place="{place}"'
            f"{current if is_own else ''}>"
            f'<span class="words"><span>{words}</span><span>{share}</span></span>'
            f'<span class="track"><span class="share" style="width:{100 * it.probability:.1f}%">'
            "</span></span></button>"
        )
        if place == asked:
            row += (
                f'<button type="button" class="instead" data-place="{place}">'
                f"{say(language, 'fits_instead')}</button>"
            )
        rows.append(f"<li>{row}</li>")
    return f"{_note(say(language, 'fits_how'))}<ol>{''.join(rows)}</ol>"
