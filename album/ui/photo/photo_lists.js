// Photo lists: what the lightbox walks through. A list has `length`, `at(index)`, `indexOf(id)` and
// `reveal(id)`, and may have `beyond(step)`, `before` and `total` where it is a part of more photos,
// and `locate(id)` where it has to ask the server for the place of a photo.

const album = (window.album = window.album || {});
const TILE = 'button[data-photo]';

const addressOf = (photo, size) => `photos/${photo.id}/${size}?v=${photo.version}`;

/** What a tile tells about its photo. */
function photoOf(tile) {
  const { photo, version, width, height } = tile.dataset;
  const alt = tile.querySelector('img')?.alt ?? '';
  return { id: Number(photo), version, width: Number(width), height: Number(height), alt };
}

/** Puts the keyboard focus on a tile, and scrolls only if the tile is not in the window. */
function revealTile(tile) {
  tile.focus({ preventScroll: true });
  const box = tile.getBoundingClientRect();
  if (box.bottom <= 0 || box.top >= innerHeight) tile.scrollIntoView({ block: 'center' });
}

/** The list of the tiles in a container, as they are at each moment. */
album.listOf = (container) => {
  const name = container.dataset.photoList;
  const tiles = () => {
    // The server may have rendered the container again.
    if (!container.isConnected && name) {
      container = document.querySelector(`[data-photo-list="${CSS.escape(name)}"]`) ?? container;
    }
    return [...container.querySelectorAll(TILE)];
  };
  return {
    get length() { return tiles().length; },
    at: (index) => { const tile = tiles()[index]; return tile && photoOf(tile); },
    indexOf: (id) => tiles().findIndex((tile) => Number(tile.dataset.photo) === id),
    reveal(id) {
      const tile = tiles().find((it) => Number(it.dataset.photo) === id);
      if (tile) revealTile(tile);
      return Boolean(tile);
    },
  };
};

/** The list of one photo that no list of the page has. */
const listOfOne = (photo) => ({
  isAlone: true,
  length: 1,
  at: () => photo,
  indexOf: (id) => (id === photo.id ? 0 : -1),
  reveal: () => false,
});
