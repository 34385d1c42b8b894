// Tiles of the results. `element` holds them, and `trigger` sends the selected one to the server.
const all = () => [...element.querySelectorAll('.thumbnail-item')];
const settled = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
const album = (window.album = window.album || {});
const page = () => element.querySelector('.pages')?.dataset ?? {};
const TURN_MS = 15000; // the longest wait for another page of results
let focused = null;

// The photos of this page for the lightbox, which may turn the page.
let list = null;
album.results = () => {
  if (!all().length) return null;
  if (list) return list;
  list = album.listOf(element);
  Object.defineProperties(list, {
    before: { get: () => Number(page().before ?? 0) },
    total: { get: () => Number(page().total ?? 0) },
  });
  list.beyond = (step) => new Promise((resolve) => {
    const before = page().page;
    if (step > 0 ? !('more' in page()) : !(Number(before) > 0)) return resolve(false);
    const end = (turned) => {
      clearTimeout(patience);
      watcher.disconnect();
      requestAnimationFrame(() => resolve(turned)); // the address of the page comes with it
    };
    const watcher = new MutationObserver(() => { if (page().page !== before) end(true); });
    const patience = setTimeout(end, TURN_MS, false);
    // Gradio changes the elements that it has, and adds and removes only what it must.
    watcher.observe(element, {attributes: true, childList: true, subtree: true});
    trigger('select', {index: step, value: 'turn'});
  });
  return list;
};

function mark(id) {
  for (const tile of all()) {
    const is = tile.dataset.photo === String(id);
    tile.classList.toggle('selected', is);
    if (is) tile.setAttribute('aria-current', 'true'); else tile.removeAttribute('aria-current');
  }
}

element.addEventListener('click', (event) => {
  const burst = event.target.closest('[data-burst]');
  if (burst) return trigger('select', {index: Number(burst.dataset.burst), value: 'burst'});
  const tile = event.target.closest('[data-place]');
  if (!tile) return;
  album.openPhoto(album.results(), album.results().indexOf(Number(tile.dataset.photo)));
});

document.addEventListener('photo-open', (event) => mark(event.detail));
document.addEventListener('photo-closed', () => mark(null));
document.addEventListener('page-turned', () => settled(() => {
  if (element.getBoundingClientRect().top < 0) scrollTo({top: 0});
}));
document.addEventListener('rest-shown', () => settled(() => {
  element.querySelector('[data-band=rest]')?.previousElementSibling?.scrollIntoView({block: 'nearest'});
}));

// The arrow keys move between tiles. The timeline has keys of its own.
window.album.rove(element, '.thumbnail-item:not(.timeline *)', '.tile');

// Tiles that are rendered again for new photos keep keyboard focus.
element.addEventListener('focusin', (event) => {
  focused = event.target.closest('.thumbnail-item')?.dataset.photo ?? null;
});
element.addEventListener('focusout', (event) => { if (event.target.isConnected) focused = null; });
new MutationObserver(() => {
  document.dispatchEvent(new Event('results-known'));
  if (focused === null || document.activeElement !== document.body) return;
  all().find((tile) => tile.dataset.photo === focused)?.focus({preventScroll: true});
}).observe(element, {childList: true, subtree: true});
