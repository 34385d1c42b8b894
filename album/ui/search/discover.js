// The place of themes and map. While themes are being found, it asks again.
let map = null;
let asking = 0;

function look() {
  const section = element.querySelector('.album-map');
  const before = map;
  if (map && map.section !== section) { map.stop(); map = null; }
  if (section && !map) map = new AlbumMap(section, before);
  wait();
}

function wait() { // an answer that is equal to the last changes nothing here
  clearTimeout(asking);
  if (!element.querySelector('[data-waits]')) return;
  asking = setTimeout(() => { trigger('load'); wait(); }, 2000);
}

new MutationObserver(look).observe(element, {childList: true, subtree: true});
look();
