// Layout of the timeline: where each photo of the album stands, from shapes and days alone. With
// 200,000 photos it takes some tens of milliseconds, so the height of the page is always true.
window.album = window.album || {};
window.album.timelineLayout = (() => {
  const GAP = 4; // between photos
  const MONTH = 52; // height of the heading of a month
  const DAY = 30; // of the heading of a day
  const AFTER = 12; // below the photos of a day
  const NARROWEST = 88; // a day is as wide as its heading
  const LEAST = 0.8; // a row may be so much lower than usual, to be as wide as the others
  const MOST = 1.3; // or so much higher
  const HIGHEST = 16_000_000; // pixels; browsers lose precision or stop beyond
  const RATIOS = Float32Array.from({ length: 256 }, (_, code) => // as `photo_table.ratio_codes`
    Math.min(3.5, Math.max(0.4, 2 ** ((code - 128) / 32))));

  const usualHeight = (width) => 110 + 90 * Math.min(1, Math.max(0, (width - 360) / 640));

  function lay(days, codes, width, usual) {
    const n = codes.length;
    const x = new Uint16Array(n);
    const w = new Uint16Array(n);
    const top = [], height = [], first = []; // of each row
    const heads = []; // {top, left, width, row, day, month}: a day, or a month
    const between = width < 600 ? 12 : 24; // days in one row
    let y = 0;

    const row = (from, rowHeight) => { top.push(y); height.push(rowHeight); first.push(from); };
    // Place photos from `left` on, with a row's exact height: rounded, they end at the same pixel.
    const place = (from, to, left, exact) => {
      let at = left;
      for (let i = from; i < to; i++) {
        const end = at + RATIOS[codes[i]] * exact;
        x[i] = Math.round(at);
        w[i] = Math.max(1, Math.round(end) - x[i]);
        at = end + GAP;
      }
    };
    const dayHead = (day, left, most) =>
      heads.push({ top: y, left, width: most, row: top.length, day, month: false });

    // Many photos of one day: rows that fill the width, but for the last.
    const block = (from, to) => {
      let start = from, sum = 0;
      const close = (end, exact) => {
        row(start, Math.round(exact));
        place(start, end, 0, exact);
        y += Math.round(exact) + GAP;
        start = end;
        sum = 0;
      };
      for (let i = from; i < to; i++) {
        const ratio = RATIOS[codes[i]];
        const filled = (width - GAP * (i - start)) / (sum + ratio);
        if (filled > usual) { sum += ratio; continue; }
        const without = i > start ? (width - GAP * (i - start - 1)) / sum : Infinity;
        if (without * filled <= usual * usual) {
          close(i, without);
          sum = ratio;
          if ((width / ratio) <= usual) close(i + 1, width / ratio);
        } else {
          close(i + 1, filled);
        }
      }
      if (start < to) {
        const filled = (width - GAP * (to - start - 1)) / sum;
        close(to, filled <= MOST * usual ? filled : usual);
      }
      y += AFTER - GAP;
    };

    // Days of few photos share a row.
    let shared = [], least = 0; // {day, from, count, sum}, and their width at the least height
    const widthOf = (it, exact) => Math.max(NARROWEST, it.sum * exact + GAP * (it.count - 1));
    const closeShared = () => {
      if (!shared.length) return;
      let exact = usual;
      for (let turn = 0; turn < 4; turn++) { // what is as wide as its heading does not grow
        let fixed = between * (shared.length - 1), sum = 0;
        for (const it of shared) {
          if (widthOf(it, exact) > NARROWEST) { sum += it.sum; fixed += GAP * (it.count - 1); }
          else fixed += NARROWEST;
        }
        if (!sum) break;
        exact = (width - fixed) / sum;
      }
      const total = shared.reduce((all, it) => all + widthOf(it, exact), between * (shared.length - 1));
      if (!(exact <= MOST * usual) || total > width + 1) exact = Math.min(usual, exact);
      if (exact < LEAST * usual) exact = LEAST * usual;
      let left = 0;
      for (const it of shared) {
        const wide = widthOf(it, exact);
        dayHead(it.day, Math.round(left), Math.round(wide));
        place(it.from, it.from + it.count, left, exact);
        left += wide + between;
      }
      y += DAY;
      row(shared[0].from, Math.round(exact));
      y += Math.round(exact) + AFTER;
      shared = [];
      least = 0;
    };

    let month = null, from = 0;
    days.forEach(([name, count], day) => {
      const to = from + count;
      if (name.slice(0, -3) !== month) {
        closeShared();
        month = name.slice(0, -3);
        heads.push({ top: y, left: 0, width, row: top.length, day, month: true });
        y += MONTH;
      }
      if (!name) {
        block(from, to);
        from = to;
        return;
      }
      let sum = 0;
      for (let i = from; i < to; i++) sum += RATIOS[codes[i]];
      const it = { day, from, count, sum };
      const narrow = widthOf(it, LEAST * usual);
      if (shared.length && least + between + narrow > width) closeShared();
      if (widthOf(it, usual) <= width || narrow <= width && !shared.length) {
        least += narrow + (shared.length ? between : 0);
        shared.push(it);
      } else {
        closeShared();
        dayHead(day, 0, width);
        y += DAY;
        block(from, to);
      }
      from = to;
    });
    closeShared();
    first.push(n);
    return {
      length: n, width, height: Math.max(0, y), x, w, heads,
      top: Int32Array.from(top), rowHeight: Int32Array.from(height), first: Int32Array.from(first),
    };
  }

  // The last place in a rising array whose value is at most `value`, or -1.
  const lastAtMost = (rising, value, length = rising.length) => {
    let low = 0, high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rising[middle] <= value) low = middle + 1; else high = middle;
    }
    return low - 1;
  };

  /**
   * Lay out an album.
   * days: [[day, photos], ...] in order. codes: Uint8Array, the shape of each photo.
   * Returns {length, width, height, x, w: of each photo, top, rowHeight, first: of each row, heads}.
   */
  const layOut = (days, codes, width) => {
    let usual = usualHeight(width);
    let plan = lay(days, codes, width, usual);
    while (plan.height > HIGHEST && usual > 20) plan = lay(days, codes, width, usual *= 0.7);
    plan.rows = plan.top.length;
    plan.rowOf = (index) => lastAtMost(plan.first, index, plan.rows);
    plan.rowAt = (y) => Math.max(0, lastAtMost(plan.top, y));
    plan.months = plan.heads.filter((head) => head.month);
    return plan;
  };
  return { layOut, lastAtMost };
})();
