// One stop of the Tab key for a grid of photos, in which arrow keys, Home and End move.
// `grid` holds the tiles, which may be drawn again. What else stands in the box of a tile, such as
// a badge, is a stop only at the current tile.

window.album = window.album || {};
window.album.rove = (grid, tile, box) => {
  let current = null; // id of the photo
  const tiles = () => [...grid.querySelectorAll(tile)];
  const update = () => {
    const all = tiles();
    const stop = all.find((it) => it.dataset.photo === current) || all[0];
    for (const it of all) {
      for (const button of it.closest(box)?.querySelectorAll('button') ?? [it]) {
        button.tabIndex = it === stop ? 0 : -1;
      }
    }
  };
  const middle = (it) => {
    const { left, right } = it.getBoundingClientRect();
    return (left + right) / 2;
  };
  // The nearest tile of the next row up or down, since rows may have tiles of any width.
  const beside = (all, from, step) => {
    const { top, bottom } = from.getBoundingClientRect();
    const rows = all.filter((it) => {
      const box = it.getBoundingClientRect();
      return step > 0 ? box.top >= bottom - 1 : box.bottom <= top + 1;
    });
    const edge = rows[step > 0 ? 0 : rows.length - 1]?.getBoundingClientRect();
    const row = rows.filter((it) => Math.abs(it.getBoundingClientRect().top - edge.top) < 8);
    const near = (it) => Math.abs(middle(it) - middle(from));
    return row.sort((a, b) => near(a) - near(b))[0];
  };

  grid.addEventListener('focusin', (event) => {
    const it = event.target.closest(tile);
    if (!it || it.dataset.photo === current) return;
    current = it.dataset.photo;
    update();
  });
  grid.addEventListener('keydown', (event) => {
    const it = event.target.closest(tile);
    if (!it || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const all = tiles();
    const at = all.indexOf(it);
    const next = {
      ArrowRight: () => all[at + 1],
      ArrowLeft: () => all[at - 1],
      ArrowDown: () => beside(all, it, +1),
      ArrowUp: () => beside(all, it, -1),
      Home: () => all[0],
      End: () => all[all.length - 1],
    }[event.key]?.();
    if (next) { event.preventDefault(); next.focus(); }
  });
  new MutationObserver(update).observe(grid, { childList: true, subtree: true });
  update();
};
