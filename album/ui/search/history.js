// Search history of this browser. Searches leave its storage only as the address that is opened.
// `element` is the component of this script, which also defines WORDS and KEPT.

const NAME = 'album-searches:' + location.pathname;
const PASSING = ['p', 'photo', 'sort', 'rest', 'burst'];
const tags = (navigator.languages || [navigator.language]).map((it) => it.slice(0, 2));
const words = WORDS[tags.find((it) => it in WORDS) || 'en'];
const box = () => document.querySelector('#query textarea, #query input');

const read = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME)) || [];
    return kept.filter((it) => new URLSearchParams(it.query).get('q'));
  } catch { return []; } // no storage, or data of another program in it
};
const write = (searches) => {
  let free = KEPT;
  const kept = searches.filter((it) => it.pinned || free-- > 0);
  try {
    if (kept.length) localStorage.setItem(NAME, JSON.stringify(kept));
    else localStorage.removeItem(NAME);
  } catch { /* a browser that keeps nothing */ }
  draw();
};

const make = (kind, values, ...children) => {
  const made = Object.assign(document.createElement(kind), values);
  made.append(...children);
  return made;
};
const button = (name, text, press) => {
  const made = make('button', { type: 'button', className: name, textContent: text });
  made.addEventListener('click', press);
  return made;
};

const countryName = (code) => {
  try { return code && new Intl.DisplayNames(tags, { type: 'region' }).of(code); } catch { return code; }
};
const told = (query) => {
  const all = new URLSearchParams(query);
  const either = (key, name) => all.get(key) && `${name}: ${all.get(key) === 'yes' ? words.with : words.without}`;
  const facts = [
    all.get('like') && words.like_photo,
    all.get('after') && `${words.after} ${all.get('after')}`,
    all.get('before') && `${words.before} ${all.get('before')}`,
    either('place', words.place),
    all.get('town') || countryName(all.get('country')),
    all.get('camera'),
    all.get('shape') && words[all.get('shape')],
    all.get('type'),
    either('caption', words.caption_filter),
    all.get('label'),
  ];
  return { text: all.get('q'), facts: facts.filter(Boolean).join(' · ') };
};

const list = make('ul', {});
const opener = button('opener', words.recent, () => open(panel.hidden));
const panel = make(
  'div', { id: 'recent-list', hidden: true }, list,
  make('p', {}, button('clear', words.recent_clear, clear), make('span', { textContent: words.recent_private })),
);
opener.setAttribute('aria-controls', panel.id);
element.replaceChildren(opener, panel);

function open(wanted) {
  panel.hidden = !wanted;
  opener.setAttribute('aria-expanded', String(wanted));
}
function clear() {
  open(false);
  write([]);
  box()?.focus();
}

function line(search) {
  const { text, facts } = told(search.query);
  const ask = button('ask', text, () => {
    open(false);
    opener.focus();
    window.album.ask('?' + search.query);
  });
  if (facts) ask.append(make('small', { textContent: facts }));
  const change = (then) => write(then(read().filter((it) => it.query !== search.query)));
  const pin = button('pin', search.pinned ? '★' : '☆', () => {
    change((others) => [{ ...search, pinned: !search.pinned }, ...others]);
    find(search.query, '.pin')?.focus();
  });
  pin.setAttribute('aria-pressed', String(Boolean(search.pinned)));
  const drop = button('drop', '×', () => {
    const at = lines().indexOf(row);
    change((others) => others);
    (lines()[at] || lines()[at - 1])?.querySelector('.drop').focus();
    if (!lines().length) box()?.focus();
  });
  for (const [it, label] of [[pin, words.recent_pin], [drop, words.recent_drop]]) {
    it.title = label.replace('{words}', text);
    it.setAttribute('aria-label', it.title);
  }
  const row = make('li', {}, ask, pin, drop);
  row.dataset.query = search.query;
  return row;
}
const lines = () => [...list.children];
const find = (query, part) => lines().find((it) => it.dataset.query === query)?.querySelector(part);

function draw() {
  const searches = read();
  const ordered = [...searches.filter((it) => it.pinned), ...searches.filter((it) => !it.pinned)];
  list.replaceChildren(...ordered.map(line));
  element.hidden = !ordered.length;
  if (!ordered.length) open(false);
}

open(false);
draw();

window.addEventListener('album-asked', (event) => {
  const all = new URLSearchParams(event.detail);
  if (!all.get('q')) return;
  PASSING.forEach((key) => all.delete(key));
  const query = String(all);
  const searches = read();
  const known = searches.find((it) => it.query === query);
  if (known?.pinned) return; // it stays in its place
  write([{ query }, ...searches.filter((it) => it !== known)]);
});
window.addEventListener('storage', (event) => { if (event.key === NAME || event.key === null) draw(); });

// Arrow keys go from the box into the list and through it, Escape goes back.
document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  const inBox = event.target === box();
  const inside = element.contains(event.target);
  if (event.key === 'Escape' && !panel.hidden && (inBox || inside)) {
    open(false);
    box()?.focus();
  } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && (inBox || inside) && !element.hidden) {
    if (inBox && (event.key === 'ArrowUp' || event.target.tagName === 'TEXTAREA' && event.target.value.includes('\n'))) return;
    open(true);
    const asks = lines().map((it) => it.querySelector('.ask'));
    const at = asks.indexOf(event.target.closest('li')?.querySelector('.ask'));
    const next = event.key === 'ArrowDown' ? Math.min(at + 1, asks.length - 1) : at - 1;
    (asks[next] || box())?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener('pointerdown', (event) => { if (!element.contains(event.target)) open(false); });
element.addEventListener('focusout', (event) => {
  if (event.relatedTarget && !element.contains(event.relatedTarget)) open(false);
});
