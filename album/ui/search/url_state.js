// The browser's address and history follow what is shown; Back and Forward ask for it again.
// `props`, `watch` and KEYS come from the component that carries this script.

const album = (window.album = window.album || {});
const own = (search) => {
  const all = new URLSearchParams(search);
  return new URLSearchParams(KEYS.filter((key) => all.get(key)).map((key) => [key, all.get(key)]));
};
const written = (search) => String(own(search));
const without = (search, ...keys) => {
  const rest = own(search);
  keys.forEach((key) => rest.delete(key));
  return String(rest);
};

let shown = null; // what the last answer showed; null until the first
let asked = written(location.search); // what the browser asks for, until it is answered
let patience = 0; // the timer that ends waiting for it
let place = window.scrollY; // where the reader was when they last did something
let leaving = false; // on the way back from a photo that was closed, which takes a moment
let returning = 0; // the frames left in which to find that place again

const keep = (state) => history.replaceState({ ...history.state, ...state }, '');
const addressOf = (query) => {
  const all = new URLSearchParams(query);
  // Parameters of others, such as the theme, stay as they are.
  new URLSearchParams(location.search).forEach((value, key) => {
    if (!KEYS.includes(key)) all.append(key, value);
  });
  return location.pathname + (String(all) && '?' + all) + location.hash;
};

const returnTo = (top) => {
  returning = 60; // the tiles take a moment to be there again
  const step = () => {
    if (!returning--) { returning = 0; return; }
    window.scrollTo(0, top);
    if (Math.abs(window.scrollY - top) > 1 || returning > 50) requestAnimationFrame(step);
    else returning = 0;
  };
  requestAnimationFrame(step);
};

const arrive = () => {
  // The entry is there already; the answer may be less than it asks for, as where a photo is gone.
  clearTimeout(patience);
  asked = null;
  if (shown !== written(location.search)) history.replaceState(history.state, '', addressOf(shown));
  if (history.state?.place !== undefined) returnTo(history.state.place);
};

const follow = (query) => {
  shown = query;
  clearTimeout(patience);
  if (leaving) return; // what is answered on the way back is followed from there
  if (asked !== null) {
    // The results may come first, and the open photo after them.
    if (query === asked) arrive(); else patience = setTimeout(arrive, 5000);
    return;
  }
  const now = written(location.search);
  if (query === now) return;
  const [last, photo] = [now, query].map((it) => own(it).get('photo'));
  const changed = (...but) => without(query, 'photo', ...but) !== without(now, 'photo', ...but);
  if (last && photo && !changed('p')) {
    // From photo to photo: one step back closes the last of them.
    history.replaceState(history.state, '', addressOf(query));
  } else if (last && !photo && !changed()) {
    // Closing is going back, so that Back does not open it once more.
    if (history.state?.from === query) { leaving = true; history.back(); }
    else history.replaceState(history.state, '', addressOf(query));
  } else {
    keep({ place });
    history.pushState({ from: now }, '', addressOf(query));
    if (changed('rest')) window.scrollTo(0, place = 0);
  }
  if (changed('p')) window.dispatchEvent(new CustomEvent('album-asked', { detail: query }));
};

watch('value', () => {
  // A session that shows nothing in particular has an address, too: the empty one.
  const query = written(props.value || '');
  if (query !== shown) follow(query);
});

if (!album.travels) {
  album.travels = true;
  history.scrollRestoration = 'manual';
  // Before the click is answered: what it opens may move the page.
  for (const gesture of ['pointerdown', 'keydown']) {
    document.addEventListener(gesture, (event) => {
      if (!event.isTrusted) return;
      place = window.scrollY;
      returning = 0;
      asked = null; // whatever is answered from now on is answered to this
      clearTimeout(patience);
    }, true);
  }
  for (const gesture of ['wheel', 'touchmove']) {
    document.addEventListener(gesture, () => { returning = 0; }, { capture: true, passive: true });
  }
  let resting;
  window.addEventListener('scroll', () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (asked === null && !returning) { place = window.scrollY; keep({ place }); }
    }, 200);
  });
  window.addEventListener('popstate', () => {
    clearTimeout(resting);
    const wanted = written(location.search);
    if (leaving && wanted !== shown) {
      leaving = false;
      asked = null;
      follow(shown);
      return;
    }
    leaving = false;
    asked = wanted;
    if (wanted === shown) arrive(); else album.ask('?' + wanted);
  });
}
