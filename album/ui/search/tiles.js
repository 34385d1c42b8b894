// Tiles of the results. `element` holds them, and `trigger` sends the selected one to the server.
const all = () => [...element.querySelectorAll('.thumbnail-item')];
const panel = () => document.querySelector('#photo-panel');
const reading = () => { const it = panel(); return it !== null && it.offsetWidth > 0; };
const settled = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
let left = null;   // scroll position and id of the photo when it was opened
let focused = null;

function mark(id) {
  for (const tile of all()) {
    const is = tile.dataset.photo === String(id);
    tile.classList.toggle('selected', is);
    if (is) tile.setAttribute('aria-current', 'true'); else tile.removeAttribute('aria-current');
    if (is) settled(() => { if (reading()) tile.scrollIntoView({block: 'nearest'}); });
  }
}

element.addEventListener('click', (event) => {
  const burst = event.target.closest('[data-burst]');
  if (burst) return trigger('select', {index: Number(burst.dataset.burst), value: 'burst'});
  const tile = event.target.closest('[data-place]');
  if (!tile) return;
  if (!reading()) left = {id: tile.dataset.photo, y: scrollY};
  mark(tile.dataset.photo);
  trigger('select', {index: Number(tile.dataset.place), value: 'photo'});
});

document.addEventListener('photo-open', (event) => mark(event.detail));
document.addEventListener('photo-closed', () => settled(() => {
  const tile = element.querySelector('.selected');
  if (!tile || reading()) return;
  if (left && left.id === tile.dataset.photo) scrollTo({top: left.y});
  left = null;
  tile.focus({preventScroll: true});
  tile.scrollIntoView({block: 'nearest'});
}));
document.addEventListener('page-turned', () => settled(() => {
  if (element.getBoundingClientRect().top < 0) scrollTo({top: 0});
}));
document.addEventListener('rest-shown', () => settled(() => {
  element.querySelector('[data-band=rest]')?.previousElementSibling?.scrollIntoView({block: 'nearest'});
}));

// With an open photo the arrow keys belong to it. The timeline has keys of its own.
window.album.rove(element, '.thumbnail-item:not(.timeline *)', '.tile', reading);

// Tiles that are rendered again for new photos keep keyboard focus.
element.addEventListener('focusin', (event) => {
  focused = event.target.closest('.thumbnail-item')?.dataset.photo ?? null;
});
element.addEventListener('focusout', (event) => { if (event.target.isConnected) focused = null; });
new MutationObserver(() => {
  if (focused === null || document.activeElement !== document.body) return;
  all().find((tile) => tile.dataset.photo === focused)?.focus({preventScroll: true});
}).observe(element, {childList: true, subtree: true});
