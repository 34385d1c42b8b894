// Address and history of the browser follow the page. Back and Forward request it again.
// The component of this script defines props, watch and KEYS.

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

let shown = null; // address of the last answer, null before the first
let asked = written(location.search); // address that the browser requests, until it is answered
let patience = 0; // timer that ends the wait for it
let place = window.scrollY; // scroll position at the last action
let leaving = false; // going back from a closed photo takes a moment
let moved = true; // whether the answer draws other tiles
let returning = 0; // frames left to restore the position
let gestures = 0; // of the person: keys and taps
let pushed = {}; // kind and gesture of the newest entry

const keep = (state) => history.replaceState({ ...history.state, ...state }, '');
const addressOf = (query) => {
  const all = new URLSearchParams(query);
  // Foreign parameters, such as the theme, stay unchanged.
  new URLSearchParams(location.search).forEach((value, key) => {
    if (!KEYS.includes(key)) all.append(key, value);
  });
  return location.pathname + (String(all) && '?' + all) + location.hash;
};

// The timeline knows its place better than by pixels, whatever the width of the window is by now.
const anchored = () => {
  const anchor = album.anchor?.();
  return anchor ? { place, anchor } : { place };
};

const push = (kind, address, state) => {
  keep(anchored());
  // One tap that changes both tab and search makes one entry.
  const merges = pushed.gesture === gestures && pushed.kind !== kind;
  history[merges ? 'replaceState' : 'pushState'](state, '', address);
  pushed = { kind, gesture: gestures };
};

const returnTo = (place) => {
  returning = 60; // tiles take a moment to render
  const step = () => {
    if (!returning--) { returning = 0; return; }
    const top = album.anchored?.(history.state?.anchor) ?? place;
    window.scrollTo(0, top);
    if (Math.abs(window.scrollY - top) > 1 || returning > 50) requestAnimationFrame(step);
    else returning = 0;
  };
  requestAnimationFrame(step);
};

const arrive = () => {
  // The entry exists already. The answer may lack parts, such as a deleted photo.
  clearTimeout(patience);
  asked = null;
  if (shown !== written(location.search)) history.replaceState(history.state, '', addressOf(shown));
  if (moved && history.state?.place !== undefined) returnTo(history.state.place);
  moved = true;
};

const follow = (query) => {
  shown = query;
  clearTimeout(patience);
  if (leaving) return; // answers on the way back are handled afterwards
  if (asked !== null) {
    // Results may come before the open photo.
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
    push('search', addressOf(query), { from: now });
    if (changed('rest')) window.scrollTo(0, place = 0);
  }
  if (changed('p')) window.dispatchEvent(new CustomEvent('album-asked', { detail: query }));
};

const settle = () => {
  // While the lightbox waits for its answer, addresses are of photos that were passed.
  if (album.photoIsAsked?.()) return;
  // A session without a query has the empty address.
  const query = written(props.value || '');
  if (query !== shown) follow(query);
};
watch('value', settle);
album.settleAddress = settle;
// The lightbox opens, turns and closes photos before the server answers.
album.showPhotoInAddress = (id) => {
  if (asked !== null) return;
  const query = own(location.search);
  if (id === null) query.delete('photo'); else query.set('photo', id);
  follow(written('?' + query));
};

if (!album.travels) {
  album.travels = true;
  history.scrollRestoration = 'manual';
  // Before the click is handled, since it may scroll the page.
  for (const gesture of ['pointerdown', 'keydown']) {
    document.addEventListener(gesture, (event) => {
      if (!event.isTrusted) return;
      gestures++;
      place = window.scrollY;
      returning = 0;
      asked = null; // later answers belong to this request
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
      if (returning || asked !== null && asked !== (shown ?? '')) return;
      place = window.scrollY;
      keep({ anchor: null, ...anchored() });
    }, 200);
  });
  window.addEventListener('popstate', () => {
    clearTimeout(resting);
    showTab();
    const wanted = written(location.search);
    if (leaving && wanted !== shown) {
      leaving = false;
      asked = null;
      follow(shown);
      return;
    }
    if (!leaving && !own(location.search).get('photo')) album.leavePhoto?.();
    leaving = false;
    const waits = asked !== null; // its answer would undo this step
    asked = wanted;
    // Where only the photo differs, the tiles have not moved.
    moved = shown === null || without(wanted, 'photo') !== without(shown, 'photo');
    if (wanted === shown && !waits) arrive(); else album.ask('?' + wanted);
  });
  startTabs();
}
