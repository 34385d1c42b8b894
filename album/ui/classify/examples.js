// The photos to mark: `element` holds them, `trigger` sends the mark.
// A mark shows at once and sends the new state, so that fast clicks lose nothing.
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-mark]');
  if (!button) return;
  const tile = button.closest('.question');
  const said = tile.dataset.said === button.dataset.mark ? '' : button.dataset.mark;
  for (const copy of element.querySelectorAll('.question')) {
    if (copy.dataset.photo !== tile.dataset.photo) continue;
    copy.dataset.said = said;
    for (const mark of copy.querySelectorAll('[data-mark]'))
      mark.setAttribute('aria-pressed', String(mark.dataset.mark === said));
  }
  trigger('select', {index: Number(tile.dataset.place), value: said});
});

// After a return to the tab, the photos are as they were drawn last, so draw them again.
requestAnimationFrame(() => trigger('load'));

// Arrows move from photo to photo, y and n mark one.
element.addEventListener('keydown', (event) => {
  const tile = event.target.closest('.question');
  if (!tile || event.altKey || event.ctrlKey || event.metaKey) return;
  const mark = {y: 'is', n: 'not', 'ㅛ': 'is', 'ㅜ': 'not'}[event.key];
  if (mark) return tile.querySelector(`[data-mark=${mark}]`).click();
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step) return;
  const tiles = [...element.querySelectorAll('.question')];
  const next = tiles[tiles.indexOf(tile) + step];
  if (!next) return;
  event.preventDefault();
  const kind = event.target.dataset.mark ?? 'is';
  next.querySelector(`[data-mark=${kind}]`).focus();
});

// Scroll to new photos, because the button for them is below the tiles.
let drawn = '';
new MutationObserver(() => {
  const questions = element.querySelector('.questions');
  if (!questions || questions.dataset.drawn === drawn) return;
  const first = drawn === '';
  drawn = questions.dataset.drawn;
  if (first || !questions.firstElementChild || element.getBoundingClientRect().top >= 0) return;
  document.querySelector('#taught')?.scrollIntoView({block: 'start'});
}).observe(element, {childList: true, subtree: true});
