// The place of themes and map. While themes are being found, it asks again.
let map = null;
let asking = 0;

function look() {
  const section = element.querySelector('.album-map');
  if (map && map.section !== section) { map.stop(); map = null; }
  if (section && !map) map = new AlbumMap(section);
  clearTimeout(asking);
  if (element.querySelector('[data-waits]')) asking = setTimeout(() => trigger('load'), 1500);
}

new MutationObserver(look).observe(element, {childList: true, subtree: false});
new MutationObserver(look).observe(element, {childList: true, subtree: true});
look();
