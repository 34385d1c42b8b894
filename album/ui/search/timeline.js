// Timeline: all photos of a search without looks, by day. The server renders an empty shell with the
// address and the revision of the album. The outline of all photos comes first, so every photo has
// its place at once, and only what is near the window is in the document.
{
const { layOut, lastAtMost } = album.timelineLayout;
const MOST_TILES = 360;
const HEAD_PX = 92; // headings that should stay visible above a photo
const make = (name, part, values = {}) => Object.assign(document.createElement(name), { className: part }, values);
const atTop = () => canvas.getBoundingClientRect().top + scrollY; // of the canvas in the document
const root = make('section', 'body'); // Gradio would turn an element of tiles.html's kinds into a tile
const memories = make('nav', 'memories', { hidden: true });
const message = make('p', 'message', { hidden: true });
const canvas = make('div', 'canvas');
const rail = album.timelineRail((y) => { window.scrollTo(0, atTop() + y); render(); });
message.setAttribute('role', 'status');
canvas.setAttribute('role', 'group');
root.append(memories, message, rail.element, canvas);

let shell = null; // null: the results are no timeline
let address = null, revision = null, words = {}, named = null; // sentences, and names of days
let outline = null, plan = null, photos = null;
let load = 0; // number of the last load, so that older answers are ignored
let goal = null; // {anchor, at}: the place to be at once there is a layout
let open = null; // id of the open photo
const opened = new Set(); // ids of the photos that were looked at since
let lastTop = 0;
const nodes = new Map(); // tiles by place, headings by 'h' and place

// Tiles

const paint = (tile, index) => {
  const photo = photos.at(index);
  if (!photo || tile.shown === photo) return;
  tile.shown = photo;
  tile.classList.add('thumbnail-item');
  Object.assign(tile.dataset, {
    photo: photo.id, version: photo.version, width: photo.width, height: photo.height,
  });
  tile.setAttribute('aria-label', named.photo(photo, index));
  const image = tile.firstElementChild;
  const source = `photos/${photo.id}/thumbnail?v=${photo.version}`;
  if (image.getAttribute('src') !== source) image.src = source;
  image.alt = photo.alt;
  tile.classList.toggle('favourite', photo.favourite);
  select(tile);
};
const select = (tile) => {
  const is = open !== null && tile.dataset.photo === String(open);
  tile.classList.toggle('selected', is);
  if (is) tile.setAttribute('aria-current', 'true'); else tile.removeAttribute('aria-current');
};
const newTile = (index) => {
  const tile = make('button', 'tile-button', { type: 'button', tabIndex: -1 });
  tile.append(make('img', '', { alt: '', decoding: 'async', draggable: false }));
  tile.index = index;
  return tile;
};
const newHead = (head) => {
  const name = named.dayOf(head);
  const it = make(head.month ? 'h2' : 'h3', head.month ? 'month' : 'day');
  const time = make(name ? 'time' : 'span', '', { textContent: head.month ? named.month(head) : named.day(head) });
  if (name) time.dateTime = head.month ? name.slice(0, -3) : name;
  it.append(time);
  return it;
};
const stand = (node, left, top, width, height) => {
  const style = `left:${left}px;top:${top}px;width:${width}px;${height ? `height:${height}px` : ''}`;
  if (node.place !== style) node.style.cssText = node.place = style;
};
const drop = (key, node) => {
  nodes.delete(key);
  const image = node.querySelector('img');
  if (image && !image.complete) image.removeAttribute('src'); // its request is of no use any more
  node.remove();
};

// What is near the window

const near = () => {
  const top = -canvas.getBoundingClientRect().top;
  let over = innerHeight;
  for (;;) {
    const from = plan.rowAt(top - over), to = plan.rowAt(top + innerHeight + over) + 1;
    if (plan.first[to] - plan.first[from] <= MOST_TILES || over < 40) return { top, from, to };
    over *= 0.6;
  }
};

function render() {
  if (!shell || !plan || !plan.length || !root.offsetWidth) return;
  const { top, from, to } = near();
  const first = plan.first[from];
  const last = Math.min(plan.first[to], first + MOST_TILES);
  const keys = [];
  let head = lastAtMost(plan.headRows, from - 1) + 1;
  for (let row = from; row < to; row++) {
    for (; plan.headRows[head] === row; head++) keys.push(`h${head}`);
    for (let i = plan.first[row]; i < Math.min(plan.first[row + 1], last); i++) keys.push(i);
  }
  // A focused photo stays, or the keyboard would lose its place.
  const focused = root.contains(document.activeElement) ? document.activeElement.index : undefined;
  if (focused !== undefined && (focused < first || focused >= last)) {
    if (focused < first) keys.unshift(focused); else keys.push(focused);
  }
  const wanted = new Set(keys);
  for (const [key, node] of nodes) if (!wanted.has(key)) drop(key, node);
  let cursor = canvas.firstChild;
  for (const key of keys) {
    let node = nodes.get(key);
    if (!node) {
      node = typeof key === 'number' ? newTile(key) : newHead(plan.heads[Number(key.slice(1))]);
      nodes.set(key, node);
    }
    if (typeof key === 'number') {
      const row = plan.rowOf(key);
      stand(node, plan.x[key], plan.top[row], plan.w[key], plan.rowHeight[row]);
      paint(node, key);
    } else {
      const { left, top: y, width } = plan.heads[Number(key.slice(1))];
      stand(node, left, y, width);
    }
    if (node === cursor) cursor = cursor.nextSibling; else canvas.insertBefore(node, cursor);
  }
  rove(top);
  photos.want(first, last, Math.abs(top - lastTop) > 1.5 * innerHeight);
  lastTop = top;
  rail.show(Math.max(0, top));
}

// Tab reaches one photo: the focused one, or else the first in the window.
const rove = (top) => {
  const focused = document.activeElement?.index;
  const row = plan.rowAt(top);
  const seen = plan.top[row] + plan.rowHeight[row] / 2 < top && row + 1 < plan.rows ? row + 1 : row;
  const roving = focused !== undefined && nodes.has(focused) ? focused : plan.first[seen];
  for (const [key, node] of nodes) if (typeof key === 'number') node.tabIndex = key === roving ? 0 : -1;
};

// The place of the reader, which a new layout keeps: a photo and how far its row has been scrolled.

const here = () => {
  if (!shell || !plan?.length || !root.offsetWidth) return null;
  const top = -canvas.getBoundingClientRect().top;
  if (top <= 0) return null;
  let row = plan.rowAt(top);
  if (top > plan.top[row] + plan.rowHeight[row] && row + 1 < plan.rows) row++; // it is at a heading
  const index = plan.first[row];
  const dy = (top - plan.top[row]) / Math.max(1, plan.rowHeight[row]);
  return { address, id: photos.at(index)?.id ?? -1, index, day: named.dayAt(index), dy };
};
const topOf = ({ anchor, at }) => {
  let index = at;
  if (!(index >= 0)) { // that photo is gone: its day, or the next older one
    const day = outline.days.findIndex(([name]) => name <= anchor.day);
    index = day < 0 ? anchor.index : outline.starts[day];
  }
  const row = plan.rowOf(Math.min(Math.max(0, index), plan.length - 1));
  return Math.max(0, plan.top[row] + anchor.dy * plan.rowHeight[row]);
};
const goThere = () => { if (goal && plan?.length) window.scrollTo(0, atTop() + topOf(goal)); };

// Loading

const decoded = (answer) => {
  const codes = Uint8Array.from(atob(answer.ratios), (letter) => letter.charCodeAt(0));
  const starts = [];
  let start = 0;
  for (const [, count] of answer.days) { starts.push(start); start += count; }
  return { ...answer, codes, starts };
};

const lay = () => {
  plan = null;
  if (!outline || !canvas.clientWidth) return; // in a tab that is not open
  plan = layOut(outline.days, outline.codes, Math.floor(canvas.clientWidth));
  plan.headRows = plan.heads.map((head) => head.row);
  canvas.style.height = `${plan.height}px`;
  rail.use(plan, named);
  document.dispatchEvent(new Event('results-known'));
};
const clear = () => { for (const [key, node] of nodes) drop(key, node); };

const reload = async (anchor) => {
  const mine = ++load;
  const query = anchor?.id > 0 ? `${address ? '&' : '?'}at=${anchor.id}` : '';
  let answer;
  try {
    const response = await fetch(`timeline${address}${query}`);
    if (!response.ok) throw new Error(response.status);
    answer = decoded(await response.json());
  } catch {
    if (mine !== load) return;
    root.classList.toggle('loading', false);
    return tell(words.failed, true);
  }
  if (mine !== load || !shell) return;
  const next = album.timelinePhotos(address, answer.revision, {
    got: (from, to) => { for (const [key, node] of nodes) if (key >= from && key < to) paint(node, key); },
    lost: (is) => tell(is ? words.waiting : ''),
    stale: () => reload(here()),
  });
  // The photos of the new window first, so that nothing flickers.
  if (anchor) await next.load(Math.max(0, Math.min(answer.at, answer.codes.length - 1)));
  if (mine !== load || !shell) return next.close();
  const now = plan ? here() : anchor; // somebody may have scrolled meanwhile
  const moved = now && anchor ? now.index - anchor.index : 0;
  goal = now && { anchor: now, at: anchor && answer.at >= 0 ? answer.at + moved : -1 };
  if (goal?.at < 0 && now.day === undefined) goal = null; // the photo of the address is not here
  photos?.close();
  const focused = document.activeElement?.shown?.id;
  clear();
  [outline, photos, revision] = [answer, next, answer.revision];
  named = album.timelineWords(outline, words);
  remember();
  lay();
  root.classList.remove('loading');
  tell('');
  goThere();
  render();
  const index = focused === undefined ? -1 : photos.indexOf(focused);
  if (index >= 0) nodes.get(index)?.focus({ preventScroll: true });
};

const tell = (text, withButton) => {
  message.replaceChildren(text);
  message.hidden = !text;
  if (!withButton) return;
  const again = make('button', 'again', { type: 'button', textContent: words.again });
  again.addEventListener('click', () => { tell(''); reload(here()); });
  message.append(' ', again);
};

const remember = () => {
  memories.setAttribute('aria-label', words.memories);
  memories.hidden = !outline.memories.length;
  memories.replaceChildren(...outline.memories.map((memory) => {
    const link = make('a', 'memory', { href: memory.address });
    link.append(...memory.covers.map((cover) => make('img', '', {
      alt: '', src: `photos/${cover.id}/thumbnail?v=${cover.version}`,
    })), make('span', '', { textContent: memory.text }));
    link.addEventListener('click', (event) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
      event.preventDefault();
      album.ask(memory.address);
    });
    return link;
  }));
};

const forget = () => {
  load++;
  photos?.close();
  outline = plan = photos = goal = null;
  clear();
};
// Every answer of the server may change the shell, or put other results in its place.
const mount = () => {
  shell = element.querySelector('.timeline');
  if (!shell) {
    address = revision = null;
    return forget();
  }
  if (root.parentNode !== shell) shell.replaceChildren(root);
  
  const next = shell.dataset;
  root.classList.toggle('loading', !outline);
  if (next.address === undefined) return; // before the first answer
  words = JSON.parse(next.words);
  canvas.setAttribute('aria-label', words.name);
  if (next.address !== address) {
    forget();
    address = next.address;
    memories.hidden = rail.element.hidden = true;
    canvas.style.height = '';
    root.classList.add('loading');
    tell('');
    const anchor = history.state?.anchor;
    const photo = Number(new URLSearchParams(location.search).get('photo'));
    reload(anchor?.address === address ? anchor : photo > 0 ? { address, id: photo, index: 0, dy: -0.5 } : null);
  } else if (next.revision !== revision && outline) {
    reload(here());
  } else {
    render();
  }
};

const relay = () => {
  if (!outline || !root.offsetWidth) return;
  if (!plan || Math.floor(canvas.clientWidth) !== plan.width) {
    const anchor = here();
    if (plan) goal = anchor && { anchor, at: anchor.index };
    lay();
    goThere();
  }
  render();
};

// Keyboard

const focusOn = (index, staysInWindow = false) => {
  const row = plan.rowOf(index);
  const top = atTop() + plan.top[row], end = top + plan.rowHeight[row];
  const isSeen = end > scrollY && top < scrollY + innerHeight;
  if (staysInWindow && isSeen) render();
  else if (top - HEAD_PX < scrollY) window.scrollTo(0, top - HEAD_PX);
  else if (end + 16 > scrollY + innerHeight) window.scrollTo(0, end + 16 - innerHeight);
  const before = document.activeElement;
  if (before?.index !== undefined) before.tabIndex = -1;
  render();
  nodes.get(index)?.focus({ preventScroll: true });
  render();
};
const inRow = (row, middle) => { // the photo of a row that is nearest to this place
  let best = plan.first[row];
  for (let i = best; i < plan.first[row + 1]; i++) {
    const distance = (it) => Math.abs(plan.x[it] + plan.w[it] / 2 - middle);
    if (distance(i) < distance(best)) best = i;
  }
  return best;
};
const byKey = (key, index) => {
  const row = plan.rowOf(index), middle = plan.x[index] + plan.w[index] / 2;
  const rowAt = (y) => inRow(Math.min(plan.rows - 1, plan.rowAt(y)), middle);
  switch (key) {
    case 'ArrowRight': return index + 1;
    case 'ArrowLeft': return index - 1;
    case 'ArrowDown': return row + 1 < plan.rows ? inRow(row + 1, middle) : index;
    case 'ArrowUp': return row > 0 ? inRow(row - 1, middle) : index;
    case 'PageDown': return rowAt(plan.top[row] + 0.8 * innerHeight);
    case 'PageUp': return rowAt(plan.top[row] - 0.8 * innerHeight);
    case 'Home': return 0;
    case 'End': return plan.length - 1;
    default: return null;
  }
};
canvas.addEventListener('keydown', (event) => {
  const index = event.target.index;
  if (index === undefined || !plan || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = byKey(event.key, index);
  if (next === null) return;
  event.preventDefault();
  event.stopPropagation(); // from `tiles.js`, which knows tiles of equal size
  focusOn(Math.min(plan.length - 1, Math.max(0, next)));
});

canvas.addEventListener('click', (event) => {
  const tile = event.target.closest('[data-photo]');
  if (tile) album.openPhoto(timelineList, tile.index);
});

// The list of photos that the lightbox walks through: the whole timeline.

const timelineList = {
  get length() { return plan?.length ?? 0; },
  at: (index) => photos?.at(index) ?? photos?.load(index) ?? null,
  indexOf: (id) => photos?.indexOf(Number(id)) ?? -1,
  locate: async (id) => { // also of a photo that has not been loaded
    const known = timelineList.indexOf(id);
    if (known >= 0 || !outline) return known;
    const response = await fetch(`timeline${address}${address ? '&' : '?'}at=${Number(id)}`);
    const answer = response.ok ? await response.json() : null;
    return answer?.revision === revision ? answer.at : -1;
  },
  reveal: async (id) => {
    const index = await timelineList.locate(id);
    if (index < 0 || !plan) return false;
    focusOn(index, true);
    return true;
  },
};
const resultsOfTiles = album.results;
album.results = () => (shell ? plan?.length ? timelineList : null : resultsOfTiles());
document.addEventListener('photo-open', (event) => {
  open = event.detail;
  opened.add(open);
  for (const node of nodes.values()) if (node.shown) select(node);
});
document.addEventListener('photo-closed', () => {
  open = null;
  for (const node of nodes.values()) if (node.shown) select(node);
  for (const id of opened) photos?.refresh(timelineList.indexOf(id)); // of hearts and captions
  opened.clear();
});

// `url_state.js` keeps the place with the scroll position, and comes back to it.
album.anchor = here;
album.anchored = (anchor) => goal && plan?.length && anchor?.id === goal.anchor.id && anchor.address === address
  ? atTop() + topOf(goal) : undefined;
let frame = 0;
window.addEventListener('scroll', () => {
  if (!shell || !plan || !root.offsetWidth) return;
  rail.wake();
  frame ||= requestAnimationFrame(() => { frame = 0; render(); });
}, { passive: true });
canvas.addEventListener('focusin', () => { if (plan) rove(-canvas.getBoundingClientRect().top); });
new ResizeObserver(relay).observe(root);
window.addEventListener('resize', relay);
watch('value', mount);
mount();
}
