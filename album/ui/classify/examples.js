// The photos that somebody is asked about: `element` holds them, `trigger` tells what was said.
// A mark shows at once; it says what is so from now on, so that pressing fast loses nothing.
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-mark]');
  if (!button) return;
  const tile = button.closest('.question');
  const said = tile.dataset.said === button.dataset.mark ? '' : button.dataset.mark;
  for (const it of element.querySelectorAll('.question')) {
    if (it.dataset.photo !== tile.dataset.photo) continue;
    it.dataset.said = said;
    for (const mark of it.querySelectorAll('[data-mark]'))
      mark.setAttribute('aria-pressed', String(mark.dataset.mark === said));
  }
  trigger('select', {index: Number(tile.dataset.place), value: said});
});

// Whoever comes back to it finds the photos as they were drawn last: they are drawn once more.
requestAnimationFrame(() => trigger('load'));

// From photo to photo with the arrows; y and n say what it is.
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

// What is asked next is brought into sight: the button for it stands below the tiles.
let drawn = '';
new MutationObserver(() => {
  const questions = element.querySelector('.questions');
  if (!questions || questions.dataset.drawn === drawn) return;
  const first = drawn === '';
  drawn = questions.dataset.drawn;
  if (first || !questions.firstElementChild || element.getBoundingClientRect().top >= 0) return;
  document.querySelector('#taught')?.scrollIntoView({block: 'start'});
}).observe(element, {childList: true, subtree: true});
