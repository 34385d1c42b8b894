// The map of the album on a canvas: dots from afar, and small photos where they fit.
// World coordinates are those of the positions, 0 to 1 on both axes. `scale` is the height of the
// world in CSS pixels, `scale * aspect` its width, and (left, top) the place of its corner on the
// canvas. It is as wide as the canvas, since both axes of the map mean nothing.

const CELL = innerWidth < 700 ? 44 : 72; // a photo is drawn in each cell of so many pixels, up to twice that
const FILL = 0.72;          // share of a cell that its photo takes
const BUCKETS = 128;        // of the spatial index, on each axis
const MOST_DOTS = 20000;    // more of them come from a picture of all dots
const DOTS_PX = 2048;       // its size
const KEPT_IMAGES = 600;    // the longest unused are forgotten
const LOADING = 8;          // images at once
const ROWS_AT_ONCE = 100;
const CLICK_PX = 5;
const MOST_LISTED = 500;    // photos to walk through from one that was opened

class AlbumMap {
  constructor(section, before) {
    this.section = section;
    this.before = before; // the map that this one replaces, when photos have arrived
    this.frame = section.querySelector('.map-frame');
    this.canvas = section.querySelector('canvas');
    this.says = section.querySelector('.map-says');
    this.themes = JSON.parse(section.dataset.themes);
    this.rows = new Map();      // what is known of photos by id, or null while it is asked for
    this.images = new Map();    // by id, the last used at the end
    this.loading = 0;
    this.pointers = new Map();
    this.left = this.top = 0;
    this.scale = 0;
    this.stopped = new AbortController();
    this.listen();
    this.load();
  }

  stop() {
    this.stopped.abort();
    this.watcher?.disconnect();
    this.images.clear();
  }

  // Data

  async load() {
    try {
      const answer = await fetch('discover/map', {signal: this.stopped.signal});
      if (!answer.ok) throw new Error(answer.status);
      this.read(await answer.arrayBuffer());
    } catch (error) {
      if (error.name !== 'AbortError') this.says.textContent = this.section.dataset.failed;
      return;
    }
    this.nameThemes();
    if (this.before?.scale) this.show(this.before); else this.fit();
    this.before = null;
    this.canvas.dataset.ready = this.n;
  }

  read(buffer) {
    // uint32: photos; then ids, places on both axes, and themes, a column each.
    const n = this.n = new DataView(buffer).getUint32(0, true);
    this.ids = new Uint32Array(buffer, 4, n);
    this.x = new Uint16Array(buffer, 4 + 4 * n, n);
    this.y = new Uint16Array(buffer, 4 + 6 * n, n);
    this.theme = new Uint16Array(buffer, 4 + 8 * n, n);
    // Photos by bucket, and in each bucket by a number that is drawn from their id.
    const bucket = (at) => (this.y[at] * BUCKETS >> 16) * BUCKETS + (this.x[at] * BUCKETS >> 16);
    this.starts = new Uint32Array(BUCKETS * BUCKETS + 1);
    for (let at = 0; at < n; at++) this.starts[bucket(at) + 1]++;
    for (let b = 0; b < BUCKETS * BUCKETS; b++) this.starts[b + 1] += this.starts[b];
    const next = this.starts.slice();
    this.order = new Uint32Array(n);
    for (let at = 0; at < n; at++) this.order[next[bucket(at)]++] = at;
    this.rank = new Uint32Array(n);
    for (let at = 0; at < n; at++) this.rank[at] = Math.imul(this.ids[at], 2654435761) >>> 0;
    this.chosen = new Map(); // photos of whole levels
    this.dots = null;
  }

  *within(x0, y0, x1, y1) { // photos in a part of the world
    const clamp = (value) => Math.min(BUCKETS - 1, Math.max(0, Math.floor(value * BUCKETS)));
    for (let row = clamp(y0); row <= clamp(y1); row++) {
      const from = this.starts[row * BUCKETS + clamp(x0)];
      const to = this.starts[row * BUCKETS + clamp(x1) + 1];
      for (let place = from; place < to; place++) yield this.order[place];
    }
  }

  async know(ids) { // fetch what is not known yet of these photos
    const lacking = ids.filter((id) => !this.rows.has(id)).slice(0, ROWS_AT_ONCE);
    if (!lacking.length) return;
    if (this.rows.size > 20 * KEPT_IMAGES) this.rows.clear();
    lacking.forEach((id) => this.rows.set(id, null));
    try {
      const answer = await fetch('discover/photos?ids=' + lacking, {signal: this.stopped.signal});
      const rows = answer.ok ? await answer.json() : [];
      rows.forEach((row) => this.rows.set(row.id, row));
      if (!answer.ok) lacking.forEach((id) => this.rows.delete(id));
    } catch { lacking.forEach((id) => this.rows.delete(id)); return; }
    this.draw();
  }

  image(id) { // the image of a photo if it is there, which is asked for otherwise
    const image = this.images.get(id);
    if (image) {
      this.images.delete(id);
      this.images.set(id, image);
      return image.complete && image.naturalWidth ? image : null;
    }
    const row = this.rows.get(id);
    if (!row || this.loading >= LOADING) { this.waits = true; return null; }
    const fresh = new Image();
    this.loading++;
    fresh.onload = fresh.onerror = () => { this.loading--; this.draw(); };
    fresh.src = `photos/${id}/thumbnail?v=${row.version}`;
    this.images.set(id, fresh);
    for (const old of this.images.keys()) {
      if (this.images.size <= KEPT_IMAGES) break;
      this.images.delete(old);
    }
    return null;
  }

  // View

  get width() { return this.canvas.clientWidth; }
  get height() { return this.canvas.clientHeight; }
  get least() { return Math.min(this.height, this.width / this.aspect); }
  get aspect() { return Math.min(1.8, Math.max(.6, this.width / Math.max(1, this.height))); }
  get part() { // of the world that is in sight: left, top, right, bottom
    const w = this.scale * this.aspect;
    return [-this.left / w, -this.top / this.scale, (this.width - this.left) / w, (this.height - this.top) / this.scale];
  }
  get most() { return Math.max(3000, 260 * Math.sqrt(this.n)); }

  show({left, top, scale}) { // the same part of the world
    Object.assign(this, {left, top, scale: Math.max(scale, this.least)});
    this.keepInSight();
    this.draw();
  }

  fit() {
    this.scale = this.least;
    this.left = (this.width - this.scale * this.aspect) / 2;
    this.top = (this.height - this.scale) / 2;
    this.draw();
  }

  zoom(by, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(this.most, Math.max(this.least, this.scale * by));
    this.left = x - (x - this.left) * scale / this.scale;
    this.top = y - (y - this.top) * scale / this.scale;
    this.scale = scale;
    this.keepInSight();
    this.draw();
  }

  step(by) { // around the photo nearest to the middle, so that nobody comes close to nothing
    const at = this.n ? this.nearest(this.width / 2, this.height / 2, Infinity) : -1;
    this.zoom(by, ...(at < 0 ? [] : this.at(at)));
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.keepInSight();
    this.draw();
  }

  keepInSight() { // some of the map stays in the middle of the canvas
    const limit = (corner, size, world) => Math.min(size / 2, Math.max(size / 2 - world, corner));
    this.left = limit(this.left, this.width, this.scale * this.aspect);
    this.top = limit(this.top, this.height, this.scale);
  }

  centre(x, y, scale) {
    this.scale = Math.min(this.most, Math.max(this.scale, scale));
    this.left = this.width / 2 - x * this.scale * this.aspect;
    this.top = this.height / 2 - y * this.scale;
    this.draw();
  }

  // Drawing

  draw() {
    if (this.drawing || this.stopped.signal.aborted) return;
    this.drawing = requestAnimationFrame(() => { this.drawing = 0; this.paint(); });
  }

  paint() {
    if (!this.n || !this.scale || !this.width) return;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, {width: w, height: h});
    const context = this.canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.dark = document.body.classList.contains('dark');
    this.paintDots(context, this.part);
    this.paintPhotos(context, this.part);
    this.placeNames();
  }

  colour(theme) {
    const hue = (theme * 137.508) % 360;
    return this.dark ? `hsl(${hue} 45% 62%)` : `hsl(${hue} 42% 46%)`;
  }

  paintDots(context, part) {
    const radius = Math.min(3.5, Math.max(1.1, 90 / Math.sqrt(this.n))) * Math.min(2, Math.sqrt(this.scale / this.least));
    const share = Math.max(0, Math.min(1, part[2]) - Math.max(0, part[0])) * Math.max(0, Math.min(1, part[3]) - Math.max(0, part[1]));
    if (this.n * share > MOST_DOTS) {
      context.drawImage(this.allDots(radius), this.left, this.top, this.scale * this.aspect, this.scale);
      return;
    }
    let last = -1;
    for (const at of this.within(...part)) {
      if (this.theme[at] !== last) context.fillStyle = this.colour(last = this.theme[at]);
      const [x, y] = this.at(at);
      if (radius < 2) { context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius); continue; }
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fill();
    }
  }

  allDots(radius) { // once, since a frame cannot draw hundreds of thousands
    if (this.dots?.dark === this.dark) return this.dots.picture;
    const picture = Object.assign(document.createElement('canvas'), {width: DOTS_PX, height: DOTS_PX});
    const context = picture.getContext('2d');
    const size = Math.max(1, radius * DOTS_PX / this.least);
    context.globalAlpha = 0.7;
    for (let theme = 0; theme < 256; theme++) { // a colour after the other
      context.fillStyle = this.colour(theme);
      for (const at of (this.byTheme ??= this.grouped())[theme] ?? []) {
        context.fillRect(this.x[at] * DOTS_PX / 65536 - size / 2, this.y[at] * DOTS_PX / 65536 - size / 2, size, size);
      }
    }
    this.dots = {picture, dark: this.dark};
    return picture;
  }

  grouped() {
    const groups = [];
    for (let at = 0; at < this.n; at++) (groups[this.theme[at]] ??= []).push(at);
    return groups;
  }

  at(place) {
    return [this.left + (this.x[place] + .5) / 65536 * this.scale * this.aspect, this.top + (this.y[place] + .5) / 65536 * this.scale];
  }

  level() { // cells halve with each level, and are CELL to twice that on the screen
    return Math.max(0, Math.floor(Math.log2(this.scale / CELL)));
  }

  cells(level) { return [Math.max(1, Math.round(2 ** level * this.aspect)), 2 ** level]; }

  photosOf(level, part) { // a photo for each cell of the level that is in sight
    const [across, down] = this.cells(level);
    const choose = (places) => {
      const best = new Map();
      for (const at of places) {
        const cell = Math.floor(this.y[at] / 65536 * down) * across + Math.floor(this.x[at] / 65536 * across);
        const other = best.get(cell);
        if (other === undefined || this.rank[at] < this.rank[other]) best.set(cell, at);
      }
      return best;
    };
    if (this.n * (part[2] - part[0]) * (part[3] - part[1]) < MOST_DOTS) return choose(this.within(...part));
    const key = `${level} ${across}`; // a resized canvas has other cells
    if (!this.chosen.has(key)) {
      if (this.chosen.size > 12) this.chosen.clear();
      this.chosen.set(key, choose(this.order));
    }
    return this.chosen.get(key);
  }

  paintPhotos(context, part) {
    const level = this.level(), [across, down] = this.cells(level);
    const size = this.scale / down * FILL;
    const middle = (value, cells, world) => (Math.floor(value / 65536 * cells) + .5) * world / cells;
    this.drawn = [];
    this.waits = false;
    const wanted = [];
    for (const at of this.photosOf(level, part).values()) {
      // Between its own place and the middle of its cell, so that neighbours do not overlap.
      const [ownX, ownY] = this.at(at);
      const x = .35 * ownX + .65 * (this.left + middle(this.x[at], across, this.scale * this.aspect));
      const y = .35 * ownY + .65 * (this.top + middle(this.y[at], down, this.scale));
      if (x < -size || y < -size || x > this.width + size || y > this.height + size) continue;
      wanted.push(this.ids[at]);
      this.drawn.push({at, x, y, size});
    }
    for (const {at, x, y} of this.drawn) {
      const image = this.image(this.ids[at]);
      if (!image) continue;
      const side = Math.min(image.naturalWidth, image.naturalHeight);
      context.save();
      context.beginPath();
      context.roundRect(x - size / 2, y - size / 2, size, size, 5);
      context.clip();
      context.drawImage(image, (image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side,
        x - size / 2, y - size / 2, size, size);
      context.restore();
      context.strokeStyle = this.colour(this.theme[at]);
      context.lineWidth = 2;
      context.stroke();
    }
    this.know(wanted);
  }

  nameThemes() {
    const names = this.section.querySelector('.map-names');
    this.names = this.themes.map((theme) => {
      const link = document.createElement('a');
      const textContent = theme.name + (theme.sure ? '' : '?');
      Object.assign(link, {href: `?theme=${theme.key}`, textContent, tabIndex: -1});
      link.dataset.ask = '';
      link.classList.toggle('unsure', !theme.sure);
      link.setAttribute('aria-hidden', 'true'); // the list below says the same
      names.append(link);
      return {theme, link};
    });
  }

  placeNames() { // of names that would overlap, the first is shown
    const taken = [];
    for (const name of this.names) {
      name.width ??= name.link.offsetWidth;
      name.height ??= name.link.offsetHeight;
      const x = this.left + name.theme.x * this.scale * this.aspect - name.width / 2;
      const y = this.top + name.theme.y * this.scale - name.height / 2;
      const inside = x > 0 && y > 0 && x + name.width < this.width && y + name.height < this.height;
      const free = inside && taken.every((it) => x > it.x + it.w + 4 || it.x > x + name.width + 4
        || y > it.y + it.h + 2 || it.y > y + name.height + 2);
      name.link.style.visibility = free ? 'visible' : 'hidden';
      name.link.style.transform = `translate(${x}px, ${y}px)`;
      if (free) taken.push({x, y, w: name.width, h: name.height});
    }
  }

  // Hands

  listen() {
    const on = (target, kind, then, options = {}) => {
      target.addEventListener(kind, then, {signal: this.stopped.signal, ...options});
    };
    on(this.canvas, 'wheel', (event) => {
      event.preventDefault();
      const lines = event.deltaMode ? 24 : 1;
      this.zoom(Math.exp(-event.deltaY * lines * .0016), event.offsetX, event.offsetY);
    }, {passive: false});
    on(this.canvas, 'pointerdown', (event) => {
      if (event.button) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
      if (this.pointers.size === 1) this.moved = 0;
    });
    on(this.canvas, 'pointermove', (event) => this.onMove(event));
    on(this.canvas, 'pointerup', (event) => {
      if (this.pointers.delete(event.pointerId) && !this.pointers.size && this.moved < CLICK_PX) {
        this.open(this.nearest(event.offsetX, event.offsetY));
      }
    });
    on(this.canvas, 'pointercancel', (event) => this.pointers.delete(event.pointerId));
    on(this.canvas, 'keydown', (event) => this.onKey(event));
    for (const button of this.section.querySelectorAll('[data-zoom]')) {
      on(button, 'click', () => {
        if (button.dataset.zoom === 'all') this.fit(); else this.step(button.dataset.zoom === 'in' ? 2 : .5);
      });
    }
    this.watcher = new ResizeObserver(() => {
      if (!this.scale || !this.width) return;
      if (this.scale < this.least) this.fit(); else { this.keepInSight(); this.draw(); }
    });
    this.watcher.observe(this.frame);
    const theme = new MutationObserver(() => this.draw());
    theme.observe(document.body, {attributes: true, attributeFilter: ['class']});
    this.stopped.signal.addEventListener('abort', () => theme.disconnect());
  }

  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.canvas.style.cursor = this.n && this.nearest(event.offsetX, event.offsetY) >= 0 ? 'pointer' : 'grab';
      return;
    }
    const others = [...this.pointers.values()].filter((it) => it.pointerId !== event.pointerId);
    const [dx, dy] = [event.offsetX - before.offsetX, event.offsetY - before.offsetY];
    this.moved += Math.abs(dx) + Math.abs(dy);
    this.pointers.set(event.pointerId, event);
    if (!others.length) { if (this.moved >= CLICK_PX) this.pan(dx, dy); return; }
    const [other] = others;
    const far = (it) => Math.hypot(it.offsetX - other.offsetX, it.offsetY - other.offsetY);
    this.pan(dx / 2, dy / 2);
    this.zoom(far(event) / Math.max(1, far(before)), (event.offsetX + other.offsetX) / 2, (event.offsetY + other.offsetY) / 2);
    this.moved = CLICK_PX;
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.n) return;
    const step = 80;
    const act = {
      ArrowLeft: () => this.pan(step, 0), ArrowRight: () => this.pan(-step, 0),
      ArrowUp: () => this.pan(0, step), ArrowDown: () => this.pan(0, -step),
      '+': () => this.step(1.5), '=': () => this.step(1.5), '-': () => this.step(1 / 1.5),
      '0': () => this.fit(), Home: () => this.fit(),
      Enter: () => this.open(this.nearest(this.width / 2, this.height / 2, Infinity)),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  nearest(x, y, reach = 14) { // the photo at a place of the canvas, or -1
    const under = this.drawn?.findLast((it) => Math.abs(it.x - x) <= it.size / 2 && Math.abs(it.y - y) <= it.size / 2
      && this.images.get(this.ids[it.at])?.naturalWidth);
    if (under) return under.at;
    const [wx, wy] = [(x - this.left) / this.scale / this.aspect, (y - this.top) / this.scale];
    const r = Math.min(reach, Math.max(this.width, this.height)) / this.scale / Math.min(1, this.aspect);
    let best = -1, least = reach ** 2;
    for (const at of this.within(wx - r, wy - r, wx + r, wy + r)) {
      const [px, py] = this.at(at);
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < least) { least = far; best = at; }
    }
    return best;
  }

  open(at) {
    if (at < 0) return;
    if (album.openPhoto) album.openPhoto(this.listFrom(at), 0);
    else album.ask(`?view=map&photo=${this.ids[at]}`);
  }

  listFrom(at) { // the photos in sight, from one of them to those further and further away
    const far = (it) => (this.x[it] - this.x[at]) ** 2 + (this.y[it] - this.y[at]) ** 2;
    let places = [...this.within(...this.part)];
    if (places.length > 20 * MOST_LISTED) places = places.filter((it, i) => it === at || i % Math.ceil(places.length / (20 * MOST_LISTED)) === 0);
    places = places.map((it) => [far(it), it]).sort((a, b) => a[0] - b[0]).slice(0, MOST_LISTED).map((it) => it[1]);
    if (places[0] !== at) places = [at, ...places.filter((it) => it !== at)];
    const ids = places.map((it) => this.ids[it]);
    return {
      length: ids.length,
      at: async (index) => {
        const id = ids[index];
        if (!this.rows.get(id)) {
          const near = ids.slice(Math.max(0, index - 5), index + 20).filter((it) => !this.rows.get(it));
          const answer = await fetch('discover/photos?ids=' + near);
          if (answer.ok) (await answer.json()).forEach((row) => this.rows.set(row.id, row));
        }
        return this.rows.get(id) ?? {id, version: '', width: 0, height: 0, alt: ''};
      },
      indexOf: (id) => ids.indexOf(Number(id)),
      reveal: (id) => {
        const place = places[ids.indexOf(Number(id))];
        if (place !== undefined) {
          const [x, y] = this.at(place);
          const inside = x > 0 && y > 0 && x < this.width && y < this.height;
          if (!inside) this.centre(this.x[place] / 65536, this.y[place] / 65536, this.scale);
        }
        this.canvas.focus({preventScroll: true});
      },
    };
  }
}
