// Photos of the timeline by their place: asked from the server in pages, and forgotten far away.
window.album = window.album || {};
window.album.timelinePhotos = (() => {
  const PAGE = 200; // photos of one answer
  const KEPT = 12; // pages in memory
  const JUMP_MS = 120; // a place that is passed this quickly is not asked for
  const RETRY_MS = 2_000;

  // `got` is called when photos have come, `lost` with whether the last answer failed, `stale` when
  // the server no longer knows the revision.
  return (address, revision, { got, lost, stale }) => {
    const pages = new Map(); // page -> photos, a promise of them, or null after a failure
    const asked = new Map(); // page -> AbortController
    let wanted = [0, 0];
    let timer = 0, again = 0, closed = false;

    const at = (index) => pages.get(Math.floor(index / PAGE))?.[index % PAGE];

    const forget = () => {
      if (pages.size <= KEPT) return;
      const middle = (wanted[0] + wanted[1]) / 2 / PAGE;
      const far = [...pages.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
      far.slice(0, pages.size - KEPT).forEach((page) => pages.delete(page));
    };

    const ask = async (page) => {
      const stop = new AbortController();
      asked.set(page, stop);
      const query = `revision=${revision}&from=${page * PAGE}&count=${PAGE}`;
      try {
        const url = `timeline/photos${address ? `${address}&` : '?'}${query}`;
        const answer = await fetch(url, { signal: stop.signal });
        if (closed) return;
        if (answer.status === 409) { stale(); return; }
        if (!answer.ok) throw new Error(answer.status);
        pages.set(page, await answer.json());
        forget();
        lost(false);
        if (!closed) got(page * PAGE, (page + 1) * PAGE);
      } catch (error) {
        if (error.name === 'AbortError' || closed) return;
        lost(true);
        clearTimeout(again);
        again = setTimeout(askWanted, RETRY_MS);
      } finally {
        if (asked.get(page) === stop) asked.delete(page);
      }
    };

    const askWanted = () => {
      const [from, to] = wanted;
      const first = Math.floor(from / PAGE), last = Math.floor(Math.max(from, to - 1) / PAGE);
      for (const [page, stop] of asked) if (page < first || page > last) stop.abort();
      for (let page = first; page <= last && to > from; page++) {
        if (!pages.has(page) && !asked.has(page)) ask(page);
      }
    };

    // Photos that are on the screen, or will be soon.
    const want = (from, to, passing) => {
      wanted = [from, to];
      clearTimeout(timer);
      if (passing) timer = setTimeout(askWanted, JUMP_MS); else askWanted();
    };

    // One photo, wherever it is.
    const load = async (index) => {
      if (at(index) === undefined) {
        const page = Math.floor(index / PAGE);
        await ask(page);
      }
      return at(index) ?? null;
    };

    const indexOf = (id) => {
      for (const [page, photos] of pages) {
        const place = photos.findIndex((photo) => photo?.id === id);
        if (place >= 0) return page * PAGE + place;
      }
      return -1;
    };

    // What somebody changed, such as a heart, is asked for once more.
    const refresh = (index) => {
    const page = Math.floor(index / PAGE);
    if (index >= 0 && pages.has(page) && !asked.has(page)) ask(page);
  };

    const close = () => {
      closed = true;
      clearTimeout(timer);
      clearTimeout(again);
      asked.forEach((stop) => stop.abort());
    };
    return { at, want, load, indexOf, refresh, close };
  };
})();
