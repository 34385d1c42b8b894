// The lightbox: opens, turns and closes photos at once, and tells the server which one is open.
// SETTINGS has the words of both languages. `element` is the stage.

const box = document.getElementById('lightbox');
const stage = element.querySelector('.stage');
const frame = element.querySelector('#photo-image');
const drawer = () => document.getElementById('photo-panel');
const part = (name) => box.querySelector(`[data-part="${name}"]`);
const tags = (navigator.languages || [navigator.language]).map((it) => it.slice(0, 2));
const words = SETTINGS.words[tags.find((it) => it in SETTINGS.words) || 'en'];
const fill = (text, values) => text.replace(/\{(\w+)(?::,)?\}/g, (_, key) =>
  typeof values[key] === 'number' ? values[key].toLocaleString(tags[0]) : values[key]);

const QUICK_MS = 250; // steps that follow each other faster than this skip large views
const REST_MS = 150; // a photo that was reached quickly gets its large view after this rest
const RETRY_MS = 1500;
const DRAWER = 'album-drawer'; // in the storage of the browser
const THUMBNAIL_PX = 320; // shorter side of a thumbnail

let list = null, index = 0, photo = null; // what is open
let turn = 0; // counts the photos shown, so that late images and data are known as such
let steppedAt = 0, direction = 1, turning = false;
let opener = null; // what had the keyboard focus before
let ahead = new Map(); // images that are loaded ahead, by address
let waits = 0; // timer of a large view
let filled = null; // id of the photo that the drawer shows

const isOpen = () => box.classList.contains('open');
album.photoIsOpen = isOpen;

// The server: requests are numbered. A command that is older than the last answer, or that comes
// while a request is unanswered, is about what was before it.
let asked = 0, answered = 0, answeredAt = 0;

function tell(id) {
  album.tellPhoto({ asked: ++asked, photo: id });
}

album.photoIsAsked = () => answered < asked;
album.requestIsLost = () => { answered = asked; album.settleAddress?.(); };

album.photoIsTold = (answer) => {
  answered = Math.max(answered, answer.asked);
  answeredAt = answer.at;
  takeFacts(answer.photo);
  album.settleAddress?.();
};

album.photoIsCommanded = (command) => {
  if (answered < asked || command.at < answeredAt) return;
  if (!command.photo) { if (isOpen()) close({ toServer: false }); return; }
  filled = command.photo.id;
  if (!turning && (!isOpen() || photo?.id !== filled)) {
    const known = album.results?.();
    const at = known ? known.indexOf(command.photo.id) : -1;
    begin(at < 0 ? listOfOne(command.photo) : known, Math.max(0, at), command.photo);
    findList();
  }
  takeFacts(command.photo);
};

/** The drawer shows this photo now. */
function takeFacts(told) {
  filled = told?.id ?? null;
  isDrawerLate();
  if (!told || !photo || told.id !== photo.id) return;
  photo.gone = told.gone;
  if (photo.alt !== told.alt) {
    photo.alt = told.alt;
    const image = frame.querySelector('img');
    if (image) image.alt = told.alt;
    announce();
  }
  explain();
}

/** Nobody writes about one photo under the image of another. */
function isDrawerLate() {
  const late = photo !== null && filled !== photo.id;
  box.classList.toggle('late', late);
  drawer().inert = late;
}

// Opening and closing

album.openPhoto = (photos, at) => {
  if (!(at >= 0 && at < photos.length)) return;
  opener = document.activeElement;
  begin(photos, at);
};

/** The browser went to an address without a photo. */
album.leavePhoto = () => {
  if (isOpen()) close({ isInAddress: true, toServer: answered < asked });
};

album.closePhoto = () => { if (isOpen()) close({ reveals: false }); };

function begin(photos, at, known = null) {
  list = photos;
  direction = 1;
  steppedAt = 0;
  if (!isOpen()) {
    box.classList.add('open');
    box.classList.remove('bare');
    const root = document.documentElement;
    root.style.setProperty('--scrollbar', `${innerWidth - root.clientWidth}px`);
    root.classList.add('lightbox-open');
    restrain(true);
    label(part('hide'), 'hide', '');
    drawer().setAttribute('role', 'region');
    drawer().setAttribute('aria-label', words.info);
    setDrawer(remembersDrawer(), false);
    box.focus({ preventScroll: true });
  }
  show(at, known);
}

/** Keeps all but the lightbox and the messages of the page out of reach, or lets it be again. */
function restrain(closed) {
  for (let inner = box; inner.parentElement && inner !== document.body; inner = inner.parentElement) {
    for (const other of inner.parentElement.children) {
      if (other === inner || other.matches('script, style, link, [class*=toast]')) continue;
      if (closed && !other.inert) { other.inert = true; other.dataset.restrained = ''; }
      if (!closed && 'restrained' in other.dataset) { other.inert = false; delete other.dataset.restrained; }
    }
  }
}

function close({ toServer = true, isInAddress = false, reveals = true } = {}) {
  endShow();
  if (document.fullscreenElement) document.exitFullscreen?.().catch(() => {});
  turn++;
  clearTimeout(waits);
  const { id } = photo ?? {};
  const from = list;
  if (box.contains(document.activeElement)) document.activeElement.blur(); // a caption is kept
  drop(frame.querySelector('img'));
  for (const image of ahead.values()) drop(image);
  ahead = new Map();
  frame.replaceChildren();
  list = photo = null;
  box.classList.remove('open', 'late');
  document.documentElement.classList.remove('lightbox-open');
  restrain(false);
  if (toServer) tell(null);
  if (toServer && !isInAddress) album.showPhotoInAddress?.(null);
  document.dispatchEvent(new CustomEvent('photo-closed', { detail: id }));
  if (!reveals) return;
  // After new results are drawn, if those closed the photo.
  requestAnimationFrame(() => requestAnimationFrame(async () => {
    if (isOpen() || (from && (await from.reveal(id)) !== false)) return undefined;
    if (album.results?.()?.reveal(id)) return undefined;
    if (opener?.isConnected) return opener.focus({ preventScroll: true });
    const heading = document.getElementById('heading');
    if (!heading || document.activeElement !== document.body) return undefined;
    heading.tabIndex = -1;
    return heading.focus({ preventScroll: true });
  }));
}

// The photo

async function show(at, known = null) {
  const mine = ++turn;
  index = at;
  clearTimeout(waits);
  let next = known ?? list.at(at);
  if (next instanceof Promise) {
    describe();
    next = await next.catch(() => null);
    if (mine !== turn) return;
  }
  if (!next) return close();
  photo = { ...next };
  photo.unknown = !(photo.width && photo.height);
  if (photo.unknown) photo.width = photo.height = 1; // until the image tells its shape
  const quick = performance.now() - steppedAt < QUICK_MS;
  steppedAt = performance.now();
  draw(quick);
  describe();
  announce();
  isDrawerLate();
  document.dispatchEvent(new CustomEvent('photo-open', { detail: photo.id }));
  if (filled === photo.id && answered === asked) return;
  tell(photo.id);
  album.showPhotoInAddress?.(photo.id);
}

/** Stops the loading of an image that nobody waits for. */
function drop(image) {
  if (image && !image.complete) image.removeAttribute('src');
}

function newImage(of) {
  const image = new Image();
  image.draggable = false;
  image.alt = of.alt;
  // What is known of the photo already, until the large view is here.
  image.style.backgroundImage = `url("${addressOf(of, 'thumbnail')}")`;
  return image;
}

function draw(quick) {
  const mine = turn;
  const address = addressOf(photo, 'large');
  const before = frame.querySelector('img');
  const kept = ahead.get(address);
  if (before !== kept) drop(before);
  const image = kept ?? newImage(photo);
  ahead.delete(address);
  for (const [other, loading] of ahead) {
    if (quick) { drop(loading); ahead.delete(other); }
  }
  image.alt = photo.alt;
  frame.replaceChildren(image);
  zoom.show(photo, image);
  box.classList.toggle('loading', !isLoaded(image));
  image.onload = () => { if (mine === turn) isHere(image); };
  image.onerror = () => { if (mine === turn && image.hasAttribute('src')) retry(image, address); };
  if (isLoaded(image)) return isHere(image);
  explain();
  if (image.hasAttribute('src')) return undefined;
  if (quick) waits = setTimeout(() => { image.src = address; }, REST_MS);
  else image.src = address;
  return undefined;
}

const isLoaded = (image) => image.complete && image.naturalWidth > 0;

function isHere(image) {
  if (photo.unknown) {
    Object.assign(photo, { unknown: false, width: image.naturalWidth, height: image.naturalHeight });
    zoom.show(photo, image);
  }
  box.classList.remove('loading');
  image.style.backgroundImage = '';
  image.dataset.shown = '';
  explain();
  sharpen();
  lookAhead();
  if (playing) waitForSlide();
}

/** Tries once more, since the server may have been busy or a cached file just removed. */
function retry(image, address) {
  if (image.dataset.retried) {
    box.classList.remove('loading');
    note(words.broken);
    lookAhead();
    if (playing) waitForSlide();
    return;
  }
  image.dataset.retried = '1';
  waits = setTimeout(() => { image.removeAttribute('src'); image.src = address; }, RETRY_MS);
}

/** Says so where only a small picture can be shown. */
function explain() {
  const image = frame.querySelector('img');
  if (!image || !photo) return;
  const { naturalWidth: width, naturalHeight: height } = image;
  const wanted = Math.min(Math.max(photo.width, photo.height), SETTINGS.large_px);
  const small = isLoaded(image) && Math.min(width, height) <= THUMBNAIL_PX
    && Math.max(width, height) < 0.9 * wanted;
  const tiny = isLoaded(image) && Math.min(width, height) <= THUMBNAIL_PX;
  note(photo.gone && tiny ? words.gone : small ? words.small : '');
}

function note(text) {
  const line = part('note');
  if (line.textContent !== text) line.textContent = text;
}

/** Loads the photo in full resolution where the large view is not enough for the zoom. */
async function sharpen() {
  const mine = turn;
  const image = frame.querySelector('img');
  if (!image || !photo || image.dataset.sharp || !isLoaded(image) || photo.gone) return;
  const wanted = photo.width * zoom.share;
  if (zoom.fitted || image.naturalWidth >= photo.width || wanted < image.naturalWidth * 1.05) return;
  image.dataset.sharp = '1';
  const sharper = new Image();
  sharper.draggable = false;
  sharper.dataset.sharp = '1';
  sharper.src = addressOf(photo, 'full');
  box.classList.add('loading');
  try { await sharper.decode(); } catch { /* the large view stays */ }
  if (mine !== turn) return drop(sharper);
  box.classList.remove('loading');
  if (sharper.naturalWidth <= image.naturalWidth) return undefined;
  sharper.alt = photo.alt;
  sharper.dataset.shown = '';
  frame.replaceChildren(sharper);
  zoom.show(photo, sharper, true);
  return undefined;
}

/** Loads the neighbours ahead: the next one in the direction of travel first. */
async function lookAhead() {
  const mine = turn;
  const wanted = new Map();
  for (const at of [index + direction, index - direction]) {
    if (!list || at < 0 || at >= list.length) continue;
    const next = await Promise.resolve(list.at(at)).catch(() => null);
    if (mine !== turn) return;
    if (next) wanted.set(addressOf(next, 'large'), next);
  }
  for (const [address, image] of ahead) {
    if (!wanted.has(address)) { drop(image); ahead.delete(address); }
  }
  for (const [address, next] of wanted) {
    if (ahead.has(address)) continue;
    const image = newImage(next);
    image.src = address;
    ahead.set(address, image);
    await image.decode().catch(() => ahead.delete(address));
    if (mine !== turn) return;
  }
}

// Steps

/** Looks for the neighbours of a photo that was opened without any, such as by its address. */
async function findList() {
  const known = list?.isAlone ? album.results?.() : null;
  if (!known) return;
  const mine = turn;
  const at = await (known.locate?.(photo.id) ?? known.indexOf(photo.id));
  if (mine !== turn || at < 0 || !list) return;
  [list, index] = [known, at];
  describe();
  announce();
  lookAhead();
}

document.addEventListener('results-known', findList);

async function step(by) {
  if (!list || turning) return false;
  direction = by;
  await findList();
  if (!list) return false;
  const here = list.indexOf(photo?.id);
  return goTo((here < 0 ? index : here) + by);
}

async function goTo(at) {
  if (!list || turning) return false;
  if (at >= 0 && at < list.length) {
    if (at !== index) show(at);
    return true;
  }
  const way = at < 0 ? -1 : 1;
  if (!list.beyond) return false;
  turning = true;
  const mine = turn;
  box.classList.add('loading');
  const turned = await Promise.resolve(list.beyond(way)).catch(() => false);
  turning = false;
  if (mine !== turn) return false;
  box.classList.remove('loading');
  if (!turned || !list.length) return false;
  show(way > 0 ? 0 : list.length - 1);
  return true;
}

function describe() {
  const total = Math.max(list.total ?? 0, (list.before ?? 0) + list.length);
  const here = (list.before ?? 0) + index + 1;
  part('counter').textContent = fill(words.at, { n: here, total });
  for (const [name, isLast] of [['previous', here <= 1], ['next', here >= total]]) {
    const button = part(name);
    // A button that becomes disabled would lose the keyboard focus.
    if (isLast && document.activeElement === button) box.focus({ preventScroll: true });
    button.disabled = isLast;
  }
}

function announce() {
  const text = [part('counter').textContent, photo?.alt].filter(Boolean).join('. ');
  if (part('status').textContent !== text) part('status').textContent = text;
}

// The drawer

function remembersDrawer() {
  try { return localStorage.getItem(DRAWER) === 'open'; } catch { return false; }
}

function setDrawer(open, remember = true) {
  box.classList.toggle('drawer', open);
  part('info').setAttribute('aria-expanded', String(open));
  if (!open && drawer().contains(document.activeElement)) part('info').focus();
  if (!remember) return;
  try { localStorage.setItem(DRAWER, open ? 'open' : 'closed'); } catch { /* it is not kept */ }
}

const toggleDrawer = () => setDrawer(!box.classList.contains('drawer'));

// Full screen

function toggleFull() {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  else document.documentElement.requestFullscreen().catch(() => {});
}

document.addEventListener('fullscreenchange', () => {
  label(part('full'), document.fullscreenElement ? 'full_end' : 'full');
  part('full').setAttribute('aria-pressed', String(Boolean(document.fullscreenElement)));
});

// Slideshow: "" or "on" or "paused"
let playing = '', slide = 0, awake = null;

function waitForSlide() {
  clearTimeout(slide);
  if (playing === 'on') slide = setTimeout(nextSlide, SETTINGS.slide_s * 1000);
}

async function nextSlide() {
  const mine = turn;
  if (await step(1)) return;
  if (playing !== 'on' || mine !== turn) return;
  // The last photo: from the first one again, where all of them are at hand.
  if (list.length > 1 && !list.before && (list.total ?? 0) <= list.length) show(0);
  else endShow();
}

function play() {
  playing = 'on';
  box.classList.add('playing');
  box.classList.remove('paused');
  label(part('play'), 'pause', 's');
  part('status').textContent = words.playing;
  navigator.wakeLock?.request('screen').then((lock) => {
    if (playing) awake = lock; else lock.release();
  }).catch(() => {});
  waitForSlide();
}

function pause() {
  playing = 'paused';
  clearTimeout(slide);
  box.classList.add('paused');
  label(part('play'), 'resume', 's');
  part('status').textContent = words.paused;
}

function endShow() {
  if (!playing) return;
  playing = '';
  clearTimeout(slide);
  awake?.release();
  awake = null;
  box.classList.remove('playing', 'paused');
  label(part('play'), 'play', 's');
  announce();
}

// Words, buttons and keys

function label(button, key, shortcut = button.dataset.key) {
  button.setAttribute('aria-label', words[key]);
  button.title = shortcut ? `${words[key]} (${shortcut})` : words[key];
}

const zoom = makeZoom(frame, {
  step: (by) => { endShow(); step(by); },
  close: () => close(),
  up: () => setDrawer(true),
  tap: () => { if (playing) endShow(); else box.classList.toggle('bare'); },
  change: () => {
    const percent = `${Math.round(100 * zoom.share)} %`;
    part('percent').textContent = percent;
    part('percent').setAttribute('aria-label', fill(words.percent, { percent }));
    sharpen();
  },
});

const ACTIONS = {
  previous: () => step(-1),
  next: () => step(1),
  close: () => close(),
  zoom_in: () => zoom.zoomBy(1.5),
  zoom_out: () => zoom.zoomBy(1 / 1.5),
  percent: () => zoom.toggle(),
  full: toggleFull,
  play: () => { if (playing === 'on') pause(); else play(); },
  info: toggleDrawer,
  hide: () => setDrawer(false),
};
for (const name of Object.keys(ACTIONS)) {
  if (!['percent', 'hide'].includes(name)) label(part(name), name);
}
box.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-part]');
  if (!button) return;
  if (playing && button.dataset.part !== 'play') {
    endShow();
    if (button.dataset.part !== 'close') return;
  }
  ACTIONS[button.dataset.part]();
});
part('percent').title = words.actual;
part('full').hidden = !document.fullscreenEnabled;
box.setAttribute('role', 'dialog');
box.setAttribute('aria-modal', 'true');
box.setAttribute('aria-label', words.name);
box.tabIndex = -1;

const KEYS = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  PageDown: () => step(1),
  PageUp: () => step(-1),
  Home: () => { direction = 1; goTo(0); },
  End: () => { direction = -1; goTo(list.length - 1); },
  '+': ACTIONS.zoom_in,
  '=': ACTIONS.zoom_in,
  '-': ACTIONS.zoom_out,
  0: () => zoom.fit(),
  1: () => zoom.actual(),
  i: toggleDrawer,
  f: toggleFull,
  s: play,
};
const KOREAN = { ㅑ: 'i', ㄹ: 'f', ㄴ: 's' }; // the same keys of a Korean keyboard
const PAN = { ArrowRight: [-80, 0], ArrowLeft: [80, 0], ArrowDown: [0, -80], ArrowUp: [0, 80] };

function keepFocusInside(event) {
  const able = [...box.querySelectorAll('a[href], button, input, textarea, select, summary, [tabindex]')]
    .filter((it) => it.tabIndex >= 0 && !it.disabled && !it.closest('[inert]') && it.checkVisibility());
  const [first, last] = [able[0], able.at(-1)];
  const at = document.activeElement;
  if (!box.contains(at)) first?.focus();
  else if (event.shiftKey && (at === first || at === box)) last?.focus();
  else if (!event.shiftKey && at === last) first?.focus();
  else return;
  event.preventDefault();
}

if (!album.lightboxListens) {
  album.lightboxListens = true;
  document.addEventListener('keydown', (event) => {
    if (!isOpen() || event.isComposing) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (event.key === 'Tab') return keepFocusInside(event);
    const typing = at.closest('input, textarea, select, [role=listbox], [contenteditable]');
    if (playing) {
      // On the button of the slideshow, Enter and the space bar press it. Any other key ends it.
      if (at.closest('[data-part=play]') && ['Enter', ' '].includes(event.key)) return;
      if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      return endShow();
    }
    if (event.key === 'Escape') {
      if (at.closest('#labels')) return; // it closes the list of labels
      event.preventDefault();
      return close();
    }
    if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.shiftKey && PAN[event.key] && !zoom.fitted) {
      event.preventDefault();
      return zoom.pan(...PAN[event.key]);
    }
    if (event.repeat && 'ifs'.includes(event.key)) return;
    const action = KEYS[event.key] ?? KEYS[KOREAN[event.key] ?? event.key.toLowerCase()];
    // In the drawer, Home, End and the page keys scroll.
    if (!action || (at.closest('#photo-panel') && /^(Home|End|Page)/.test(event.key))) return;
    event.preventDefault();
    action();
  }, true);
  document.addEventListener('click', (event) => {
    const tile = event.target instanceof Element && event.target.closest(TILE);
    const container = tile && tile.closest('[data-photo-list]');
    if (!container) return;
    const photos = album.listOf(container);
    album.openPhoto(photos, photos.indexOf(Number(tile.dataset.photo)));
  });
}
